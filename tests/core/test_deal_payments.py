"""The deal machine: what each way on pays, and to whom."""

from dataclasses import replace

import pytest
from market import ARBITER, BUYER, NOW, SELLER, STRANGER
from scenes import (
    BOND,
    CHARGE,
    DELIVERED,
    DELIVERY,
    DISPUTED,
    EXCHANGE,
    FUNDED,
    JUDGED,
    METERED,
    PLAIN,
    PRICE,
    REVIEW,
    SIGNERS,
    STAKE,
    fee,
    refusal,
    step,
)

from marketplace.core.deal import Deal, DealState, Operation, Payout
from marketplace.core.terms import Terms

PART = replace(FUNDED, released=100)
BILLED = replace(DELIVERED, released=100)


def test_release_before_delivery_pays_the_whole_price_and_after_it_the_charge():
    whole = step(FUNDED, PLAIN, Operation.RELEASE, BUYER.address, amount=PRICE)[1]
    assert whole == Payout(0, PRICE - fee(PRICE) + BOND, fee(PRICE))
    billed = step(DELIVERED, PLAIN, Operation.RELEASE, BUYER.address, amount=CHARGE)[1]
    assert billed == Payout(PRICE - CHARGE, CHARGE - fee(CHARGE) + BOND, fee(CHARGE))
    assert step(DELIVERED, PLAIN, Operation.CLAIM, SELLER.address, NOW + REVIEW)[1] == billed


def test_part_is_paid_as_the_difference_of_totals_and_keeps_the_deal_where_it_is():
    after, paid = step(PART, PLAIN, Operation.RELEASE, BUYER.address, NOW + 9, amount=160)
    assert after == replace(PART, released=160)
    assert paid == Payout(0, 60 - (fee(160) - fee(100)), fee(160) - fee(100))


def test_refund_leaves_the_seller_what_was_released():
    after, paid = step(PART, PLAIN, Operation.REFUND, SELLER.address)
    assert (after.state, after.released) == (DealState.REFUNDED, 100)
    assert paid == Payout(PRICE - 100, BOND, 0)


def test_dispute_brings_the_stake_in_and_the_ruling_gives_it_to_the_arbiter():
    disputed, staked = step(DELIVERED, JUDGED, Operation.DISPUTE, BUYER.address, NOW + 5)
    assert (disputed.state, disputed.since, staked) == (
        DealState.DISPUTED,
        NOW + 5,
        Payout(staked=STAKE),
    )
    ruling = {"amount": 250, "bond_to_seller": 40}
    paid = step(disputed, JUDGED, Operation.RESOLVE, ARBITER.address, NOW + 6, **ruling)[1]
    seller = 250 - fee(250) + 40
    assert paid == Payout(PRICE - 250 + BOND - 40, seller, fee(250), STAKE)


def test_silent_arbiter_earns_nothing_and_the_default_rounds_in_the_buyer_s_favour():
    held = replace(DISPUTED, released=100)
    paid = step(held, JUDGED, Operation.EXPIRE, STRANGER.address, NOW + 7_200)[1]
    charge, bond = 100 + 300 * 3_333 // 10_000, BOND * 3_333 // 10_000
    seller = charge - 100 - (fee(charge) - fee(100)) + bond
    assert paid == Payout(PRICE - charge + BOND - bond + STAKE, seller, fee(charge) - fee(100))


def test_settled_dispute_gives_the_stake_back():
    ending = {"amount": CHARGE, "bond_to_seller": 40}
    paid = step(DISPUTED, JUDGED, Operation.SETTLE, STRANGER.address, **ending)[1]
    assert paid.to_buyer == PRICE - CHARGE + BOND - 40 + STAKE
    assert (paid.to_seller, paid.to_arbiter) == (CHARGE - fee(CHARGE) + 40, 0)


def test_buyer_who_gives_in_leaves_its_stake_to_the_seller():
    held = replace(DISPUTED, released=100)
    after, part = step(held, JUDGED, Operation.RELEASE, BUYER.address, amount=250)
    assert (after.state, part.to_seller) == (DealState.DISPUTED, 150 - fee(250) + fee(100))
    after, paid = step(after, JUDGED, Operation.RELEASE, BUYER.address, amount=CHARGE)
    rest = CHARGE - 250 - (fee(CHARGE) - fee(250))
    assert after.state is DealState.RELEASED
    assert paid == Payout(PRICE - CHARGE, rest + BOND + STAKE, fee(CHARGE) - fee(250))


# ------------------------------------------------------------------ vouchers


@pytest.mark.parametrize(
    ("deal", "terms", "due"),
    [(PART, METERED, PRICE), (PART, PLAIN, PRICE), (BILLED, PLAIN, CHARGE)],
)
def test_voucher_is_good_for_what_is_due_and_ends_the_deal_there(
    deal: Deal, terms: Terms, due: int
):
    exact = step(deal, terms, Operation.REDEEM, STRANGER.address, amount=due)
    assert exact[0].state is DealState.RELEASED
    for more in (due + 1, (1 << 104) - 1):
        assert step(deal, terms, Operation.REDEEM, STRANGER.address, amount=more) == exact


@pytest.mark.parametrize("state", [DealState.DELIVERED, DealState.DISPUTED])
def test_voucher_that_was_spent_says_nothing_more(state: DealState):
    spent = Deal(state, NOW, 0, CHARGE, CHARGE)
    for amount in (CHARGE - 1, CHARGE):
        told = refusal(spent, JUDGED, Operation.REDEEM, STRANGER.address, amount=amount)
        assert told == ("AmountTooLow", (amount, CHARGE + 1))
    # One for more is good for what is due, which was paid.
    told = refusal(spent, JUDGED, Operation.REDEEM, STRANGER.address, amount=PRICE)
    assert told == ("AmountTooLow", (CHARGE, CHARGE + 1))


def test_voucher_in_a_dispute_pays_and_leaves_the_bond_to_the_arbiter():
    after, paid = step(DISPUTED, JUDGED, Operation.REDEEM, STRANGER.address, amount=PRICE)
    assert after == replace(DISPUTED, released=CHARGE)
    assert paid == Payout(0, CHARGE - fee(CHARGE), fee(CHARGE))
    ruling = {"amount": 0, "bond_to_seller": 0}
    after, paid = step(after, JUDGED, Operation.RESOLVE, ARBITER.address, **ruling)
    assert (after.state, after.released) == (DealState.RESOLVED, CHARGE)
    assert paid == Payout(PRICE - CHARGE + BOND, 0, 0, STAKE)


# ------------------------------------------------------------------ rulings and settlements


@pytest.mark.parametrize(
    ("deal", "terms"),
    [(replace(DISPUTED, released=100), JUDGED), (replace(DELIVERED, released=100), EXCHANGE)],
)
def test_ruling_below_what_was_released_is_one_for_that_much(deal: Deal, terms: Terms):
    rulings = [
        step(deal, terms, Operation.RESOLVE, ARBITER.address, amount=amount)
        for amount in (0, 99, 100)
    ]
    assert rulings[0] == rulings[1] == rulings[2]
    assert rulings[0][0].released == 100
    told = refusal(deal, terms, Operation.RESOLVE, ARBITER.address, amount=CHARGE + 1)
    assert told == ("AmountTooHigh", (CHARGE + 1, CHARGE))


def test_settlement_lapses_to_the_second():
    lapses = {"amount": 7, "valid_before": NOW + 60}
    told = refusal(FUNDED, PLAIN, Operation.SETTLE, STRANGER.address, NOW + 60, **lapses)
    assert told == ("TooLate", (NOW + 60, NOW + 60))
    assert step(FUNDED, PLAIN, Operation.SETTLE, STRANGER.address, NOW + 59, **lapses)


# What is wrong with one call, in the contract's order: whoever mends the first meets the next.
WRONG = [
    (
        Operation.SETTLE,
        STRANGER,
        ["WrongState", "TooLate", "AmountTooHigh", "WrongSigner", "AmountTooHigh"],
        [
            {},
            {"valid_before": NOW + 1},
            {"amount": PRICE},
            {"signed_by": SIGNERS},
            {"bond_to_seller": BOND},
        ],
        {
            "amount": PRICE + 1,
            "valid_before": NOW,
            "signed_by": frozenset[str](),
            "bond_to_seller": BOND + 1,
        },
    ),
    (
        Operation.REDEEM,
        STRANGER,
        ["WrongState", "WrongSigner", "AmountTooLow"],
        [{}, {"signed_by": SIGNERS}, {"amount": 1}],
        {"amount": 0, "signed_by": frozenset[str]()},
    ),
]


@pytest.mark.parametrize(("operation", "party", "codes", "mends", "wrong"), WRONG)
def test_refusals_come_in_the_contract_s_order(
    *, operation: Operation, party, codes: list[str], mends: list[dict], wrong: dict
):
    deal = Deal()
    for code, mend in zip(codes, mends, strict=True):
        assert refusal(deal, PLAIN, operation, party.address, **wrong)[0] == code
        deal, wrong = FUNDED, {**wrong, **mend}
    assert step(deal, PLAIN, operation, party.address, **wrong)


def test_release_asks_the_state_before_the_caller_and_the_caller_before_the_amount():
    more = {"amount": PRICE + 1}
    assert refusal(Deal(), PLAIN, Operation.RELEASE, SELLER.address, **more)[0] == "WrongState"
    assert refusal(FUNDED, PLAIN, Operation.RELEASE, SELLER.address, **more)[0] == "WrongCaller"
    assert refusal(FUNDED, PLAIN, Operation.RELEASE, BUYER.address, **more)[0] == "AmountTooHigh"


def test_exchange_ruling_splits_what_the_arbiter_contract_says_and_costs_nothing():
    paid = step(DELIVERED, EXCHANGE, Operation.RESOLVE, ARBITER.address, amount=0)[1]
    assert paid == Payout(PRICE + BOND, 0, 0, 0)


def test_close_pays_the_last_voucher_or_nothing_more():
    after, paid = step(PART, METERED, Operation.CLOSE, SELLER.address, amount=300)
    assert (after.state, after.released) == (DealState.RELEASED, 300)
    assert paid == Payout(PRICE - 300, 200 - (fee(300) - fee(100)) + BOND, fee(300) - fee(100))
    late = NOW + DELIVERY + REVIEW
    bare = {"amount": 100, "signed_by": frozenset[str]()}
    assert step(PART, METERED, Operation.CLOSE, BUYER.address, late, **bare)[1] == Payout(
        PRICE - 100, BOND, 0
    )
