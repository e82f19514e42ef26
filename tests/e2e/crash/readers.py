"""Subscribers: they go on after the last event that came whole."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from crash.house import House
from crash.logins import token
from crash.raw import BrokenError, Connection
from marketplace.core.signature import address_of

RETRY_SECONDS = 0.2
EVENT = re.compile(rb"id: (\d+)\nevent: (\w+)\ndata: (.*)\Z", re.DOTALL)


@dataclass
class Reader:
    """Follows one party's events, or everybody's.

    Attributes:
        house: whose events.
        key: the party's key; None: everything.
        private: whether it must log in.
        told: index and position of each event, as they came.
    """

    house: House
    key: bytes | None
    private: Callable[[], bool]
    told: list[tuple[int, int]] = field(default_factory=list)
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def party(self) -> str:
        """Its address, or nothing."""
        return address_of(self.key) if self.key else ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(BrokenError):
                await self._follow()
            await asyncio.sleep(RETRY_SECONDS)

    async def heard(self, events: int, seconds: float) -> None:
        """Wait until so many events came, but not longer than that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.told) < events:
                    self._came.clear()
                    await self._came.wait()

    async def _follow(self) -> None:
        headers: dict[str, str] = await self._headers()
        resumed = bool(self.told)
        if resumed:
            headers["last-event-id"] = str(self.told[-1][0])
        path = f"/v1/events?party={self.party}&start=0"
        async for event in Connection(self.house.port).events(path, headers):
            # Counted once something came: a connection that was refused resumed nothing.
            self.house.counts["streams resumed"] += resumed
            resumed = False
            self._take(event)

    async def _headers(self) -> dict[str, str]:
        if self.key is None or not self.private():
            return {}
        return {"authorization": f"Bearer {await token(self.house.port, self.key)}"}

    def _take(self, event: bytes) -> None:
        found = EVENT.match(event)
        if found is None:
            self.house.blame("torn event", event)
            return
        index, kind, data = int(found[1]), found[2].decode(), json.loads(found[3])
        shown = data["message"] is not None or self.key is None or kind == "timeout"
        if (data["index"], data["kind"], shown) != (index, kind, True):
            self.house.blame("event differs", event)
        self.told.append((index, data["sequence"]))
        self._came.set()
