"""Capacity in the SDK: on disk before the signature, freed by the chain alone, told when sold."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from live import OUTCOME, SpyWallet
from market import DOMAIN, NOW, SELLER, TOKEN, subject, talk, terms, word
from witness import SetClock

from marketplace.core.capacity import Asked, Capacity
from marketplace.core.deal import Deal, DealState
from marketplace.core.errors import (
    EventRefused,
    ExposureExceeded,
    ListingClosed,
    NonceSpent,
    ParleyError,
    RegistryUnavailable,
    Unservable,
)
from marketplace.core.guardrails import Limits
from marketplace.sdk import Reason, Rules, Servable, State, Wallet
from marketplace.sdk.decisions import facts_in
from marketplace.sdk.ledger import Ledger
from marketplace.sdk.signer import Signer

TALK = talk()
OTHER = talk(buyer_nonce=2)
WIDE = Limits(TOKEN, 1_000_000, most_quantity=1_000, confirmations=3)
TEN = Capacity(10)
ONE = {**OUTCOME, "quantity": 1}


@dataclass
class SetChain:
    """What the signer asks of the chain; ``buried`` is what enough blocks lie upon."""

    at: int = NOW
    spent: set[int] = field(default_factory=set)
    states: dict[str, DealState] = field(default_factory=dict)
    buried: dict[str, DealState] = field(default_factory=dict)

    def now(self) -> int:
        return self.at

    def epoch(self, _: str) -> int:
        return 0

    def nonce_spent(self, _: str, nonce: int) -> bool:
        return nonce in self.spent

    def position(self, deal: str, depth: int = 0) -> Deal:
        return Deal((self.buried if depth else self.states).get(deal, DealState.NONE))

    def opened(self, nonce: int, deal: str, state: DealState = DealState.FUNDED) -> None:
        """For good."""
        self.spent.add(nonce)
        self.states[deal] = self.buried[deal] = state


def signer(capacity: Capacity = TEN, ledger: Path | None = None, **limits: int) -> Signer:
    kept, wallet = replace(WIDE, **limits), SpyWallet(Wallet(SELLER.key))
    return Signer(wallet, kept, Ledger(ledger, capacity), DOMAIN, SetClock(), SetChain())


def offer(of: Signer, on=TALK, units: int = 10, nonce: int | None = None) -> tuple[int, str]:
    """An offer as a talk makes it: its nonce and its digest."""
    about = subject(on, quantity=units)
    nonce = of.nonce(on.id, units) if nonce is None else nonce
    made = terms(on, about, seller_nonce=nonce)
    return nonce, of.offer(on.id, made, about).digest


def told(of: Signer) -> tuple[int, int, int]:
    """Committed, held and free."""
    capacity = of.ledger.capacity
    return capacity.committed, capacity.held, capacity.free


# ------------------------------------------------------------------ before the signature


def test_an_offer_of_more_than_its_lot_is_refused_and_the_key_is_not_asked():
    of = signer()
    nonce, _ = offer(of, units=4)
    offer(of, OTHER, units=6)
    signed, held = list(of.wallet.signed), told(of)
    with pytest.raises(Unservable) as refused:
        offer(of, units=5, nonce=nonce)
    assert (refused.value.units, refused.value.available) == (5, 4)
    assert (of.wallet.signed, told(of)) == (signed, held)


def test_an_acceptance_of_more_than_the_lot_is_refused_as_an_offer_is():
    of = signer()
    nonce, _ = offer(of, units=10)
    about = subject(TALK, quantity=11)
    with pytest.raises(Unservable):
        of.acceptance(TALK.id, terms(TALK, about, seller_nonce=nonce), about)
    assert len(of.wallet.signed) == 1


def test_what_the_exposure_refuses_holds_no_offer():
    of = signer(most_exposure=99)
    with pytest.raises(ExposureExceeded):
        offer(of)
    assert of.wallet.signed == []
    of.refresh()
    assert told(of) == (0, 0, 10)


def test_a_buyer_s_signature_needs_no_capacity_of_its_own():
    of = signer(highest_unit_price=100)
    about = subject(TALK, quantity=11)
    assert of.offer(TALK.id, terms(TALK, about, buyer=of.address, seller=word("s")[:42]), about)
    assert told(of) == (0, 0, 10)


def test_threads_that_race_for_the_last_unit_hold_it_once():
    of = signer(Capacity(1))
    talks = [talk(buyer_nonce=n) for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda on: offer(of, on, 1), talks))
    assert len({nonce for nonce, _ in made}) == 1
    assert told(of) == (0, 1, 0)


def test_a_crowd_exposes_a_seller_that_counts_to_no_more_than_the_bond_on_its_units():
    of = signer()
    for n in range(300):
        offer(of, talk(buyer_nonce=n), 1)
    bond_on_one = of.ledger.exposure.total // len(of.ledger.capacity.lots)
    assert of.ledger.exposure.total <= 10 * bond_on_one
    assert len(of.ledger.exposure.commitments) == 6


# ------------------------------------------------------------------ what the chain says


def test_a_hold_ends_when_a_block_has_reached_the_offers_openBy_and_not_before():  # noqa: N802 the field's name
    of, third = signer(), talk(buyer_nonce=3)
    offer(of, units=4)
    offer(of, OTHER, units=6)
    of.chain.at = NOW + 1_799
    of.clock.at = NOW + 9_999
    # More than any lot has, so that no lot can be shared: it is there once the holds end.
    with pytest.raises(Unservable):
        offer(of, third, units=7)
    assert told(of) == (0, 10, 0)
    of.chain.at = NOW + 1_800
    assert offer(of, third, units=7)  # the signer asks by itself before it refuses
    assert told(of) == (0, 7, 3)


def test_an_offer_that_was_opened_unheard_is_committed_at_what_it_asked():
    of = signer()
    nonce, _ = offer(of, units=9)
    nonce, deal = offer(of, units=3)
    of.chain.opened(nonce, deal)
    of.refresh()
    assert told(of) == (3, 0, 7)
    of.refresh()
    assert told(of) == (3, 0, 7)


def test_an_opening_that_few_blocks_have_buried_holds_and_does_not_commit():
    of = signer()
    nonce, deal = offer(of, units=3)
    of.chain.opened(nonce, deal)
    of.chain.buried.clear()
    of.refresh()
    assert told(of) == (0, 3, 7)
    of.chain.opened(nonce, deal)
    of.refresh()
    assert told(of) == (3, 0, 7)


@pytest.mark.parametrize(
    ("renews", "end", "free"),
    [
        (False, DealState.RELEASED, 7),
        (False, DealState.REFUNDED, 10),
        (True, DealState.RELEASED, 10),
        (True, DealState.DELIVERED, 7),
    ],
)
def test_a_deal_that_ends_gives_its_units_back_as_the_seller_s_rule_says(renews, end, free):
    of = signer(Capacity(10, renews=renews))
    nonce, deal = offer(of, units=3)
    of.chain.opened(nonce, deal)
    of.refresh()
    of.chain.opened(nonce, deal, end)
    of.refresh()
    assert of.ledger.capacity.free == free


def test_a_deal_that_opened_and_ended_unheard_is_consumed():
    of = signer()
    nonce, deal = offer(of, units=3)
    of.chain.opened(nonce, deal, DealState.RELEASED)
    of.refresh()
    assert told(of) == (3, 0, 7)


def test_a_cancelled_nonce_holds_nothing():
    of = signer()
    nonce, _ = offer(of)
    of.chain.spent.add(nonce)
    of.refresh()
    assert told(of) == (0, 0, 10)


def test_the_talks_that_lose_their_lot_are_named_once():
    of = signer(Capacity(1))
    nonce, deal = offer(of, units=1)
    offer(of, OTHER, units=1)
    of.chain.opened(nonce, deal)
    of.refresh()
    of.refresh()
    assert of.ledger.stranded == [OTHER.id]


# ------------------------------------------------------------------ while a node is slow


class SlowChain(SetChain):
    """A node that answers the next question of one kind when it is told to."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow, self.asked, self.answer = slow, threading.Event(), threading.Event()

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        return self._slowly(found) if name == super().__getattribute__("slow") else found

    def _slowly(self, ask):
        def slow(*args: object):
            # What the node will say it has seen by now.
            told = ask(*args)
            self.asked.set()
            assert self.answer.wait(10)
            return told

        return slow


@contextmanager
def refreshing(of: Signer, slow: str) -> Iterator[None]:
    """While a thread waits for the node's answer; after the block it has come."""
    chain, waiting = of.chain, SlowChain(slow)
    waiting.at, waiting.spent = chain.at, chain.spent
    waiting.states, waiting.buried = chain.states, chain.buried
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(replace(of, chain=waiting).refresh)
        try:
            assert waiting.asked.wait(10)
            yield
        finally:
            waiting.answer.set()
        done.result(10)


@pytest.mark.parametrize("slow", ["now", "nonce_spent", "epoch", "position"])
def test_no_signature_waits_for_what_another_thread_asks_a_slow_node(slow):
    of = signer()
    nonce, deal = offer(of, units=4)
    of.chain.opened(nonce, deal)
    with refreshing(of, slow), ThreadPoolExecutor(1) as pool:
        # Held up, it would wait for the node, which answers after this block.
        pool.submit(offer, of, OTHER, 6).result(5)
    assert told(of) == (4, 6, 0)


def test_an_offer_that_was_signed_while_the_node_was_asked_is_not_freed_by_its_answer():
    of = signer()
    nonce, _ = offer(of, units=4)
    of.chain.at = NOW + 1_800  # at which the first offer is over, and of which nothing is left
    with refreshing(of, "epoch"):
        about = subject(TALK, quantity=4)
        later = terms(TALK, about, seller_nonce=nonce, open_by=NOW + 1_900)
        of.offer(TALK.id, later, about)
    assert told(of) == (0, 4, 6)
    assert of.ledger.exposure.commitments[nonce].open_by == NOW + 1_900


def test_threads_that_see_the_same_sale_at_once_count_it_once():
    of = signer()
    nonce, deal = offer(of, units=4)
    of.chain.opened(nonce, deal)
    with refreshing(of, "epoch"):
        of.refresh()
    assert told(of) == (4, 0, 6)
    of.chain.opened(nonce, deal, DealState.REFUNDED)
    with refreshing(of, "position"):
        of.refresh()
    assert told(of) == (0, 0, 10)


# ------------------------------------------------------------------ on disk

KILLED = """
import sys
from pathlib import Path
from marketplace.core.capacity import Asked, Capacity
from marketplace.sdk.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), Capacity(10))
nonce = ledger.assign("talk", 4)
ledger.asked(nonce, "deal", Asked("talk", 4))
print(nonce, flush=True)
sys.stdin.read()
"""


def test_what_is_held_survives_a_kill(tmp_path):
    path = tmp_path / "a.ledger"
    command = [sys.executable, "-c", KILLED, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        assert process.stdout
        nonce = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    again = Ledger(path, TEN)
    assert again.capacity.lots[nonce].offers == {"deal": Asked("talk", 4)}
    assert again.capacity.nonce_of("talk") == nonce
    assert again.take_nonce() > nonce
    again.close()


def test_the_hold_is_on_disk_before_the_signature_exists(tmp_path):
    path = tmp_path / "a.ledger"
    of = signer(ledger=path)
    lines: list[list[str]] = []

    def watched(digest: str) -> str:
        lines.extend(json.loads(line) for line in path.read_text().splitlines())
        return SELLER.sign(digest)

    of.wallet.sign = watched
    _, deal = offer(of, units=4)
    assert deal in [fact[2] for line in lines for fact in facts_in(line) if fact[0] == "asked"]
    of.ledger.close()


def test_a_probe_writes_and_holds_nothing(tmp_path):
    path = tmp_path / "a.ledger"
    ledger = Ledger(path, TEN)
    assert ledger.capacity.probe(10) == Servable(10, alone=True)
    assert isinstance(ledger.capacity.probe(11), Unservable)
    assert (path.read_bytes(), ledger.capacity) == (b"", TEN)
    ledger.close()


class CapacityLedger(RuleBasedStateMachine):
    """A ledger under restarts and torn writes, against one in memory that never stops."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "a.ledger"
        self.ledger, self.memory = Ledger(self.path, TEN), Ledger(None, TEN)
        self.memory._next_nonce = self.ledger.take_nonce() + 1
        self.deals = 0

    talks = st.sampled_from(["a", "b", "c", "d"])

    @rule(talk=talks, units=st.integers(1, 11))
    def offer(self, talk, units):
        self.deals += 1
        for ledger in (self.ledger, self.memory):
            try:
                nonce = ledger.assign(talk, units)
                ledger.asked(nonce, f"deal {self.deals}", Asked(talk, units))
            except Unservable:
                continue

    @rule(data=st.data())
    def sell(self, data):
        offers = [(n, deal) for n, lot in self.memory.capacity.lots.items() for deal in lot.offers]
        if offers:
            sold = data.draw(st.sampled_from(sorted(offers)))
            self.ledger.sold(*sold)
            self.memory.sold(*sold)

    @rule(data=st.data(), back=st.booleans())
    def end(self, data, back):
        if self.memory.capacity.deals:
            deal = data.draw(st.sampled_from(sorted(self.memory.capacity.deals)))
            self.ledger.over(deal, back=back)
            self.memory.over(deal, back=back)

    @rule(torn=st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")))
    def crash(self, torn):
        self.ledger.close()
        with self.path.open("ab") as file:
            file.write(torn)
        self.ledger = Ledger(self.path, TEN)

    @invariant()
    def remembers_all_of_it(self):
        assert self.ledger.capacity == self.memory.capacity

    def teardown(self):
        self.ledger.close()
        shutil.rmtree(self.folder)


TestCapacityLedger = CapacityLedger.TestCase
TestCapacityLedger.settings = settings(stateful_step_count=15)


# ------------------------------------------------------------------ over a live network


@dataclass
class Stall:
    """A seller that counts, and what it lists."""

    stage: object
    seller: object
    listed: object

    def talk(self, **outcome: int):
        """A new buyer's side of a talk in which the seller has made its offer."""
        buyer = self.stage.party(self.stage.network.wallet())
        buying = buyer.client.invite(self.listed, rules=Rules(max_rounds=6))
        self.seller.talk(buying.id).offer({**ONE, **outcome}, {})
        buying.sync()
        return buyer, buying

    def bought(self, **outcome: int):
        """A deal that a new buyer has funded, from both sides."""
        buyer, buying = self.talk(**outcome)
        agreement = buying.accept()
        buyer.client.settle(agreement).open()
        sold = self.seller.client.settle(agreement)
        sold.wait({DealState.FUNDED}, until=0)
        return buyer.client.settle(agreement), sold

    def on_sale(self) -> int:
        """What the seller's one live listing says; a closed one is in no search."""
        found = self.stage.parties[0].client.search(seller=self.seller.address)
        return sum(listed.content.capacity for listed in found)


@pytest.fixture
def stall(stage) -> Iterator:
    def make(units: int, *, renews: bool = False) -> Stall:
        capacity = Capacity(units, renews=renews)
        seller = stage.party(stage.network.wallet(), capacity=capacity)
        return Stall(stage, seller, seller.client.publish(stage.network.content()))

    return make


def test_two_buyers_that_race_for_the_last_unit_end_in_one_deal_and_one_named_refusal(stall):
    last = stall(1)
    rivals = [last.talk() for _ in "ab"]

    def race(rival):
        buyer, buying = rival
        try:
            deal = buyer.client.settle(buying.accept())
            return deal.open().state
        except ParleyError as refused:
            return refused

    before = [buyer.client.balance(last.stage.network.token) for buyer, _ in rivals]
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(race, rivals))
    (refused,) = [end for end in ends if end is not DealState.FUNDED]
    assert isinstance(refused, NonceSpent)
    after = [buyer.client.balance(last.stage.network.token) for buyer, _ in rivals]
    paid = [was - now for was, now in zip(before, after, strict=True)]
    assert sorted(paid) == [0, ONE["unit_price"]]
    (lost,) = [buying for (_, buying), end in zip(rivals, ends, strict=True) if end is refused]
    assert last.seller.client.take_stock() == [lost.id]
    capacity = last.seller.client.capacity
    assert (capacity.total, capacity.committed, capacity.held, capacity.free) == (1, 1, 0, 0)


def test_who_probes_again_and_again_takes_nothing_from_who_then_asks(stall):
    last = stall(1)
    client = last.seller.client
    assert [client.probe(1) for _ in range(3)] == [Servable(1, alone=True)] * 3
    refused = client.probe(2)
    assert isinstance(refused, Unservable)
    assert (refused.units, refused.available) == (2, 1)
    assert (client.capacity, client.exposure()) == (Capacity(1), {})
    last.talk()
    assert client.probe(1) == Servable(1, alone=False)


def test_the_last_unit_s_funding_closes_the_listing_in_the_same_step(stall):
    last = stall(2)
    assert last.on_sale() == 2
    last.bought()
    assert last.on_sale() == 2
    last.bought()
    assert last.on_sale() == 0
    buyer = last.stage.party(last.stage.network.wallet())
    ((closed, was),) = last.seller.client._closed.values()
    assert was == 2
    with pytest.raises(ListingClosed) as refused:
        buyer.client.invite(closed)
    assert refused.value.listing == closed.digest


def test_units_that_come_back_open_what_their_end_had_closed(stall):
    last = stall(1)
    _, sold = last.bought()
    assert last.on_sale() == 0
    sold.refund()
    assert last.seller.client.take_stock() == []
    assert last.on_sale() == 1
    assert last.seller.client.capacity.free == 1


def test_a_listing_that_a_human_closed_stays_closed(stall):
    last = stall(1)
    other = last.seller.client.publish(last.stage.network.content())
    closed = last.seller.client.publish(replace(other.content, capacity=0), other.digest)
    _, sold = last.bought()
    sold.refund()
    last.seller.client.take_stock()
    listed = last.seller.client.search(seller=last.seller.address)
    assert {one.content.title: one.content.capacity for one in listed} == {
        last.listed.content.title: 1
    }
    assert last.seller.client.listed(closed.digest).content.capacity == 0


def test_what_a_human_replaced_in_the_meantime_is_not_opened_again(stall):
    last = stall(1)
    _, sold = last.bought()
    ((closed, _),) = last.seller.client._closed.values()
    last.seller.client.publish(replace(closed.content, title="Closed by hand"), closed.digest)
    sold.refund()
    last.seller.client.take_stock()
    assert last.on_sale() == 0
    assert last.seller.client._closed == {}


def test_a_loser_is_dismissed_with_the_reason_whosever_turn_it_is(stall):
    last = stall(1)
    (_, mine), (_, theirs), (_, winner) = (last.talk() for _ in "abc")
    mine.offer({**ONE, "unit_price": 15}, {})
    agreement = winner.accept()
    last.stage.parties[-1].client.settle(agreement).open()
    for lost in sorted(last.seller.client.take_stock()):
        last.seller.talk(lost).dismiss(Reason.UNSERVABLE)
        last.seller.talk(lost).dismiss(Reason.UNSERVABLE)
    assert [(t.sync(), t.reason) for t in (mine, theirs)] == [
        (State.TERMINATED, Reason.UNSERVABLE)
    ] * 2
    with pytest.raises((NonceSpent, EventRefused)):
        theirs.accept()


def test_no_signature_waits_while_a_sold_out_listing_is_closed(stall, monkeypatch):
    last = stall(1)
    buyer, buying = last.talk()
    agreement = buying.accept()
    buyer.client.settle(agreement).open()
    client, registry = last.seller.client, last.seller.client._registry
    submit, asked, answer = registry.submit, threading.Event(), threading.Event()

    def slow(envelope):
        asked.set()
        assert answer.wait(10)
        return submit(envelope)

    monkeypatch.setattr(registry, "submit", slow)
    sold = client.settle(agreement)
    with ThreadPoolExecutor(2) as pool:
        seeing = pool.submit(sold.wait, {DealState.FUNDED}, until=0)
        assert asked.wait(10)
        ledger = client._means.signer.ledger
        assert pool.submit(ledger.take_nonce).result(5)
        # Whoever sees the sale has not seen it before its listing is closed.
        assert not seeing.done()
        answer.set()
        assert seeing.result(10).state is DealState.FUNDED
        assert last.on_sale() == 0


def test_two_threads_that_see_the_last_sale_close_its_listing_once(stall):
    last = stall(1)
    buyer, buying = last.talk()
    agreement = buying.accept()
    buyer.client.settle(agreement).open()
    client = last.seller.client
    with ThreadPoolExecutor(4) as pool:
        seen = [
            pool.submit(client.settle(agreement).wait, {DealState.FUNDED}, until=0)
            for _ in range(4)
        ]
        assert {one.result(20).state for one in seen} == {DealState.FUNDED}
    assert last.on_sale() == 0
    ((_, was),) = client._closed.values()
    assert was == 1
    assert client.capacity.committed == 1


def test_a_lost_registry_stops_neither_the_commitment_nor_the_work(stall, monkeypatch):
    last = stall(1)
    buyer, buying = last.talk()
    agreement = buying.accept()
    buyer.client.settle(agreement).open()
    registry = last.seller.client._registry
    submit = registry.submit

    def lost(_):
        raise RegistryUnavailable("it", "is away")

    monkeypatch.setattr(registry, "submit", lost)
    sold = last.seller.client.settle(agreement)
    assert sold.wait({DealState.FUNDED}, until=0).state is DealState.FUNDED
    assert last.seller.client.capacity.committed == 1
    monkeypatch.setattr(registry, "submit", submit)
    last.seller.client.take_stock()
    assert last.on_sale() == 0


def test_a_restarted_seller_sells_no_unit_twice(stage, tmp_path):
    wallet, kept = stage.network.wallet(), {"capacity": Capacity(1), "ledger": tmp_path / "s"}
    seller = stage.party(wallet, **kept)
    first = Stall(stage, seller, seller.client.publish(stage.network.content()))
    _, buying = first.talk()
    _, other = first.talk()
    seller.client.close()
    again = stage.party(wallet, **kept)
    assert again.client.capacity.nonce_of(buying.id) == again.client.capacity.nonce_of(other.id)
    assert again.client.capacity.held == 1
    stage.parties.remove(seller)
