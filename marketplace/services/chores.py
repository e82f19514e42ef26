"""Chores: what a registry does without being asked, again and again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from marketplace.core.errors import ParleyError, StoreUnavailable

PAUSE_SECONDS = 0.5
# Between two words on what is waited for.
TELL_SECONDS = 5.0

# What is asked first of a part that may not answer keeps nobody waiting for longer.
FIRST_SECONDS = 10.0

_log = logging.getLogger(__name__)

# Takes why the store does not answer, and for how many seconds it is still waited for.
Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Chore:
    """One thing to do, and the pause between its runs, in seconds.

    Attributes:
        run: does it once.
        pause: between two runs.
        first: what is to be known before anything is served; None: nothing.
    """

    run: Callable[[], Awaitable[object]]
    pause: float
    first: Callable[[], Awaitable[object]] | None = None

    async def begin(self) -> None:
        """Find out what is to be known first, as long as that takes no longer than it may."""
        if self.first is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(_attempted(self.first), FIRST_SECONDS)

    async def repeat(self) -> None:
        """Until cancelled; what fails is tried again after the pause."""
        while True:
            await _attempted(self.run)
            await asyncio.sleep(self.pause)


async def _attempted(run: Callable[[], Awaitable[object]]) -> None:
    try:
        await run()
    except ParleyError:
        pass  # told by its name wherever somebody asks
    except Exception:  # noqa: BLE001 one answer that no library can read must not end it for good
        _log.exception("a chore failed, and is tried again")


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
