"""A database with release 0.1.0's recorded traffic, in which searches find what it had."""

import contextlib
import gzip
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from market import DOMAIN
from postgres_server import Server
from records import listing as listing_record
from records import row as plain_row
from test_migrations import OLD
from witness import LOG_KEY, SetClock

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.dialect import POSTGRESQL, bind, spell
from marketplace.adapters.sql.schema import V1
from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.adapters.system import SystemClock
from marketplace.api.services import Services
from marketplace.bootstrap import build_registry, build_services
from marketplace.core.eip712 import Domain
from marketplace.core.entry import read
from marketplace.core.merkle import leaf_hash
from marketplace.core.message import Domains, Message, parse_message
from marketplace.ports.index import Search
from marketplace.services.access import Access
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).parents[1] / "recorded"
FACTS: dict[str, Any] = json.loads((FOLDER / "0.1.0.json").read_text())
LINES = gzip.decompress((FOLDER / "0.1.0.jsonl.gz").read_bytes()).splitlines()
FIRST = Domain(FACTS["chain_id"], FACTS["escrow"], version="1")
INSERT = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class OpenBus(MemoryBus):
    """Of one process: nothing to connect."""

    async def start(self) -> None: ...

    close = start


def said(line: bytes) -> tuple[Message, int]:
    logged = read(line, b"")
    return parse_message(logged.envelope, FIRST), logged.at


def rows() -> list[tuple[Any, ...]]:
    """What 0.1.0 stored of each line; a listing is in its first version's thread."""
    threads: dict[str, str] = {}
    lengths: dict[str, int] = {}
    made = []
    for index, line in enumerate(LINES):
        message, at = said(line)
        replaces = getattr(message.body, "replaces", "")
        first = threads.get(replaces, message.digest)
        thread = message.negotiation or (first if message.kind == "listing" else message.digest)
        threads[message.digest] = thread
        position = lengths.get(thread, 0)
        lengths[thread] = position + 1
        named = index, message.kind.value, message.digest, message.signer, thread, position
        made.append((*named, message.signer, message.signer, line, leaf_hash(line), at))
    return made


def current() -> dict[str, Message]:
    """The last version of each listing, by its thread."""
    listed = [row for row in rows() if row[1] == "listing"]
    return {row[4]: said(row[8])[0] for row in listed}


@pytest.fixture(params=["sqlite", "postgresql"])
async def old(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> str:
    """The address of a database that nothing newer than 0.1.0 has opened."""
    if request.param == "sqlite":
        path = tmp_path / "registry.sqlite"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(OLD)
            connection.executemany(INSERT, rows())
            connection.commit()
        return str(path)
    where = await server.create()
    connection = await asyncpg.connect(where)
    for statement in V1.split(";\n"):
        await connection.execute(spell(POSTGRESQL, statement))
    values = [bind(POSTGRESQL, row) for row in rows()]
    await connection.executemany(spell(POSTGRESQL, INSERT), values)
    await connection.close()
    return where


def services(store: SqlStore, *domains: Domain) -> Services:
    access, clock = Access(everybody=True), SetClock(FACTS["at"])
    return build_services(Domains(domains), store, MemoryBus(), clock, access, LOG_KEY)


async def found(on: Services) -> dict[str, str]:
    pairs = await on.listings.search(Search(FACTS["at"]))
    assert all(one.row.digest == entry.record.digest for one, entry in pairs)
    return {one.row.thread: one.row.digest for one, _ in pairs}


def alive(at: int) -> dict[str, str]:
    listed = current().items()
    return {thread: last.digest for thread, last in listed if last.body.expires_at > at}


def test_recording_has_listings_that_were_replaced_and_listings_that_are_over():
    replaced = [row for row in rows() if row[1] == "listing" and row[5] > 0]
    assert len(replaced) >= 3
    assert len(alive(FACTS["at"])) < len(current())


async def test_listings_that_0_1_0_logged_are_found_once_a_registry_has_started(old: str, tmp_path):
    settings = RegistrySettings(
        old,
        DOMAIN.chain_id,
        DOMAIN.verifying_contract,
        escrow_v1=FIRST.verifying_contract,
        secret_file=tmp_path / "secret",
        log_key_file=tmp_path / "logkey",
    )
    # The recording's chain is the development one, as the present domain's.
    assert DOMAIN.chain_id == FIRST.chain_id
    app = build_registry(settings, open_store(old), OpenBus())
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://registry") as client,
    ):
        told = (await client.get("/v1/listings")).json()["listings"]
        first = await client.get("/v1/listings", params={"text": "machine"})
    expected = alive(SystemClock().now())
    assert {each["thread"]: each["message"]["digest"] for each in told} == expected
    assert expected
    assert first.json()["listings"]


async def test_rows_are_what_the_last_signed_version_says_and_are_made_once(old: str):
    async with open_store(old) as store:
        on = services(store, DOMAIN, FIRST)
        assert await found(on) == {}
        assert set(await store.unindexed()) == set(current())
        for _ in range(2):
            await on.listings.index_logged()
            assert await store.unindexed() == []
            assert await found(on) == alive(FACTS["at"])
        for thread, last in current().items():
            row = await store.row(thread)
            assert row is not None
            assert (row.digest, row.title, row.seller) == (
                last.digest,
                last.detail.title,
                last.signer,
            )


async def test_registry_that_takes_no_version_1_leaves_its_listings_to_one_that_does(old: str):
    async with open_store(old) as store:
        await services(store, DOMAIN).listings.index_logged()
        assert set(await store.unindexed()) == set(current())
        await services(store, DOMAIN, FIRST).listings.index_logged()
        assert await store.unindexed() == []


async def test_version_that_came_before_its_listing_was_indexed_stays(old: str):
    thread = next(iter(alive(FACTS["at"])))
    async with open_store(old) as store:
        length = len(await store.thread(thread))
        newer = plain_row(thread, digest="newer", expires_at=FACTS["at"] + 1)
        await store.append(listing_record(newer, length))
        # As a worker that read the thread before that word came.
        await store.fill([(0, replace(newer, digest="older"))])
        row = await store.row(thread)
        assert row is not None
        assert row.digest == "newer"
        assert thread not in await store.unindexed()
