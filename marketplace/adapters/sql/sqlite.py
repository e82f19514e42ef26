"""SQLite: a file in WAL, a thread that writes and one that reads."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from marketplace.adapters.sql.dialect import SQLITE, batches, bind, inserts, spell
from marketplace.adapters.sql.group import Group
from marketplace.adapters.sql.log import Verdict, append
from marketplace.adapters.sql.plan import Many, Plan, Query, Row, Step, T
from marketplace.adapters.sql.schema import migrate
from marketplace.adapters.sql.writer import GroupWriter
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.store import Entry, Record

# In KiB, less than zero as SQLite wants it: what searches touch of 10^5 listings.
CACHE = -65_536
# In pages: of those that every group changes, fewer versions are copied than at SQLite's 1,000.
CHECKPOINT = 4_000


class SqliteDatabase:
    """One process; see ``writer`` for durability."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads: tuple[GroupWriter, GroupWriter] | None = None
        self._group = Group(self._commit)

    async def start(self) -> None:
        """Open the file, and bring its schema up to date."""
        if self._threads is None:
            self._threads = await asyncio.to_thread(_open, self._path)

    async def read(self, plan: Plan[T]) -> T:
        """Run a plan in the thread that reads."""
        return await self._thread(1).run(lambda connection: _drive(plan, connection))

    async def write(self, plan: Plan[T]) -> T:
        """Run a plan in the next group; returns once its commit is durable."""
        return await self._thread(0).run(lambda connection: _drive(plan, connection))

    async def append(self, record: Record) -> Entry:
        """Append in the next group."""
        return await self._group.append(record)

    async def close(self) -> None:
        """Finish what was queued and close the file."""
        await self._group.finish()
        for thread in self._threads or ():
            await asyncio.to_thread(thread.close)

    async def _commit(self, records: Sequence[Record]) -> list[Verdict]:
        return await self.write(append(records))

    def _thread(self, which: int) -> GroupWriter:
        if self._threads is None:
            raise StoreUnavailable(SQLITE.name, "not started")
        return self._threads[which]


def _open(path: Path) -> tuple[GroupWriter, GroupWriter]:
    with contextlib.ExitStack() as stack:
        try:
            writes, reads = (stack.enter_context(contextlib.closing(_connect(path))) for _ in "wr")
            writes.execute("PRAGMA journal_mode = WAL")
            # A commit that was told is on the disk, in WAL too.
            writes.execute("PRAGMA synchronous = FULL")
            # What was erased is not left in the file's free pages.
            writes.execute("PRAGMA secure_delete = ON")
            writes.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
            writes.execute("BEGIN IMMEDIATE")
            _drive(migrate(), writes)
            writes.execute("COMMIT")
            reads.execute("PRAGMA query_only = 1")
        except sqlite3.Error as error:
            raise StoreUnavailable(SQLITE.name, str(error)) from None
        stack.pop_all()
    return GroupWriter(writes), GroupWriter(reads, reads=True)


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: the threads say BEGIN and COMMIT themselves.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size = {CACHE}")
    return connection


def _drive(plan: Plan[T], connection: sqlite3.Connection) -> T:
    rows: Sequence[Row] | None = None
    while True:
        try:
            # A generator that has not begun takes None, as from next().
            step = plan.send(rows)  # type: ignore[arg-type]
        except StopIteration as end:
            answer: T = end.value
            return answer
        rows = _do(step, connection)


def _do(step: Step, connection: sqlite3.Connection) -> Sequence[Row]:
    if isinstance(step, Query):
        values = bind(SQLITE, step.values)
        return connection.execute(spell(SQLITE, step.sql), values).fetchall()
    if isinstance(step, Many) and step.rows:
        if not inserts(step.sql):
            connection.executemany(spell(SQLITE, step.sql), step.rows)
            return ()
        # The driver lets the interpreter's lock go for each statement, and then waits for it
        # while the event loop works.
        for statement, flat in batches(SQLITE, step):
            connection.execute(statement, flat)
    # Nobody else writes, and a transaction sees one state: there is nothing to hold.
    return ()
