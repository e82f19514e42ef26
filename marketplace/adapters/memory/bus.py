"""A bus inside one event loop."""

import asyncio
from collections.abc import Iterable
from weakref import WeakValueDictionary

EVERYTHING = ""


class MemorySignal:
    """One asyncio event, bounded in time."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, seconds: float) -> bool:
        """True once published, False after the time has passed."""
        try:
            # Here, and not in a task of its own as wait_for would: readers wait for every word.
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


class MemoryBus:
    """A party's readers hold one event; a publication sets and forgets it.

    The bus itself holds none: where nobody waits any more, nothing is remembered.
    """

    alone = True

    def __init__(self) -> None:
        self._events: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """Nothing to end."""

    def publish(self, parties: Iterable[str]) -> None:
        """Wake the readers of these parties, and those of everything."""
        for party in (*parties, EVERYTHING):
            event = self._events.pop(party, None)
            if event is not None:
                event.set()

    def publish_all(self) -> None:
        """Wake every reader."""
        self.publish(list(self._events))

    def signal(self, party: str = EVERYTHING) -> MemorySignal:
        """The next wake-up about a party, or about anything."""
        event = self._events.get(party)
        if event is None:
            self._events[party] = event = asyncio.Event()
        return MemorySignal(event)
