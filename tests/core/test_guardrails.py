"""Guardrails: every limit with its two values, and exposure that never passes the limit."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    ARBITER,
    BUYER,
    DOMAIN,
    HOT_KEY,
    NOW,
    SELLER,
    STRANGER,
    TOKEN,
    Party,
    subject,
    talk,
    terms,
)

from marketplace.core.deal import OPEN_STATES, DealState
from marketplace.core.errors import ParleyError, PolicyDenied
from marketplace.core.guardrails import (
    Commitment,
    Exposure,
    Limits,
    NonceFacts,
    Proposal,
    decide,
    still_costs,
)
from marketplace.core.outcome import Subject
from marketplace.core.terms import Rail, Terms

ON = talk()
LIMITS = Limits(
    TOKEN,
    most_exposure=5_000,
    highest_unit_price=100,
    lowest_unit_price=100,
    most_quantity=10,
    longest_open=1_800,
    longest_lock=7_200,
)


def proposal(signed: Terms, about: Subject) -> Proposal:
    return Proposal(signed.digest(DOMAIN), signed, about)


def deal(unit_price: int = 100, quantity: int = 10, **changes: Any) -> Proposal:  # noqa: ANN401 any field
    about = subject(ON, unit_price=unit_price, quantity=quantity)
    return proposal(terms(ON, about, **changes), about)


def refusal(
    party: str, offer: Proposal, limits: Limits = LIMITS
) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(ParleyError) as refused:
        decide(limits, Exposure(), party, offer, NOW)
    return refused.value.code, tuple(refused.value.values.values())


# ------------------------------------------------------------------ each limit


def test_limits_that_name_only_a_token_and_an_exposure_allow_no_price_and_trust_nobody():
    assert Limits(TOKEN, 5_000) == Limits(
        token=TOKEN,
        most_exposure=5_000,
        highest_unit_price=0,
        lowest_unit_price=0,
        most_quantity=1_000_000,
        longest_open=86_400,
        longest_lock=1_209_600,
        confirmations=0,
        rails=(0, 2),
        trusted=(),
    )
    assert refusal(BUYER.address, deal(), Limits(TOKEN, 5_000))[1][0] == "highest_unit_price"


def test_offer_at_every_limit_is_allowed_to_either_side():
    for party, amount in ((BUYER, 1_000), (SELLER, 100)):
        assert decide(LIMITS, Exposure(), party.address, deal(), NOW).total == amount


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
    windows = ON.content.settlement.review_window + deal().terms.delivery_window
    short = replace(LIMITS, longest_lock=windows - 1)
    assert refusal(BUYER.address, deal(), short) == (
        "LimitExceeded",
        ("longest_lock", windows, windows - 1),
    )
    other = "0x" + "71" * 20
    assert refusal(BUYER.address, deal(token=other)) == ("TokenForbidden", (other, TOKEN))


def test_lock_is_the_sum_of_all_windows():
    judged = deal(arbiter=ARBITER.address, arbitration_window=60)
    windows = 600 + 600 + 60
    trusting = replace(LIMITS, trusted=(ARBITER.address,))
    assert decide(replace(trusting, longest_lock=windows), Exposure(), BUYER.address, judged, NOW)
    short = replace(trusting, longest_lock=windows - 1)
    assert refusal(SELLER.address, judged, short) == (
        "LimitExceeded",
        ("longest_lock", windows, windows - 1),
    )


@pytest.mark.parametrize("party", [BUYER, SELLER])
def test_only_a_trusted_arbiter_may_rule(party: Party):
    judged = deal(arbiter=ARBITER.address, arbitration_window=60)
    assert refusal(party.address, judged) == ("TrustMissing", ("arbiter", ARBITER.address, ""))
    others = replace(LIMITS, trusted=(STRANGER.address,))
    assert refusal(party.address, judged, others) == (
        "TrustMissing",
        ("arbiter", ARBITER.address, STRANGER.address),
    )
    trusting = replace(LIMITS, trusted=(STRANGER.address, ARBITER.address))
    assert decide(trusting, Exposure(), party.address, judged, NOW)


def test_key_that_could_take_the_buyer_s_price_is_trusted_by_the_buyer():
    # A seller that could sign the buyer's vouchers would pay itself.
    robbing = deal(voucher_signer=SELLER.address)
    assert refusal(BUYER.address, robbing)[1][:2] == ("voucher_signer", SELLER.address)
    assert decide(LIMITS, Exposure(), SELLER.address, robbing, NOW)
    trusting = replace(LIMITS, trusted=(HOT_KEY.address,))
    hot = deal(voucher_signer=HOT_KEY.address)
    assert decide(trusting, Exposure(), BUYER.address, hot, NOW)


@pytest.mark.parametrize(
    ("rail", "name"), [(Rail.ATOMIC, "ATOMIC"), (Rail.EXCHANGE, "EXCHANGE"), (9, "9")]
)
def test_rail_whose_goods_no_limit_can_judge_is_allowed_by_name_only(rail: int, name: str):
    on_it = deal(rail=rail)
    assert refusal(SELLER.address, on_it) == ("RailForbidden", (name, "ESCROW, METERED"))
    assert decide(replace(LIMITS, rails=(rail,)), Exposure(), SELLER.address, on_it, NOW)
    assert decide(LIMITS, Exposure(), SELLER.address, deal(rail=Rail.METERED), NOW)


def test_exposure_is_limited_and_the_limit_itself_is_allowed():
    exact = replace(LIMITS, most_exposure=1_000)
    assert decide(exact, Exposure(), BUYER.address, deal(), NOW).total == 1_000
    short = replace(LIMITS, most_exposure=999)
    assert refusal(BUYER.address, deal(), short) == ("ExposureExceeded", (1_000, 999))


def test_limits_judge_what_is_signed_and_not_what_is_told_beside_it():
    # The price is what the escrow pulls; an outcome that says less would hide it.
    cheap = subject(ON, unit_price=10)
    dear = terms(ON, subject(ON, unit_price=400))
    assert refusal(BUYER.address, proposal(dear, cheap))[0] == "DigestMismatch"
    bound = replace(dear, subject=cheap.digest)
    assert refusal(BUYER.address, proposal(bound, cheap)) == (
        "TermsDisagree",
        ("price", "4000", "100"),
    )


# ------------------------------------------------------------------ exposure


def offers(*each: tuple[int, int, int, str]) -> Exposure:
    exposure = Exposure()
    for nonce, amount, open_by, name in each:
        exposure = exposure.offered(nonce, Commitment(amount, open_by, 0, (name,)))
    return exposure


def test_of_one_nonce_the_costliest_and_the_longest_count_and_nonces_add_up():
    exposure = offers((1, 50, NOW + 10, "a"), (1, 30, NOW + 20, "b"), (2, 7, NOW + 3, "c"))
    assert exposure.commitments[1] == Commitment(50, NOW + 20, 0, ("a", "b"))
    assert exposure.total == 57
    assert exposure.ended(1).total == 7
    assert exposure.ended(3) == exposure


def test_the_same_offer_again_commits_to_nothing_more():
    once = offers((1, 50, NOW + 10, "a"))
    assert offers((1, 50, NOW + 10, "a"), (1, 50, NOW + 10, "a")) == once


def test_exposure_is_a_value():
    before = Exposure()
    assert before.offered(1, Commitment(50, NOW, 0, ())) is not before
    assert before.total == 0


def test_a_stranger_commits_to_nothing_in_somebody_else_s_deal():
    assert refusal(STRANGER.address, deal())[0] == "NotAParty"


NONE, FUNDED, RELEASED = DealState.NONE, DealState.FUNDED, DealState.RELEASED
COMMITTED = Commitment(50, NOW + 10, 7, ("a", "b"))


@pytest.mark.parametrize(
    ("spent", "epoch", "block_time", "states", "costs"),
    [
        (False, 7, NOW + 9, (NONE, NONE), True),
        (False, 7, NOW + 10, (NONE, NONE), False),
        (True, 7, NOW, (NONE, NONE), False),
        (False, 8, NOW, (NONE, NONE), False),
        (True, 7, NOW, (NONE, FUNDED), True),
        *((True, 8, NOW + 10**9, (NONE, state), True) for state in OPEN_STATES),
        *((True, 7, NOW, (NONE, state), False) for state in DealState if state > max(OPEN_STATES)),
    ],
)
def test_a_commitment_costs_until_the_chain_shows_that_it_cannot(
    *, spent: bool, epoch: int, block_time: int, states: tuple[DealState, ...], costs: bool
):
    assert still_costs(COMMITTED, NonceFacts(spent, epoch, block_time, states)) is costs


# ------------------------------------------------------------------ against a model


@dataclass
class Chain:
    """Every offer ever signed, and what an adversary who holds them all has done on chain."""

    signed: list[tuple[int, int, int, str]] = field(default_factory=list)
    open: dict[int, int] = field(default_factory=dict)
    spent: set[int] = field(default_factory=set)
    states: dict[str, DealState] = field(default_factory=dict)

    def worst(self, now: int) -> int:
        """What all of them together can hold from now on."""
        live = dict(self.open)
        for nonce, amount, open_by, _ in self.signed:
            if nonce not in self.spent and now < open_by:
                live[nonce] = max(live.get(nonce, 0), amount)
        return sum(live.values())

    def openable(self, nonce: int, now: int) -> list[tuple[int, int, int, str]]:
        """What can be opened under a nonce."""
        return [one for one in self.signed if one[0] == nonce and now < one[2]]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer"] * 6 + ["open", "end", "cancel", "wait"]),
        st.integers(1, 4),
        st.integers(10, 100),
        st.integers(1, 10),
        st.integers(1, 1_800),
    ),
    max_size=40,
)


def asked(chain: Chain, exposure: Exposure, now: int) -> Exposure:
    """The exposure after the chain was asked, as the signer asks it."""
    for nonce, commitment in exposure.commitments.items():
        states = tuple(chain.states.get(name, NONE) for name in commitment.deals)
        facts = NonceFacts(nonce in chain.spent, 0, now, states)
        if not still_costs(commitment, facts):
            exposure = exposure.ended(nonce)
    return exposure


@given(steps=STEPS, most=st.integers(0, 3_000))
def test_no_sequence_of_allowed_signatures_risks_more_than_the_limit(
    steps: list[tuple[str, int, int, int, int]], most: int
):
    limits = replace(LIMITS, most_exposure=most)
    chain, exposure, now = Chain(), Exposure(), NOW
    for step, nonce, unit_price, quantity, span in steps:
        live = chain.openable(nonce, now) if nonce not in chain.spent else []
        if step == "offer":
            about = deal(unit_price, quantity, buyer_nonce=nonce, open_by=now + span)
            try:
                exposure = decide(limits, exposure, BUYER.address, about, now)
            except PolicyDenied:
                exposure = asked(chain, exposure, now)
                continue
            chain.signed.append((nonce, about.terms.price, now + span, about.deal))
        elif step == "open" and live:
            _, amount, _, name = live[span % len(live)]
            chain.open[nonce], chain.states[name] = amount, FUNDED
            chain.spent.add(nonce)
        elif step == "end" and nonce in chain.open:
            chain.open.pop(nonce)
            ended = [one[3] for one in chain.signed if chain.states.get(one[3]) is FUNDED]
            chain.states.update({d: RELEASED for d in ended if (nonce, d) in named(chain)})
        elif step == "cancel" and nonce not in chain.spent:
            chain.spent.add(nonce)
        else:
            now += span
        assert chain.worst(now) <= exposure.total <= most
        assert chain.worst(now) <= asked(chain, exposure, now).total


def named(chain: Chain) -> set[tuple[int, str]]:
    return {(nonce, name) for nonce, _, _, name in chain.signed}


def test_model_sees_offers_that_are_refused_and_offers_that_are_not():
    tight = replace(LIMITS, most_exposure=1_500)
    first = decide(tight, Exposure(), BUYER.address, deal(buyer_nonce=1), NOW)
    with pytest.raises(PolicyDenied):
        decide(tight, first, BUYER.address, deal(buyer_nonce=2), NOW)
    again = decide(tight, first, BUYER.address, deal(buyer_nonce=1), NOW)
    assert again.total == 1_000
