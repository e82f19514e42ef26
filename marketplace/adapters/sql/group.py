"""Appends that come while others are on their way share the next commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from marketplace.adapters.sql.log import Verdict
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.store import Entry, Record

Waiting: TypeAlias = tuple[Record, "asyncio.Future[Entry]"]
LARGEST_GROUP = 256
# Of the event loop, that a group waits for those who are about to join it: what has come to the
# server's sockets by now is judged in them. An idle server turns in microseconds.
TURNS = 4


class Group:
    """One event loop's appends; ``commit`` writes a group durably, in one transaction."""

    def __init__(self, commit: Callable[[Sequence[Record]], Awaitable[list[Verdict]]]) -> None:
        self._commit = commit
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, record: Record) -> Entry:
        """Append in the next group."""
        future: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._waiting.append((record, future))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())
        return await future

    async def finish(self) -> None:
        """Return once nothing waits any more."""
        if self._task is not None:
            await self._task

    async def _serve(self) -> None:
        while self._waiting:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            group = self._waiting[:LARGEST_GROUP]
            del self._waiting[:LARGEST_GROUP]
            await self._settle(group)

    async def _settle(self, group: list[Waiting]) -> None:
        verdicts: Sequence[Verdict | Exception]
        try:
            verdicts = await self._commit([record for record, _ in group])
        except Exception as error:  # noqa: BLE001 it belongs to the callers; the task outlives it
            if len(group) > 1 and not isinstance(error, StoreUnavailable):
                # One of them cannot be stored. Alone, it hurts only its own caller.
                for member in group:
                    await self._settle([member])
                return
            verdicts = [error] * len(group)
        for (_, future), verdict in zip(group, verdicts, strict=True):
            _tell(future, verdict)


def _tell(future: "asyncio.Future[Entry]", verdict: Verdict | Exception) -> None:
    if future.done():
        return
    if isinstance(verdict, Entry):
        future.set_result(verdict)
    else:
        future.set_exception(_own(verdict))


def _own(error: Exception) -> Exception:
    # Each caller gets its own, or their tracebacks would grow on one another.
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(error.store, error.reason)
    return error
