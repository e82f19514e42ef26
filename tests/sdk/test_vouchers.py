"""Vouchers, parts and metered deals; money that a bound account keeps in the escrow."""

import pytest
from live import OUTCOME, WINDOW

from marketplace.core.deal import DealState
from marketplace.core.errors import (
    AccountBound,
    AmountTooHigh,
    AmountTooLow,
    BalanceShort,
    TooEarly,
    TooLate,
    WrongSigner,
)
from marketplace.core.terms import Rail

PRICE = OUTCOME["unit_price"] * OUTCOME["quantity"]
BOND = PRICE // 10
NOTICE = 24 * 3600


def opened(two):
    agreement = two.agree(delivery_window=4 * WINDOW)
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    return buying, selling


@pytest.fixture
def metered(stage):
    two = stage.pair(rail=Rail.METERED, notice_window=WINDOW)
    return two, *opened(two)


def test_a_release_in_parts_names_totals_and_the_last_one_ends_the_deal(two):
    buying, _ = opened(two)
    before = two.balances()
    assert buying.release(60).released == 60
    with pytest.raises(AmountTooLow):
        buying.release(60)
    assert (buying.release(80).released, two.balances()[1] - before[1]) == (80, 80)
    assert buying.release().state is DealState.RELEASED
    assert two.balances()[1] - before[1] == PRICE + BOND


def test_a_release_pays_what_was_due_when_it_was_asked_for_and_no_later_bill(two, monkeypatch):
    buying, selling = opened(two)
    selling.deliver(b"done", 40)
    seen = buying.position
    monkeypatch.setattr(type(buying), "position", property(lambda _: seen))
    # As if a reorganisation had put a higher bill in the place of the one that was seen.
    sent = []
    monkeypatch.setattr(buying._means.escrow, "operate", lambda _, move: sent.append(move) or None)
    monkeypatch.setattr(type(buying), "_did", lambda *_: None)
    buying.release()
    assert [move.amount for move in sent] == [40]


def test_a_voucher_is_redeemed_by_the_seller_and_a_higher_one_pays_the_difference(metered):
    two, buying, selling = metered
    before = two.balances()
    first, second = buying.voucher(30), buying.voucher(45)
    assert selling.redeem(30, first).released == 30
    assert selling.redeem(45, second).released == 45
    assert two.balances()[1] - before[1] == 45
    with pytest.raises(AmountTooLow):
        selling.redeem(30, first)


def test_a_voucher_for_another_amount_is_refused(metered):
    _, buying, selling = metered
    with pytest.raises(WrongSigner):
        selling.redeem(31, buying.voucher(30))


def test_the_seller_closes_with_its_last_voucher_and_the_rest_goes_back(metered):
    two, buying, selling = metered
    before = two.balances()
    assert selling.close(70, buying.voucher(70)).state is DealState.RELEASED
    after = two.balances()
    assert (after[0] - before[0], after[1] - before[1]) == (PRICE - 70, 70 + BOND)


def test_the_buyer_closes_after_the_grace_at_what_was_redeemed(metered):
    two, buying, selling = metered
    selling.redeem(20, buying.voucher(20))
    with pytest.raises(TooEarly) as refused:
        buying.close()
    assert refused.value.not_before == buying.grace_deadline
    two.network.pass_time(5 * WINDOW)
    with pytest.raises(TooLate):
        selling.redeem(21, buying.voucher(21))
    assert buying.close().released == 20


def test_a_notice_brings_the_end_forward(metered):
    two, buying, _ = metered
    late = buying.grace_deadline
    assert buying.notice().state is DealState.NOTICED
    assert buying.grace_deadline < late
    two.network.pass_time(2 * WINDOW)
    assert buying.close().state is DealState.RELEASED


def test_a_seller_cannot_sign_itself_a_voucher(metered):
    two, _, selling = metered
    signed = len(two.seller.signer.wallet.signed)
    with pytest.raises(WrongSigner):
        selling.voucher(PRICE)
    assert len(two.seller.signer.wallet.signed) == signed


def test_a_voucher_stays_within_the_price_and_never_falls(metered):
    _, buying, _ = metered
    with pytest.raises(AmountTooHigh):
        buying.voucher(PRICE + 1)
    buying.voucher(50)
    with pytest.raises(AmountTooLow):
        buying.voucher(49)


# ------------------------------------------------------------------ bound accounts


def test_a_bound_buyer_pays_from_its_balance_and_gets_the_rest_back_there(stage):
    buyer, seller = stage.party(), stage.party()
    assert buyer.client.deposit(PRICE).amount == PRICE
    listed = seller.client.publish(stage.network.content())
    buying = buyer.client.invite(listed)
    seller.talk(buying.id).offer(OUTCOME, {})
    buying.sync()
    before = buyer.client.balance(stage.network.token)
    deal = buyer.client.settle(buying.accept())
    deal.open()
    assert buyer.client.holding().amount == 0
    seller.client.settle(deal.agreement).refund()
    assert buyer.client.holding().amount == PRICE
    assert buyer.client.balance(stage.network.token) == before


def test_what_a_bound_buyer_has_not_in_its_balance_it_cannot_accept(stage):
    buyer, seller = stage.party(), stage.party()
    buyer.client.deposit(PRICE - 1)
    buying = buyer.client.invite(seller.client.publish(stage.network.content()))
    seller.talk(buying.id).offer(OUTCOME, {})
    buying.sync()
    with pytest.raises(BalanceShort) as refused:
        buying.accept()
    assert (refused.value.held, refused.value.needed) == (PRICE - 1, PRICE)


def test_money_comes_out_after_the_notice_and_not_before(stage):
    party, other = stage.party(), stage.party()
    client, token = party.client, stage.network.token
    had = client.balance(token)
    with stage.network.rewound():
        client.deposit(100)
        with pytest.raises(AccountBound):
            client.withdraw(100)
        assert client.leave().leaves_at == stage.network.now() + NOTICE
        with pytest.raises(AccountBound):
            client.cancel(1)
        stage.network.pass_time(NOTICE)
        assert not client.holding().bound
        assert client.withdraw(60).amount == 40
        client.withdraw(40, to=other.address)
        assert client.balance(token) == had - 40
