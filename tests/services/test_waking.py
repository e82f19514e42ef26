"""Readers are woken by what is there: a store takes its time, and something happens in it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from market import SELLER, STRANGER, content, listing
from stores import FailingStore
from witness import Witness

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.ports.store import Entry, Record
from marketplace.services import feed
from marketplace.services.feed import Feed
from marketplace.services.recent import Recent

pytestmark = pytest.mark.anyio

FIRST = listing()
# Far longer than the bus needs, and far shorter than a reader would sleep.
PROMPTLY, LONG = 2.0, 60.0


class Slow(MemoryStore):
    """An append takes a moment, as a commit does; a read is over before its answer arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def append(self, record: Record) -> Entry:
        await asyncio.sleep(0.02)
        return await super().append(record)

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        found = await super().entries(start, limit, party)
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return found


async def polled(told: Feed) -> int:
    (entry,) = await told.poll(0, 9, "", LONG)
    return entry.index


async def followed(told: Feed) -> int:
    async for entry in told.follow(0):
        if entry is not None:
            return entry.index
    raise AssertionError("the feed ended")


Reading = Callable[[Feed], Awaitable[int]]


@pytest.mark.parametrize("reading", [polled, followed])
async def test_who_is_woken_finds_the_entry(reading: Reading):
    witness = Witness(Slow())
    waiting = asyncio.create_task(reading(witness.services.feed))
    await asyncio.sleep(0.01)
    await witness.take(FIRST)
    assert await asyncio.wait_for(waiting, PROMPTLY) == 0


@pytest.mark.parametrize("reading", [polled, followed])
async def test_what_comes_between_the_reading_and_the_waiting_wakes_all_the_same(reading: Reading):
    store, bus = Slow(), MemoryBus()
    witness = Witness(store)

    async def another() -> None:
        # As another worker does: into the store, and then to every reader.
        await witness.take(FIRST)
        bus.publish(())

    store.meanwhile = another
    told = Feed(store, Recent(alone=False), bus)
    assert await asyncio.wait_for(reading(told), PROMPTLY) == 0


async def test_words_for_others_do_not_put_a_heartbeat_off(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.1)
    bus = MemoryBus()
    told = Feed(MemoryStore(), Recent(alone=False), bus).follow(0, "0xbuyer")

    async def others() -> None:
        while True:
            await asyncio.sleep(0.01)
            bus.publish_all()

    waking = asyncio.create_task(others())
    assert await asyncio.wait_for(anext(told), PROMPTLY) is None
    waking.cancel()


async def test_what_this_process_has_just_appended_is_not_asked_of_the_store():
    store = FailingStore()
    witness, seen = Witness(store), list[int]()

    async def read() -> None:
        async for entry in witness.services.feed.follow(0):
            assert entry is not None
            seen.append(entry.index)

    await witness.take(FIRST)
    reader = asyncio.create_task(read())
    for title in "abcd":
        await asyncio.sleep(0.01)
        await witness.take(listing(what=content(title=title)))
    await asyncio.sleep(0.01)
    reader.cancel()
    assert seen == [0, 1, 2, 3, 4]
    assert "entries" not in store.asked


async def test_what_the_store_tells_a_party_is_only_its_own():
    witness = Witness()
    await witness.take(FIRST, listing(STRANGER), listing(what=content(title="Another")))
    told = Feed(witness.store, Recent(alone=False), MemoryBus()).follow(0, SELLER.address)
    seen = [await anext(told), await anext(told)]
    assert [entry.index for entry in seen if entry] == [0, 2]


async def test_word_that_is_sent_again_right_after_a_start_hides_nothing_from_readers():
    store = MemoryStore()
    words = [listing(SELLER, content(title=f"Hours, no. {number}")) for number in range(5)]
    await Witness(store).take(*words[:4])
    started = Witness(store)
    # Its sender never heard that the second was stored; others were stored after it.
    await started.take(words[1])
    await started.take(words[4])
    told: list[int] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            async for entry in started.services.feed.follow(2):
                assert entry is not None
                told.append(entry.index)
    assert told == [2, 3, 4]
    # And the next reader finds the news in hand.
    assert [entry.index for entry in started.services.feed.recent.since(4, "") or ()] == [4]
