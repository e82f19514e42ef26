"""Sightings: each confirmed event of the escrow is in the log once, in the chain's order."""

from dataclasses import replace

import pytest
from market import DOMAIN, NOW, SELLER, content, listing, word
from test_reputation import Chain
from witness import SetClock, Witness

from marketplace.core.entry import read
from marketplace.core.errors import SequenceTaken, ValueMalformed
from marketplace.core.sighting import EVENT, Sighting
from marketplace.core.values import canonical, parse_json
from marketplace.ports.chain import DealEvent
from marketplace.ports.store import Store
from marketplace.services import sightings as module
from marketplace.services.log import Log
from marketplace.services.sightings import Sightings

pytestmark = pytest.mark.anyio

SEEN = Sighting(
    chain_id=31337,
    escrow=DOMAIN.verifying_contract,
    name="Opened",
    deal=word("deal"),
    values={"buyer": SELLER.address, "price": str(2**100)},
    at=NOW,
    block=7,
    transaction=word("transaction"),
    log_index=3,
)


def follower(store: Store, chain: Chain, log: Log, clock: SetClock, deep: int = 2) -> Sightings:
    escrow = DOMAIN.verifying_contract
    return Sightings(DOMAIN.chain_id, escrow, store, log, clock, chain.between, chain.latest, deep)


def of(witness: Witness, chain: Chain, deep: int = 2) -> Sightings:
    return follower(witness.store, chain, witness.services.messages.log, witness.clock, deep)


def happened(chain: Chain, *blocks: int) -> None:
    for block in blocks:
        place = sum(event.block == block for event in chain.events)
        chain.events.append(
            DealEvent("Paid", word(f"{block}"), {"released": 2**90}, NOW, block, word("t"), place)
        )


async def seen(store: Store) -> list[tuple[int, int]]:
    every = await store.entries(0, 10_000)
    found = [read(e.record.leaf, b"").sighting for e in every if e.record.kind == EVENT]
    return [(each.block, each.log_index) for each in found if each]


async def test_event_is_read_back_as_it_was_seen():
    assert read(SEEN.leaf(NOW + 9), b"").sighting == SEEN
    assert read(SEEN.leaf(NOW + 9), b"").received_at == NOW + 9


@pytest.mark.parametrize("name", ["chain_id", "escrow", "event", "deal", "values", "log_index"])
async def test_event_that_lacks_a_member_or_has_another_kind_of_it_is_refused(name: str):
    whole = parse_json(SEEN.leaf(NOW))
    for wrong in ({k: v for k, v in whole.items() if k != name}, {**whole, name: True}):
        with pytest.raises(Exception, match=r"FieldsDiffer|ValueMalformed"):
            read(canonical(wrong), b"")
    with pytest.raises(ValueMalformed):
        read(canonical({**whole, "values": {"price": 5}}), b"")


async def test_confirmed_events_are_logged_once_and_in_order():
    chain, witness = Chain(height=10), Witness()
    happened(chain, 1, 1, 4, 8, 9)
    follows = of(witness, chain)
    assert await follows.run_once() == 4
    assert await follows.run_once() == 0
    chain.height = 11
    assert await follows.run_once() == 1
    assert await seen(witness.store) == [(1, 0), (1, 1), (4, 0), (8, 0), (9, 0)]


async def test_restart_goes_on_in_the_midst_of_a_block():
    chain, witness = Chain(height=10), Witness()
    happened(chain, 1, 4)
    await of(witness, chain).run_once()
    # The process died when it had logged only the first of that block's events.
    happened(chain, 4, 4, 6)
    chain.asked.clear()
    assert await of(witness, chain).run_once() == 3
    assert chain.asked[0][0] == 4
    assert await seen(witness.store) == [(1, 0), (4, 0), (4, 1), (4, 2), (6, 0)]


async def test_long_chain_is_asked_for_in_stretches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BLOCKS", 4)
    chain, witness = Chain(height=12), Witness()
    happened(chain, 0, 3, 4, 10)
    await of(witness, chain).run_once()
    assert chain.asked == [(0, 3), (4, 7), (8, 10)]
    assert len(await seen(witness.store)) == 4


async def test_node_that_fails_loses_nothing():
    chain, witness = Chain(height=10), Witness()
    happened(chain, 1, 2)
    follows = of(witness, chain)
    between = chain.between

    async def fails(first: int, last: int) -> list[DealEvent]:
        raise SequenceTaken(first, last)

    follows.events = fails
    with pytest.raises(SequenceTaken):
        await follows.run_once()
    follows.events = between
    assert await follows.run_once() == 2


async def test_events_and_words_share_one_log():
    chain, witness = Chain(height=10), Witness()
    happened(chain, 1)
    await witness.take(listing())
    await of(witness, chain).run_once()
    await witness.take(listing(what=content(title="another")))
    kinds = [entry.record.kind for entry in await witness.store.entries(0, 10)]
    assert kinds == ["listing", EVENT, "listing"]


def test_two_events_of_one_block_have_two_names():
    assert SEEN.digest != replace(SEEN, log_index=4).digest


async def test_node_that_once_told_of_blocks_that_were_not_there_keeps_no_event_back():
    chain, witness = Chain(height=10), Witness()
    happened(chain, 1, 8)
    follows = of(witness, chain)
    chain.height = 5_000
    await follows.run_once()
    happened(chain, 11, 12)
    chain.height = 14
    assert await follows.run_once() == 2
    assert await seen(witness.store) == [(1, 0), (8, 0), (11, 0), (12, 0)]


async def test_node_that_lags_a_little_is_not_asked_for_everything_again():
    chain, witness = Chain(height=10), Witness()
    happened(chain, 1)
    follows = of(witness, chain)
    await follows.run_once()
    chain.asked.clear()
    chain.height = 8
    assert await follows.run_once() == 0
    assert chain.asked == []
