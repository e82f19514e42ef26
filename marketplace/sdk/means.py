"""Means: what one party negotiates and settles with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from marketplace.core.errors import ArtifactMissing, DeliverableWrong
from marketplace.core.values import Digest
from marketplace.core.words import Upload
from marketplace.ports.chain import Account, ChainView, Escrow
from marketplace.ports.channel import Channel
from marketplace.sdk.boxes import Boxes
from marketplace.sdk.signer import Signer

PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Means:
    """A party's channel, signer, chain, randomness and boxes."""

    registry: Channel
    signer: Signer
    chain: ChainView
    escrow: Escrow
    account: Account
    random_bytes32: Callable[[], Digest]
    boxes: Boxes

    def put(self, negotiation: Digest, data: bytes) -> Digest:
        """Leave bytes for the counterparty; returns their SHA-256."""
        artifact = sha256_hex(data)
        signature = self.signer.upload(Upload(negotiation, artifact))
        self.registry.put_artifact(negotiation, artifact, data, signature)
        return artifact

    def get(self, negotiation: Digest, artifact: Digest, patience: float | None = None) -> bytes:
        """The bytes of this SHA-256, waiting a little for who is still sending them.

        Raises:
            ArtifactMissing: nobody sent them in ``patience``, else ``PATIENCE_SECONDS``.
            DeliverableWrong: the registry gave others.
        """
        seconds = PATIENCE_SECONDS if patience is None else patience
        data = self._wait_for(negotiation, artifact, seconds)
        if sha256_hex(data) != artifact:
            raise DeliverableWrong(artifact, sha256_hex(data))
        return data

    def _wait_for(self, negotiation: Digest, artifact: Digest, seconds: float) -> bytes:
        ends = time.monotonic() + seconds
        while True:
            try:
                return self.registry.artifact(negotiation, artifact)
            except ArtifactMissing:
                if time.monotonic() >= ends:
                    raise
            time.sleep(POLL_SECONDS)


def sha256_hex(data: bytes) -> Digest:
    """SHA-256 as artifacts are named by it."""
    return "0x" + sha256(data).hexdigest()
