"""A bus inside one event loop."""

import asyncio
from collections.abc import Iterable
from weakref import WeakValueDictionary

EVERYTHING = ""


class Bell:
    """Rings once, for all who wait for it."""

    __slots__ = ("__weakref__", "_waiting", "rung")

    def __init__(self) -> None:
        self.rung = False
        self._waiting: set[asyncio.Future[bool]] = set()

    def ring(self) -> None:
        """Wake them."""
        self.rung = True
        for waiting in self._waiting:
            _settle(waiting, rung=True)

    async def wait(self, seconds: float) -> bool:
        """Whether it has rung before so much time has passed."""
        if self.rung:
            return True
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[bool] = loop.create_future()
        self._waiting.add(waiting)
        # A timer and no more: readers wait for every word, and a time-out that is raised costs
        # them a task or a traceback.
        timer = loop.call_later(seconds, lambda: _settle(waiting, rung=False))
        try:
            return await waiting
        finally:
            timer.cancel()
            self._waiting.discard(waiting)


def _settle(waiting: "asyncio.Future[bool]", *, rung: bool) -> None:
    if not waiting.done():
        waiting.set_result(rung)


class MemorySignal:
    """The next ring of a bell."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell

    async def wait(self, seconds: float) -> bool:
        """True once published, False after the time has passed."""
        return await self._bell.wait(seconds)


class MemoryBus:
    """A party's readers hold one bell; a publication rings and forgets it.

    The bus itself holds none: where nobody waits any more, nothing is remembered.
    """

    alone = True

    def __init__(self) -> None:
        self._bells: WeakValueDictionary[str, Bell] = WeakValueDictionary()

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """Nothing to end."""

    def publish(self, parties: Iterable[str]) -> None:
        """Wake the readers of these parties, and those of everything."""
        for party in (*parties, EVERYTHING):
            bell = self._bells.pop(party, None)
            if bell is not None:
                bell.ring()

    def publish_all(self) -> None:
        """Wake every reader."""
        self.publish(list(self._bells))

    def signal(self, party: str = EVERYTHING) -> MemorySignal:
        """The next wake-up about a party, or about anything."""
        bell = self._bells.get(party)
        if bell is None:
            self._bells[party] = bell = Bell()
        return MemorySignal(bell)
