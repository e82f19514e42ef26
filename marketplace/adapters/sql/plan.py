"""What is asked of a database, apart from how it is asked.

A plan is a generator that yields steps and is sent the rows of each. It does no I/O, so
one plan runs in SQLite's thread and on an asyncio connection to PostgreSQL alike; how its
SQL is spelled there, ``dialect`` knows.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from marketplace.ports.store import Entry, Record

T = TypeVar("T")
Row: TypeAlias = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on a listing's terms: those that it has, begins with and has not.

    Empty, it matches nothing that a database could be asked; ask without it.
    """

    must: tuple[str, ...]
    begun: tuple[str, ...]
    never: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.must or self.begun)


Plain: TypeAlias = str | int | bytes | None
Value: TypeAlias = Plain | Sequence[str] | Sequence[int] | Match


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with its values; answers its rows."""

    sql: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Many:
    """One statement for each of many rows, in order; answers nothing.

    Its values are what every driver takes as they are, so that none need be looked at.
    """

    sql: str
    rows: Sequence[tuple[Plain, ...]]


@dataclass(frozen=True, slots=True)
class Hold:
    """From here to the commit, no other plan that holds the same name runs; answers nothing."""

    name: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """From here on every query of a plan that reads sees one state; answers nothing."""


# Who holds this alone knows what comes next in the log, and what is derived from it.
LOG = Hold("log")

Step: TypeAlias = Query | Many | Hold | Snapshot
Plan: TypeAlias = Generator[Step, Sequence[Row], T]


class Database(Protocol):
    """Where plans run; every method raises StoreUnavailable where the database does not answer."""

    async def start(self) -> None:
        """Connect, and bring the schema up to date."""
        ...

    async def read(self, plan: Plan[T]) -> T:
        """Run a plan that changes nothing."""
        ...

    async def write(self, plan: Plan[T]) -> T:
        """Run a plan in one transaction; returns once that is durable."""
        ...

    async def append(self, record: Record) -> Entry:
        """Append to the log, together with whatever else is appended meanwhile."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let the database go."""
        ...


class Room:
    """A part of the store: plans of one port, run on a shared database."""

    def __init__(self, database: Database) -> None:
        self._database = database
