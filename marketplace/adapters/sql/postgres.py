"""PostgreSQL: a small pool, and one group of appends at a time."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from urllib.parse import urlsplit

import asyncpg

from marketplace.adapters.sql.dialect import POSTGRESQL, batches, bind, inserts, spell
from marketplace.adapters.sql.group import Group
from marketplace.adapters.sql.log import Verdict, append
from marketplace.adapters.sql.plan import Hold, Many, Plan, Query, Row, Snapshot, Step, T
from marketplace.adapters.sql.schema import migrate
from marketplace.core.errors import DatabaseRefused, StoreUnavailable
from marketplace.ports.store import Entry, Record

# Seconds: to connect or get a connection, and for one statement.
CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 10.0
CONNECTIONS = 8

SETTINGS = {
    "application_name": "parley",
    # What a commit is worth is not left to the server's defaults.
    "synchronous_commit": "on",
    # Compiling a query, or sharing it out, costs more than any of these takes.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # What is searched fits in memory, where one page costs as much as the next.
    "random_page_cost": "1.1",
    # A process that stands still does not keep the log for itself.
    "idle_in_transaction_session_timeout": f"{STATEMENT_SECONDS:.0f}s",
    "statement_timeout": f"{STATEMENT_SECONDS:.0f}s",
}
# What the driver cannot encode, and what the server then still cannot hold.
UNSTORABLE = (ValueError, asyncpg.DataError, asyncpg.CharacterNotInRepertoireError)

UNANSWERED = (
    asyncpg.InterfaceError,
    asyncpg.PostgresError,
    asyncpg.InternalClientError,
    OSError,  # a TimeoutError is one
)

# What no waiting mends: a malformed address, a host without a name, a wrong user or password,
# a database that is not there or not the user's to make tables in.
MISNAMED = (
    ValueError,  # asyncpg.ClientConfigurationError is one
    socket.gaierror,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)

HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
# What reads in several steps searches: its values decide which index is good.
SNAPSHOT = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL plan_cache_mode = force_custom_plan"
)


class PostgresDatabase:
    """Any number of processes; what must not happen twice at once, the database keeps apart."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None
        self._group = Group(self._commit)

    async def start(self) -> None:
        """Connect, and bring the schema up to date."""
        if self._pool is not None:
            return
        with opening(self._dsn):
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings=SETTINGS,
                reset=_reset,
            )
        try:
            async with self._connection() as connection, connection.transaction():
                # A large database takes its time.
                await connection.execute("SET LOCAL statement_timeout = 0")
                with opening(self._dsn):
                    await _drive(migrate(), connection, None)
        except BaseException:
            # Not started is not half started: whoever tries again migrates again.
            self._pool.terminate()
            self._pool = None
            raise

    async def read(self, plan: Plan[T]) -> T:
        """Run a plan that changes nothing."""
        async with self._connection() as connection:
            answer = await _drive(plan, connection)
            await _reset(connection)
            return answer

    async def write(self, plan: Plan[T]) -> T:
        """Run a plan in one transaction; returns once that is durable."""
        async with self._connection() as connection, connection.transaction():
            return await _drive(plan, connection)

    async def append(self, record: Record) -> Entry:
        """Append in the next group."""
        return await self._group.append(record)

    async def close(self) -> None:
        """Finish what was begun and let the connections go."""
        await self._group.finish()
        if self._pool is not None:
            with naming():
                await self._pool.close()

    async def _commit(self, records: Sequence[Record]) -> list[Verdict]:
        return await self.write(append(records))

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[asyncpg.Connection]:
        if self._pool is None:
            raise StoreUnavailable(POSTGRESQL.name, "not started")
        with naming():
            async with self._pool.acquire(timeout=CONNECT_SECONDS) as connection:
                yield connection


@contextlib.contextmanager
def opening(dsn: str) -> Iterator[None]:
    """What no waiting mends is DatabaseRefused, all else StoreUnavailable; both say where."""
    try:
        yield
    except (*MISNAMED, *UNANSWERED) as error:
        where = _place(dsn)
        # Python's own words on an address quote what may be a piece of a password.
        plain = type(error) is not ValueError
        reason = (plain and str(error)) or type(error).__name__
        # A name server that is away, as on a machine that is starting, is worth waiting for.
        resolving = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        if isinstance(error, MISNAMED) and not resolving:
            raise DatabaseRefused(where, reason) from None
        raise StoreUnavailable(POSTGRESQL.name, f"{reason} at {where}") from None


def _place(dsn: str) -> str:
    """Host, port and name of an address, without user and password."""
    try:
        parts = urlsplit(dsn)
        port = parts.port or ""
    except ValueError:
        return "a malformed address"
    return f"{parts.hostname or ''}:{port}{parts.path}"


@contextlib.contextmanager
def naming() -> Iterator[None]:
    """What the database cannot store is a ValueError, all else that it says StoreUnavailable."""
    try:
        yield
    except UNSTORABLE as error:
        raise ValueError(str(error)) from None
    except UNANSWERED as error:
        reason = str(error) or type(error).__name__
        raise StoreUnavailable(POSTGRESQL.name, reason) from None


async def _reset(connection: asyncpg.Connection) -> None:
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


async def _drive(
    plan: Plan[T], connection: asyncpg.Connection, seconds: float | None = STATEMENT_SECONDS
) -> T:
    rows: Sequence[Row] | None = None
    while True:
        try:
            # A generator that has not begun takes None, as from next().
            step = plan.send(rows)  # type: ignore[arg-type]
        except StopIteration as end:
            answer: T = end.value
            return answer
        rows = await _do(step, connection, seconds)


async def _do(step: Step, connection: asyncpg.Connection, seconds: float | None) -> Sequence[Row]:
    match step:
        case Query(sql, values):
            found: Sequence[Row] = await connection.fetch(
                spell(POSTGRESQL, sql), *bind(POSTGRESQL, values), timeout=seconds
            )
            return found
        case Many(sql, many) if inserts(sql):
            for statement, flat in batches(POSTGRESQL, step):
                await connection.execute(statement, *flat, timeout=seconds)
        case Many(sql, many) if many:
            await connection.executemany(spell(POSTGRESQL, sql), many, timeout=seconds)
        case Hold(name):
            await connection.execute(HOLD, f"parley {name}", timeout=seconds)
        case Snapshot():
            await connection.execute(SNAPSHOT)
    return ()
