"""Feed: the log from an index on, for as long as a reader stays."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from marketplace.ports.bus import Bus
from marketplace.ports.store import Entry, Store
from marketplace.services.recent import Recent

PAGE = 200
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
            page = await self.store.entries(start, limit, party)
            left = until - clock()
            if page or left <= 0:
                return page
            await signal.wait(left)

    async def follow(self, start: int, party: str = "") -> AsyncIterator[Entry | None]:
        """Entries from an index on, nothing lost and nothing twice; None is a heartbeat."""
        following, clock = start, asyncio.get_running_loop().time
        due = clock() + HEARTBEAT_SECONDS
        while True:
            signal = self.bus.signal(party)
            page = self.recent.since(following, party)
            if page is None:
                page = await self.store.entries(following, PAGE, party)
            for entry in page:
                yield entry
                following = entry.index + 1
            if page:
                due = clock() + HEARTBEAT_SECONDS
            elif clock() < due:
                # Words for others wake this reader too, and must not put its heartbeat off.
                await signal.wait(due - clock())
            else:
                yield None
                due = clock() + HEARTBEAT_SECONDS
