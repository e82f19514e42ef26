"""Feasibility: each rule at its boundary, and the order in which they are asked."""

from dataclasses import replace
from typing import Any

import pytest
from market import BUYER, FEE_RECIPIENT, NOW, SELLER, TOKEN, Party, subject, talk, terms, word

from marketplace.core.errors import ParleyError
from marketplace.core.feasibility import (
    LEAST_WINDOW,
    MOST_WINDOW,
    ChainFacts,
    PartyFacts,
    assuming_funds,
    check_feasible,
)
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS

ON = talk()
GOOD = terms(ON, subject(ON))
RICH = PartyFacts(epoch=0, nonce_spent=False, balance=GOOD.price, allowance=GOOD.price)
FACTS = ChainFacts(token_exists=True, buyer=RICH, seller=RICH)
MANY = int("11" * 20, 16)


def refusal(spoiled: Terms, facts: ChainFacts | None = None) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(ParleyError) as refused:
        check_feasible(spoiled, NOW, facts)
    return refused.value.code, tuple(refused.value.values.values())


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"buyer": ZERO_ADDRESS}, "PartyMissing", (ZERO_ADDRESS, SELLER.address)),
        ({"seller": ZERO_ADDRESS}, "PartyMissing", (BUYER.address, ZERO_ADDRESS)),
        ({"seller": BUYER.address}, "PartiesEqual", (BUYER.address, BUYER.address)),
        ({"rail": 1}, "RailUnsupported", (1, 0)),
        ({"arbiter": "0x" + "11" * 20}, "FieldUnsupported", ("arbiter", MANY)),
        ({"arbiter_fee": 1}, "FieldUnsupported", ("arbiterFee", 1)),
        ({"arbitration_window": 1}, "FieldUnsupported", ("arbitrationWindow", 1)),
        ({"default_seller_bps": 1}, "FieldUnsupported", ("defaultSellerBps", 1)),
        ({"voucher_signer": "0x" + "11" * 20}, "FieldUnsupported", ("voucherSigner", MANY)),
        ({"bundle": word("b")}, "FieldUnsupported", ("bundle", int(word("b"), 16))),
        ({"price": 0}, "PriceTooLow", (0, 1)),
        ({"fee_bps": 10_001}, "FeeTooHigh", (10_001, 10_000)),
        ({"fee_recipient": ZERO_ADDRESS}, "FeeRecipientMissing", (250, ZERO_ADDRESS)),
        ({"price": 39, "fee_bps": 250}, "FeeRoundsToZero", (39, 250)),
        ({"open_by": NOW}, "OpenExpired", (NOW, NOW)),
        ({"delivery_window": 59}, "WindowTooShort", ("deliveryWindow", 59, LEAST_WINDOW)),
        ({"review_window": 59}, "WindowTooShort", ("reviewWindow", 59, LEAST_WINDOW)),
        (
            {"delivery_window": MOST_WINDOW + 1},
            "WindowTooLong",
            ("deliveryWindow", MOST_WINDOW + 1, MOST_WINDOW),
        ),
        (
            {"review_window": MOST_WINDOW + 1},
            "WindowTooLong",
            ("reviewWindow", MOST_WINDOW + 1, MOST_WINDOW),
        ),
    ],
)
def test_terms_that_could_not_be_opened_and_ended_are_refused(
    changes: dict[str, Any], code: str, values: tuple[str | int, ...]
):
    assert refusal(replace(GOOD, **changes)) == (code, values)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"price": 1, "fee_bps": 0, "fee_recipient": ZERO_ADDRESS},
        {"price": 1, "fee_bps": 10_000},
        {"price": 40, "fee_bps": 250},
        {"open_by": NOW + 1},
        {"delivery_window": LEAST_WINDOW, "review_window": LEAST_WINDOW},
        {"delivery_window": MOST_WINDOW, "review_window": MOST_WINDOW},
    ],
)
def test_terms_at_the_edge_of_every_rule_are_feasible(changes: dict[str, Any]):
    check_feasible(replace(GOOD, **changes), NOW)
    check_feasible(replace(GOOD, **changes, bond=0), NOW, FACTS)


POOR_BALANCE = replace(RICH, balance=GOOD.price - 1)
POOR_BOND = replace(RICH, balance=GOOD.bond - 1)


@pytest.mark.parametrize(
    ("facts", "code", "values"),
    [
        (replace(FACTS, token_exists=False), "TokenMissing", (TOKEN,)),
        (
            replace(FACTS, buyer=replace(RICH, epoch=3)),
            "EpochStale",
            (BUYER.address, 0, 3),
        ),
        (replace(FACTS, seller=replace(RICH, epoch=3)), "EpochStale", (SELLER.address, 0, 3)),
        (replace(FACTS, buyer=replace(RICH, nonce_spent=True)), "NonceSpent", (BUYER.address, 1)),
        (replace(FACTS, seller=replace(RICH, nonce_spent=True)), "NonceSpent", (SELLER.address, 9)),
        (
            replace(FACTS, buyer=POOR_BALANCE),
            "FundsShort",
            (BUYER.address, GOOD.price - 1, GOOD.price),
        ),
        (
            replace(FACTS, seller=POOR_BOND),
            "FundsShort",
            (SELLER.address, GOOD.bond - 1, GOOD.bond),
        ),
        (
            replace(FACTS, buyer=replace(RICH, allowance=0)),
            "AllowanceShort",
            (BUYER.address, 0, GOOD.price),
        ),
        (
            replace(FACTS, seller=replace(RICH, allowance=GOOD.bond - 1)),
            "AllowanceShort",
            (SELLER.address, GOOD.bond - 1, GOOD.bond),
        ),
    ],
)
def test_what_the_chain_says_can_forbid_too(
    facts: ChainFacts, code: str, values: tuple[str | int, ...]
):
    assert refusal(GOOD, facts) == (code, values)
    check_feasible(GOOD, NOW)


def test_accounts_need_exactly_what_the_terms_say():
    bond = replace(RICH, balance=GOOD.bond, allowance=GOOD.bond)
    check_feasible(GOOD, NOW, replace(FACTS, seller=bond))


@pytest.mark.parametrize("party", [BUYER, SELLER], ids=lambda party: party.name)
def test_assumed_funds_are_one_party_s_and_forgive_nothing_else(party: Party):
    poor = PartyFacts(epoch=0, nonce_spent=False, balance=0, allowance=0)
    other = SELLER if party == BUYER else BUYER
    both = replace(FACTS, buyer=poor, seller=poor)
    assumed = assuming_funds(GOOD, both, party.address)
    assert refusal(GOOD, assumed)[1][0] == other.address
    check_feasible(GOOD, NOW, assuming_funds(GOOD, assumed, other.address))
    spent = replace(both, buyer=replace(poor, nonce_spent=True))
    assert refusal(GOOD, assuming_funds(GOOD, spent, party.address))[0] == "NonceSpent"


def test_rules_are_asked_in_the_order_of_the_contract():
    # Everything is wrong at once; each repair uncovers the next complaint.
    poor = PartyFacts(epoch=1, nonce_spent=True, balance=0, allowance=0)
    facts = ChainFacts(token_exists=False, buyer=poor, seller=poor)
    spoiled = replace(
        GOOD,
        seller=ZERO_ADDRESS,
        rail=1,
        bundle=word("b"),
        price=0,
        fee_bps=10_001,
        open_by=NOW,
        delivery_window=MOST_WINDOW + 1,
        review_window=0,
    )
    repairs: list[tuple[str, dict[str, Any]]] = [
        ("PartyMissing", {"seller": SELLER.address}),
        ("RailUnsupported", {"rail": 0}),
        ("FieldUnsupported", {"bundle": GOOD.bundle}),
        ("TokenMissing", {}),
        ("PriceTooLow", {"price": 39}),
        ("FeeTooHigh", {"fee_bps": 250, "fee_recipient": ZERO_ADDRESS}),
        ("FeeRecipientMissing", {"fee_recipient": FEE_RECIPIENT}),
        ("FeeRoundsToZero", {"price": GOOD.price}),
        ("OpenExpired", {"open_by": NOW + 1}),
        ("WindowTooShort", {"review_window": LEAST_WINDOW}),
        ("WindowTooLong", {"delivery_window": LEAST_WINDOW}),
    ]
    for code, repair in repairs:
        assert refusal(spoiled, facts)[0] == code
        spoiled = replace(spoiled, **repair)
        facts = replace(facts, token_exists=code == "TokenMissing" or facts.token_exists)
    assert refusal(spoiled, facts)[0] == "EpochStale"
