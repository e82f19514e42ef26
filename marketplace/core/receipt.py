"""Receipts: a log's word on one entry, checked by who holds the message.

1. The leaf is an entry of this very message: kind, signer, digest and negotiation are its
   own, and with the salt the body is the one that the leaf commits to.
2. The inclusion proof leads from the leaf, at its index, to the checkpoint's root.
3. The log's key signed the checkpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.core.checkpoint import Checkpoint, LogName
from marketplace.core.entry import CARRIED, read
from marketplace.core.errors import LeafDiffers
from marketplace.core.merkle import Proof, check_inclusion, leaf_hash
from marketplace.core.signature import Signature
from marketplace.core.values import Json, canonical, shown

_SAME = ("kind", "signer", "digest", "negotiation")


@dataclass(frozen=True, slots=True)
class Proven:
    """What a receipt says of the log.

    Attributes:
        index: the entry's place.
        leaf: its public bytes.
        salt: of the body; empty where there is none any more.
        proof: of its inclusion.
        checkpoint: under which.
        signature: of the log's key over the checkpoint.
    """

    index: int
    leaf: bytes
    salt: str
    proof: Proof
    checkpoint: Checkpoint
    signature: Signature

    def check(self, name: LogName, envelope: Mapping[str, Json]) -> None:
        """Raise unless the log of that name has just this message.

        Raises:
            LeafDiffers: the leaf is of another message.
            DigestMismatch: it commits to another body.
            NotIncluded, ProofMalformed: the proof does not lead to the root.
            CheckpointForeign, WrongSigner: another log's, or not signed by this one's key.
        """
        carried = {each: envelope[each] for each in CARRIED if each in envelope}
        body = canonical({**carried, "salt": self.salt}) if carried and self.salt else b""
        logged = read(self.leaf, body)
        has = logged.envelope if logged.envelope is not None else logged.leaf
        for member in _SAME:
            if has.get(member) != envelope.get(member):
                raise LeafDiffers(member, shown(envelope.get(member)), shown(has.get(member)))
        check_inclusion(leaf_hash(self.leaf), self.index, self.checkpoint.tree, self.proof)
        name.check(self.checkpoint, self.signature)
