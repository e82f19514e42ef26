"""Chores: what a registry does without being asked, again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from marketplace.core.errors import ParleyError, StoreUnavailable

PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to do, and the pause between its runs, in seconds."""

    run: Callable[[], Awaitable[object]]
    pause: float

    async def repeat(self) -> None:
        """Until cancelled; what fails by name is tried again after the pause."""
        while True:
            with suppress(ParleyError):
                await self.run()
            await asyncio.sleep(self.pause)


async def persist(begin: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Begin, and again for so many seconds where the store does not answer.

    Raises:
        StoreUnavailable: it still does not.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while True:
        try:
            return await begin()
        except StoreUnavailable:
            if clock() >= until:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
