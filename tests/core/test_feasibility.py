"""Feasibility: each rule at its boundary, and the order in which they are asked."""

from dataclasses import replace
from typing import Any

import pytest
from market import BUYER, FEE_RECIPIENT, NOW, SELLER, TOKEN, Party, subject, talk, terms, word

from marketplace.core.eip712 import Field
from marketplace.core.errors import ParleyError
from marketplace.core.feasibility import (
    LEAST_PRICE,
    LEAST_WINDOW,
    MOST_WINDOW,
    ChainFacts,
    PartyFacts,
    assuming_funds,
    check_feasible,
)
from marketplace.core.terms import Rail, Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST

ON = talk()
GOOD = terms(ON, subject(ON))
RICH = PartyFacts(epoch=0, nonce_spent=False, balance=GOOD.price, allowance=GOOD.price)
FACTS = ChainFacts(token_exists=True, buyer=RICH, seller=RICH)
JUDGED: dict[str, Any] = {
    "arbiter": "0x" + "a7" * 20,
    "arbiter_fee": 60,
    "arbitration_window": 60,
    "default_seller_bps": 60,
}
METERED: dict[str, Any] = {"rail": Rail.METERED}
EXCHANGE: dict[str, Any] = {
    "rail": Rail.EXCHANGE,
    "arbiter": "0x" + "a7" * 20,
    "goods": word("goods"),
}
ATOMIC: dict[str, Any] = {
    "rail": Rail.ATOMIC,
    "bond": 0,
    "delivery_window": 0,
    "review_window": 0,
    "goods": word("goods"),
}


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
        ({"rail": 4}, "RailUnknown", (4, 3)),
        ({"rail": 255}, "RailUnknown", (255, 3)),
        (JUDGED | {"arbiter": BUYER.address}, "ArbiterPartial", (BUYER.address,)),
        (JUDGED | {"arbiter": SELLER.address}, "ArbiterPartial", (SELLER.address,)),
        ({"price": 0}, "PriceTooLow", (0, 1)),
        ({"fee_bps": 10_001}, "ShareTooHigh", (10_001, 10_000)),
        (JUDGED | {"default_seller_bps": 10_001}, "ShareTooHigh", (10_001, 10_000)),
        (JUDGED | {"arbiter_fee": 101}, "ArbiterFeeUncovered", (101, 100)),
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
        (
            JUDGED | {"arbitration_window": 0},
            "WindowTooShort",
            ("arbitrationWindow", 0, LEAST_WINDOW),
        ),
        (
            JUDGED | {"arbitration_window": MOST_WINDOW + 1},
            "WindowTooLong",
            ("arbitrationWindow", MOST_WINDOW + 1, MOST_WINDOW),
        ),
        (METERED | {"notice_window": 59}, "WindowTooShort", ("noticeWindow", 59, LEAST_WINDOW)),
        (
            METERED | {"notice_window": MOST_WINDOW + 1},
            "WindowTooLong",
            ("noticeWindow", MOST_WINDOW + 1, MOST_WINDOW),
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
        JUDGED | {"arbiter_fee": 100, "default_seller_bps": 10_000},
        JUDGED | {"arbitration_window": MOST_WINDOW},
        METERED | {"notice_window": LEAST_WINDOW},
        METERED | {"notice_window": MOST_WINDOW},
        METERED,
        ATOMIC,
        EXCHANGE,
        {"voucher_signer": "0x" + "11" * 20, "bundle": word("b")},
    ],
)
def test_terms_at_the_edge_of_every_rule_are_feasible(changes: dict[str, Any]):
    check_feasible(replace(GOOD, **changes), NOW)
    check_feasible(replace(GOOD, **{**changes, "bond": 0, "arbiter_fee": 0}), NOW, FACTS)


# Which fields each rail leaves at zero; without an arbiter, three more on the escrow rail.
JUDGMENT = {"arbiter_fee", "arbitration_window", "default_seller_bps"}
UNUSED = {
    "ESCROW": {"notice_window", "goods"},
    "ATOMIC": JUDGMENT
    | {"bond", "delivery_window", "review_window", "notice_window", "voucher_signer", "arbiter"}
    | {"bundle"},
    "METERED": JUDGMENT | {"arbiter", "goods"},
    "EXCHANGE": JUDGMENT | {"notice_window", "voucher_signer"},
}
BASES = {"ESCROW": JUDGED, "ATOMIC": ATOMIC, "METERED": METERED, "EXCHANGE": EXCHANGE}
ANY = {"address": "0x" + "11" * 20, "bytes32": word("b")}
LATER = Terms.FIELDS[14:]


@pytest.mark.parametrize("field", LATER, ids=lambda field: field.name)
@pytest.mark.parametrize("rail", UNUSED)
def test_field_that_the_rail_would_not_honour_is_zero(rail: str, field: Field):
    value = ANY.get(field.type, 60)
    filled = replace(GOOD, **{**BASES[rail], field.name: value})
    if field.name in UNUSED[rail]:
        number = int(value, 16) if isinstance(value, str) else value
        assert refusal(filled) == ("FieldUnsupported", (rail, field.wire, number))
    else:
        check_feasible(filled, NOW)


@pytest.mark.parametrize("name", sorted(JUDGMENT))
def test_without_an_arbiter_nothing_speaks_of_disputes(name: str):
    field = next(field for field in Terms.FIELDS if field.name == name)
    unsupported = ("FieldUnsupported", ("ESCROW", field.wire, 60))
    assert refusal(replace(GOOD, **{name: 60})) == unsupported


@pytest.mark.parametrize(
    ("changes", "rail", "wire"),
    [
        (ATOMIC | {"goods": ZERO_DIGEST}, "ATOMIC", "goods"),
        (EXCHANGE | {"goods": ZERO_DIGEST}, "EXCHANGE", "goods"),
        (EXCHANGE | {"arbiter": ZERO_ADDRESS}, "EXCHANGE", "arbiter"),
        (EXCHANGE | {"arbiter": ZERO_ADDRESS, "goods": ZERO_DIGEST}, "EXCHANGE", "arbiter"),
    ],
)
def test_field_that_the_rail_needs_is_not_zero(changes: dict[str, Any], rail: str, wire: str):
    assert refusal(replace(GOOD, **changes)) == ("FieldMissing", (rail, wire))


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


def test_bound_account_pays_from_its_balance_in_the_escrow_and_not_from_its_wallet():
    poor = PartyFacts(epoch=0, nonce_spent=False, balance=0, allowance=0)
    buyer, seller = (replace(poor, bound_balance=needed) for needed in (GOOD.price, GOOD.bond))
    check_feasible(GOOD, NOW, ChainFacts(token_exists=True, buyer=buyer, seller=seller))
    for facts, account, held, needed in (
        (replace(FACTS, buyer=replace(RICH, bound_balance=999)), BUYER, 999, GOOD.price),
        (replace(FACTS, seller=replace(RICH, bound_balance=0)), SELLER, 0, GOOD.bond),
    ):
        assert refusal(GOOD, facts) == ("BalanceShort", (account.address, held, needed))


def test_swap_is_paid_from_the_wallets_whoever_is_bound():
    swap = replace(GOOD, **ATOMIC)
    bound = replace(FACTS, buyer=replace(RICH, bound_balance=0))
    check_feasible(swap, NOW, bound)
    empty = replace(FACTS, buyer=replace(RICH, balance=0, bound_balance=GOOD.price))
    assert refusal(swap, empty) == ("FundsShort", (BUYER.address, 0, GOOD.price))


def test_accounts_need_exactly_what_the_terms_say():
    bond = replace(RICH, balance=GOOD.bond, allowance=GOOD.bond)
    check_feasible(GOOD, NOW, replace(FACTS, seller=bond))


@pytest.mark.parametrize("party", [BUYER, SELLER], ids=lambda party: party.name)
def test_assumed_funds_are_one_party_s_and_forgive_nothing_else(party: Party):
    poor = PartyFacts(epoch=0, nonce_spent=False, balance=0, allowance=0)
    other = SELLER if party == BUYER else BUYER
    both = replace(FACTS, buyer=poor, seller=replace(poor, bound_balance=0))
    assumed = assuming_funds(GOOD, both, party.address)
    assert refusal(GOOD, assumed)[1][0] == other.address
    check_feasible(GOOD, NOW, assuming_funds(GOOD, assumed, other.address))
    spent = replace(both, buyer=replace(poor, nonce_spent=True))
    assert refusal(GOOD, assuming_funds(GOOD, spent, party.address))[0] == "NonceSpent"


def test_bounds_are_the_contract_s():
    assert (LEAST_PRICE, LEAST_WINDOW, MOST_WINDOW) == (1, 60, 31_536_000)


def test_rules_are_asked_in_the_order_of_the_contract():
    # Everything is wrong at once; each repair uncovers the next complaint.
    poor = PartyFacts(epoch=1, nonce_spent=True, balance=0, allowance=0, bound_balance=0)
    facts = ChainFacts(token_exists=False, buyer=poor, seller=poor)
    spoiled = replace(
        GOOD,
        seller=ZERO_ADDRESS,
        rail=4,
        arbiter=BUYER.address,
        arbiter_fee=GOOD.bond + 1,
        default_seller_bps=10_001,
        goods=word("goods"),
        price=0,
        fee_bps=10_001,
        open_by=NOW,
        delivery_window=MOST_WINDOW + 1,
        review_window=0,
    )
    repairs: list[tuple[str, dict[str, Any]]] = [
        ("PartyMissing", {"seller": SELLER.address}),
        ("RailUnknown", {"rail": Rail.EXCHANGE}),
        ("FieldUnsupported", {"arbiter": ZERO_ADDRESS, "arbiter_fee": 0, "default_seller_bps": 0}),
        ("FieldMissing", {**JUDGED, "rail": 0, "goods": ZERO_DIGEST, "arbiter": BUYER.address}),
        ("ArbiterPartial", {"arbiter": "0x" + "a7" * 20}),
        ("TokenMissing", {}),
        ("PriceTooLow", {"price": 39}),
        ("ShareTooHigh", {"fee_bps": 250, "fee_recipient": ZERO_ADDRESS}),
        ("FeeRecipientMissing", {"fee_recipient": FEE_RECIPIENT}),
        ("FeeRoundsToZero", {"price": GOOD.price, "default_seller_bps": 10_001}),
        ("ShareTooHigh", {"default_seller_bps": 1, "arbiter_fee": GOOD.bond + 1}),
        ("ArbiterFeeUncovered", {"arbiter_fee": GOOD.bond}),
        ("OpenExpired", {"open_by": NOW + 1, "arbitration_window": 0}),
        # Window by window: too long in an early one comes before too short in a later one.
        ("WindowTooLong", {"delivery_window": LEAST_WINDOW}),
        ("WindowTooShort", {"review_window": LEAST_WINDOW}),
        ("WindowTooShort", {"arbitration_window": LEAST_WINDOW}),
    ]
    for code, repair in repairs:
        assert refusal(spoiled, facts)[0] == code
        spoiled = replace(spoiled, **repair)
        facts = replace(facts, token_exists=code == "TokenMissing" or facts.token_exists)
    for code, name, repaired in (
        ("EpochStale", "epoch", 0),
        ("NonceSpent", "nonce_spent", False),
        ("BalanceShort", "bound_balance", None),
        ("FundsShort", "balance", GOOD.price),
        ("AllowanceShort", "allowance", GOOD.price),
    ):
        # The buyer's side comes first in each; funds are asked of one party after the other.
        assert refusal(spoiled, facts)[0] == code
        assert refusal(spoiled, facts)[1][0] == BUYER.address
        facts = replace(facts, buyer=replace(facts.buyer, **{name: repaired}))
        if code in ("EpochStale", "NonceSpent"):
            assert refusal(spoiled, facts)[0] == code
            assert refusal(spoiled, facts)[1][0] == SELLER.address
            facts = replace(facts, seller=replace(facts.seller, **{name: repaired}))
    assert refusal(spoiled, facts) == ("BalanceShort", (SELLER.address, 0, GOOD.bond))
