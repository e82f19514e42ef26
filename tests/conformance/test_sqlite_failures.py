"""The durable store when things break: kills, full disks, hostile words, closed loops."""

import asyncio
import contextlib
import sqlite3
import threading
from pathlib import Path

import pytest
from killing import kill_while_writing
from records import listing, record, row
from stores import leaves

from marketplace.adapters.sql.plan import Plan, Query
from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.adapters.sql.writer import GroupWriter
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.artifacts import Artifact

pytestmark = pytest.mark.anyio


def writer(store: SqlStore) -> GroupWriter:
    return store._database._threads[0]


async def fill_the_disk(store: SqlStore) -> None:
    """No page more than the file has now: what SQLite meets on a full disk."""

    def freeze(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    await writer(store).run(freeze)


async def clean_the_disk(store: SqlStore) -> None:
    await writer(store).run(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone())


# ------------------------------------------------------------------ durability


async def test_entries_survive_closing_and_opening(tmp_path: Path):
    path = tmp_path / "registry.sqlite"
    async with open_store(path) as store:
        entry = await store.append(record("a"))
    async with open_store(path) as store:
        assert await store.entries(0, 10) == [entry]
        assert (await store.append(record("b", position=1))).index == 1


async def test_killed_writer_loses_no_entry_that_it_acknowledged(tmp_path: Path):
    path = tmp_path / "registry.sqlite"
    told = await asyncio.to_thread(kill_while_writing, str(path))
    async with open_store(path) as store:
        entries = await store.entries(0, 1_000_000)
    assert len(told) >= 60
    assert told <= {entry.record.digest for entry in entries}
    assert [entry.index for entry in entries] == list(range(len(entries)))


# ------------------------------------------------------------------ a full disk


async def test_full_disk_is_a_named_refusal_that_stores_nothing_and_can_be_retried(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        await store.append(record("a"))
        await fill_the_disk(store)
        big = Artifact("talk", "big", "0x", b"x" * 100_000)
        with pytest.raises(StoreUnavailable) as refused:
            await store.put_artifact(big, 16)
        assert refused.value.store == "sqlite"
        assert "full" in refused.value.reason
        assert await store.artifact("talk", "big") is None
        assert len(await leaves(store)) == 1

        await clean_the_disk(store)
        assert await store.put_artifact(big, 16)
        assert (await store.append(record("b", position=1))).index == 1


async def test_whoever_shares_a_commit_with_a_failure_is_told_the_truth(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        await store.append(record("a"))
        await fill_the_disk(store)
        works = [store.append(record(f"b {n}", f"talk {n}")) for n in range(5)]
        works.insert(2, store.put_artifact(Artifact("t", "big", "0x", b"x" * 100_000), 16))
        outcomes = await asyncio.gather(*works, return_exceptions=True)
        stored = {entry.record.digest for entry in await store.entries(0, 100)}
        kept = {o.record.digest for o in outcomes if not isinstance(o, BaseException | bool)}
        assert stored == kept | {"a"}
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert refused
        assert all(isinstance(outcome, StoreUnavailable) for outcome in refused)


async def test_transaction_that_the_database_rolled_back_keeps_nothing_of_its_group(tmp_path: Path):
    def roll_back(connection: sqlite3.Connection) -> None:
        # What SQLite itself may do on a full disk or an I/O error, in the middle of a group.
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    async with open_store(tmp_path / "registry.sqlite") as store:
        outcomes = await asyncio.gather(
            store.append(record("before", "x")),
            writer(store).run(roll_back),
            store.append(record("after", "y")),
            return_exceptions=True,
        )
        kept = {o.record.digest for o in outcomes if not isinstance(o, BaseException)}
        assert {entry.record.digest for entry in await store.entries(0, 10)} == kept


async def test_locked_file_is_a_named_refusal(tmp_path: Path):
    path = tmp_path / "registry.sqlite"
    async with open_store(path) as store:
        await writer(store).run(lambda c: c.execute("PRAGMA busy_timeout = 1").fetchone())
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable) as refused:
                await store.append(record("a"))
            other.execute("ROLLBACK")
        assert "locked" in refused.value.reason
        assert (await store.append(record("a"))).index == 0


# ------------------------------------------------------------------ what must not stop the thread


async def test_word_that_sqlite_cannot_hold_hurts_only_its_caller(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        with pytest.raises(UnicodeEncodeError):
            await store.find("offer", "\ud800", "")
        with pytest.raises(OverflowError):
            await store.entries(1 << 70, 1)
        assert (await store.append(record("a"))).index == 0


async def test_caller_that_gave_up_or_whose_loop_is_gone_does_not_stop_the_store(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        gone = asyncio.ensure_future(store.append(record("a")))
        await asyncio.sleep(0)
        gone.cancel()

        def leave_at_once() -> None:
            loop = asyncio.new_event_loop()
            task = loop.create_task(store.append(record("b", "b")))
            loop.run_until_complete(asyncio.sleep(0))
            task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

        await asyncio.to_thread(leave_at_once)
        assert (await store.append(record("c", "c"))).record.digest == "c"


async def test_closing_finishes_what_was_queued(tmp_path: Path):
    path = tmp_path / "registry.sqlite"
    store = open_store(path)
    await store.start()
    # The first work holds the thread, so that all others and the end share the next group.
    running, held = threading.Event(), threading.Event()
    first = writer(store).run(lambda _: (running.set(), held.wait(5)))
    works = [asyncio.ensure_future(first)]
    await asyncio.to_thread(running.wait, 5)
    works += [asyncio.ensure_future(store.append(record(f"{n}", f"{n}"))) for n in range(20)]
    await asyncio.sleep(0.01)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0.01)
    held.set()
    await asyncio.gather(closing, *works)
    async with open_store(path) as again:
        assert len(await leaves(again)) == 20


@pytest.mark.parametrize("content", [None, b"this is no database" * 100])
async def test_file_that_cannot_be_opened_is_a_named_refusal_at_once(
    tmp_path: Path, content: bytes | None
):
    path = tmp_path / "missing" / "registry.sqlite"
    if content is not None:
        path.parent.mkdir()
        path.write_bytes(content)
    with pytest.raises(StoreUnavailable):
        await open_store(path).start()


async def test_closed_store_refuses_instead_of_keeping_its_caller_waiting(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        await store.append(record("a"))
    for refused in (store.append(record("b")), leaves(store), store.check()):
        with pytest.raises(StoreUnavailable):
            await asyncio.wait_for(refused, 5)


async def test_store_that_was_not_started_refuses(tmp_path: Path):
    with pytest.raises(StoreUnavailable):
        await open_store(tmp_path / "registry.sqlite").append(record("a"))


# ------------------------------------------------------------------ nothing half-written


async def test_record_whose_listing_cannot_be_stored_is_not_appended_either(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        broken = listing(row("lot", title="\ud800"))
        with pytest.raises(UnicodeEncodeError):
            await store.append(broken)
        assert await leaves(store) == []
        assert await store.row("lot") is None
        await store.append(listing(row("lot")))
        assert await store.row("lot") == row("lot")


async def test_reader_waits_for_no_writer(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        await store.append(record("a"))
        running, held = threading.Event(), threading.Event()
        work = asyncio.ensure_future(writer(store).run(lambda _: (running.set(), held.wait(30))))
        await asyncio.to_thread(running.wait, 5)
        assert len(await asyncio.wait_for(leaves(store), 5)) == 1
        held.set()
        await work


async def test_thread_that_reads_cannot_write(tmp_path: Path):
    async with open_store(tmp_path / "registry.sqlite") as store:
        reader = store._database._threads[1]
        with pytest.raises(StoreUnavailable):
            await reader.run(lambda c: c.execute("DELETE FROM entries"))


def _pragmas() -> Plan[tuple[str, int]]:
    ((journal,),) = yield Query("PRAGMA journal_mode")
    ((synchronous,),) = yield Query("PRAGMA synchronous")
    return journal, synchronous


async def test_commit_waits_for_the_disk(tmp_path: Path):
    # A killed process loses nothing that the kernel has; what a lost machine loses, this says.
    full = 2
    async with open_store(tmp_path / "registry.sqlite") as store:
        assert await store._database.write(_pragmas()) == ("wal", full)
