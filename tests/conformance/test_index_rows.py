"""What the databases keep beside the log so that listings are found, and put away again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from postgres_server import Server
from records import NOW, listing, row

from marketplace.adapters.sql.listings import OVER_AT_ONCE, OVER_FOR
from marketplace.adapters.sql.plan import Plan, Query, Snapshot
from marketplace.adapters.sql.search import search
from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.ports.index import Search

pytestmark = pytest.mark.anyio

DERIVED = ("listing_terms", "listing_numbers")


@pytest.fixture(params=["sqlite", "postgresql"])
async def durable(
    request: pytest.FixtureRequest, tmp_path: Path, server: Server
) -> AsyncIterator[SqlStore]:
    shared = request.param == "postgresql"
    where = await server.emptied() if shared else tmp_path / "registry.sqlite"
    async with open_store(where) as store:
        yield store


def _count(table: str) -> Plan[int]:
    rows = yield Query(f"SELECT count(*) FROM {table}")  # noqa: S608 one of ours
    return int(rows[0][0])


async def kept(store: SqlStore) -> list[int]:
    """How many listings each of the derived tables still finds."""
    return [await store._database.read(_count(table)) for table in DERIVED]


async def test_a_version_that_was_replaced_leaves_nothing_to_be_found_by(durable: SqlStore):
    for position, title in enumerate(("Fast GPU hours", "Slow GPU hours", "Closed")):
        units = 0 if title == "Closed" else 5
        await durable.append(listing(row("lot", title=title, capacity=units), position))
        assert await kept(durable) == [min(units, 1)] * 2


async def test_listings_long_over_are_put_away_so_many_with_each_that_is_published(
    durable: SqlStore,
):
    for number in range(OVER_AT_ONCE + 2):
        await durable.append(listing(row(f"old {number}", expires_at=NOW + 10)))
    later = NOW + 10 + OVER_FOR
    told = []
    for at in (later - 1, later, later + 1):
        await durable.append(listing(row(f"new {at}", published_at=at, expires_at=2 * later)))
        told.append(await kept(durable))
    assert told == [[OVER_AT_ONCE + 3] * 2, [4] * 2, [3] * 2]


def test_every_query_of_a_search_sees_one_state():
    plan = search(Search(now=NOW))
    assert next(plan) == Snapshot()
