"""Reputation: a seller's settled deals, counted from the chain.

A settled deal moved money from a buyer who let it go, or let the review window pass; it
costs gas and, with a fee, the fee. It says no more than that: two keys of one owner can
settle with each other.

Where the counting stands, and which deals are open there, is in the index with the counts,
and changes with them: a restart goes on, and of several processes each block counts once.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from marketplace.core.position import OPEN_STATES, DealState
from marketplace.core.values import Address, Digest
from marketplace.ports.chain import DealEvent
from marketplace.ports.index import ListingIndex, Tally

# What lies so many blocks back is counted; a reorganisation of less changes nothing.
CONFIRMATIONS = 12
# No append to the log waits for more events than these, and one block's, to be added.
EVENTS_AT_ONCE = 500

Events = Callable[[int, int], Awaitable[list[DealEvent]]]
Height = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Reputation:
    """Counts once, and keeps what it has counted in the index.

    Attributes:
        escrow: names the escrow to the index.
        index: where searches read the counts.
        events: the escrow's events from one block to another, both included.
        height: the latest block.
        confirmations: how far behind it the counting stays.
    """

    escrow: str
    index: ListingIndex
    events: Events
    height: Height
    confirmations: int = CONFIRMATIONS

    async def run_once(self) -> int:
        """Count what has been confirmed since; returns the block up to which it was."""
        counted = await self.index.settled_block(self.escrow)
        until = await self.height() - self.confirmations
        if until <= counted:
            return counted
        for block, events in stretches(await self.events(counted + 1, until), until):
            known = await self.index.open_deals([e.deal for e in events if e.name == "Paid"])
            gained, opened, ended = tally(events, known)
            added = Tally(self.escrow, counted, block, gained, opened, ended)
            if not await self.index.settled(added):
                break  # another process counts
            counted = block
        return counted


def stretches(events: Sequence[DealEvent], until: int) -> Iterator[tuple[int, list[DealEvent]]]:
    """Events in parts that end with a block, each with it; the last part ends with ``until``."""
    part: list[DealEvent] = []
    for block, those in groupby(events, lambda event: event.block):
        if len(part) >= EVENTS_AT_ONCE:
            yield block - 1, part
            part = []
        part += those
    yield until, part


def tally(
    events: Sequence[DealEvent], known: Mapping[Digest, Address]
) -> tuple[Mapping[Address, int], Mapping[Digest, Address], Sequence[Digest]]:
    """Settled deals by seller, deals that are open yet, and those of the known that ended."""
    gained, opened = Counter[Address](), dict(known)
    for event in events:
        match event.name:
            case "Opened":
                opened[event.deal] = str(event.values["seller"])
            case "Swapped":
                gained[str(event.values["seller"])] += 1
            # What is paid in parts is paid from an open deal, until the last of them.
            case "Paid" if event.values["state"] not in OPEN_STATES:
                seller = opened.pop(event.deal, None)
                if seller is not None and event.values["state"] == DealState.RELEASED:
                    gained[seller] += 1
    ended = [deal for deal in known if deal not in opened]
    return gained, {deal: of for deal, of in opened.items() if deal not in known}, ended
