"""The deal machine: each deadline, amount and caller at its boundary."""

from dataclasses import replace

import pytest
from market import ARBITER, BUYER, DOMAIN, HOT_KEY, NOW, SELLER, STRANGER
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
    NOTICED,
    PLAIN,
    PRICE,
    REVIEW,
    refusal,
    step,
)

from marketplace.core.deal import Deal, DealState, Operation, Payout
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST

# ------------------------------------------------------------------ deadlines

DEADLINES = [
    # deal, terms, call, caller, deadline, whether it is allowed before (else from then on)
    (FUNDED, PLAIN, Operation.DELIVER, SELLER, NOW + DELIVERY, True),
    (FUNDED, EXCHANGE, Operation.DELIVER, ARBITER, NOW + DELIVERY, True),
    (FUNDED, PLAIN, Operation.REFUND, BUYER, NOW + DELIVERY, False),
    (DELIVERED, PLAIN, Operation.CLAIM, SELLER, NOW + REVIEW, False),
    (DELIVERED, JUDGED, Operation.DISPUTE, BUYER, NOW + REVIEW, True),
    (DELIVERED, EXCHANGE, Operation.RESOLVE, ARBITER, NOW + REVIEW, True),
    (DISPUTED, JUDGED, Operation.RESOLVE, ARBITER, NOW + 7_200, True),
    (DISPUTED, JUDGED, Operation.EXPIRE, STRANGER, NOW + 7_200, False),
    (FUNDED, METERED, Operation.NOTICE, BUYER, NOW + DELIVERY - 120, True),
    (FUNDED, METERED, Operation.REDEEM, STRANGER, NOW + DELIVERY + REVIEW, True),
    (NOTICED, METERED, Operation.REDEEM, STRANGER, NOW + 120 + REVIEW, True),
    (FUNDED, METERED, Operation.CLOSE, BUYER, NOW + DELIVERY + REVIEW, False),
    (NOTICED, METERED, Operation.CLOSE, BUYER, NOW + 120 + REVIEW, False),
]


@pytest.mark.parametrize(("deal", "terms", "operation", "party", "deadline", "early"), DEADLINES)
def test_a_deadline_parts_what_is_allowed_to_the_second(
    *, deal: Deal, terms: Terms, operation: Operation, party, deadline: int, early: bool
):
    amount = 0 if operation is Operation.CLOSE else CHARGE
    allowed, refused = (deadline - 1, deadline) if early else (deadline, deadline - 1)
    told = refusal(deal, terms, operation, party.address, refused, amount=amount)
    assert told == ("TooLate" if early else "TooEarly", (deadline, refused))
    assert step(deal, terms, operation, party.address, allowed, amount=amount)


def test_buyer_s_last_voucher_comes_too_late_when_it_may_close():
    end = NOW + DELIVERY + REVIEW
    told = refusal(FUNDED, METERED, Operation.CLOSE, BUYER.address, end, amount=1)
    assert told == ("TooLate", (end, end))
    assert step(FUNDED, METERED, Operation.CLOSE, SELLER.address, end - 1, amount=1)


# ------------------------------------------------------------------ amounts

PART = replace(FUNDED, released=100)
BILLED = replace(DELIVERED, released=100)
AMOUNTS = [
    # deal, terms, call, caller, least, the refusal below it, most
    (PART, PLAIN, Operation.DELIVER, SELLER, 100, 100, PRICE),
    (PART, PLAIN, Operation.RELEASE, BUYER, 101, 101, PRICE),
    (BILLED, PLAIN, Operation.RELEASE, BUYER, 101, 101, CHARGE),
    (replace(BILLED, charge=100), PLAIN, Operation.RELEASE, BUYER, 100, 101, 100),
    (replace(BILLED, state=DealState.DISPUTED), JUDGED, Operation.RELEASE, BUYER, 101, 101, 400),
    (BILLED, PLAIN, Operation.SETTLE, STRANGER, 100, 100, PRICE),
]


@pytest.mark.parametrize(("deal", "terms", "operation", "party", "least", "named", "most"), AMOUNTS)
def test_an_amount_is_a_total_between_what_was_released_and_what_is_due(
    *, deal: Deal, terms: Terms, operation: Operation, party, least: int, named: int, most: int
):
    def refused(amount: int):
        return refusal(deal, terms, operation, party.address, amount=amount)

    assert refused(least - 1) == ("AmountTooLow", (least - 1, named))
    assert refused(most + 1) == ("AmountTooHigh", (most + 1, most))
    for amount in (least, most):
        assert step(deal, terms, operation, party.address, amount=amount)


@pytest.mark.parametrize("told", [0, 99, 100])
def test_a_closing_on_a_total_that_was_passed_needs_no_voucher_and_takes_nothing_back(told: int):
    bare = {"amount": told, "signed_by": frozenset[str]()}
    after, paid = step(PART, METERED, Operation.CLOSE, SELLER.address, **bare)
    assert (after.state, after.released) == (DealState.RELEASED, 100)
    assert (paid.to_seller, paid.to_buyer) == (BOND, PRICE - 100)


def test_a_closing_names_at_most_the_price():
    told = refusal(PART, METERED, Operation.CLOSE, SELLER.address, amount=PRICE + 1)
    assert told == ("AmountTooHigh", (PRICE + 1, PRICE))
    assert step(PART, METERED, Operation.CLOSE, SELLER.address, amount=PRICE)


@pytest.mark.parametrize(
    ("deal", "operation", "party"),
    [(DISPUTED, Operation.RESOLVE, ARBITER), (DISPUTED, Operation.SETTLE, STRANGER)],
)
def test_no_more_than_the_bond_is_given_away_of_it(deal: Deal, operation: Operation, party):
    told = refusal(deal, JUDGED, operation, party.address, bond_to_seller=BOND + 1)
    assert told == ("AmountTooHigh", (BOND + 1, BOND))
    assert step(deal, JUDGED, operation, party.address, bond_to_seller=BOND)


def test_delivery_names_its_deliverable():
    told = refusal(FUNDED, PLAIN, Operation.DELIVER, SELLER.address, deliverable=ZERO_DIGEST)
    assert told == ("DeliverableMissing", (PLAIN.digest(DOMAIN),))


# ------------------------------------------------------------------ who, and on which rail


@pytest.mark.parametrize(
    ("deal", "terms", "operation", "required"),
    [
        (FUNDED, PLAIN, Operation.DELIVER, SELLER),
        (FUNDED, EXCHANGE, Operation.DELIVER, ARBITER),
        (FUNDED, PLAIN, Operation.RELEASE, BUYER),
        (FUNDED, PLAIN, Operation.REFUND, BUYER),
        (DELIVERED, PLAIN, Operation.CLAIM, SELLER),
        (DELIVERED, JUDGED, Operation.DISPUTE, BUYER),
        (DISPUTED, JUDGED, Operation.RESOLVE, ARBITER),
        (FUNDED, METERED, Operation.NOTICE, BUYER),
        (FUNDED, METERED, Operation.CLOSE, BUYER),
    ],
)
def test_stranger_is_told_whose_call_it_is(
    deal: Deal, terms: Terms, operation: Operation, required
):
    told = refusal(deal, terms, operation, STRANGER.address)
    assert told == ("WrongCaller", (STRANGER.address, required.address))


@pytest.mark.parametrize(
    ("terms", "operation", "party", "rails"),
    [
        (METERED, Operation.DELIVER, SELLER, ("METERED", "ESCROW")),
        (METERED, Operation.REFUND, SELLER, ("METERED", "ESCROW")),
        (METERED, Operation.DISPUTE, BUYER, ("METERED", "ESCROW")),
        (EXCHANGE, Operation.DISPUTE, BUYER, ("EXCHANGE", "ESCROW")),
        (EXCHANGE, Operation.REDEEM, BUYER, ("EXCHANGE", "ESCROW")),
        (PLAIN, Operation.CLOSE, SELLER, ("ESCROW", "METERED")),
    ],
)
def test_rail_without_the_operation_says_which_has_it(
    terms: Terms, operation: Operation, party, rails: tuple[str, str]
):
    assert refusal(FUNDED, terms, operation, party.address) == ("WrongRail", rails)


def test_dispute_needs_an_arbiter_and_a_notice_its_window():
    told = refusal(DELIVERED, PLAIN, Operation.DISPUTE, BUYER.address)
    assert told == ("FieldMissing", ("ESCROW", "arbiter"))
    endless = replace(METERED, notice_window=0)
    told = refusal(FUNDED, endless, Operation.NOTICE, BUYER.address)
    assert told == ("FieldMissing", ("METERED", "noticeWindow"))


@pytest.mark.parametrize(
    ("terms", "operation", "signers", "missing"),
    [
        (PLAIN, Operation.REDEEM, {SELLER}, BUYER),
        (METERED, Operation.REDEEM, {BUYER, SELLER}, HOT_KEY),
        (METERED, Operation.CLOSE, {BUYER, SELLER}, HOT_KEY),
        (PLAIN, Operation.SETTLE, {SELLER}, BUYER),
        (PLAIN, Operation.SETTLE, {BUYER}, SELLER),
    ],
)
def test_what_needs_a_signature_names_whose_is_missing(
    terms: Terms, operation: Operation, signers, missing
):
    signed_by = frozenset(party.address for party in signers)
    told = refusal(FUNDED, terms, operation, SELLER.address, amount=7, signed_by=signed_by)
    assert told == ("WrongSigner", (missing.address, ZERO_ADDRESS))
    whole = signed_by | {missing.address}
    assert step(FUNDED, terms, operation, SELLER.address, amount=7, signed_by=whole)


def test_notice_shortens_a_deal_once():
    noticed, nothing = step(FUNDED, METERED, Operation.NOTICE, SELLER.address, NOW + 5)
    assert (noticed.state, noticed.since, nothing) == (DealState.NOTICED, NOW + 5, Payout())
    told = refusal(noticed, METERED, Operation.NOTICE, BUYER.address, NOW + 6)
    assert told == ("WrongState", ("NOTICED", "FUNDED"))
