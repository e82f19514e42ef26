"""Placement: where a message goes, and what it makes true there."""

from dataclasses import dataclass

from marketplace.core.negotiation import Negotiation
from marketplace.ports.index import ListingRow


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
