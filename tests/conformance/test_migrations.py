"""A database of an earlier version is brought up to date, whole or not at all."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest
from postgres_server import Server
from records import NOW, listing, record, row
from stores import leaves

from marketplace.adapters.sql import schema
from marketplace.adapters.sql.plan import Plan, Query
from marketplace.adapters.sql.schema import MIGRATIONS
from marketplace.adapters.sql.store import open_store
from marketplace.adapters.sql.terms import sortable
from marketplace.core.errors import StoreNewer
from marketplace.core.merkle import leaf_hash
from marketplace.ports.artifacts import Artifact
from marketplace.ports.index import Order, Search, Tally
from marketplace.ports.webhooks import Subscription

pytestmark = pytest.mark.anyio

# Word for word what version 0.1.0 wrote.
OLD = """
CREATE TABLE IF NOT EXISTS entries (
    idx INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    signer TEXT NOT NULL,
    thread TEXT NOT NULL,
    position INTEGER NOT NULL,
    party_a TEXT NOT NULL,
    party_b TEXT NOT NULL,
    data BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (kind, digest, signer),
    UNIQUE (thread, position)
) STRICT;
CREATE INDEX IF NOT EXISTS entries_party_a ON entries (party_a, idx);
CREATE INDEX IF NOT EXISTS entries_party_b ON entries (party_b, idx);
CREATE TABLE IF NOT EXISTS artifacts (
    negotiation TEXT NOT NULL,
    digest TEXT NOT NULL,
    signer TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (negotiation, digest)
) STRICT;
"""
STARTER = """
import asyncio, sys
from marketplace.adapters.sql.store import open_store
print("up", flush=True)
asyncio.run(open_store(sys.argv[1]).start())
print("done", flush=True)
"""


def old_file(path: Path, count: int) -> None:
    """A database of version 0.1.0 with entries of two threads and an artifact."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(OLD)
        rows = [
            (n, "offer", f"d{n}", "0xs", f"t{n % 2}", n // 2, "0xa", f"0xb{n % 2}", *data(n), NOW)
            for n in range(count)
        ]
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("INSERT INTO artifacts VALUES ('t0', 'a', '0xa', x'00ff')")
        connection.commit()


def data(number: int) -> tuple[bytes, bytes]:
    leaf = f'{{"n":{number}}}'.encode()
    return leaf, leaf_hash(leaf)


async def check_migrated(path: Path, count: int) -> None:
    async with open_store(path) as store:
        entries = await store.entries(0, count + 1)
        assert [entry.index for entry in entries] == list(range(count))
        for n, entry in enumerate(entries):
            kept = entry.record
            assert (kept.leaf, kept.leaf_hash, kept.body) == (*data(n), b"")
            assert kept.parties == ("0xa", f"0xb{n % 2}")
            assert (kept.digest, kept.thread, kept.position) == (f"d{n}", f"t{n % 2}", n // 2)
        told = await store.entries(0, count + 1, "0xb1")
        assert [entry.index for entry in told] == list(range(1, count, 2))
        assert await store.artifact("t0", "a") == Artifact("t0", "a", "0xa", b"\0\xff")
        assert (await store.append(record("next", "t0", (count + 1) // 2))).index == count
        await store.append(listing(row("lot")))
        assert len(await store.search(Search(NOW))) == 1


async def test_file_of_the_first_version_keeps_all_that_it_had(tmp_path: Path):
    path = tmp_path / "registry.sqlite"
    old_file(path, 9)
    await check_migrated(path, 9)
    async with open_store(path) as store:
        assert len(await leaves(store)) == 11


def kill_while_starting(path: Path, delay: float) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", STARTER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as starter:
        assert starter.stdout is not None
        starter.stdout.readline()
        time.sleep(delay)
        starter.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("delay", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
async def test_migration_that_is_killed_begins_anew(tmp_path: Path, delay: float):
    path = tmp_path / "registry.sqlite"
    old_file(path, 20_000)
    await asyncio.to_thread(kill_while_starting, path, delay)
    await check_migrated(path, 20_000)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_schema_of_a_later_version_is_refused_and_left_alone(
    kind: str, tmp_path: Path, server: Server
):
    later = len(MIGRATIONS) + 1
    bump = "UPDATE schema_version SET version = version + 1"
    where = str(tmp_path / "registry.sqlite") if kind == "sqlite" else await server.create()
    async with open_store(where):
        pass
    if kind == "sqlite":
        with contextlib.closing(sqlite3.connect(where)) as connection:
            connection.execute(bump)
            connection.commit()
    else:
        connection = await asyncpg.connect(where)
        await connection.execute(bump)
        await connection.close()
    store = open_store(where)
    with pytest.raises(StoreNewer) as refused:
        await store.start()
    await store.close()
    assert refused.value.values == {"version": later, "known": len(MIGRATIONS)}


async def test_opening_again_changes_nothing(tmp_path: Path):
    path = tmp_path / "registry.sqlite"
    for _ in range(3):
        async with open_store(f"sqlite:///{path}") as store:
            await store.append(record("a"))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        versions = connection.execute("SELECT version FROM schema_version").fetchall()
    assert versions == [(n,) for n in range(1, len(MIGRATIONS) + 1)]


LOT = "'lot', 'd', '0xseller', 'compute', 'Lot', 'hour', '{{}}'"
PRICES = f"'{sortable(1)}', '{sortable(2)}'"
SECOND = (
    "INSERT INTO subscriptions VALUES ('wh', '0xa', 'https://a', 'whsec_a', 7, 2, 9, 1)",
    "INSERT INTO sellers VALUES ('0xseller', 4)",
    "INSERT INTO marks VALUES ('settled block', 100)",
    f"INSERT INTO listings VALUES (0, {LOT}, {PRICES}, 5, {NOW + 9}, 0, {NOW}, {NOW}, -4, 1, '')",  # noqa: S608
)


def written() -> Plan[None]:
    for statement in SECOND:
        yield Query(statement)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_second_schema_s_webhooks_stay_and_its_deals_are_counted_anew(
    kind: str, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
):
    where = str(tmp_path / "registry.sqlite") if kind == "sqlite" else await server.create()
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", MIGRATIONS[:2])
        async with open_store(where) as store:
            await store._database.write(written())
    async with open_store(where) as store:
        hook = Subscription("wh", "0xa", "https://a", "whsec_a", 7, 2, 9, disabled=True)
        assert await store.subscriptions("0xa") == [hook]
        assert await store.unindexed() == []
        assert await store.settled_block("escrow") == -1
        # Else what was counted before would count twice.
        assert await store.settled(Tally("escrow", -1, 100, {"0xseller": 4}, {}, ()))
        (found,) = await store.search(Search(NOW, order=Order.REPUTATION))
        assert (found.row.thread, found.settled) == ("lot", 4)
