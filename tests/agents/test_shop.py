"""Shops: what costs nothing holds nothing, and who loses a lot is told why."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from agents import shop
from agents.faults import Fault
from agents.offering import CONCEDER
from agents.strategies import buyer, seller
from agents.trader import agree, buy, receive
from marketplace.core.deal import DealState
from marketplace.core.errors import NonceSpent, ParleyError, RegistryUnavailable
from marketplace.sdk import Capacity, PolicyDenied, Reason, Rules, Settlement, State
from marketplace.services import feed

QUICK = Rules(max_rounds=6)
PATIENCE = 60


class Lines:
    """Lines for sale, one a unit."""

    def delivery(self, _):
        return {"method": "lines"}

    def produce(self, agreement):
        return b"line\n" * agreement.subject.outcome["quantity"], agreement.terms.price

    def check(self, agreement, delivered, charge):
        assert delivered == self.produce(agreement)[0]
        assert charge <= agreement.terms.price


@dataclass
class Running:
    """A shop in a thread, what it lists and what it told."""

    stage: object
    keeper: object
    listed: object
    told: list = field(default_factory=list)

    def customer(self):
        """A new party with funds."""
        return self.stage.party(self.stage.network.wallet()).client

    def want(self):
        """One unit, without much ado."""
        return buyer(self.listed.content, 1, curve=CONCEDER)

    def faulted(self) -> list:
        """What it told that was neither a sale nor a talk that came to nothing."""
        known = (Settlement, Fault, PolicyDenied, NonceSpent)
        return [word for word in self.told if not isinstance(word, known)]


def eventually(told) -> bool:
    """Whether it comes true within our patience."""
    ends = time.monotonic() + PATIENCE
    while not told():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def open_shop(stage, monkeypatch) -> Iterator:
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.2)  # how soon a closed client notices
    monkeypatch.setattr(shop, "STOCK_SECONDS", 0.5)
    threads = []

    def make(units: int, *, renews: bool = False) -> Running:
        capacity = Capacity(units, renews=renews)
        keeper = stage.party(stage.network.wallet(), capacity=capacity, most_exposure=100_000)
        made = Running(stage, keeper.client, keeper.client.publish(stage.network.content()))

        def run():
            try:
                shop.serve(made.keeper, seller, lambda _: Lines(), made.told.append)
            except (ParleyError, RuntimeError):
                return  # the test closed the client

        threads.append((keeper, threading.Thread(target=run, daemon=True)))
        threads[-1][1].start()
        return made

    yield make
    for keeper, thread in threads:
        keeper.client.close()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_two_agents_that_race_for_the_last_unit_end_in_one_sale_and_one_clean_refusal(open_shop):
    running = open_shop(1)
    talks = [
        (client, client.invite(running.listed, rules=QUICK))
        for client in (running.customer(), running.customer())
    ]

    def race(rival):
        client, talk = rival
        try:
            deal = agree(client, talk, running.want(), Lines())
            deal.open()
            return receive(deal, Lines()).deal.position.state
        except (ParleyError, Fault) as refused:
            return refused

    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(race, talks))
    (refused,) = [end for end in ends if end is not DealState.RELEASED]
    lost = talks[ends.index(refused)][1]
    assert isinstance(refused, NonceSpent) or lost.reason is Reason.UNSERVABLE
    assert running.keeper.capacity.committed == 1
    assert eventually(lambda: sum(isinstance(word, Settlement) for word in running.told) == 1)
    assert running.faulted() == []


def test_free_identities_that_wait_or_never_fund_do_not_starve_a_buyer_that_pays(
    open_shop, monkeypatch
):
    monkeypatch.setattr(shop, "ANSWERS_AT_ONCE", 2)
    monkeypatch.setattr(shop, "DEALS_AT_ONCE", 1)
    running = open_shop(1)
    crowd = running.customer()  # one purse, as an identity that pays nothing needs none
    talks = [crowd.invite(running.listed, rules=QUICK) for _ in range(16)]
    assert eventually(lambda: all(talk.sync() is State.PROPOSED for talk in talks))
    for talk in talks[::2]:
        talk.accept()
    capacity = running.keeper.capacity
    assert (capacity.free, len(capacity.lots)) == (0, 1)
    bought = buy(running.customer(), running.listed, running.want(), Lines())
    assert bought.deal.position.state is DealState.RELEASED
    assert eventually(lambda: all(talk.sync() is State.TERMINATED for talk in talks[1::2]))
    assert {talk.reason for talk in talks[1::2]} == {Reason.UNSERVABLE}
    with pytest.raises(NonceSpent):
        crowd.settle(talks[0].agreement).open()
    assert running.faulted() == []


def test_requests_that_never_arrive_hold_no_thread(open_shop, monkeypatch):
    monkeypatch.setattr(shop, "ANSWERS_AT_ONCE", 1)
    monkeypatch.setattr(shop, "REQUEST_SECONDS", 600.0)
    running = open_shop(4)
    crowd = running.customer()
    monkeypatch.setattr(crowd._means.registry, "put_artifact", lambda *_: None)
    stalled = [crowd.invite(running.listed, b"wait for it", QUICK) for _ in range(3)]
    buy(running.customer(), running.listed, running.want(), Lines(), b"here it is")
    assert {talk.sync() for talk in stalled} == {State.INIT}
    monkeypatch.setattr(shop, "REQUEST_SECONDS", 0.0)
    assert eventually(lambda: all(talk.sync() is State.TERMINATED for talk in stalled))
    assert {talk.reason for talk in stalled} == {Reason.UNACCEPTABLE}
    assert running.faulted() == []


def test_a_registry_that_is_away_for_a_word_costs_an_attempt_and_not_the_sale(
    open_shop, monkeypatch
):
    running = open_shop(1)
    asked, read = [], running.keeper._registry.messages

    def away_once(negotiation):
        asked.append(negotiation)
        if len(asked) == 1:
            raise RegistryUnavailable("it", "is away")
        return read(negotiation)

    monkeypatch.setattr(running.keeper._registry, "messages", away_once)
    bought = buy(running.customer(), running.listed, running.want(), Lines())
    assert bought.deal.position.state is DealState.RELEASED
    assert [type(word) for word in running.faulted()] == [RegistryUnavailable]


def test_who_comes_when_nothing_is_left_is_told_unservable_and_not_left_waiting(open_shop):
    running = open_shop(1)
    late = running.customer().invite(running.listed, rules=QUICK)
    assert eventually(lambda: late.sync() is State.PROPOSED)
    buy(running.customer(), running.listed, running.want(), Lines())
    assert late.wait() is State.TERMINATED
    assert late.reason is Reason.UNSERVABLE
    (closed,) = running.customer().search(seller=running.keeper.address)
    assert closed.content.capacity == 0


def test_units_that_renew_are_on_sale_again_after_the_deal(open_shop):
    running = open_shop(1, renews=True)
    for _ in range(2):
        (listed,) = running.keeper.search(seller=running.keeper.address)
        buy(running.customer(), listed, running.want(), Lines())
        assert eventually(lambda: running.keeper.capacity.free == 1)
        assert eventually(
            lambda: running.keeper.search(seller=running.keeper.address)[0].content.capacity == 1
        )
    assert running.faulted() == []
