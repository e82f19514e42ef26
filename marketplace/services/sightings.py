"""Sightings: what happens to deals on chain is written into the log.

Events have a thread of their own for each escrow, in the chain's order, so that of several
workers only one is ever next, and a restart goes on after the last that is there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from marketplace.core.entry import read
from marketplace.core.errors import SequenceTaken
from marketplace.core.merkle import leaf_hash
from marketplace.core.sighting import EVENT, Sighting
from marketplace.core.values import Address
from marketplace.ports.chain import DealEvent
from marketplace.ports.clock import Clock
from marketplace.ports.store import Entry, Record, Store
from marketplace.services.log import Log

Events = Callable[[int, int], Awaitable[list[DealEvent]]]
Height = Callable[[], Awaitable[int]]
# Blocks that are asked for at once: a node answers for so many events only.
BLOCKS = 10_000


@dataclass
class Sightings:
    """Follows one escrow.

    Attributes:
        chain_id: the chain.
        escrow: whose events.
        store: where the last of them is.
        log: where they go.
        clock: when they are seen.
        events: the escrow's events from one block to another, both included.
        height: the latest block.
        confirmations: how far behind it this stays; what lies deeper is taken for final.
    """

    chain_id: int
    escrow: Address
    store: Store
    log: Log
    clock: Clock
    events: Events
    height: Height
    confirmations: int
    _next: int = -1

    @property
    def thread(self) -> str:
        """The events' thread."""
        return f"{EVENT}s of {self.escrow} on {self.chain_id}"

    async def run_once(self) -> int:
        """Write down what has been confirmed since; returns how many events that were."""
        last = await self.store.last(self.thread)
        position = last.record.position + 1 if last else 0
        if self._next < 0:
            # The last event's block again: there may be more of it.
            self._next = _block(last) if last else 0
        until = await self.height() - self.confirmations
        if until + self.confirmations < self._next - 1:
            # A node once told of blocks that are not there yet, and no events of them.
            self._next = _block(last) if last else 0
        seen = 0
        while self._next <= until:
            end = min(until, self._next + BLOCKS - 1)
            for event in await self.events(self._next, end):
                seen += await self._see(event, position + seen)
            self._next = end + 1
        return seen

    async def _see(self, event: DealEvent, position: int) -> bool:
        sighting = Sighting(
            chain_id=self.chain_id,
            escrow=self.escrow,
            name=event.name,
            deal=event.deal,
            values={name: str(value) for name, value in event.values.items()},
            at=event.at,
            block=event.block,
            transaction=event.transaction,
            log_index=event.log_index,
        )
        now = self.clock.now()
        leaf = sighting.leaf(now)
        record = Record(
            kind=EVENT,
            digest=sighting.digest,
            signer="",
            thread=self.thread,
            position=position,
            parties=(),
            leaf=leaf,
            leaf_hash=leaf_hash(leaf),
            body=b"",
            received_at=now,
        )
        try:
            entry = await self.log.append(record)
        except SequenceTaken:
            # Another worker is ahead: begin anew after what it has written.
            self._next = -1
            raise
        return entry.is_of(record)


def _block(entry: Entry) -> int:
    sighting = read(entry.record.leaf, b"").sighting
    return sighting.block if sighting else 0
