"""Escrow.sol and the deal machine, side by side: same positions, payouts and refusals."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from escrow_stage import POOR, SPENT_NONCE, TOKENS, Stage, staged
from hypothesis import given, settings
from hypothesis import strategies as st
from market import BUYER, FEE_RECIPIENT, NOW, SELLER, STRANGER, Party, subject, talk
from market import terms as bound_terms

from marketplace.core.deal import (
    Call,
    Deal,
    Operation,
    Payout,
    apply,
    delivery_deadline,
    opened,
    review_deadline,
)
from marketplace.core.errors import ParleyError, TermsInfeasible
from marketplace.core.feasibility import LEAST_WINDOW, MOST_WINDOW, check_feasible
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST

PARTIES = (BUYER.address, SELLER.address, STRANGER.address)
ON = talk()
PLAIN = bound_terms(ON, subject(ON))
PROOF = "0x" + "dd" * 32

Refusal = tuple[str, dict[str, str | int]]
Delivery = tuple[str, int]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as ready:
        yield ready


def refusal(act: Callable[[], object]) -> Refusal | None:
    """The name and the values that an act is refused with."""
    try:
        act()
    except ParleyError as error:
        return error.code, error.values
    return None


# ------------------------------------------------------------------ whole lives of deals

# Each names an instant by the deadline that it lies at, and the seconds beside it.
INSTANTS = st.tuples(
    st.sampled_from(["soon", "delivery deadline", "review deadline", "open by"]),
    st.sampled_from([-1, 0, 1]),
)
ACTS = st.sampled_from(["deliver", "release", "claim", "refund", "deliver", "open"])
STEPS = st.lists(
    st.tuples(
        ACTS,
        # The right party half of the time.
        st.sampled_from([BUYER.address, SELLER.address] * 2 + [STRANGER.address]),
        INSTANTS,
        st.sampled_from(["nothing", "one", "half", "price", "too much"]),
        st.sampled_from([PROOF] * 4 + [ZERO_DIGEST]),
    ),
    min_size=1,
    max_size=6,
)
Step = tuple[str, str, tuple[str, int], str, str]

DEAL_TERMS = st.builds(
    lambda price, bond, fee_bps, windows: replace(
        PLAIN,
        price=price,
        bond=bond,
        # A fee that would round to nothing cannot be opened; that is the other test's matter.
        fee_bps=fee_bps if price * fee_bps >= 10_000 else 0,
        delivery_window=windows[0],
        review_window=windows[1],
    ),
    st.sampled_from([1, 3, 10_000, 999_999_999]) | st.integers(1, TOKENS),
    st.sampled_from([0, 1]) | st.integers(0, TOKENS),
    st.sampled_from([0, 1, 250, 9_999, 10_000]) | st.integers(0, 10_000),
    st.tuples(*[st.sampled_from([LEAST_WINDOW, 61, 3600, MOST_WINDOW])] * 2),
)


def instant(held: Deal, terms: Terms, named: tuple[str, int], now: int) -> int:
    name, beside = named
    return {
        "soon": now + 5,
        "delivery deadline": delivery_deadline(held, terms),
        "review deadline": review_deadline(held, terms),
        "open by": terms.open_by,
    }[name] + beside


def charge(terms: Terms, named: str) -> int:
    return {
        "nothing": 0,
        "one": 1,
        "half": terms.price // 2,
        "price": terms.price,
        "too much": terms.price + 1,
    }[named]


class Pair:
    """One deal in both machines."""

    def __init__(self, stage: Stage, terms: Terms) -> None:
        self.stage, self.terms = stage, terms
        self.agreement = stage.agreement(terms)
        self.held = Deal()
        self.accounts = (*PARTIES[:2], FEE_RECIPIENT, stage.view.domain.verifying_contract)
        self.balances = stage.balances(*self.accounts)

    def step(self, step: Step) -> str:
        """Do it in both and compare; returns how it went."""
        act, caller, when, named_charge, deliverable = step
        at = self.stage.at(instant(self.held, self.terms, when, self.stage.view.now()))
        delivery = deliverable, charge(self.terms, named_charge)
        mine = self._in_python(act, caller, at, delivery)
        theirs = refusal(lambda: self._on_chain(act, caller, delivery))
        assert theirs == mine
        assert self.stage.view.position(self.agreement.digest) == self.held
        if mine is not None:
            return mine[0]
        assert self.stage.balances(*self.accounts) == self.balances
        return f"{act} taken"

    def _in_python(self, act: str, caller: str, at: int, delivery: Delivery) -> Refusal | None:
        def take() -> None:
            if act == "open":
                check_feasible(self.terms, at, self.stage.view.facts(self.terms))
                self._move(opened(at), Payout(-self.terms.price, -self.terms.bond))
            else:
                call = Call(self.agreement.digest, Operation(act), caller, at, *delivery)
                self._move(*apply(self.held, self.terms, call))

        return refusal(take)

    def _on_chain(self, act: str, caller: str, delivery: Delivery) -> None:
        hand = self.stage.hands[caller]
        if act == "open":
            hand.open(self.agreement)
        else:
            more = delivery if act == "deliver" else None
            hand.operate(self.terms, Operation(act), more)

    def _move(self, after: Deal, paid: Payout) -> None:
        self.held = after
        moved = paid.to_buyer, paid.to_seller, paid.fee
        changes = *moved, -sum(moved)
        self.balances = [old + new for old, new in zip(self.balances, changes, strict=True)]


def play(stage: Stage, terms: Terms, steps: list[Step]) -> list[str]:
    with stage.undone():
        open_by = stage.view.now() + 1800
        pair = Pair(stage, replace(terms, token=stage.token, open_by=open_by))
        return [pair.step(step) for step in steps]


OPEN: Step = ("open", STRANGER.address, ("soon", 0), "nothing", PROOF)


# A block costs more than a function call: half of the examples.
@settings(max_examples=settings.default.max_examples // 2)
@given(terms=DEAL_TERMS, steps=STEPS, opens=st.sampled_from([[OPEN]] * 9 + [[]]))
def test_random_lives_of_deals_are_the_same_in_both(
    stage: Stage, terms: Terms, steps: list[Step], opens: list[Step]
):
    play(stage, terms, opens + steps)


def act(name: str, by: Party, when: tuple[str, int] = ("soon", 0), asks: str = "half") -> Step:
    return name, by.address, when, asks, PROOF


LIVES: dict[str, tuple[list[Step], list[str]]] = {
    "delivered in the last second, claimed in the first": (
        [
            act("refund", BUYER, ("delivery deadline", -1)),
            act("deliver", SELLER, ("delivery deadline", -1)),
            act("claim", SELLER, ("review deadline", -1)),
            act("claim", SELLER, ("review deadline", 0)),
            act("release", BUYER),
        ],
        ["RefundEarly", "deliver taken", "ClaimEarly", "claim taken", "WrongState"],
    ),
    "too late by a second, refunded in that second": (
        [
            act("deliver", SELLER, ("delivery deadline", 0)),
            act("refund", STRANGER, ("delivery deadline", 0)),
            act("refund", BUYER, ("delivery deadline", 0)),
        ],
        ["DeliveryLate", "WrongCaller", "refund taken"],
    ),
    "released without a delivery": (
        [act("claim", SELLER), act("release", SELLER), act("release", BUYER)],
        ["WrongState", "WrongCaller", "release taken"],
    ),
    "charged too much, then nothing": (
        [
            act("deliver", SELLER, asks="too much"),
            act("deliver", SELLER, asks="nothing"),
            act("release", BUYER),
        ],
        ["ChargeTooHigh", "deliver taken", "release taken"],
    ),
    "given back by the seller": (
        [act("refund", SELLER), act("open", BUYER)],
        ["refund taken", "NonceSpent"],
    ),
}


@pytest.mark.parametrize("life", LIVES)
def test_boundary_seconds_are_the_same_in_both(stage: Stage, life: str):
    steps, expected = LIVES[life]
    assert play(stage, PLAIN, [OPEN, *steps]) == ["open taken", *expected]


def test_opening_ends_at_open_by_in_both(stage: Stage):
    late = act("open", BUYER, ("open by", 0))
    assert play(stage, PLAIN, [late]) == ["OpenExpired"]
    assert play(stage, PLAIN, [act("open", BUYER, ("open by", -1))]) == ["open taken"]


def test_delivery_of_nothing_names_the_deal_in_both(stage: Stage):
    empty = ("deliver", SELLER.address, ("soon", 0), "half", ZERO_DIGEST)
    assert play(stage, PLAIN, [OPEN, empty]) == ["open taken", "DeliverableMissing"]


# ------------------------------------------------------------------ feasibility

EMPTY_ADDRESS = "0x" + "71" * 20
SPOILS: dict[str, list[Any]] = {
    "buyer": [ZERO_ADDRESS, SELLER.address, POOR.address, STRANGER.address],
    "seller": [ZERO_ADDRESS, BUYER.address, POOR.address, STRANGER.address],
    "arbiter": [EMPTY_ADDRESS],
    "token": [EMPTY_ADDRESS, ZERO_ADDRESS],
    "price": [0, 1, 39, 40, TOKENS, TOKENS + 1, (1 << 128) - 1],
    "bond": [0, TOKENS, TOKENS + 1, (1 << 128) - 1],
    "fee_bps": [0, 1, 10_000, 10_001, 65_535],
    "fee_recipient": [ZERO_ADDRESS],
    "arbiter_fee": [1, (1 << 128) - 1],
    "rail": [1, 255],
    "open_by": [0, NOW - 1, (1 << 40) - 1],
    "delivery_window": [0, LEAST_WINDOW - 1, LEAST_WINDOW, MOST_WINDOW, MOST_WINDOW + 1],
    "review_window": [0, LEAST_WINDOW - 1, LEAST_WINDOW, MOST_WINDOW, (1 << 32) - 1],
    "arbitration_window": [1, (1 << 32) - 1],
    "default_seller_bps": [1, 65_535],
    "buyer_nonce": [SPENT_NONCE, (1 << 256) - 1],
    "seller_nonce": [SPENT_NONCE, 0],
    "buyer_epoch": [1, (1 << 256) - 1],
    "seller_epoch": [1],
    "voucher_signer": [EMPTY_ADDRESS],
    "bundle": [PROOF],
}
CHANGES = st.lists(
    st.sampled_from(sorted(SPOILS)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from(SPOILS[name]))
    ),
    max_size=4,
).map(dict)


def compare_feasibility(stage: Stage, changes: dict[str, Any]) -> str:
    """The same answer from both; returns it."""
    now = stage.at(NOW + 10_000)
    plain = replace(PLAIN, token=stage.token, open_by=now + 1)
    terms = replace(plain, **changes)
    facts = stage.view.facts(terms)
    mine = refusal(lambda: check_feasible(terms, now, facts))
    digests = []
    theirs = refusal(lambda: digests.append(stage.digest_if_feasible(terms)))
    assert theirs == mine
    assert mine or digests == [terms.digest(stage.view.domain)]
    return mine[0] if mine else "feasible"


@given(CHANGES)
def test_random_terms_are_feasible_or_refused_alike(stage: Stage, changes: dict[str, Any]):
    compare_feasibility(stage, changes)


def test_every_single_spoiled_field_is_judged_alike_and_every_refusal_is_met(stage: Stage):
    met = {
        compare_feasibility(stage, {name: value})
        for name, values in SPOILS.items()
        for value in values
    }
    assert met == {leaf.__name__ for leaf in TermsInfeasible.__subclasses__()} | {"feasible"}
