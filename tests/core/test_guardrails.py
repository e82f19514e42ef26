"""Guardrails: every limit with its two values, and exposure that never passes the limit."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, NOW, SELLER, TOKEN, subject, talk, terms

from marketplace.core.errors import ParleyError, PolicyDenied
from marketplace.core.guardrails import CLOCK_SKEW, Commitment, Exposure, Limits, decide
from marketplace.core.outcome import Subject
from marketplace.core.terms import Terms

ON = talk()
LIMITS = Limits(
    TOKEN,
    most_exposure=5_000,
    highest_unit_price=100,
    lowest_unit_price=100,
    most_quantity=10,
    longest_open=1_800,
)


def deal(unit_price: int = 100, quantity: int = 10, **changes: Any) -> tuple[Terms, Subject]:  # noqa: ANN401 any field
    about = subject(ON, unit_price=unit_price, quantity=quantity)
    return terms(ON, about, **changes), about


def refusal(
    party: str, offer: tuple[Terms, Subject], limits: Limits = LIMITS
) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(ParleyError) as refused:
        decide(limits, Exposure(), party, offer, NOW)
    return refused.value.code, tuple(refused.value.values.values())


# ------------------------------------------------------------------ each limit


def test_offer_at_every_limit_is_allowed_to_either_side():
    for party, amount in ((BUYER, 1_000), (SELLER, 100)):
        assert decide(LIMITS, Exposure(), party.address, deal(), NOW).total(NOW) == amount


def test_buyer_pays_no_more_for_a_unit_and_seller_takes_no_less():
    assert refusal(BUYER.address, deal(101)) == ("LimitExceeded", ("highest_unit_price", 101, 100))
    assert refusal(SELLER.address, deal(99)) == ("LimitExceeded", ("lowest_unit_price", 99, 100))
    assert decide(LIMITS, Exposure(), BUYER.address, deal(99), NOW)
    assert decide(LIMITS, Exposure(), SELLER.address, deal(101), NOW)


def test_quantity_life_and_token_are_limited():
    assert refusal(BUYER.address, deal(quantity=11)) == ("LimitExceeded", ("most_quantity", 11, 10))
    assert refusal(BUYER.address, deal(open_by=NOW + 1_801)) == (
        "LimitExceeded",
        ("longest_open", 1_801, 1_800),
    )
    other = "0x" + "71" * 20
    assert refusal(BUYER.address, deal(token=other)) == ("TokenForbidden", (other, TOKEN))


def test_exposure_is_limited_and_the_limit_itself_is_allowed():
    exact = replace(LIMITS, most_exposure=1_000)
    assert decide(exact, Exposure(), BUYER.address, deal(), NOW).total(NOW) == 1_000
    short = replace(LIMITS, most_exposure=999)
    assert refusal(BUYER.address, deal(), short) == ("ExposureExceeded", (1_000, 999))


def test_limits_judge_what_is_signed_and_not_what_is_told_beside_it():
    # The price is what the escrow pulls; an outcome that says less would hide it.
    cheap = subject(ON, unit_price=10)
    dear = terms(ON, subject(ON, unit_price=400))
    assert refusal(BUYER.address, (dear, cheap))[0] == "DigestMismatch"
    bound = replace(dear, subject=cheap.digest)
    assert refusal(BUYER.address, (bound, cheap)) == ("TermsDisagree", ("price", "4000", "100"))


# ------------------------------------------------------------------ exposure


def test_of_one_nonce_the_costliest_counts_and_nonces_add_up():
    exposure = Exposure().offered(1, 50, NOW + 10).offered(1, 30, NOW + 5).offered(2, 7, NOW + 3)
    assert exposure.commitments[1] == Commitment(50, NOW + 10)
    ends = [exposure.total(NOW + CLOCK_SKEW + late) for late in (0, 2, 3, 9, 10)]
    assert ends == [57, 57, 50, 50, 0]


def test_open_deal_counts_what_it_holds_until_it_is_known_to_have_ended():
    offered = Exposure().offered(1, 50, NOW + 10).offered(2, 7, NOW + 3)
    assert offered.unopened() == [1, 2]
    assert offered.opened(1, 30).unopened() == [2]
    exposure = Exposure().offered(1, 50, NOW + 10).opened(1, 30)
    assert exposure.total(NOW + 10**9) == 30
    assert exposure.offered(1, 40, NOW + 5).commitments[1] == Commitment(40, None)
    assert exposure.ended(1).total(NOW) == 0
    assert exposure.ended(2) == exposure


def test_exposure_is_a_value():
    before = Exposure()
    assert before.offered(1, 50, NOW + 10) is not before
    assert before.total(NOW) == 0


# ------------------------------------------------------------------ against a model


@dataclass
class Model:
    """The worst that can happen, told in the plainest way: a list of all that was signed."""

    signed: list[tuple[int, int, int]] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)

    def worst(self, now: int) -> int:
        live: dict[int, int] = dict(self.open)
        for nonce, amount, open_by in self.signed:
            if nonce not in self.dead and nonce not in self.open and now < open_by:
                live[nonce] = max(live.get(nonce, 0), amount)
        return sum(live.values())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer"] * 6 + ["open", "end", "wait"]),
        st.integers(1, 4),
        st.integers(10, 100),
        st.integers(1, 10),
        st.integers(1, 1_800),
    ),
    max_size=40,
)


@given(steps=STEPS, most=st.integers(0, 3_000))
def test_no_sequence_of_allowed_signatures_risks_more_than_the_limit(
    steps: list[tuple[str, int, int, int, int]], most: int
):
    limits = replace(LIMITS, most_exposure=most)
    model, exposure, now = Model(), Exposure(), NOW
    for step, nonce, unit_price, quantity, span in steps:
        offered = [(amount, until) for n, amount, until in model.signed if n == nonce]
        live = [amount for amount, until in offered if now < until]
        if step == "offer" and nonce not in model.dead | model.open.keys():
            about = deal(unit_price, quantity, buyer_nonce=nonce, open_by=now + span)
            try:
                exposure = decide(limits, exposure, BUYER.address, about, now)
            except PolicyDenied:
                continue
            model.signed.append((nonce, about[0].price, now + span))
        elif step == "open" and live and nonce not in model.dead | model.open.keys():
            model.open[nonce] = live[span % len(live)]
            exposure = exposure.opened(nonce, model.open[nonce])
        elif step == "end":
            model.dead.add(nonce)
            model.open.pop(nonce, None)
            exposure = exposure.ended(nonce)
        else:
            now += span
        assert model.worst(now) <= exposure.total(now) <= most


def test_model_sees_offers_that_are_refused_and_offers_that_are_not():
    tight = replace(LIMITS, most_exposure=1_500)
    first = decide(tight, Exposure(), BUYER.address, deal(buyer_nonce=1), NOW)
    with pytest.raises(PolicyDenied):
        decide(tight, first, BUYER.address, deal(buyer_nonce=2), NOW)
    again = decide(tight, first, BUYER.address, deal(buyer_nonce=1), NOW)
    assert again.total(NOW) == 1_000
