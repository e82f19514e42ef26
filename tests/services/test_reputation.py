"""Reputation: settled deals are counted once, from confirmed blocks, and searched by."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from market import BUYER, NOW, SELLER, STRANGER, content, listing, word
from witness import Witness

from marketplace.adapters.memory.index import MemoryIndex
from marketplace.core.deal import DealState
from marketplace.ports.chain import DealEvent
from marketplace.ports.index import Order, Search
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
        return [event for event in self.events if first <= event.block <= last]

    async def latest(self) -> int:
        return self.height

    def happened(self, name: str, deal: str, block: int, **values: str | int) -> None:
        self.events.append(DealEvent(name, word(deal), values, NOW, block, word("transaction")))

    def settled(self, deal: str, seller: str, block: int) -> None:
        self.happened("Opened", deal, block, seller=seller)
        self.happened("Paid", deal, block + 1, state=DealState.RELEASED)


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
    await Reputation(index, chain.between, chain.latest).run_once()
    assert (await counted(index), await counted(index, STRANGER.address)) == (2, 0)


async def test_deal_is_counted_once_however_often_its_seller_is_paid():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("released", SELLER.address, 1)
    chain.happened("Paid", "released", 3, state=DealState.RELEASED)
    await Reputation(index, chain.between, chain.latest).run_once()
    assert await counted(index) == 1


async def test_only_what_lies_deep_enough_is_counted_and_each_block_once():
    chain, index = Chain(height=CONFIRMATIONS + 1), MemoryIndex()
    reputation = Reputation(index, chain.between, chain.latest)
    chain.settled("released", SELLER.address, 1)
    # Paid in block 2, which a reorganisation could still undo.
    assert await reputation.run_once() == 1
    assert await counted(index) == 0
    chain.events.pop()
    chain.happened("Paid", "released", 3, state=DealState.RELEASED)
    chain.height += 1
    assert await reputation.run_once() == 2
    assert await counted(index) == 0
    chain.height += 1
    assert await reputation.run_once() == 3
    assert (await counted(index), await index.settled_block()) == (1, 3)
    assert await reputation.run_once() == 3
    assert chain.asked == [(0, 1), (2, 2), (3, 3)]


async def test_young_chain_has_nothing_to_count():
    chain, index = Chain(height=CONFIRMATIONS - 1), MemoryIndex()
    assert await Reputation(index, chain.between, chain.latest).run_once() == -1
    assert (chain.asked, await index.settled_block()) == ([], -1)


async def test_what_failed_is_asked_for_again_and_nothing_counts_twice():
    chain, index = Chain(height=100), MemoryIndex()
    chain.settled("first", SELLER.address, 1)
    broken = True

    async def flaky(first: int, last: int) -> list[DealEvent]:
        if broken:
            raise ConnectionError("the node is away")
        return await chain.between(first, last)

    reputation = Reputation(index, flaky, chain.latest)
    with pytest.raises(ConnectionError):
        await reputation.run_once()
    broken = False
    await reputation.run_once()
    chain.settled("second", SELLER.address, 90)
    chain.height = 200
    await reputation.run_once()
    assert await counted(index) == 2


class LostOnce(MemoryIndex):
    """An index whose store is away when it is first told."""

    lost = True

    async def settled(self, counts, block):
        if self.lost:
            self.lost = False
            raise ConnectionError("the store is away")
        await super().settled(counts, block)


async def test_what_the_index_was_not_told_is_counted_again_and_once():
    chain, index = Chain(height=100), LostOnce()
    chain.settled("first", SELLER.address, 1)
    reputation = Reputation(index, chain.between, chain.latest)
    with pytest.raises(ConnectionError):
        await reputation.run_once()
    await reputation.run_once()
    assert await counted(index) == 1


async def test_search_is_ordered_and_filtered_by_settled_deals():
    witness, chain = Witness(), Chain(height=100)
    known, unknown, middle = listing(SELLER), listing(STRANGER), listing(BUYER, content(title="B"))
    await witness.take(unknown, middle, known)
    for number in range(3):
        chain.settled(f"of the seller {number}", SELLER.address, 2 * number)
    chain.settled("of the buyer", BUYER.address, 9)
    await Reputation(witness.store, chain.between, chain.latest).run_once()

    async def found(**asked: Any) -> list[tuple[str, int]]:  # noqa: ANN401 any parameter
        pairs = await witness.services.listings.search(Search(NOW, **asked))
        return [(one.row.seller, one.settled) for one, _ in pairs]

    best = [(SELLER.address, 3), (BUYER.address, 1), (STRANGER.address, 0)]
    assert await found(order=Order.REPUTATION) == best
    assert await found(order=Order.REPUTATION, least_settled=1) == best[:2]
    assert await found(order=Order.REPUTATION, least_settled=4) == []
