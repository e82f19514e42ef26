"""Escrow.feasible and check_feasible: the same terms open, and the same refusal otherwise."""

from collections.abc import Iterator
from typing import Any

import pytest
from escrow_stage import (
    ARBITER,
    BOUND,
    BOUND_TOKENS,
    POOR,
    SPENT_NONCE,
    TOKENS,
    Stage,
    staged,
)
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, NOW, SELLER, STRANGER
from side_by_side import PROOF, escrow_terms, refusal

from marketplace.core.errors import TermsInfeasible
from marketplace.core.feasibility import LEAST_WINDOW, MOST_WINDOW, check_feasible
from marketplace.core.terms import Rail
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST

EMPTY_ADDRESS = "0x" + "71" * 20
MOST_AMOUNT = (1 << 104) - 1
WINDOWS = [0, LEAST_WINDOW - 1, LEAST_WINDOW, MOST_WINDOW, MOST_WINDOW + 1, (1 << 32) - 1]
PARTIES = [ZERO_ADDRESS, POOR.address, STRANGER.address, BOUND.address]
SPOILS: dict[str, list[Any]] = {
    "buyer": [SELLER.address, *PARTIES],
    "seller": [BUYER.address, *PARTIES],
    "token": [EMPTY_ADDRESS, ZERO_ADDRESS],
    "price": [0, 1, 39, 40, BOUND_TOKENS, BOUND_TOKENS + 1, TOKENS, TOKENS + 1, MOST_AMOUNT],
    "fee_bps": [0, 1, 10_000, 10_001, 65_535],
    "fee_recipient": [ZERO_ADDRESS],
    "rail": [Rail.ATOMIC, Rail.METERED, Rail.EXCHANGE, 4, 255],
    "open_by": [0, NOW - 1, (1 << 40) - 1],
    "buyer_nonce": [SPENT_NONCE, (1 << 256) - 1],
    "seller_nonce": [SPENT_NONCE, 0],
    "buyer_epoch": [1, (1 << 256) - 1],
    "seller_epoch": [1],
    "bond": [0, 998, BOUND_TOKENS + 1, TOKENS, TOKENS + 1, MOST_AMOUNT],
    "delivery_window": WINDOWS,
    "review_window": WINDOWS,
    "notice_window": WINDOWS,
    "voucher_signer": [EMPTY_ADDRESS],
    "arbiter": [EMPTY_ADDRESS, BUYER.address, SELLER.address, ZERO_ADDRESS],
    "arbiter_fee": [1, 999, 1_000, MOST_AMOUNT],
    "arbitration_window": WINDOWS,
    "default_seller_bps": [1, 10_000, 10_001, 65_535],
    "goods": [PROOF, ZERO_DIGEST],
    "bundle": [PROOF],
}
# Good terms of each kind; the bond of a swap and the windows of one are zero.
BARE = {"bond": 0, "delivery_window": 0, "review_window": 0, "goods": PROOF}
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "judged": {"arbiter": ARBITER.address, "arbiter_fee": 999, "arbitration_window": 60},
    "atomic": {"rail": Rail.ATOMIC, **BARE},
    "metered": {"rail": Rail.METERED, "notice_window": 60, "voucher_signer": EMPTY_ADDRESS},
    "exchange": {"rail": Rail.EXCHANGE, "arbiter": ARBITER.address, "goods": PROOF},
}
CHANGES = st.lists(
    st.sampled_from(sorted(SPOILS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(SPOILS[name]))
    ),
    max_size=4,
).map(dict)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as ready:
        ready.at(NOW + 10_000)
        yield ready


def compared(stage: Stage, changes: dict[str, Any]) -> str:
    """The same answer from both; returns it."""
    now = stage.view.now()
    terms = escrow_terms(stage, 7, **({"open_by": now + 1} | changes))
    facts = stage.view.facts(terms)
    mine = refusal(lambda: check_feasible(terms, now, facts))
    digests = []
    theirs = refusal(lambda: digests.append(stage.digest_if_feasible(terms)))
    assert theirs == mine
    assert mine or digests == [terms.digest(stage.view.domain)]
    return mine[0] if mine else "feasible"


@given(st.sampled_from(sorted(KINDS)), CHANGES)
def test_random_terms_are_feasible_or_refused_alike(
    stage: Stage, kind: str, changes: dict[str, Any]
):
    compared(stage, KINDS[kind] | changes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_single_spoiled_field_of_every_kind_is_judged_alike(stage: Stage, kind: str):
    assert compared(stage, KINDS[kind]) == "feasible"
    for name, values in SPOILS.items():
        for value in values:
            compared(stage, KINDS[kind] | {name: value})


# What each refusal is met by, so that none of the comparisons above is about nothing.
REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "PartyMissing": ("plain", {"buyer": ZERO_ADDRESS}),
    "PartiesEqual": ("plain", {"buyer": SELLER.address}),
    "RailUnknown": ("plain", {"rail": 4}),
    "FieldUnsupported": ("plain", {"arbiter_fee": 1}),
    "FieldMissing": ("exchange", {"goods": ZERO_DIGEST}),
    "ArbiterPartial": ("judged", {"arbiter": SELLER.address}),
    "TokenMissing": ("plain", {"token": EMPTY_ADDRESS}),
    "PriceTooLow": ("plain", {"price": 0}),
    "ShareTooHigh": ("judged", {"default_seller_bps": 10_001}),
    "FeeRecipientMissing": ("plain", {"fee_recipient": ZERO_ADDRESS}),
    "FeeRoundsToZero": ("plain", {"price": 30}),
    "ArbiterFeeUncovered": ("judged", {"arbiter_fee": 1_000}),
    "OpenExpired": ("plain", {"open_by": 0}),
    "WindowTooShort": ("metered", {"notice_window": 59}),
    "WindowTooLong": ("judged", {"arbitration_window": MOST_WINDOW + 1}),
    "EpochStale": ("plain", {"seller_epoch": 1}),
    "NonceSpent": ("plain", {"buyer_nonce": SPENT_NONCE}),
    "BalanceShort": ("plain", {"buyer": BOUND.address, "price": BOUND_TOKENS + 1}),
    "FundsShort": ("atomic", {"buyer": BOUND.address, "price": TOKENS}),
    "AllowanceShort": ("plain", {"seller": STRANGER.address}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_each_refusal_is_met_in_both(stage: Stage, name: str):
    kind, changes = REFUSALS[name]
    assert compared(stage, KINDS[kind] | changes) == name


def test_a_bound_buyer_can_pay_to_the_unit_and_a_swap_comes_out_of_its_wallet(stage: Stage):
    bound = {"buyer": BOUND.address}
    assert compared(stage, KINDS["plain"] | bound | {"price": BOUND_TOKENS}) == "feasible"
    left = TOKENS - BOUND_TOKENS
    assert compared(stage, KINDS["atomic"] | bound | {"price": left}) == "feasible"
    assert compared(stage, KINDS["atomic"] | bound | {"price": left + 1}) == "FundsShort"


def test_every_refusal_of_terms_is_among_those_met():
    assert set(REFUSALS) == {leaf.__name__ for leaf in TermsInfeasible.__subclasses__()}
