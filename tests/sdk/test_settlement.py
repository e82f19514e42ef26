"""Settlements: every operation over a real chain, and its refusals by name."""

import json

import pytest
from live import OUTCOME, WINDOW

from marketplace.core.deal import DealState
from marketplace.core.errors import (
    AmountTooHigh,
    ArtifactMissing,
    DeliverableWrong,
    DigestMismatch,
    EpochStale,
    NonceSpent,
    TooEarly,
    TooLate,
    WrongCaller,
    WrongState,
)
from marketplace.sdk.means import Means, sha256_hex

PRICE = OUTCOME["unit_price"] * OUTCOME["quantity"]
BOND = PRICE // 10


@pytest.fixture
def deal(two):
    agreement = two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    selling.wait({DealState.FUNDED}, 0)
    return two, buying, selling


def test_a_release_pays_the_charge_and_returns_the_rest_and_the_bond(deal):
    two, buying, selling = deal
    before = two.balances()
    assert selling.deliver(b"done", PRICE - 30).state is DealState.DELIVERED
    assert buying.fetch() == b"done"
    assert buying.release().state is DealState.RELEASED
    after = two.balances()
    assert (after[0] - before[0], after[1] - before[1]) == (30, PRICE - 30 + BOND)


def test_what_only_the_seller_may_do_is_refused_to_the_buyer(deal):
    two, buying, selling = deal
    with pytest.raises(WrongCaller) as refused:
        buying.deliver(b"mine", PRICE)
    assert refused.value.caller.lower() == two.buyer.address
    assert refused.value.required.lower() == two.seller.address
    selling.deliver(b"done", PRICE)
    with pytest.raises(WrongCaller):
        buying.claim()


def test_release_is_refused_to_the_seller(deal):
    two, _, selling = deal
    with pytest.raises(WrongCaller) as refused:
        selling.release()
    assert refused.value.required.lower() == two.buyer.address


def test_a_buyers_early_refund_names_the_instant_from_which_it_opens(deal):
    _, buying, _ = deal
    with pytest.raises(TooEarly) as refused:
        buying.refund()
    assert refused.value.not_before == buying.delivery_deadline
    assert refused.value.block_time < refused.value.not_before


def test_a_sellers_early_claim_names_the_instant_from_which_it_opens(deal):
    _, _, selling = deal
    selling.deliver(b"done", PRICE)
    with pytest.raises(TooEarly) as refused:
        selling.claim()
    assert refused.value.not_before == selling.review_deadline


def test_a_late_delivery_is_refused_and_the_buyer_takes_its_money_back(deal):
    two, buying, selling = deal
    before = two.balances()
    two.network.pass_time(WINDOW)
    with pytest.raises(TooLate) as refused:
        selling.deliver(b"too late", PRICE)
    assert refused.value.deadline == selling.delivery_deadline
    assert buying.refund().state is DealState.REFUNDED
    after = two.balances()
    assert (after[0] - before[0], after[1] - before[1]) == (PRICE, BOND)


def test_a_silent_buyer_is_paid_for_by_a_claim_after_the_review_window(deal):
    two, _, selling = deal
    selling.deliver(b"done", PRICE)
    two.network.pass_time(WINDOW)
    before = two.balances()
    assert selling.claim().state is DealState.RELEASED
    assert two.balances()[1] - before[1] == PRICE + BOND


def test_a_second_release_names_the_state_that_it_found(deal):
    _, buying, _ = deal
    buying.release()
    with pytest.raises(WrongState) as refused:
        buying.release()
    assert (refused.value.actual, refused.value.required) == ("RELEASED", "FUNDED")


def test_a_charge_above_the_price_is_refused_with_both(deal):
    _, _, selling = deal
    with pytest.raises(AmountTooHigh) as refused:
        selling.deliver(b"done", PRICE + 1)
    assert (refused.value.amount, refused.value.most) == (PRICE + 1, PRICE)


def test_a_deal_opens_once_whoever_tries_again(deal):
    two, buying, selling = deal
    for settlement in (buying, selling):
        with pytest.raises(NonceSpent) as refused:
            settlement.open()
        assert refused.value.signer == two.buyer.address
        assert refused.value.nonce == buying.agreement.terms.buyer_nonce


def test_the_counterparty_may_open_and_either_side_sees_it(two):
    agreement = two.agree()
    before = two.balances()
    two.seller.client.settle(agreement).open()
    buying = two.buyer.client.settle(agreement)
    assert buying.wait({DealState.FUNDED}, 0).state is DealState.FUNDED
    assert two.balances() == (before[0] - PRICE, before[1] - BOND)
    assert two.buyer.exposure == PRICE
    assert buying.transactions == []


def test_exposure_follows_the_deal_whoever_moves_it(deal):
    two, _, selling = deal
    assert (two.buyer.exposure, two.seller.exposure) == (PRICE, BOND)
    selling.deliver(b"done", PRICE)
    assert (two.buyer.exposure, two.seller.exposure) == (PRICE, BOND)
    two.network.pass_time(WINDOW)
    selling.claim()
    assert (two.buyer.exposure, two.seller.exposure) == (0, 0)


@pytest.mark.parametrize("ends", ["release", "refund"])
def test_a_deal_that_has_ended_is_no_exposure_of_either_side(deal, ends):
    two, buying, selling = deal
    (buying.release if ends == "release" else selling.refund)()
    assert (two.buyer.exposure, two.seller.exposure) == (0, 0)


def test_a_wait_ends_at_its_instant_with_the_position_as_it_is(deal):
    _, buying, _ = deal
    assert buying.wait({DealState.DELIVERED}, 0).state is DealState.FUNDED


def test_nothing_is_fetched_where_nothing_was_delivered(deal):
    _, buying, _ = deal
    with pytest.raises(ArtifactMissing):
        buying.fetch()


def test_fetch_refuses_bytes_that_are_not_those_delivered(deal, monkeypatch):
    _, buying, selling = deal
    selling.deliver(b"done", PRICE)
    monkeypatch.setattr(buying._means.registry, "artifact", lambda *_: b"dome")
    with pytest.raises(DeliverableWrong) as refused:
        buying.fetch()
    assert refused.value.stated != refused.value.computed


def test_a_settlement_of_an_altered_agreement_is_refused_before_anything_is_sent(two):
    agreement = two.agree()
    object.__setattr__(agreement, "digest", "0x" + "11" * 32)
    with pytest.raises(DigestMismatch):
        two.buyer.client.settle(agreement)


def test_the_fee_of_the_listing_goes_to_its_recipient(stage):
    two = stage.pair(fee_bps=500, fee_recipient="0x" + "fe" * 20)
    chain, token = two.buyer.client._means.chain, stage.network.token
    before = chain.balance(token, "0x" + "fe" * 20)
    buying = two.buyer.client.settle(two.agree())
    buying.open()
    buying.release()
    after = chain.balance(token, "0x" + "fe" * 20)
    assert after - before == PRICE * 500 // 10_000


def test_the_evidence_names_every_message_event_and_transaction(deal):
    two, buying, selling = deal
    selling.deliver(b"done", PRICE)
    buying.release()
    evidence = two.seller.client.evidence(selling)
    assert [event["event"] for event in evidence["events"]] == ["Opened", "Delivered", "Paid"]
    kinds = [json.loads(word["leaf"])["kind"] for word in evidence["transcript"]]
    assert kinds == ["invitation", "offer", "acceptance"]
    assert evidence["events"][0]["transaction"] == buying.transactions[0][1].hash
    assert len(selling.gas()) == len(evidence["events"])


def test_a_cancelled_nonce_is_no_exposure_and_opens_nothing(two):
    agreement = two.agree()
    nonce = agreement.terms.buyer_nonce
    assert two.buyer.client.exposure() == {nonce: PRICE}
    two.buyer.client.cancel(nonce)
    assert two.buyer.client.exposure() == {}
    with pytest.raises(NonceSpent):
        two.seller.client.settle(agreement).open()


def test_cancelling_all_ends_the_offers_and_leaves_the_open_deals(stage):
    seller, buyer = (stage.party(stage.network.wallet()) for _ in "ab")
    listed = seller.client.publish(stage.network.content())
    agreements = []
    for _ in range(2):
        buying = buyer.client.invite(listed)
        seller.talk(buying.id).offer(OUTCOME, {})
        buying.sync()
        agreements.append(buying.accept())
    opened, outstanding = agreements
    deal = buyer.client.settle(opened)
    deal.open()
    buyer.client.cancel_all()
    assert buyer.client.exposure() == {opened.terms.buyer_nonce: PRICE}
    assert deal.release().state is DealState.RELEASED
    with pytest.raises(EpochStale):
        seller.client.settle(outstanding).open()


def test_a_late_delivery_gives_nothing_away(deal):
    two, _, selling = deal
    two.network.pass_time(2 * WINDOW)
    with pytest.raises(TooLate):
        selling.deliver(b"the goods", PRICE)
    with pytest.raises(ArtifactMissing):
        two.buyer.client._registry.artifact(two.buying.id, sha256_hex(b"the goods"))


def test_a_delivery_whose_upload_failed_is_completed_by_saying_it_again(deal, monkeypatch):
    _, buying, selling = deal
    put = Means.put
    monkeypatch.setattr(Means, "put", lambda *_: (_ for _ in ()).throw(ConnectionError("gone")))
    with pytest.raises(ConnectionError):
        selling.deliver(b"the goods", PRICE)
    monkeypatch.setattr(Means, "put", put)
    selling.deliver(b"the goods", PRICE)
    assert buying.fetch() == b"the goods"
    assert len(selling.transactions) == 1
