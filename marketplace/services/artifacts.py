"""Artifacts: what one party leaves for the other, named by its SHA-256.

A party signs (negotiation, digest), so that only the two parties of a negotiation can
use the registry's space, and each only a bounded number of times: neither can take the
other's room.
"""

from dataclasses import dataclass
from hashlib import sha256

from marketplace.core.errors import ArtifactMissing, ArtifactsFull, DigestMismatch, NotAParty
from marketplace.core.identity import Scope
from marketplace.core.login import Caller
from marketplace.core.signature import recover
from marketplace.core.values import Address, Digest
from marketplace.core.words import Upload
from marketplace.ports.artifacts import Artifact, ArtifactStore
from marketplace.services.negotiations import Negotiations

MOST_ARTIFACTS = 8


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Bytes beside the log: the log commits to them, it does not hold them."""

    store: ArtifactStore
    negotiations: Negotiations

    async def authorise(
        self, upload: Upload, signature: str, caller: Caller | None = None
    ) -> Address:
        """In which party's name it is signed for; asked before the body is read.

        A party's own key signs for itself. A delegate's signs for who it has logged in for.
        """
        negotiation, _ = await self.negotiations.replay(upload.negotiation)
        signer = recover(upload.digest(negotiation.domain), signature)
        parties = negotiation.invitation.buyer, negotiation.invitation.seller
        if caller is not None and signer == caller.actor and signer not in parties:
            caller.check(Scope.UPLOAD)
            signer = caller.account
        if signer not in parties:
            raise NotAParty(signer, " ".join(parties))
        return signer

    async def put(self, upload: Upload, signer: Address, data: bytes) -> None:
        """Keep the bytes; again is no error. Raises the named reason and keeps nothing."""
        computed = "0x" + sha256(data).hexdigest()
        if computed != upload.artifact:
            raise DigestMismatch(upload.artifact, computed)
        artifact = Artifact(upload.negotiation, upload.artifact, signer, data)
        if not await self.store.put_artifact(artifact, MOST_ARTIFACTS):
            raise ArtifactsFull(signer, MOST_ARTIFACTS)

    async def get(self, negotiation: Digest, digest: Digest) -> bytes:
        """The bytes; raises ArtifactMissing."""
        found = await self.store.artifact(negotiation, digest)
        if found is None:
            raise ArtifactMissing(digest)
        return found.data
