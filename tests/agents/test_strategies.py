"""Strategies: scores, curves and bids, and which offers are good enough."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.acceptance import ac_next
from agents.offering import BAND, BOULWARE, CONCEDER, LINEAR, TimeDependent, distance_to, propose
from agents.preferences import GRID, Interest, Preferences, Ranked, rank
from agents.strategies import buyer, seller
from marketplace.sdk import Content, Issue, OutcomeSpace, SettlementRules

ISSUES = (
    Issue("unit_price", 10, 110),
    Issue("quantity", 1, 11),
    Issue("delivery_window", 60, 600, 60),
)
SPACE = OutcomeSpace(ISSUES)
CONTENT = Content("compute", "Hours", "hour", SPACE, {}, SettlementRules("0x" + "70" * 20))
CURVES = (BOULWARE, LINEAR, CONCEDER)
UNIT = st.floats(0, 1)
OUTCOMES = st.fixed_dictionaries({issue.name: st.sampled_from(issue.values) for issue in ISSUES})


def outcome(price=10, quantity=1, window=60):
    return {"unit_price": price, "quantity": quantity, "delivery_window": window}


def test_utility_is_one_at_the_best_and_falls_evenly_to_the_furthest():
    cheap = Preferences({"unit_price": Interest(2, 10)}, 0, {})
    scores = [cheap.utility(SPACE, outcome(price)) for price in (10, 35, 60, 110)]
    assert scores == pytest.approx([1, 0.75, 0.5, 0])


def test_weights_are_relative_to_each_other():
    interests = {"unit_price": Interest(3, 10), "quantity": Interest(1, 11)}
    both = Preferences(interests, 0, {})
    assert both.utility(SPACE, outcome(10, 1)) == pytest.approx(0.75)
    assert both.utility(SPACE, outcome(110, 11)) == pytest.approx(0.25)


def test_an_issue_of_one_value_scores_whole():
    fixed = OutcomeSpace((*ISSUES[:2], Issue("delivery_window", 60, 60)))
    soon = Preferences({"delivery_window": Interest(1, 60)}, 0, {})
    assert soon.utility(fixed, outcome()) == 1


@given(OUTCOMES, st.integers(1, 11))
def test_a_missed_hard_minimum_is_below_every_floor(chosen, need):
    needy = Preferences({"unit_price": Interest(1, 10)}, 0, {"quantity": need})
    assert (needy.utility(SPACE, chosen) < 0) == (chosen["quantity"] < need)


@given(OUTCOMES, st.sampled_from([seller(CONTENT), buyer(CONTENT, 3)]))
def test_every_outcome_scores_between_zero_and_one_or_is_unacceptable(chosen, strategy):
    score = strategy.preferences.utility(SPACE, chosen)
    assert 0 <= score <= 1 + 1e-9 or score == -1


def test_the_ranking_is_best_first_and_holds_nothing_below_the_floor():
    preferences = buyer(CONTENT, 3, reserved=0.5).preferences
    ranked = rank(preferences, SPACE)
    assert [one.utility for one in ranked] == sorted((o.utility for o in ranked), reverse=True)
    assert ranked[0].outcome == outcome(10, 3, 60)
    assert min(one.utility for one in ranked) >= 0.5
    for one in ranked:
        SPACE.check(one.outcome)


def test_ties_are_ranked_the_same_way_each_time():
    indifferent = Preferences({"unit_price": Interest(0.0001, 10)}, 0, {})
    assert rank(indifferent, SPACE) == rank(indifferent, SPACE)


def test_both_ends_and_the_own_best_and_least_are_looked_at():
    wide = OutcomeSpace((Issue("unit_price", 0, 10**6), *ISSUES[1:]))
    prices = {o.outcome["unit_price"] for o in rank(priced(wide, 123_457), wide)}
    assert {0, 123_457, 10**6} <= prices
    assert len(prices) <= GRID + 2


def priced(space, best):
    del space
    return Preferences({"unit_price": Interest(1, best)}, 0, {})


def test_a_strangers_listing_of_many_endless_issues_is_ranked_all_the_same():
    huge = [Issue(name, 1, (1 << 96) - 1) for name in ("unit_price", "quantity")]
    more = [Issue(f"issue_{number}", 0, (1 << 96) - 1) for number in range(13)]
    space = OutcomeSpace((*huge, ISSUES[2], *more))
    content = Content("compute", "Hours", "hour", space, {}, CONTENT.settlement)
    for strategy in (seller(content), buyer(content, 3)):
        ranked = rank(strategy.preferences, space)
        assert len(ranked) <= (GRID + 2) ** 3
        space.check(ranked[0].outcome)


def test_a_space_without_anything_worth_it_ranks_nothing():
    assert rank(buyer(CONTENT, 12).preferences, SPACE) == []


# ------------------------------------------------------------------ curves


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: str(curve.exponent))
def test_a_curve_goes_from_the_best_to_the_floor_and_no_further(curve):
    assert curve.target(0.9, 0.3, 0) == pytest.approx(0.9)
    assert curve.target(0.9, 0.3, 1) == pytest.approx(0.3)
    assert curve.target(0.9, 0.3, 2) == pytest.approx(0.3)


@given(UNIT, UNIT, st.floats(0.05, 20), UNIT, UNIT)
def test_a_target_never_rises_and_never_leaves_its_range(earlier, later, exponent, low, high):
    earlier, later = sorted((earlier, later))
    reserved, best = sorted((low, high))
    curve = TimeDependent(exponent)
    first, second = (curve.target(best, reserved, at) for at in (earlier, later))
    assert second <= first + 1e-9
    assert reserved - 1e-9 <= second <= best + 1e-9


@given(st.floats(0.01, 0.99))
def test_boulware_holds_longer_than_linear_and_conceder_gives_way_sooner(elapsed):
    held, even, given_way = (curve.target(1, 0, elapsed) for curve in CURVES)
    assert held > even > given_way


# ------------------------------------------------------------------ bids


def scored(utilities):
    return [Ranked(u, outcome(10 + place)) for place, u in enumerate(utilities)]


@given(st.lists(UNIT, min_size=1, max_size=20), UNIT)
def test_a_bid_is_in_the_band_or_the_nearest_above_or_the_best_below(utilities, target):
    ranked = scored(sorted(utilities, reverse=True))
    bid = propose(ranked, target, lambda _: 0.0)
    band = [u for u in utilities if target <= u <= target + BAND]
    above = [u for u in utilities if u >= target]
    if band:
        assert bid.utility in band
    else:
        assert bid.utility == (min(above) if above else max(utilities))


@given(UNIT, OUTCOMES)
def test_a_bid_is_never_below_the_reservation_value(elapsed, other):
    strategy = buyer(CONTENT, 3, reserved=0.4)
    ranked = rank(strategy.preferences, SPACE)
    target = strategy.curve.target(ranked[0].utility, 0.4, elapsed)
    assert propose(ranked, target, distance_to(SPACE, other)).utility >= 0.4


def test_of_equally_good_bids_the_nearest_to_the_other_side_is_made():
    near, far = Ranked(0.5, outcome(100)), Ranked(0.51, outcome(20))
    assert propose([far, near], 0.5, distance_to(SPACE, outcome(110))) == near
    assert propose([far, near], 0.5, distance_to(SPACE, outcome(10))) == far


def test_nothing_to_propose_is_no_bid():
    assert propose([], 0.5, lambda _: 0.0) is None


def test_distance_counts_each_issue_by_its_range():
    distance = distance_to(SPACE, outcome(10, 1, 60))
    assert distance(outcome(110, 11, 600)) == pytest.approx(3)
    assert distance(outcome(60, 1, 60)) == pytest.approx(0.5)
    assert distance_to(SPACE, None)(outcome(110)) == 0


# ------------------------------------------------------------------ acceptance


@pytest.mark.parametrize(
    ("standing", "bid", "reserved", "accepted"),
    [
        (0.6, 0.6, 0.4, True),
        (0.6, math.nextafter(0.6, 1), 0.4, False),
        (0.4, 0.0, 0.4, True),
        (math.nextafter(0.4, 0), 0.0, 0.4, False),
        (-1, 0.0, 0.0, False),
    ],
)
def test_what_is_worth_the_own_next_bid_is_accepted(standing, bid, reserved, accepted):
    assert ac_next(standing, bid, reserved) is accepted
