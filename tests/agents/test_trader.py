"""Traders: whole deals over a real chain and registry, with one side honest and the other not."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from live import WINDOW, SpyWallet

from agents import compute, data
from agents.compute import Compute
from agents.data import Rows, Table
from agents.faults import ChargeWrong, NoDeal, Undelivered
from agents.offering import CONCEDER
from agents.providers.compute import Result
from agents.providers.dataset import Dataset
from agents.providers.faults import ChunkDiffers, Fault, JobMalformed, OutputDiffers
from agents.shop import LONGEST_TALK, serve
from agents.strategies import buyer, seller
from agents.trader import agree, buy, collect, receive, sell
from marketplace.core.errors import ParleyError
from marketplace.sdk import DealState, Listed, Rules, Settlement, SettlementRules, State
from marketplace.services import feed

JOB = Compute.of("sha256", b"abc")


@dataclass
class Fair:
    """Nine lines for sale, by a seller of any honesty."""

    lines: bytes = b"line\n"

    def delivery(self, _):
        return {"method": "lines"}

    def produce(self, agreement):
        return self.lines * agreement.subject.outcome["quantity"], agreement.terms.price

    def check(self, agreement, delivered, charge):
        wanted = b"line\n" * agreement.subject.outcome["quantity"]
        if delivered != wanted:
            raise OutputDiffers(len(delivered), len(wanted))
        if charge > agreement.terms.price:
            raise ChargeWrong(charge, agreement.terms.price)


class Faulty(Fair):
    """Cannot do the work."""

    def produce(self, agreement):
        raise JobMalformed(agreement.digest, "a job")


class Overcharging(Compute):
    """Does the work, and writes a bill of its own."""

    def produce(self, agreement):
        made, charge = super().produce(agreement)
        return made, charge + 1


class Guessing(Compute):
    """Does no work, and knows how much it would have been."""

    def produce(self, agreement):
        made, charge = super().produce(agreement)
        right = Result.decode(made)
        return Result(bytes(len(right.output)), right.fuel_used, right.engine).encode(), charge


class Swapping(Table):
    """Delivers rows of the right form that were never listed."""

    def produce(self, agreement):
        rows, charge = super().produce(agreement)
        return rows.replace(b"0", b"1"), charge


@dataclass
class Market:
    """A seller's listing, and both parties' clients."""

    seller: object
    buyer: object
    listed: Listed
    network: object

    def invite(self, request=b""):
        """Both sides of a new talk."""
        buying = self.buyer.client.invite(self.listed, request, Rules(max_rounds=6))
        return buying, self.seller.talk(buying.id)

    def agree(self, supply, demand, request=b""):
        """Both sides of an agreed deal, by honest negotiation in two threads."""
        buying, selling = self.invite(request)
        content = self.listed.content
        with ThreadPoolExecutor(1) as pool:
            sold = pool.submit(agree, self.seller.client, selling, seller(content), supply)
            want = buyer(content, 2, curve=CONCEDER)
            bought = agree(self.buyer.client, buying, want, demand)
            return bought, sold.result(20)


@pytest.fixture
def market(stage):
    def make(content, trusted=()) -> Market:
        sells, buys = stage.network.standing
        selling = stage.party(SpyWallet(sells), most_exposure=100_000, trusted=trusted)
        wide = {"most_exposure": 1_000_000, "highest_unit_price": 2_000, "trusted": trusted}
        buying = stage.party(SpyWallet(buys), **wide)
        return Market(selling, buying, selling.client.publish(content), stage.network)

    return make


@pytest.fixture
def fair(market, stage):
    return market(stage.network.content())


def delivered(market: Market, supply, demand, request=b""):
    """The buyer's side of a deal that the seller has delivered in its own way."""
    bought, sold = market.agree(supply, demand, request)
    bought.open()
    sold.deliver(*supply.produce(sold.agreement))
    return bought


def is_not_released(deal, demand, error):
    with pytest.raises(error) as refused:
        receive(deal, demand)
    assert deal.position.state is DealState.DELIVERED
    return refused.value


def test_a_whole_purchase_from_the_invitation_to_the_release(fair):
    content = fair.listed.content
    with ThreadPoolExecutor(1) as pool:
        shop = pool.submit(_sell_next, fair, seller(content), Fair())
        bought = buy(fair.buyer.client, fair.listed, buyer(content, 2, curve=CONCEDER), Fair())
        sold = shop.result(20)
    assert bought.data.startswith(b"line\n")
    assert bought.deal.id == sold.id
    assert sold.position.state is DealState.RELEASED
    assert fair.buyer.exposure == 0


def _sell_next(market, strategy, good):
    heard = market.seller.client.invitations()
    wanted = market.listed.digest
    # Other tests have invited the standing seller before, even to a listing just like this one.
    talk = next(t for t in heard if t.my_turn and t.negotiation.invitation.listing == wanted)
    return sell(market.seller.client, talk, strategy, good)


def test_an_overcharge_is_not_released_and_both_figures_are_named(market, stage):
    over = market(compute.listing(stage.network.token))
    deal = delivered(over, Overcharging(JOB.job), JOB, JOB.request)
    refused = is_not_released(deal, JOB, ChargeWrong)
    assert refused.found == refused.bound + 1


def test_a_wrong_output_is_not_released(market, stage):
    wrong = market(compute.listing(stage.network.token))
    deal = delivered(wrong, Guessing(JOB.job), JOB, JOB.request)
    is_not_released(deal, JOB, OutputDiffers)


@pytest.fixture
def judged(market, stage):
    """A market whose listing names an arbiter that both humans trust."""
    arbiter = stage.party()
    rules = SettlementRules(
        stage.network.token,
        bond_bps=1_000,
        review_window=WINDOW,
        arbiter=arbiter.address,
        arbiter_fee=5,
        arbitration_window=WINDOW,
    )
    content = compute.listing(stage.network.token, rules=rules)
    return market(content, trusted=(arbiter.address,)), arbiter


def test_a_wrong_output_is_disputed_where_there_is_an_arbiter(judged):
    wrong, arbiter = judged
    deal = delivered(wrong, Guessing(JOB.job), JOB, JOB.request)
    with pytest.raises(OutputDiffers):
        receive(deal, JOB)
    assert deal.position.state is DealState.DISPUTED
    assert arbiter.client.settle(deal.agreement).resolve(0, 0).state is DealState.RESOLVED


def test_a_seller_whose_arbiter_is_silent_ends_the_dispute_itself(judged):
    honest, _ = judged
    bought, sold = honest.agree(JOB, JOB, JOB.request)
    bought.open()
    sold.deliver(*JOB.produce(sold.agreement))
    bought.dispute(b"on second thoughts")
    honest.network.pass_time(WINDOW)
    collect(sold)
    assert sold.position.state is DealState.RESOLVED


def test_an_honest_run_is_released_at_what_the_meter_says(market, stage):
    honest = market(compute.listing(stage.network.token))
    deal = delivered(honest, JOB, JOB, JOB.request)
    receive(deal, JOB)
    assert deal.position.state is DealState.RELEASED
    assert deal.position.charge < deal.agreement.terms.price


def test_rows_that_were_not_listed_are_not_released(market, stage):
    table = Swapping(Dataset.load())
    rows = market(data.listing(stage.network.token, table, "Minutes of daylight"))
    demand = Rows.listed(rows.listed.content)
    is_not_released(delivered(rows, table, demand), demand, ChunkDiffers)


def test_a_seller_whose_work_fails_refunds_at_once_and_the_buyer_hears_of_it(fair):
    bought, sold = fair.agree(Faulty(), Fair())
    bought.open()
    buying, selling = fair.invite()
    with ThreadPoolExecutor(1) as pool:
        content = fair.listed.content
        shop = pool.submit(sell, fair.seller.client, selling, seller(content), Faulty())
        deal = agree(fair.buyer.client, buying, buyer(content, 2, curve=CONCEDER), Fair())
        deal.open()
        with pytest.raises(Undelivered):
            receive(deal, Fair())
        with pytest.raises(JobMalformed):
            shop.result(20)
    assert deal.position.state is DealState.REFUNDED
    sold.refund()


def test_a_silent_seller_costs_the_buyer_nothing_but_the_window(fair):
    bought, _ = fair.agree(Fair(), Fair())
    before = fair.buyer.client.balance(fair.network.token)
    bought.open()
    fair.network.pass_time(bought.agreement.terms.delivery_window)
    with pytest.raises(Undelivered) as refused:
        receive(bought, Fair())
    assert (refused.value.found, refused.value.bound) == ("REFUNDED", "DELIVERED")
    assert fair.buyer.client.balance(fair.network.token) == before
    assert fair.buyer.exposure == 0


def test_a_silent_buyer_is_claimed_from_after_the_review_window(fair):
    buying, selling = fair.invite()
    content = fair.listed.content
    with ThreadPoolExecutor(1) as pool:
        shop = pool.submit(sell, fair.seller.client, selling, seller(content), Fair())
        deal = agree(fair.buyer.client, buying, buyer(content, 2, curve=CONCEDER), Fair())
        deal.open()
        deal.wait({DealState.DELIVERED}, deal.delivery_deadline)
        fair.network.pass_time(WINDOW)
        sold = shop.result(20)
    assert sold.position.state is DealState.RELEASED
    assert [name for name, _ in sold.transactions] == ["deliver", "claim"]


def test_a_buyer_that_never_funds_gets_no_work(fair):
    worked = threading.Event()

    class Watched(Fair):
        def produce(self, agreement):
            worked.set()
            return super().produce(agreement)

    buying, selling = fair.invite()
    content = fair.listed.content
    with ThreadPoolExecutor(1) as pool:
        shop = pool.submit(sell, fair.seller.client, selling, seller(content), Watched())
        deal = agree(fair.buyer.client, buying, buyer(content, 2, curve=CONCEDER), Fair())
        fair.network.pass_time(deal.agreement.terms.open_by - selling.now())
        with pytest.raises(NoDeal) as refused:
            shop.result(20)
    assert (refused.value.found, refused.value.bound) == ("NONE", "FUNDED")
    assert not worked.is_set()


def test_a_talk_that_ends_without_an_agreement_is_no_deal(fair):
    buying, selling = fair.invite()
    buying.withdraw()
    with pytest.raises(NoDeal) as refused:
        agree(fair.seller.client, selling, seller(fair.listed.content), Fair())
    assert (refused.value.found, refused.value.bound) == ("TERMINATED", "ACCEPTED")


def test_a_shop_survives_bad_buyers_and_serves_the_next(stage, monkeypatch):
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.2)  # how soon a closed client notices
    shopkeeper, customer = (
        stage.party(SpyWallet(stage.network.wallet()), most_exposure=100_000) for _ in "ab"
    )
    listed = shopkeeper.client.publish(compute.listing(stage.network.token))
    ended, told = threading.Event(), []

    def tell(word):
        told.append(word)
        if len(told) == 4:
            ended.set()

    def supply(talk):
        if talk.request == b"break the shop":
            raise ZeroDivisionError("a bug in the shop")
        return Compute.requested(talk.request)

    shop = threading.Thread(
        target=_until_closed, args=(shopkeeper.client, supply, tell), daemon=True
    )
    shop.start()
    refused = [customer.client.invite(listed, it) for it in (b"no job", b"break the shop")]
    # A day more, as other tests may have moved the chain's clock ahead of the wall's.
    idle = customer.client.invite(listed, rules=Rules(lasts=LONGEST_TALK + 24 * 3600))
    want = buyer(listed.content, 2, curve=CONCEDER)
    bought = buy(customer.client, listed, want, JOB, JOB.request)
    assert ended.wait(20)
    assert {type(word) for word in told} == {
        JobMalformed,
        NoDeal,
        ZeroDivisionError,
        Settlement,
    }
    assert bought.deal.position.state is DealState.RELEASED
    # Whoever gets no good is told no, and need not wait for a deadline.
    assert {talk.wait() for talk in (idle, *refused)} == {State.TERMINATED}
    shopkeeper.client.close()
    shop.join(20)
    assert not shop.is_alive()


def _until_closed(client, supply, tell):
    try:
        serve(client, seller, supply, tell)
    except (ParleyError, RuntimeError, Fault):
        return  # the test closed the client
