"""Reputation: a seller's settled deals, counted from the chain.

A settled deal moved money from a buyer who let it go, or let the review window pass; it
costs gas and, with a fee, the fee. It says no more than that: two keys of one owner can
settle with each other.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from marketplace.core.deal import DealState
from marketplace.core.values import Address, Digest
from marketplace.ports.chain import DealEvent
from marketplace.ports.index import ListingIndex

# What lies so many blocks back is counted; a reorganisation of less changes nothing.
CONFIRMATIONS = 12

Events = Callable[[int, int], Awaitable[list[DealEvent]]]
Height = Callable[[], Awaitable[int]]


@dataclass
class Reputation:
    """Counts once, and says what it has counted to the index.

    Attributes:
        index: where searches read the counts.
        events: the escrow's events from one block to another, both included.
        height: the latest block.
        confirmations: how far behind it the counting stays.
    """

    index: ListingIndex
    events: Events
    height: Height
    confirmations: int = CONFIRMATIONS
    _sellers: dict[Digest, Address] = field(default_factory=dict)
    _counts: "Counter[Address]" = field(default_factory=Counter)
    _counted: int = -1

    async def run_once(self) -> int:
        """Count what has been confirmed since; returns the block up to which it was."""
        until = await self.height() - self.confirmations
        if until <= self._counted:
            return self._counted
        # Nothing is taken as counted before the index has it: what failed is counted again.
        sellers, gained = dict(self._sellers), Counter[Address]()
        for event in await self.events(self._counted + 1, until):
            seller = _settled(event, sellers)
            if seller is not None:
                gained[seller] += 1
        counts = self._counts + gained
        await self.index.settled({seller: counts[seller] for seller in gained}, until)
        self._sellers, self._counts, self._counted = sellers, counts, until
        return until


def _settled(event: DealEvent, sellers: dict[Digest, Address]) -> Address | None:
    """Whose deal an event settles; ``sellers`` holds those of the deals that are open."""
    if event.name == "Opened":
        sellers[event.deal] = str(event.values["seller"])
    elif event.name == "Swapped":
        return str(event.values["seller"])
    elif event.name == "Paid" and event.values["state"] == DealState.RELEASED:
        return sellers.pop(event.deal, None)
    elif event.name == "Paid":
        sellers.pop(event.deal, None)
    return None
