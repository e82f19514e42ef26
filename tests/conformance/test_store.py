"""What every store owes the registry: one suite, every adapter."""

import asyncio
from dataclasses import replace

import pytest
from records import BUYER, OTHER, SELLER, record
from stores import leaves

from marketplace.core.errors import SequenceTaken
from marketplace.ports.artifacts import Artifact
from marketplace.ports.store import Record, Store

pytestmark = pytest.mark.anyio


async def fill(store: Store, count: int, thread: str = "talk") -> list[Record]:
    records = [record(f"{thread} {n}", thread, n) for n in range(count)]
    for one in records:
        await store.append(one)
    return records


async def test_empty_store_has_nothing(store: Store):
    assert await store.find("offer", "a", "") is None
    assert await store.thread("talk") == await store.due(1 << 40, 10) == []
    assert await store.entries(0, 10) == await leaves(store) == []
    assert await store.artifact("talk", "a") is None


async def test_what_is_appended_is_read_back_whole_and_numbered_without_gaps(store: Store):
    records = await fill(store, 3)
    entries = await store.entries(0, 10)
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert [entry.record for entry in entries] == records
    assert await store.thread("talk") == entries
    assert await leaves(store) == [one.leaf_hash for one in records]


async def test_same_message_again_gives_its_first_entry(store: Store):
    first = await store.append(record("a"))
    later = replace(record("a"), position=1, received_at=1_900_000_000)
    assert await store.append(later) == first
    assert len(await leaves(store)) == 1


async def test_same_digest_of_another_kind_or_signer_is_another_message(store: Store):
    await store.append(record("a"))
    await store.append(replace(record("a", position=1), kind="acceptance"))
    await store.append(replace(record("a", position=2), signer=BUYER))
    assert len(await store.thread("talk")) == 3
    found = await store.find("offer", "a", BUYER)
    assert found is not None
    assert found.index == 2


async def test_empty_signer_finds_the_first_of_any(store: Store):
    first = await store.append(record("a"))
    await store.append(replace(record("a", position=1), signer=BUYER))
    assert await store.find("offer", "a", "") == first
    assert await store.find("offer", "a", OTHER) is None
    assert await store.find("listing", "a", "") is None


@pytest.mark.parametrize("position", [0, 2, 7])
async def test_position_that_is_taken_or_leaves_a_gap_is_refused_with_both(
    store: Store, position: int
):
    await store.append(record("a"))
    with pytest.raises(SequenceTaken) as refused:
        await store.append(record("b", position=position))
    assert refused.value.values == {"expected": position, "actual": 1}
    assert len(await leaves(store)) == 1


async def test_refused_append_leaves_no_gap(store: Store):
    await store.append(record("a"))
    with pytest.raises(SequenceTaken):
        await store.append(record("b"))
    assert (await store.append(record("b", position=1))).index == 1


async def test_of_concurrent_appends_to_one_position_exactly_one_wins(store: Store):
    rivals = [store.append(record(f"rival {n}")) for n in range(20)]
    outcomes = await asyncio.gather(*rivals, return_exceptions=True)
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, SequenceTaken)]
    assert (len(won), len(lost)) == (1, 19)
    assert await store.entries(0, 30) == won


async def test_concurrent_appends_to_many_threads_all_win(store: Store):
    await asyncio.gather(*(store.append(record(f"a {n}", f"talk {n}")) for n in range(50)))
    assert [entry.index for entry in await store.entries(0, 100)] == list(range(50))


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 127, 200, 600])
async def test_group_of_any_size_is_stored_whole_and_in_order(store: Store, count: int):
    many = [record(f"d{n}", f"t{n % 7}", n // 7) for n in range(count)]
    async with asyncio.timeout(60):
        stored = await asyncio.gather(*(store.append(one) for one in many))
    assert [entry.record for entry in stored] == many
    assert await store.entries(0, 1_000) == list(stored)
    assert await store.entries(0, 1_000, BUYER) == list(stored)


async def test_many_messages_are_found_at_once_each_by_its_first_entry(store: Store):
    await fill(store, 3)
    again = replace(record("talk 1", "other"), signer=OTHER)
    await store.append(again)
    await store.append(replace(record("talk 2", "another"), kind="acceptance"))
    found = await store.named("offer", ["talk 1", "talk 2", "nobody said that"])
    assert {digest: entry.index for digest, entry in found.items()} == {"talk 1": 1, "talk 2": 2}
    assert await store.named("offer", []) == {}


async def test_entries_are_paged_by_index(store: Store):
    await fill(store, 5)
    assert [entry.index for entry in await store.entries(1, 2)] == [1, 2]
    assert [entry.index for entry in await store.entries(4, 10)] == [4]
    assert await store.entries(5, 10) == await store.entries(1 << 53, 1) == []


async def test_party_reads_only_what_concerns_it_and_pages_do_not_shrink(store: Store):
    await fill(store, 3)
    await store.append(replace(record("b", "other"), parties=(OTHER, OTHER)))
    await store.append(replace(record("c", "third"), parties=(SELLER, OTHER)))
    assert [entry.index for entry in await store.entries(0, 10, OTHER)] == [3, 4]
    assert [entry.index for entry in await store.entries(2, 2, SELLER)] == [2, 4]
    assert await store.entries(0, 10, "0xnobody") == []


async def test_record_that_requires_another_thread_to_stand_still_is_refused_once_it_moved(
    store: Store,
):
    await fill(store, 2, "listing")
    standing = replace(record("invitation", "new"), requires=(("listing", 2),))
    moved = replace(record("late", "other"), requires=(("listing", 1),))
    with pytest.raises(SequenceTaken) as refused:
        await store.append(moved)
    assert refused.value.values == {"expected": 1, "actual": 2}
    assert (await store.append(standing)).index == 2
    assert await store.thread("other") == []


async def test_thread_is_read_from_a_position_on(store: Store):
    records = await fill(store, 4)
    assert [entry.record for entry in await store.thread("talk", 2)] == records[2:]
    assert await store.thread("talk", 4) == []


@pytest.mark.parametrize("parties", [(), (BUYER,), (SELLER, BUYER, OTHER), (BUYER, BUYER)])
async def test_any_number_of_parties_is_told_and_read_back_in_order(
    store: Store, parties: tuple[str, ...]
):
    entry = await store.append(replace(record("a"), parties=parties))
    assert entry.record.parties == parties
    assert await store.thread("talk") == [entry]
    for party in (BUYER, SELLER, OTHER):
        assert await store.entries(0, 10, party) == [entry] * (party in parties)


async def test_what_is_only_derived_is_not_read_back(store: Store):
    due = replace(record("a"), due_at=5, requires=(("talk", 0),))
    entry = await store.append(due)
    assert entry.record == replace(due, due_at=None, requires=())
    assert await store.append(due) == entry
    assert await store.thread("talk") == [entry]


async def test_group_with_one_message_twice_and_two_rivals_has_one_of_each(store: Store):
    twin, rival = record("a"), record("b")
    outcomes = await asyncio.gather(
        store.append(twin), store.append(twin), store.append(rival), return_exceptions=True
    )
    first, second, third = outcomes
    assert first == second == (await store.entries(0, 10))[0]
    assert isinstance(third, SequenceTaken)
    assert third.values == {"expected": 0, "actual": 1}


# ------------------------------------------------------------------ what silence ends


async def test_due_threads_come_once_their_time_has_the_longest_overdue_first(store: Store):
    for thread, at in (("a", 30), ("b", 10), ("c", 20), ("d", 20)):
        await store.append(replace(record(thread, thread), due_at=at))
    await store.append(record("e", "e"))
    assert await store.due(9, 10) == []
    assert await store.due(20, 10) == ["b", "c", "d"]
    assert await store.due(30, 2) == ["b", "c"]


async def test_next_word_moves_ends_or_leaves_what_is_due(store: Store):
    for thread in ("moves", "ends", "stays"):
        await store.append(replace(record(thread, thread), due_at=10))
    await store.append(replace(record("m", "moves", 1), due_at=50))
    await store.append(replace(record("e", "ends", 1), due_at=0))
    await store.append(record("s", "stays", 1))
    assert await store.due(49, 10) == ["stays"]
    assert await store.due(50, 10) == ["stays", "moves"]


async def test_refused_record_changes_nothing_that_is_due(store: Store):
    await store.append(replace(record("a"), due_at=10))
    with pytest.raises(SequenceTaken):
        await store.append(replace(record("b"), due_at=0))
    await store.append(replace(record("a"), due_at=0))
    assert await store.due(10, 10) == ["talk"]


async def test_store_that_can_be_read_and_written_says_so(store: Store):
    await store.check()
    await store.check()
    assert await leaves(store) == []


# ------------------------------------------------------------------ artifacts


async def test_artifacts_are_kept_once_and_up_to_a_number(store: Store):
    assert await store.put_artifact(Artifact("talk", "a", BUYER, b"1"), 1)
    assert await store.put_artifact(Artifact("talk", "b", SELLER, b"\0\xff"), 1)
    assert not await store.put_artifact(Artifact("talk", "c", BUYER, b"3"), 1)
    assert await store.put_artifact(Artifact("talk", "a", BUYER, b"again"), 1)
    assert await store.put_artifact(Artifact("other", "c", BUYER, b"3"), 2)
    assert await store.artifact("talk", "b") == Artifact("talk", "b", SELLER, b"\0\xff")
    assert await store.artifact("talk", "c") is None


async def test_concurrent_artifacts_do_not_pass_the_number(store: Store):
    puts = [store.put_artifact(Artifact("talk", f"{n}", BUYER, b"x"), 3) for n in range(12)]
    assert sum(await asyncio.gather(*puts)) == 3
