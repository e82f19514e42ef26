"""A bus inside one event loop."""

import asyncio


class MemorySignal:
    """One asyncio event, bounded in time."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, seconds: float) -> bool:
        """True once published, False after the time has passed."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True


class MemoryBus:
    """Each publication sets the event that readers hold and replaces it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def publish(self) -> None:
        """Wake every reader."""
        woken, self._event = self._event, asyncio.Event()
        woken.set()

    def signal(self) -> MemorySignal:
        """The next wake-up."""
        return MemorySignal(self._event)
