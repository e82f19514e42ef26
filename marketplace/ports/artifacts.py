"""The artifacts port: bytes beside the log."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes that one party leaves for the other: a job, rows, a result."""

    negotiation: str
    digest: str
    signer: str
    data: bytes


class ArtifactStore(Protocol):
    """Where artifacts are kept."""

    async def put_artifact(self, artifact: Artifact, most: int) -> bool:
        """Keep an artifact, once; False where its signer has ``most`` others there already."""
        ...

    async def artifact(self, negotiation: str, digest: str) -> Artifact | None:
        """The artifact, or None."""
        ...
