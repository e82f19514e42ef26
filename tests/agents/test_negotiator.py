"""Negotiators: whatever the other side does, nothing is signed that is not worth it."""

from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import get_type_hints
from unittest.mock import patch

import pytest
from hall import BUYER, SELLER, WIDE, Hall
from hypothesis import assume, given
from hypothesis import strategies as st
from market import TOKEN, accept, content, offer, reject, withdraw
from market import subject as subject_of

from agents.negotiator import Negotiator
from agents.offering import BOULWARE, CONCEDER, LINEAR
from agents.preferences import Interest, Preferences, rank
from agents.strategies import Strategy
from marketplace.core.capacity import Capacity
from marketplace.core.errors import ExposureExceeded, FundsShort, LimitExceeded, ParleyError
from marketplace.core.feasibility import ChainFacts
from marketplace.core.guardrails import Limits
from marketplace.core.listing import Settlement
from marketplace.core.negotiation import State
from marketplace.core.outcome import Issue, OutcomeSpace, Subject
from marketplace.core.words import Kind, Reason

NAMES = ("unit_price", "quantity", "delivery_window")
SPACE = OutcomeSpace(
    (
        Issue("unit_price", 10, 100, 10),
        Issue("quantity", 1, 5),
        Issue("delivery_window", 60, 180, 60),
    )
)
# No fee: a fee that rounds to zero makes the cheapest outcomes infeasible.
CONTENT = content(space=SPACE, settlement=Settlement(TOKEN, 1_000))
PRICE_ONLY = replace(
    CONTENT,
    space=OutcomeSpace(
        (
            Issue("unit_price", 0 + 100, 1_000),
            Issue("quantity", 5, 5),
            Issue("delivery_window", 60, 60),
        )
    ),
)
CURVES = st.sampled_from((BOULWARE, LINEAR, CONCEDER))


class Plain:
    """A good that is recognised by one word."""

    def __init__(self, method: str = "plain") -> None:
        self.method = method

    def delivery(self, _):
        return {"method": self.method}


def preferences_on(*, dear: bool):
    """Random weights; the seller likes it dear and much, the buyer the opposite."""
    best = [(issue.high if dear else issue.low) for issue in SPACE]
    weights = st.tuples(*(st.integers(1, 10) for _ in NAMES))
    floors = st.floats(0.05, 0.95)
    return st.builds(
        lambda weighed, reserved: Preferences(
            {n: Interest(w, b) for n, w, b in zip(NAMES, weighed, best, strict=True)}, reserved, {}
        ),
        weights,
        floors,
    )


SELLERS = st.builds(Strategy, preferences_on(dear=True), CURVES)
BUYERS = st.builds(Strategy, preferences_on(dear=False), CURVES)


def stepping(negotiator: Negotiator):
    """The other honest side: takes its turn when it has one."""

    def step() -> bool:
        negotiator.talk.sync()
        if negotiator.talk.my_turn:
            negotiator.step()
            return True
        return False

    return step


def negotiate(hall: Hall, selling: Strategy, buying: Strategy):
    """Both honest, to the end; the buyer's agreement."""
    seller = Negotiator(hall.talk(SELLER), selling, Plain())
    hall.otherwise = stepping(seller)
    return Negotiator(hall.talk(BUYER), buying, Plain()).run()


def words_of(hall: Hall) -> list[tuple[str, str]]:
    return [(view.message["kind"], view.message["digest"]) for view in hall.views]


# ------------------------------------------------------------------ never below the floor

HOSTILE_WORDS = st.sampled_from(("offer", "accept", "reject", "withdraw", "other goods"))
HOSTILE = st.lists(
    st.tuples(
        HOSTILE_WORDS,
        st.fixed_dictionaries({issue.name: st.sampled_from(issue.values) for issue in SPACE}),
    ),
    max_size=12,
)


@given(buying=st.booleans(), script=HOSTILE, data=st.data(), highest=st.integers(10, 100))
def test_nothing_below_the_reservation_value_or_outside_the_limits_is_ever_signed(
    buying, script, data, highest
):
    me, other = (BUYER, SELLER) if buying else (SELLER, BUYER)
    strategy = data.draw(BUYERS if buying else SELLERS)
    limits = replace(WIDE, highest_unit_price=highest, lowest_unit_price=110 - highest)
    hall, words = Hall(CONTENT), iter(script)

    def speak() -> bool:
        return any(hall.try_word(hostile(hall, other, word, outcome)) for word, outcome in words)

    hall.otherwise = speak
    negotiator = Negotiator(hall.talk(me, limits), strategy, Plain())
    try:
        agreement = negotiator.run()
    except LimitExceeded:
        agreement = None
    signed = [o for o in hall.state.offers if o.signer == me.address]
    if agreement is not None:
        signed.append(agreement)
    for one in signed:
        outcome = one.subject.outcome
        assert strategy.preferences.utility(SPACE, outcome) >= strategy.preferences.reserved
        assert one.subject.delivery == {"method": "plain"}
        price = outcome["unit_price"]
        assert price <= highest if buying else price >= 110 - highest


def hostile(hall: Hall, by, word: str, outcome):
    on = hall.state
    if word in ("offer", "other goods"):
        delivery = {"method": "plain" if word == "offer" else "trust me"}
        about = Subject(on.invitation.listing, outcome, delivery, "0x" + "99" * 32)
        return offer(on, by, about)
    return {"accept": accept, "reject": reject, "withdraw": withdraw}[word](on, by)


# ------------------------------------------------------------------ honest parties


@given(selling=SELLERS, buying=BUYERS, rounds=st.integers(1, 12), improvement=st.integers(0, 200))
def test_two_honest_negotiators_end_within_their_rounds_whatever_the_rule_on_improvement(
    selling, buying, rounds, improvement
):
    hall = Hall(CONTENT, max_rounds=rounds, min_improvement=improvement)
    agreement = negotiate(hall, selling, buying)
    assert hall.state.state in (State.ACCEPTED, State.TERMINATED)
    assert len(hall.state.offers) <= rounds
    assert (agreement is not None) == (hall.state.state is State.ACCEPTED)


def price_only(reserved: int, *, dear: bool) -> Preferences:
    """Only the price counts; the walk-away price is ``reserved``."""
    issue = next(iter(PRICE_ONLY.space))
    best, span = (issue.high if dear else issue.low), issue.high - issue.low
    utility = 1 - abs(reserved - best) / span
    return Preferences({"unit_price": Interest(1, best)}, utility, {})


@given(
    floor=st.integers(100, 1_000),
    ceiling=st.integers(100, 1_000),
    curves=st.tuples(CURVES, CURVES),
    rounds=st.integers(2, 8),
    improvement=st.integers(0, 38),
)
def test_over_one_price_they_agree_wherever_their_zones_overlap(
    floor, ceiling, curves, rounds, improvement
):
    # Prices are looked at on a grid: who has fewer of them than turns runs out of concessions.
    step = 38
    assume(min(ceiling - 100, 1_000 - floor) >= step * (rounds // 2 + 1))
    assume(ceiling < floor or ceiling - floor > step)
    selling = Strategy(price_only(floor, dear=True), curves[0])
    buying = Strategy(price_only(ceiling, dear=False), curves[1])
    hall = Hall(PRICE_ONLY, max_rounds=rounds, min_improvement=improvement)
    agreement = negotiate(hall, selling, buying)
    if ceiling < floor:
        assert agreement is None
        assert hall.state.state is State.TERMINATED
    else:
        assert agreement is not None
        assert floor <= agreement.subject.outcome["unit_price"] <= ceiling


@given(selling=SELLERS, buying=BUYERS)
def test_the_same_inputs_give_the_same_words(selling, buying):
    first, second = Hall(CONTENT), Hall(CONTENT)
    negotiate(first, selling, buying)
    negotiate(second, selling, buying)
    assert words_of(first) == words_of(second)


# ------------------------------------------------------------------ single turns

EASY = Preferences({"unit_price": Interest(1, 10)}, 0.2, {})
GREEDY = Preferences({"unit_price": Interest(1, 100)}, 0.2, {})


def standing(outcome, delivery=None, max_rounds=10) -> Hall:
    """A hall where the seller has proposed an outcome and says no more."""
    hall = Hall(CONTENT, max_rounds=max_rounds)
    hall.talk(SELLER).offer(outcome, delivery or {"method": "plain"})
    return hall


CHEAP = {"unit_price": 10, "quantity": 5, "delivery_window": 60}


def test_a_good_offer_is_accepted():
    hall = standing(CHEAP)
    assert Negotiator(hall.talk(BUYER), Strategy(EASY, LINEAR), Plain()).run() is not None


def test_a_good_offer_of_another_delivery_is_answered_and_not_accepted():
    hall = standing(CHEAP, {"method": "trust me"})
    assert Negotiator(hall.talk(BUYER), Strategy(EASY, LINEAR), Plain()).run() is None
    assert [view.message["kind"] for view in hall.views[2:]] == [Kind.OFFER]
    assert hall.state.standing.subject.delivery == {"method": "plain"}


def test_on_the_last_round_whatever_beats_no_agreement_is_accepted():
    fair = {**CHEAP, "unit_price": 80}  # utility 0.22 of 0.2, below the bid that cannot be made
    hall = standing(fair, max_rounds=1)
    assert Negotiator(hall.talk(BUYER), Strategy(EASY, BOULWARE), Plain()).run() is not None


def test_on_the_last_round_what_is_worth_less_than_no_agreement_is_rejected():
    hall = standing({**CHEAP, "unit_price": 90}, max_rounds=1)
    assert Negotiator(hall.talk(BUYER), Strategy(EASY, CONCEDER), Plain()).run() is None
    assert hall.state.state is State.TERMINATED


def test_a_hard_minimum_is_kept_even_where_no_agreement_is_worth_nothing():
    needy = Preferences({"unit_price": Interest(1, 10)}, 0.0, {"quantity": 4})
    hall = standing({**CHEAP, "quantity": 3}, max_rounds=1)
    assert Negotiator(hall.talk(BUYER), Strategy(needy, LINEAR), Plain()).run() is None


def test_who_wants_nothing_of_the_space_rejects_at_once():
    nothing = Preferences({"unit_price": Interest(1, 10)}, 0.5, {"quantity": 6})
    hall = standing(CHEAP)
    assert Negotiator(hall.talk(BUYER), Strategy(nothing, LINEAR), Plain()).run() is None
    assert hall.views[-1].message["kind"] == Kind.REJECTION


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (replace(WIDE, most_quantity=0), LimitExceeded),
        (Limits(TOKEN, 1, highest_unit_price=100), ExposureExceeded),
    ],
)
def test_a_limit_that_forbids_the_bid_tells_the_other_side_no_and_raises(limits, error):
    hall = standing(CHEAP)
    with pytest.raises(error):
        Negotiator(hall.talk(BUYER, limits), Strategy(EASY, LINEAR), Plain()).run()
    assert hall.state.state is State.TERMINATED
    assert hall.views[-1].message["kind"] == Kind.REJECTION


def test_terms_that_nobody_could_open_tell_the_other_side_no_and_raise(monkeypatch):
    hall = standing(CHEAP)
    talk = hall.talk(BUYER)
    facts = talk._means.chain.facts(None)
    poor = ChainFacts(token_exists=True, buyer=replace(facts.buyer, balance=0), seller=facts.seller)
    monkeypatch.setattr(talk._means.chain, "facts", lambda _: poor)
    with pytest.raises(FundsShort):
        Negotiator(talk, Strategy(EASY, LINEAR), Plain()).run()
    assert hall.state.state is State.TERMINATED


def refusing(code: str) -> ParleyError:
    """A named refusal of the signer or of the chain; what its values are does not matter."""
    error = ParleyError.leaves()[code]
    fields = get_type_hints(error)
    return error(**{each.name: fields[each.name](7) for each in dataclass_fields(error)})


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("Unservable", Reason.UNSERVABLE),
        ("ExposureExceeded", Reason.UNSERVABLE),
        ("NonceSpent", Reason.UNSERVABLE),
        ("BalanceShort", Reason.UNSERVABLE),
        ("FundsShort", Reason.UNSERVABLE),
        ("AllowanceShort", Reason.UNSERVABLE),
        ("OpenExpired", Reason.EXPIRED),
        ("LimitExceeded", Reason.UNACCEPTABLE),
        ("TokenMissing", Reason.UNACCEPTABLE),
    ],
)
def test_what_may_be_otherwise_later_is_told_apart_from_what_is_not_wanted(code, reason):
    hall = Hall(CONTENT)
    talk = hall.talk(SELLER)
    refusal = patch.object(talk, "offer", side_effect=refusing(code))
    with refusal, pytest.raises(ParleyError) as refused:
        Negotiator(talk, Strategy(GREEDY, LINEAR), Plain()).run()
    assert refused.value.code == code
    assert (hall.state.state, hall.state.reason) == (State.TERMINATED, reason)


@pytest.mark.parametrize(
    ("units", "kinds", "reason"),
    [
        (5, [Kind.OFFER], Reason.UNSPECIFIED),
        (0, [Kind.REJECTION], Reason.UNSERVABLE),
    ],
)
def test_a_seller_without_room_says_that_it_cannot_now(units, kinds, reason):
    hall = Hall(CONTENT)
    talk = hall.talk(SELLER)
    talk._means.signer.ledger.capacity = Capacity(units)
    Negotiator(talk, Strategy(GREEDY, LINEAR), Plain()).run()
    assert [view.message["kind"] for view in hall.views[1:]] == kinds
    assert (talk.reason, hall.state.reason) == (reason, reason)


@given(units=st.integers(1, 4), selling=SELLERS, buying=BUYERS)
def test_no_seller_offers_or_accepts_more_than_it_has_room_for(units, selling, buying):
    hall = Hall(CONTENT)
    talk = hall.talk(SELLER)
    talk._means.signer.ledger.capacity = Capacity(units)
    hall.otherwise = stepping(Negotiator(hall.talk(BUYER), buying, Plain()))
    agreement = Negotiator(talk, selling, Plain()).run()
    signed = [offer for offer in hall.state.offers if offer.signer == SELLER.address]
    assert all(offer.subject.outcome["quantity"] <= units for offer in signed)
    assert agreement is None or agreement.subject.outcome["quantity"] <= units


def test_who_will_not_says_that_it_will_not():
    nothing = Preferences({"unit_price": Interest(1, 10)}, 0.5, {"quantity": 6})
    hall = standing(CHEAP)
    Negotiator(hall.talk(BUYER), Strategy(nothing, LINEAR), Plain()).run()
    assert hall.state.reason == Reason.UNACCEPTABLE


def test_a_silent_other_side_ends_in_failure_and_no_agreement():
    hall = Hall(CONTENT)
    assert Negotiator(hall.talk(SELLER), Strategy(GREEDY, LINEAR), Plain()).run() is None
    assert len(hall.state.offers) == 1


def test_who_watches_hears_of_every_turn_and_of_the_end():
    hall, heard = standing(CHEAP), []
    watched = Negotiator(
        hall.talk(BUYER), Strategy(EASY, LINEAR), Plain(), lambda t: heard.append(t.state)
    )
    watched.run()
    assert heard == [State.PROPOSED, State.ACCEPTED]


def test_the_subject_binds_the_listing_that_was_invited_to():
    hall = standing(CHEAP)
    assert hall.state.standing.subject.listing == subject_of(hall.state).listing
    assert rank(EASY, SPACE)[0].outcome["unit_price"] == 10
