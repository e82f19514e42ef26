"""A real PostgreSQL, and every store on an empty database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from postgres_server import Server
from records import AnyStore

from marketplace.adapters.memory.store import MemoryStore
from marketplace.adapters.sql.store import open_store


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    # Where it cannot start, what needs it fails: nothing here is skipped.
    started = Server()
    yield started
    started.close()


@pytest.fixture
async def dsn(server: Server) -> str:
    return await server.emptied()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AnyStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    where = tmp_path / "registry.sqlite"
    if request.param == "postgresql":
        where = await request.getfixturevalue("server").emptied()
    async with open_store(where) as durable:
        yield durable
