"""Chores: what a registry does without being asked, again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from marketplace.core.errors import ParleyError, StoreUnavailable

PAUSE_SECONDS = 0.5
# Between two words on what is waited for.
TELL_SECONDS = 5.0

# Takes why the store does not answer, and for how many seconds it is still waited for.
Tell = Callable[[str, float], None]


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


async def persist(begin: Callable[[], Awaitable[None]], seconds: float, tell: Tell) -> None:
    """Begin, and again for so many seconds where the store does not answer.

    ``tell`` hears at once what is waited for, and again as long as it is.

    Raises:
        StoreUnavailable: it still does not.
    """
    clock = asyncio.get_running_loop().time
    until, tell_at = clock() + seconds, clock()
    while True:
        try:
            return await begin()
        except StoreUnavailable as error:
            if clock() >= until:
                raise
            if clock() >= tell_at:
                tell(error.reason, until - clock())
                tell_at = clock() + TELL_SECONDS
        await asyncio.sleep(PAUSE_SECONDS)
