"""Reputation: settled deals are counted once, from confirmed blocks, and searched by."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from market import BUYER, NOW, SELLER, STRANGER, content, listing, word
from witness import Witness

from marketplace.adapters.memory.index import MemoryIndex
from marketplace.adapters.sql.store import open_store
from marketplace.core.deal import DealState
from marketplace.ports.chain import DealEvent
from marketplace.ports.index import ListingIndex, Order, Search
from marketplace.services import reputation as module
from marketplace.services.reputation import CONFIRMATIONS, Reputation

pytestmark = pytest.mark.anyio


@dataclass
class Chain:
    """Events by block, and which stretches were asked for."""

    height: int = 0
    events: list[DealEvent] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def between(self, first: int, last: int) -> list[DealEvent]:
        self.asked.append((first, last))
        # A node takes its time, and others their turn.
        await asyncio.sleep(0)
        return [event for event in self.events if first <= event.block <= last]

    async def latest(self) -> int:
        return self.height

    def happened(self, name: str, deal: str, block: int, **values: str | int) -> None:
        self.events.append(DealEvent(name, word(deal), values, NOW, block, word("transaction"), 0))

    def settled(self, deal: str, seller: str, block: int) -> None:
        self.happened("Opened", deal, block, seller=seller)
        self.happened("Paid", deal, block + 1, state=DealState.RELEASED)


def reputation(index: ListingIndex, chain: Chain) -> Reputation:
    return Reputation("escrow", index, chain.between, chain.latest)


async def counted(index: MemoryIndex, seller: str = SELLER.address) -> int:
    return index._settled.get(seller, 0)


async def test_release_and_swap_count_and_other_ends_do_not():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("released", SELLER.address, 1)
    chain.happened("Swapped", "swapped", 3, seller=SELLER.address)
    for number, state in enumerate((DealState.REFUNDED, DealState.RESOLVED, DealState.SETTLED)):
        chain.happened("Opened", f"other {number}", 4, seller=STRANGER.address)
        chain.happened("Paid", f"other {number}", 5, state=state)
    chain.happened("Paid", "never opened", 6, state=DealState.RELEASED)
    await reputation(index, chain).run_once()
    assert (await counted(index), await counted(index, STRANGER.address)) == (2, 0)


async def test_deal_is_counted_once_however_often_its_seller_is_paid():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("released", SELLER.address, 1)
    chain.happened("Paid", "released", 3, state=DealState.RELEASED)
    await reputation(index, chain).run_once()
    assert await counted(index) == 1


async def test_deal_that_is_paid_in_parts_counts_once_with_the_last_of_them():
    chain, index = Chain(height=100), MemoryIndex()
    chain.happened("Opened", "metered", 1, seller=SELLER.address)
    for block, state in enumerate((DealState.FUNDED, DealState.NOTICED, DealState.DELIVERED), 2):
        chain.happened("Paid", "metered", block, state=state)
        await reputation(index, chain).run_once()
        assert await counted(index) == 0
        chain.height += block
    chain.happened("Paid", "metered", 101, state=DealState.RELEASED)
    chain.height = 200
    await reputation(index, chain).run_once()
    assert await counted(index) == 1


async def test_only_what_lies_deep_enough_is_counted_and_each_block_once():
    chain, index = Chain(height=CONFIRMATIONS + 1), MemoryIndex()
    counting = reputation(index, chain)
    chain.settled("released", SELLER.address, 1)
    # Paid in block 2, which a reorganisation could still undo.
    assert await counting.run_once() == 1
    assert await counted(index) == 0
    chain.events.pop()
    chain.happened("Paid", "released", 3, state=DealState.RELEASED)
    chain.height += 1
    assert await counting.run_once() == 2
    assert await counted(index) == 0
    chain.height += 1
    assert await counting.run_once() == 3
    assert (await counted(index), await index.settled_block("escrow")) == (1, 3)
    assert await counting.run_once() == 3
    assert chain.asked == [(0, 1), (2, 2), (3, 3)]


async def test_restart_goes_on_where_the_counting_stood_and_knows_the_open_deals(tmp_path: Path):
    chain = Chain(height=100)
    chain.settled("first", SELLER.address, 1)
    chain.happened("Opened", "open yet", 80, seller=SELLER.address)
    async with open_store(tmp_path / "registry.sqlite") as store:
        assert await reputation(store, chain).run_once() == 88
    chain.happened("Paid", "open yet", 90, state=DealState.RELEASED)
    chain.height = 110
    async with open_store(tmp_path / "registry.sqlite") as store:
        await Witness(store).take(listing(SELLER))
        assert await reputation(store, chain).run_once() == 98
        (found,) = await store.search(Search(NOW))
        assert found.settled == 2
        assert await store.open_deals([word("open yet")]) == {}
    assert chain.asked == [(0, 88), (89, 98)]


async def test_of_two_processes_that_count_at_once_each_block_counts_once():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("first", SELLER.address, 1)
    both = reputation(index, chain), reputation(index, chain)
    # Both have asked where the counting stands before either has counted.
    await asyncio.gather(*(each.run_once() for each in both))
    assert chain.asked == [(0, 88), (0, 88)]
    assert await counted(index) == 1


async def test_another_escrow_is_counted_from_its_own_beginning():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("first", SELLER.address, 1)
    await reputation(index, chain).run_once()
    other = Chain(height=50)
    other.settled("of the other", SELLER.address, 2)
    await Reputation("other", index, other.between, other.latest).run_once()
    assert other.asked == [(0, 38)]
    assert await counted(index) == 2


async def test_long_history_is_added_in_parts_that_end_with_a_block(monkeypatch):
    monkeypatch.setattr(module, "EVENTS_AT_ONCE", 3)
    chain, index = Chain(height=100), PartsLost(after=2)
    for block in range(10):
        # Two in a block, and opened in the block before the one in which they are paid.
        for number in range(2):
            chain.settled(f"{block} {number}", SELLER.address, block)
    chain.events.sort(key=lambda event: event.block)
    with pytest.raises(ConnectionError):
        await reputation(index, chain).run_once()
    assert [tally.until for tally in index.told] == [1, 2]
    assert await counted(index) == 4
    assert await reputation(index, chain).run_once() == 88
    assert chain.asked == [(0, 88), (3, 88)]
    assert await counted(index) == 20
    assert await index.open_deals([event.deal for event in chain.events]) == {}


async def test_young_chain_has_nothing_to_count():
    chain, index = Chain(height=CONFIRMATIONS - 1), MemoryIndex()
    assert await reputation(index, chain).run_once() == -1
    assert (chain.asked, await index.settled_block("escrow")) == ([], -1)


async def test_what_failed_is_asked_for_again_and_nothing_counts_twice():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("first", SELLER.address, 1)
    broken = True

    async def flaky(first: int, last: int) -> list[DealEvent]:
        if broken:
            raise ConnectionError("the node is away")
        return await chain.between(first, last)

    counting = Reputation("escrow", index, flaky, chain.latest)
    with pytest.raises(ConnectionError):
        await counting.run_once()
    broken = False
    await counting.run_once()
    chain.settled("second", SELLER.address, 90)
    chain.height = 200
    await counting.run_once()
    assert await counted(index) == 2


class LostOnce(MemoryIndex):
    """An index whose store is away when it is first told."""

    lost = True

    async def settled(self, tally):
        if self.lost:
            self.lost = False
            raise ConnectionError("the store is away")
        return await super().settled(tally)


class PartsLost(MemoryIndex):
    """An index whose store is away after so many tallies, once."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.told = after, []

    async def settled(self, tally):
        if len(self.told) == self.after:
            self.after = -1
            raise ConnectionError("the store is away")
        self.told.append(tally)
        return await super().settled(tally)


async def test_what_the_index_was_not_told_is_counted_again_and_once():
    chain, index = Chain(height=100), LostOnce()
    chain.settled("first", SELLER.address, 1)
    counting = reputation(index, chain)
    with pytest.raises(ConnectionError):
        await counting.run_once()
    await counting.run_once()
    assert await counted(index) == 1


async def test_search_is_ordered_and_filtered_by_settled_deals():
    witness, chain = Witness(), Chain(height=100)
    known, unknown, middle = listing(SELLER), listing(STRANGER), listing(BUYER, content(title="B"))
    await witness.take(unknown, middle, known)
    for number in range(3):
        chain.settled(f"of the seller {number}", SELLER.address, 2 * number)
    chain.settled("of the buyer", BUYER.address, 9)
    await reputation(witness.store, chain).run_once()

    async def found(**asked: Any) -> list[tuple[str, int]]:  # noqa: ANN401 any parameter
        pairs = await witness.services.listings.search(Search(NOW, **asked))
        return [(one.row.seller, one.settled) for one, _ in pairs]

    best = [(SELLER.address, 3), (BUYER.address, 1), (STRANGER.address, 0)]
    assert await found(order=Order.REPUTATION) == best
    assert await found(order=Order.REPUTATION, least_settled=1) == best[:2]
    assert await found(order=Order.REPUTATION, least_settled=4) == []
