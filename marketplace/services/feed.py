"""Feed: the log from an index on, for as long as a reader stays."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

from marketplace.ports.bus import Bus
from marketplace.ports.store import Entry, Store
from marketplace.services.recent import Recent

PAGE = 200
# Entries are read by the step until they are so many bytes: a page that nobody reads is held.
STEP, MOST_BYTES = 32, 2 * 1024 * 1024
HEARTBEAT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Feed:
    """Replays from the durable log; the bus only says when to look again."""

    store: Store
    recent: Recent
    bus: Bus

    async def poll(self, start: int, limit: int, party: str, seconds: float) -> list[Entry]:
        """Entries from an index on, waiting so long for the first."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while True:
            signal = self.bus.signal(party)
            found = self.recent.since(start, party)
            if found is None:
                found = await page(self.store, start, limit, party)
            found = list(_bounded(found[:limit]))
            left = until - clock()
            if found or left <= 0:
                return found
            await signal.wait(left)

    async def follow(self, start: int, party: str = "") -> AsyncIterator[Entry | None]:
        """Entries from an index on, nothing lost and nothing twice; None is a heartbeat."""
        following, clock = start, asyncio.get_running_loop().time
        due = clock() + HEARTBEAT_SECONDS
        while True:
            signal = self.bus.signal(party)
            found = self.recent.since(following, party)
            if found is None:
                found = await page(self.store, following, PAGE, party)
            for entry in found:
                yield entry
                following = entry.index + 1
            if found:
                due = clock() + HEARTBEAT_SECONDS
            elif clock() < due:
                # Words for others wake this reader too, and must not put its heartbeat off.
                await signal.wait(due - clock())
            else:
                yield None
                due = clock() + HEARTBEAT_SECONDS


async def page(store: Store, start: int, limit: int, party: str = "") -> list[Entry]:
    """At most so many entries from an index on, and no more once they are MOST_BYTES."""
    found: list[Entry] = []
    while len(found) < limit and sum(map(_weight, found)) < MOST_BYTES:
        most = min(STEP, limit - len(found))
        step = await store.entries(found[-1].index + 1 if found else start, most, party)
        found += step
        if len(step) < most:
            break
    return list(_bounded(found))


def _bounded(entries: Iterable[Entry]) -> Iterator[Entry]:
    size = 0
    for entry in entries:
        if size >= MOST_BYTES:
            return
        size += _weight(entry)
        yield entry


def _weight(entry: Entry) -> int:
    return len(entry.record.leaf) + len(entry.record.body)
