"""Deals with an arbiter: disputes, rulings, silence, and endings that both sign."""

from hashlib import sha256

import pytest
from live import OUTCOME, WINDOW

from marketplace.core.deal import DealState
from marketplace.core.errors import (
    AmountTooHigh,
    FieldMissing,
    TooEarly,
    TooLate,
    WrongCaller,
    WrongSigner,
    WrongState,
)
from marketplace.sdk import audit_market
from marketplace.sdk.means import Means

PRICE = OUTCOME["unit_price"] * OUTCOME["quantity"]
BOND = PRICE // 10
FEE = 7
REASONS = b"the rows are not those that were listed"


@pytest.fixture
def arbiter(stage):
    return stage.party()


@pytest.fixture
def judged(stage, arbiter):
    rules = {"arbiter": arbiter.address, "arbiter_fee": FEE, "arbitration_window": WINDOW}
    two = stage.pair(**rules, default_seller_bps=2_500)
    agreement = two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    return two, buying, selling, arbiter.client.settle(agreement)


def changes(two, before):
    return tuple(now - was for now, was in zip(two.balances(), before, strict=True))


def test_a_ruling_splits_charge_and_bond_and_pays_the_arbiter_out_of_the_stake(judged, arbiter):
    two, buying, selling, ruling = judged
    before, earned = two.balances(), arbiter.client.balance(two.network.token)
    selling.deliver(b"rubbish", PRICE - 10)
    assert buying.disputable
    assert buying.dispute(REASONS).state is DealState.DISPUTED
    assert two.balances()[0] == before[0] - FEE
    assert ruling.resolve(20, BOND - 3).state is DealState.RESOLVED
    assert changes(two, before) == (PRICE - 20 + 3 - FEE, 20 + BOND - 3)
    assert arbiter.client.balance(two.network.token) - earned == FEE


def test_the_reasons_are_left_for_the_arbiter_under_the_digest_that_the_chain_has(judged):
    _, buying, selling, ruling = judged
    selling.deliver(b"rubbish", PRICE)
    buying.dispute(REASONS)
    (disputed,) = [event for event in ruling.events() if event.name == "Disputed"]
    assert disputed.values["claim"] == "0x" + sha256(REASONS).hexdigest()
    negotiation = ruling.agreement.negotiation
    assert ruling._means.registry.artifact(negotiation, str(disputed.values["claim"])) == REASONS


def test_a_dispute_whose_upload_failed_is_completed_by_saying_it_again(judged, monkeypatch):
    _, buying, selling, _ = judged
    selling.deliver(b"rubbish", PRICE)
    put = Means.put
    monkeypatch.setattr(Means, "put", lambda *_: (_ for _ in ()).throw(ConnectionError("gone")))
    with pytest.raises(ConnectionError):
        buying.dispute(REASONS)
    monkeypatch.setattr(Means, "put", put)
    assert buying.dispute(REASONS).state is DealState.DISPUTED
    assert [name for name, _ in buying.transactions] == ["open", "dispute"]


def test_a_silent_arbiter_earns_nothing_and_anyone_ends_the_dispute_as_both_signed(judged):
    two, buying, selling, ruling = judged
    before = two.balances()
    selling.deliver(b"rubbish", PRICE)
    buying.dispute(REASONS)
    with pytest.raises(TooEarly) as refused:
        selling.expire()
    assert refused.value.not_before == selling.arbitration_deadline
    two.network.pass_time(WINDOW)
    with pytest.raises(TooLate):
        ruling.resolve(0, 0)
    assert selling.expire().state is DealState.RESOLVED
    assert changes(two, before) == (PRICE - 25 + BOND - 2, 25 + 2)


def test_only_the_arbiter_rules_and_only_within_what_was_billed(judged):
    _, buying, selling, ruling = judged
    selling.deliver(b"rubbish", PRICE - 10)
    with pytest.raises(WrongState):
        ruling.resolve(0, 0)
    buying.dispute(REASONS)
    with pytest.raises(WrongCaller):
        buying.resolve(0, 0)
    with pytest.raises(AmountTooHigh):
        ruling.resolve(PRICE - 9, 0)


def test_no_dispute_after_the_review_window(judged):
    two, buying, selling, _ = judged
    selling.deliver(b"rubbish", PRICE)
    two.network.pass_time(WINDOW)
    with pytest.raises(TooLate):
        buying.dispute(REASONS)


def test_a_deal_without_an_arbiter_cannot_be_disputed(two):
    agreement = two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    selling.deliver(b"done", PRICE)
    assert not buying.disputable
    with pytest.raises(FieldMissing) as refused:
        buying.dispute(REASONS)
    assert refused.value.field == "arbiter"


@pytest.mark.parametrize("closer", ["buyer", "seller"])
def test_what_both_sign_ends_a_dispute_and_returns_the_stake(judged, closer):
    two, buying, selling, _ = judged
    before = two.balances()
    selling.deliver(b"half of it", PRICE)
    buying.dispute(REASONS)
    offering, closing = (selling, buying) if closer == "buyer" else (buying, selling)
    ending = PRICE // 2, BOND, two.network.now() + 600
    offered = offering.settle_offer(*ending)
    assert closing.settle(*ending, offered).state is DealState.SETTLED
    assert changes(two, before) == (PRICE // 2, PRICE // 2 + BOND)


def test_an_ending_that_has_lapsed_is_refused(judged):
    two, buying, selling, _ = judged
    ending = PRICE // 2, BOND, two.network.now() + 30
    offered = selling.settle_offer(*ending)
    two.network.pass_time(31)
    with pytest.raises(TooLate):
        buying.settle(*ending, offered)


def test_a_buyer_who_gives_in_pays_the_stake_to_the_seller(judged):
    two, buying, selling, _ = judged
    before = two.balances()
    selling.deliver(b"not so bad", PRICE)
    buying.dispute(REASONS)
    assert buying.release().state is DealState.RELEASED
    assert changes(two, before) == (-FEE, PRICE + BOND + FEE)


def test_an_ending_that_the_other_did_not_sign_is_refused(judged):
    two, buying, selling, _ = judged
    until = two.network.now() + 600
    offered = selling.settle_offer(PRICE // 2, BOND, until)
    with pytest.raises(WrongSigner) as refused:
        buying.settle(PRICE // 2 - 1, BOND, until, offered)
    assert refused.value.expected.lower() == two.seller.address
    assert buying.position.state is DealState.FUNDED


def test_a_judged_deal_is_one_that_the_auditor_accepts(judged):
    two, buying, selling, ruling = judged
    selling.deliver(b"rubbish", PRICE)
    buying.dispute(REASONS)
    ruling.resolve(1, 2)
    report = audit_market(two.network.rpc, two.buyer.client._registry._http.base_url.__str__())
    assert [one for one in report.findings if one.where == buying.id] == []
    assert buying.id not in report.unproved
    assert [event.name for event in buying.events()] == [
        *("Opened", "Delivered", "Disputed", "Ruled", "Paid")
    ]
    # A ruling and its payment are one transaction.
    assert len(buying.gas()) == 4
