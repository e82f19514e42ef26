"""Placement: where a message goes, and what it makes true there."""

from dataclasses import dataclass

from marketplace.core.entry import split
from marketplace.core.merkle import leaf_hash
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation
from marketplace.core.values import Digest, Json
from marketplace.ports.index import ListingRow
from marketplace.ports.store import Record


@dataclass(frozen=True, slots=True)
class Placement:
    """A thread's next position.

    Attributes:
        thread: the negotiation's id, the digest of a listing's first version, an agent.
        position: from 0 without gaps.
        parties: who is told.
        received_at: the registry's receipt time; never before the thread's last.
        after: the negotiation with this message; None outside a negotiation.
        requires: threads and the lengths that they must still have when this is stored.
        listing: the row by which the listing is found from now on.
        due_at: as in ``Record``.
    """

    thread: str
    position: int
    parties: tuple[str, ...]
    received_at: int
    after: Negotiation | None = None
    requires: tuple[tuple[str, int], ...] = ()
    listing: ListingRow | None = None
    due_at: int | None = None

    def record(
        self,
        message: Message,
        envelope: dict[str, Json],
        salt: Digest,
        said_at: int | None = None,
    ) -> Record:
        """What is to be appended.

        Args:
            message: the word that goes here.
            envelope: the same as it travels.
            salt: 256 random bits, for the body.
            said_at: of a word that is handed in later.
        """
        leaf, body = split(envelope, self.received_at, salt, said_at)
        return Record(
            kind=message.kind.value,
            digest=message.digest,
            signer=message.signer,
            thread=self.thread,
            position=self.position,
            parties=self.parties,
            leaf=leaf,
            leaf_hash=leaf_hash(leaf),
            body=body,
            received_at=self.received_at,
            requires=self.requires,
            listing=self.listing,
            due_at=self.due_at,
        )
