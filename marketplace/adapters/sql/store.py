"""One durable store for every port, on the database of an address."""

from pathlib import Path
from typing import Self

from marketplace.adapters.sql.artifacts import SqlArtifacts
from marketplace.adapters.sql.journal import SqlJournal
from marketplace.adapters.sql.listings import SqlIndex
from marketplace.adapters.sql.log import SqlLog
from marketplace.adapters.sql.plan import Database
from marketplace.adapters.sql.postgres import PostgresDatabase
from marketplace.adapters.sql.sqlite import SqliteDatabase
from marketplace.adapters.sql.webhooks import SqlWebhooks

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"


class SqlStore(SqlLog, SqlIndex, SqlArtifacts, SqlJournal, SqlWebhooks):
    """All ports of the registry's memory; ``start`` it before, and ``close`` it after use."""

    async def start(self) -> None:
        """Open the database, and bring its schema up to date.

        Raises:
            StoreUnavailable: it does not answer, or is no database.
            StoreNewer: a later version wrote it.
        """
        await self._database.start()

    async def close(self) -> None:
        """Finish what was begun and let the database go."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def open_store(where: str | Path) -> SqlStore:
    """The store at ``postgresql://…``, ``sqlite:///path`` or a path; not started yet."""
    return SqlStore(_database(str(where)))


def is_shared(where: str | Path) -> bool:
    """Whether several processes can serve from this store at once."""
    return str(where).startswith(POSTGRES)


def _database(where: str) -> Database:
    if is_shared(where):
        return PostgresDatabase(where)
    return SqliteDatabase(Path(where.removeprefix(SQLITE)))
