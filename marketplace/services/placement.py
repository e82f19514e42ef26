"""Placement: where a message goes, and what it makes true there."""

from dataclasses import dataclass

from marketplace.core.negotiation import Negotiation


@dataclass(frozen=True, slots=True)
class Placement:
    """A thread's next position.

    Attributes:
        thread: the negotiation's id, or the digest of a listing's first version.
        position: from 0 without gaps.
        parties: who is told.
        received_at: the registry's receipt time; never before the thread's last.
        after: the negotiation with this message; None for a listing.
        requires: a thread and the length that it must still have when this is stored.
    """

    thread: str
    position: int
    parties: tuple[str, str]
    received_at: int
    after: Negotiation | None = None
    requires: tuple[str, int] | None = None
