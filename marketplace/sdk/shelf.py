"""The shelf: bytes that an agent leaves for others, by their SHA-256."""

import os
import threading
from hashlib import sha256
from pathlib import Path

from marketplace.core.errors import (
    ArtifactMissing,
    ArtifactsFull,
    BodyTooLarge,
    DigestMismatch,
)
from marketplace.core.values import Digest
from marketplace.sdk.peer import MOST_ARTIFACT

MOST_ARTIFACTS = 8


class Shelf:
    """In memory, where no folder is given; a file is whole or not there."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[tuple[Digest, Digest], bytes] = {}
        self._lock = threading.Lock()

    def put(self, negotiation: Digest, artifact: Digest, data: bytes) -> None:
        """Keep the bytes; again is no error."""
        computed = "0x" + sha256(data).hexdigest()
        if computed != artifact:
            raise DigestMismatch(artifact, computed)
        if len(data) > MOST_ARTIFACT:
            raise BodyTooLarge(len(data), MOST_ARTIFACT)
        with self._lock:
            if self.get(negotiation, artifact) is not None:
                return
            if self._count(negotiation) >= MOST_ARTIFACTS:
                raise ArtifactsFull(negotiation, MOST_ARTIFACTS)
            if self._folder is None:
                self._held[negotiation, artifact] = data
            else:
                _write(self._folder / negotiation / artifact, data)

    def get(self, negotiation: Digest, artifact: Digest) -> bytes | None:
        """The bytes, or None."""
        if self._folder is None:
            return self._held.get((negotiation, artifact))
        path = self._folder / negotiation / artifact
        return path.read_bytes() if path.exists() else None

    def take(self, negotiation: Digest, artifact: Digest) -> bytes:
        """The bytes; raises ArtifactMissing."""
        found = self.get(negotiation, artifact)
        if found is None:
            raise ArtifactMissing(artifact)
        return found

    def _count(self, negotiation: Digest) -> int:
        if self._folder is None:
            return sum(named == negotiation for named, _ in self._held)
        folder = self._folder / negotiation
        return sum(not path.suffix for path in folder.iterdir()) if folder.exists() else 0


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(".part")
    with begun.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    begun.rename(path)
