"""The tree that every store keeps beside its log, and the bodies that it may forget."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from postgres_server import Server
from records import NOW, AnyStore, record
from stores import leaves

from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.core.errors import SequenceTaken
from marketplace.core.merkle import Tree, check_inclusion, leaf_hash
from marketplace.core.tiles import Run
from marketplace.ports.artifacts import Artifact
from marketplace.ports.store import Entry

pytestmark = pytest.mark.anyio

Store = AnyStore


async def fill(store: Store, count: int, first: int = 0) -> list[Entry]:
    made = (record(f"{n}", f"talk {n}") for n in range(first, first + count))
    return list(await asyncio.gather(*(store.append(each) for each in made)))


async def test_tree_of_a_store_is_the_tree_of_its_leaves_whatever_the_groups(store: Store):
    assert await store.tree() == Tree()
    for count in (1, 2, 254, 7, 300):
        size = (await store.tree()).size
        await fill(store, count, size)
        hashes = await leaves(store)
        assert await store.tree() == Tree().grown(hashes).tree
        assert len(hashes) == size + count


async def test_each_appended_entry_brings_what_proves_it(store: Store):
    for entry in await fill(store, 40):
        assert entry.growth is not None
        tree = entry.growth.tree
        proof = entry.growth.inclusion(entry.index)
        check_inclusion(entry.record.leaf_hash, entry.index, (tree.size, tree.root), proof)
    # What was durable when it was answered is where the store's own tree has gone through.
    assert tree.size <= (await store.tree()).size


async def test_entry_that_was_there_brings_no_growth_and_grows_nothing(store: Store):
    await fill(store, 3)
    before = await store.tree()
    assert (await store.append(record("1", "talk 1"))).growth is None
    with pytest.raises(SequenceTaken):
        await store.append(record("other", "talk 1", 5))
    assert await store.tree() == before


async def test_hashes_above_the_leaves_are_those_of_whole_tiles(store: Store):
    await fill(store, 600)
    hashes = await leaves(store)
    nodes = Tree().grown(hashes).nodes
    assert await store.hashes(Run(1, 0, 256)) == [nodes[8, 0], nodes[8, 1]]
    assert await store.hashes(Run(1, 1, 1)) == [nodes[8, 1]]
    assert await store.hashes(Run(2, 0, 1)) == []
    assert await store.hashes(Run(0, 598, 256)) == hashes[598:]


async def test_entry_that_was_there_brings_no_growth_in_a_group_of_new_ones_either(store: Store):
    await fill(store, 3)
    again = await asyncio.gather(*(store.append(record(f"{n}", f"talk {n}")) for n in range(6)))
    assert [entry.growth is None for entry in again] == [True] * 3 + [False] * 3
    twice = await asyncio.gather(*(store.append(record("new", "new")) for _ in range(2)))
    assert twice[0] == twice[1]
    assert (await store.tree()).size == 7


async def test_leaves_come_without_their_bodies(store: Store):
    entries = await fill(store, 9)
    every = [entry.record.leaf for entry in sorted(entries, key=lambda entry: entry.index)]
    assert await store.leaves(2, 4) == every[2:6]
    assert await store.leaves(7, 256) == every[7:]


async def test_of_256_entries_one_node_is_kept(tmp_path):
    where = tmp_path / "registry.sqlite"
    async with open_store(where) as store:
        for first in (0, 255, 300):
            await fill(store, 300, first)
    with closing(sqlite3.connect(where)) as file:
        rows = file.execute("SELECT level, idx FROM nodes ORDER BY level, idx").fetchall()
    assert rows == [(1, 0), (1, 1)]


async def test_last_entry_of_a_thread_is_found(store: Store):
    assert await store.last("talk") is None
    for position in range(3):
        await store.append(record(f"{position}", position=position))
    await store.append(record("other", "other"))
    found = await store.last("talk")
    assert found is not None
    assert (found.record.digest, found.growth) == ("2", None)


async def test_two_workers_of_one_database_grow_one_tree(server: Server):
    where = await server.emptied()
    async with open_store(where) as one, open_store(where) as two:
        made = [record(f"{n}", f"talk {n}") for n in range(300)]
        works = [(one, two)[n % 2].append(each) for n, each in enumerate(made)]
        entries = await asyncio.gather(*works)
        sizes: dict[int, bytes] = {}
        for entry in entries:
            assert entry.growth is not None
            tree = entry.growth.tree
            # Two workers never have two trees of one size.
            assert sizes.setdefault(tree.size, tree.root) == tree.root
            proof = entry.growth.inclusion(entry.index)
            check_inclusion(entry.record.leaf_hash, entry.index, (tree.size, tree.root), proof)
        assert await two.tree() == Tree().grown(await leaves(one)).tree


async def test_tree_outlives_its_process(tmp_path):
    where = tmp_path / "registry.sqlite"
    async with open_store(where) as store:
        await fill(store, 300)
        before = await store.tree()
    async with open_store(where) as store:
        assert await store.tree() == before
        await fill(store, 300, 300)
        assert await store.tree() == Tree().grown(await leaves(store)).tree


# ------------------------------------------------------------------ erasing


async def talk(store: Store, name: str, at: int, due_at: int | None = None) -> None:
    """Two words, the last at a time."""
    first = replace(record(f"{name} 0", name, 0, "invitation"), received_at=at - 1, due_at=due_at)
    await store.append(first)
    await store.append(replace(record(f"{name} 1", name, 1), received_at=at))
    await store.put_artifact(Artifact(name, "a", "0xbuyer", b"bytes"), 8)


async def bodies(store: Store, name: str) -> list[bool]:
    return [bool(entry.record.body) for entry in await store.thread(name)]


async def test_bodies_and_artifacts_of_what_is_long_over_go_and_nothing_else(store: Store):
    await talk(store, "old", NOW)
    await talk(store, "due", NOW, due_at=NOW + 900)
    await store.append(record("listed", "listed", 0, "listing"))
    await talk(store, "new", NOW + 500)
    before = await store.tree()
    # What was said at just that time is not older.
    assert await store.erase(NOW, 1_000) == 1
    assert await bodies(store, "old") == [True, True]
    assert await store.erase(NOW + 400, 1_000) == 5
    assert await bodies(store, "old") == [False, False]
    assert await bodies(store, "due") == await bodies(store, "new") == [True, True]
    assert await bodies(store, "listed") == [True]
    assert await store.artifact("old", "a") is None
    assert await store.artifact("new", "a") is not None
    assert await store.tree() == before == Tree().grown(await leaves(store)).tree
    leaf = (await store.thread("old"))[0].record.leaf
    assert leaf_hash(leaf) == (await leaves(store))[0]


async def test_what_was_erased_is_nowhere_in_the_file(tmp_path):
    where = tmp_path / "registry.sqlite"
    said = [replace(record(f"{n}", f"{n}"), body=b"a price, " * 3_000) for n in range(9)]
    async with open_store(where) as store:
        await asyncio.gather(*(store.append(each) for each in said))
    assert b"a price" in where.read_bytes()
    async with open_store(where) as store:
        await store.erase(NOW + 1, 100)
    assert not any(b"a price" in path.read_bytes() for path in tmp_path.iterdir())


async def test_erasing_goes_on_where_it_stopped_and_in_any_steps(store: Store):
    for number in range(7):
        await talk(store, f"talk {number}", NOW + number)
    reached = [await store.erase(NOW + 100, 3) for _ in range(7)]
    assert reached == [3, 6, 9, 12, 14, 14, 14]
    assert [await bodies(store, f"talk {n}") for n in range(7)] == [[False, False]] * 7


async def test_talk_that_waited_for_its_deadline_is_erased_after_its_note(store: Store):
    await talk(store, "due", NOW, due_at=NOW + 10)
    assert await store.erase(NOW + 5, 10) == 2
    assert await bodies(store, "due") == [True, True]
    noted = replace(record("note", "due", 2, "timeout"), received_at=NOW + 10, due_at=0)
    await store.append(replace(noted, body=b""))
    assert await store.erase(NOW + 11, 10) == 3
    assert await bodies(store, "due") == [False, False, False]


async def test_word_that_comes_after_its_talk_was_erased_is_erased_in_its_turn(store: Store):
    await talk(store, "old", NOW)
    await store.erase(NOW + 400, 10)
    await store.append(replace(record("later", "old", 2), received_at=NOW + 500))
    await store.erase(NOW + 501, 10)
    assert await bodies(store, "old") == [False, False, False]


async def test_two_workers_that_erase_at_once_erase_once(server: Server):
    where = await server.emptied()
    async with open_store(where) as one, open_store(where) as two:
        for number in range(20):
            await talk(one, f"talk {number}", NOW)
        steps = (store.erase(NOW + 1, 4) for _ in range(6) for store in (one, two))
        assert max(await asyncio.gather(*steps)) == 40
        assert await _erased(two)


async def _erased(store: SqlStore) -> bool:
    return not any(entry.record.body for entry in await store.entries(0, 100))
