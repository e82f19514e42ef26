"""Chores: what a registry does without being asked, again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from marketplace.core.errors import ParleyError


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
