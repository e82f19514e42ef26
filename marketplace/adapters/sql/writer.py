"""One thread that owns the SQLite connection and commits in groups.

Work that arrives while a commit is on its way to the disk shares the next one: with
``synchronous=FULL`` the disk's flush is the cost, and a group pays it once. A caller's
future resolves only after the commit that holds its work. A second thread of the same
kind reads: it waits for no flush, and no search keeps an append waiting.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from marketplace.core.errors import StoreUnavailable

T = TypeVar("T")
LARGEST_GROUP = 256


@dataclass
class Work(Generic[T]):
    """One unit of work and the caller that waits for it."""

    run: Callable[[sqlite3.Connection], T]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[T]"
    result: T | None = None
    error: Exception | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Run inside the group's transaction; a refusal leaves the others' work in it."""
        try:
            connection.execute("SAVEPOINT work")
            self.result = self.run(connection)
        except Exception as error:  # noqa: BLE001 it belongs to the caller; the thread outlives it
            self.error = error
            # SQLite may have rolled all back by itself, and the savepoint with it.
            if connection.in_transaction:
                connection.execute("ROLLBACK TO work")
        if connection.in_transaction:
            connection.execute("RELEASE work")

    def resolve(self, failure: Exception | None) -> None:
        """Tell the caller, in the caller's loop."""
        # A loop that is closed has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._settle, failure)

    def _settle(self, failure: Exception | None) -> None:
        if self.future.cancelled():
            return
        error = failure or self.error
        if isinstance(error, sqlite3.Error):
            error = StoreUnavailable("sqlite", str(error))
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]  # set by attempt


class GroupWriter:
    """The thread; ``run`` is awaited from any event loop.

    The connection is made by who has the file's name, and after that used here alone. A
    thread that ``reads`` answers each work by itself: there is no flush to share.
    """

    def __init__(self, connection: sqlite3.Connection, *, reads: bool = False) -> None:
        self._connection = connection
        self._begin, self._largest = ("BEGIN", 1) if reads else ("BEGIN IMMEDIATE", LARGEST_GROUP)
        self._closed = False
        self._queue: queue.SimpleQueue[Work[object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="sqlite", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work in the next group; returns when its commit is durable."""
        if self._closed:
            raise StoreUnavailable("sqlite", "closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(Work(work, loop, future))  # type: ignore[arg-type]  # Work is used covariantly
        return await future

    def close(self) -> None:
        """Finish what was queued and stop."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        with contextlib.closing(self._connection) as connection:
            while (group := self._next_group()) is not None:
                failure = _commit(connection, self._begin, group)
                for work in group:
                    work.resolve(failure)

    def _next_group(self) -> list[Work[object]] | None:
        first = self._queue.get()
        if first is None:
            return None
        group = [first]
        while len(group) < self._largest and not self._queue.empty():
            following = self._queue.get()
            if following is None:
                # Closing: do this group, then find the mark again.
                self._queue.put(None)
                break
            group.append(following)
        return group


def _commit(
    connection: sqlite3.Connection, begin: str, group: list[Work[object]]
) -> Exception | None:
    try:
        connection.execute(begin)
        for work in group:
            # SQLite rolls back by itself on some errors; what ran after that would commit alone.
            if connection.in_transaction:
                work.attempt(connection)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        # Where the database rolled back in the middle, the reason is that work's error.
        causes = (work.error for work in group if isinstance(work.error, sqlite3.Error))
        return next(causes, error)
    return None
