"""PostgreSQL when things break: kills on both sides, lost and slow servers, hostile words."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import quote

import asyncpg
import pytest
from killing import kill_while_writing, said, start_writer
from postgres_server import Server
from records import NOW, listing, record, row
from stores import leaves

from marketplace.adapters.sql import postgres
from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.core.errors import DatabaseRefused, SequenceTaken, StoreUnavailable
from marketplace.ports.artifacts import Artifact
from marketplace.ports.index import Search
from marketplace.ports.webhooks import Subscription
from marketplace.services.chores import persist

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[SqlStore]:
    async with open_store(dsn) as opened:
        yield opened


@pytest.fixture
def mortal() -> Iterator[Server]:
    """A server that nobody else uses."""
    started = Server()
    yield started
    started.close()


# ------------------------------------------------------------------ kills


async def test_killed_client_loses_no_entry_that_it_acknowledged_and_holds_nothing(
    dsn: str, store: SqlStore
):
    told = await asyncio.to_thread(kill_while_writing, dsn)
    await asyncio.wait_for(store.append(record("after", "after")), 10)
    entries = await store.entries(0, 1_000_000)
    assert len(told) >= 60
    assert told <= {entry.record.digest for entry in entries}
    assert [entry.index for entry in entries] == list(range(len(entries)))


async def test_killed_server_loses_no_entry_that_was_acknowledged_and_clients_come_back(
    mortal: Server,
):
    dsn = mortal.dsn()
    async with open_store(dsn) as store:
        await store.append(record("before", "before"))
        with start_writer(dsn) as writer:
            assert writer.stdout is not None
            lines = [await asyncio.to_thread(writer.stdout.readline) for _ in range(60)]
            await asyncio.to_thread(mortal.kill)
            lines += await asyncio.to_thread(writer.stdout.readlines)
        for refused in (store.append(record("lost", "lost")), leaves(store), store.check()):
            with pytest.raises(StoreUnavailable):
                await refused
        await asyncio.to_thread(mortal.restart)
        await store.append(record("after", "after"))
        entries = await store.entries(0, 1_000_000)
    digests = {entry.record.digest for entry in entries}
    assert said(lines) | {"before", "after"} <= digests
    assert "lost" not in digests
    assert [entry.index for entry in entries] == list(range(len(entries)))


async def test_store_that_could_not_start_starts_later_and_with_its_schema(server: Server):
    dsn = await server.create()
    connection = await asyncpg.connect(dsn)
    try:
        # The connections open, and then the schema cannot be brought up to date.
        await connection.execute("CREATE TABLE entries (foreigner BIGINT)")
        store = open_store(dsn)
        with pytest.raises(StoreUnavailable):
            await store.start()
        await connection.execute("DROP TABLE entries")
        async with store:
            assert (await store.append(record("a", "a"))).index == 0
    finally:
        await connection.close()


# ------------------------------------------------------------------ mistyped addresses


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://no.such.host.invalid/parley", "not known"),
        ("postgresql://nobody:hush@{socket}/postgres", "nobody"),
        ("postgresql://postgres:hush@{socket}/elsewhere", "elsewhere"),
        ("postgresql://postgres:hush@localhost:five/parley", "ValueError"),
        ("postgresql://postgres:hush@[localhost/parley", "ValueError"),
        ("postgresql://postgres:hush@localhost/parley?sslmode=perhaps", "sslmode"),
    ],
)
async def test_address_that_no_waiting_mends_is_refused_at_once_and_no_password_is_told(
    server: Server, address: str, reason: str
):
    # The server listens on a socket alone, whose folder stands for a host.
    spelled = address.format(socket=quote(str(server.directory), safe=""))
    with pytest.raises(DatabaseRefused, match=reason) as refused:
        await asyncio.wait_for(persist(open_store(spelled).start, 60, pytest.fail), 20)
    assert "hush" not in str(refused.value)


async def test_wrong_password_and_a_user_without_rights_are_refused_at_once(mortal: Server):
    await mortal.execute("CREATE ROLE guest LOGIN PASSWORD 'right'")
    access = mortal.directory / "pg_hba.conf"
    access.write_text("local all guest scram-sha-256\n" + access.read_text())
    await mortal.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    await mortal.execute("SELECT pg_reload_conf()")
    place = f"{quote(str(mortal.directory), safe='')}/postgres"
    for password, reason in (("wrong", "password"), ("right", "permission")):
        with pytest.raises(DatabaseRefused, match=reason):
            await open_store(f"postgresql://guest:{password}@{place}").start()


async def test_server_that_is_away_is_waited_for_and_named(mortal: Server):
    dsn = mortal.dsn()
    await asyncio.to_thread(mortal.kill)
    told = asyncio.Event()
    words: list[str] = []

    def tell(reason: str, _seconds: float) -> None:
        words.append(reason)
        told.set()

    store = open_store(dsn)
    starting = asyncio.create_task(persist(store.start, 60, tell))
    await asyncio.wait_for(told.wait(), 5)
    await asyncio.to_thread(mortal.restart)
    await asyncio.wait_for(starting, 30)
    await store.close()
    assert words[0].endswith(" at :/postgres")


# ------------------------------------------------------------------ lost connections


async def test_terminated_connections_are_replaced(server: Server, store: SqlStore):
    await asyncio.gather(*(store.append(record(f"{n}", f"{n}")) for n in range(20)))
    await server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parley'"
    )
    await asyncio.sleep(0.2)
    await store.append(record("again", "again"))
    assert len(await leaves(store)) == 21


# ------------------------------------------------------------------ several processes


async def test_two_writers_share_one_log_without_gaps(dsn: str):
    async with open_store(dsn) as one, open_store(dsn) as two:
        works = [
            s.append(record(f"{i} {n}", f"{i} {n}"))
            for n in range(100)
            for i, s in enumerate((one, two))
        ]
        entries = await asyncio.gather(*works)
        assert sorted(entry.index for entry in entries) == list(range(200))
        assert await one.entries(0, 300) == await two.entries(0, 300)


async def test_of_rivals_in_two_processes_one_wins_and_the_other_is_told(dsn: str):
    async with open_store(dsn) as one, open_store(dsn) as two:
        for position in range(20):
            outcomes = await asyncio.gather(
                one.append(record(f"one {position}", position=position)),
                two.append(record(f"two {position}", position=position)),
                return_exceptions=True,
            )
            (lost,) = [o for o in outcomes if isinstance(o, BaseException)]
            assert isinstance(lost, SequenceTaken)
            assert lost.values == {"expected": position, "actual": position + 1}


async def test_limits_hold_across_processes(dsn: str):
    async with open_store(dsn) as one, open_store(dsn) as two:
        puts = [
            s.put_artifact(Artifact("talk", f"{i} {n}", "0x", b"x"), 3)
            for n in range(8)
            for i, s in enumerate((one, two))
        ]
        assert sum(await asyncio.gather(*puts)) == 3
        wanted = [
            s.subscribe(Subscription(f"wh {i} {n}", "0x", "https://x/", "secret", 0), 3)
            for n in range(8)
            for i, s in enumerate((one, two))
        ]
        assert sum(await asyncio.gather(*wanted)) == 3


async def test_stores_that_start_at_once_on_an_empty_database_all_start(server: Server):
    dsn = await server.create()
    stores = [open_store(dsn) for _ in range(4)]
    await asyncio.gather(*(store.start() for store in stores))
    await asyncio.gather(*(s.append(record(f"{n}", f"{n}")) for n, s in enumerate(stores)))
    assert len(await leaves(stores[0])) == 4
    for store in stores:
        await store.close()


# ------------------------------------------------------------------ slow, gone, hostile


async def test_log_that_another_holds_for_too_long_is_a_named_refusal(
    dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(postgres.SETTINGS, "statement_timeout", "200ms")
    other = await asyncpg.connect(dsn)
    async with open_store(dsn) as store:
        async with other.transaction():
            await other.execute(postgres.HOLD, "parley log")
            works = (store.append(record(f"{n}", f"{n}")) for n in range(3))
            outcomes = await asyncio.gather(*works, return_exceptions=True)
            assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
            assert await leaves(store) == []
        assert (await store.append(record("1", "1"))).index == 0
    await other.close()


async def test_server_that_does_not_answer_is_a_named_refusal(
    mortal: Server, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(postgres, "STATEMENT_SECONDS", 0.3)
    monkeypatch.setattr(postgres, "CONNECT_SECONDS", 0.3)
    async with open_store(mortal.dsn()) as store:
        await store.append(record("a"))
        stopped = await backends(mortal)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(StoreUnavailable):
                await asyncio.wait_for(store.append(record("b", "b")), 10)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)


async def backends(server: Server) -> list[int]:
    connection = await asyncpg.connect(server.dsn())
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'parley'"
        )
    finally:
        await connection.close()
    return [pid for (pid,) in rows]


@pytest.mark.parametrize(
    "where", ["postgresql://127.0.0.1:1/x", "postgresql://postgres@/none?host=/nowhere"]
)
async def test_server_that_is_not_there_is_a_named_refusal_at_once(where: str):
    with pytest.raises(StoreUnavailable) as refused:
        await open_store(where).start()
    assert refused.value.store == "postgresql"


async def test_word_that_the_database_cannot_hold_hurts_only_its_caller(store: SqlStore):
    broken = [
        replace(record("nul", "nul"), body=b"", parties=("\0",)),
        replace(record("surrogate", "surrogate"), signer="\ud800"),
        replace(record("large", "large"), received_at=1 << 70),
        listing(row("lot", title="\ud800")),
        listing(row("lots", capacity=1 << 64)),
    ]
    good = [record(f"{n}", f"{n}") for n in range(5)]
    works = [store.append(each) for pair in zip(broken, good, strict=True) for each in pair]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(refused) == 5
    assert all(isinstance(outcome, ValueError) for outcome in refused)
    assert [e.record.digest for e in await store.entries(0, 99)] == [f"{n}" for n in range(5)]
    assert await store.search(Search(NOW)) == []


async def test_caller_that_gave_up_does_not_stop_the_others(store: SqlStore):
    works = [asyncio.ensure_future(store.append(record(f"{n}", f"{n}"))) for n in range(10)]
    await asyncio.sleep(0)
    works[3].cancel()
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert sum(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes) == 1
    assert (await store.append(record("last", "last"))).record.digest == "last"


async def test_closing_finishes_what_was_begun_and_then_refuses(dsn: str):
    store = open_store(dsn)
    await store.start()
    works = [asyncio.ensure_future(store.append(record(f"{n}", f"{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*works)
    with pytest.raises(StoreUnavailable):
        await store.append(record("late", "late"))


async def test_durability_is_not_left_to_the_servers_defaults(server: Server):
    dsn = await server.create()
    name = dsn.split("?", maxsplit=1)[0].rsplit("/", 1)[1]
    await server.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    async with open_store(dsn) as store, store._database._connection() as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
