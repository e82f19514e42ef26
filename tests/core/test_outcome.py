"""Outcome spaces and subjects: what may be agreed, and the digest that binds it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import OUTCOME, subject, talk, word

from marketplace.core.errors import ListingRefused, OutcomeOutsideSpace, ParleyError
from marketplace.core.outcome import ISSUE_BITS, MOST_ISSUES, Issue, OutcomeSpace, Subject

REQUIRED = tuple(Issue(name, 1, 9) for name in ("unit_price", "quantity", "delivery_window"))
GOOD = dict.fromkeys(("unit_price", "quantity", "delivery_window"), 5)


@given(low=st.integers(0, 50), span=st.integers(0, 50), step=st.integers(1, 20))
def test_issue_contains_exactly_the_values_it_lists(low: int, span: int, step: int):
    issue = Issue("quantity", low, low + span, step)
    assert [value for value in range(-5, 130) if value in issue] == list(issue.values)
    assert Issue.from_json(issue.to_json()) == issue


@pytest.mark.parametrize(
    ("low", "high", "step"), [(2, 1, 1), (-1, 1, 1), (0, 1, 0), (0, 1, -1), (0, 1 << ISSUE_BITS, 1)]
)
def test_empty_or_endless_issue_is_refused(low: int, high: int, step: int):
    with pytest.raises(ListingRefused) as refused:
        Issue("quantity", low, high, step)
    assert refused.value.value == f"{low}..{high} step {step}"


def test_issue_may_have_one_value_and_reach_its_last_bit():
    assert list(Issue("quantity", 3, 3).values) == [3]
    assert (1 << ISSUE_BITS) - 1 in Issue("quantity", 0, (1 << ISSUE_BITS) - 1)


@pytest.mark.parametrize(
    "issues",
    [
        (),
        REQUIRED[:2],
        (*REQUIRED, REQUIRED[0]),
        (*REQUIRED, *(Issue(f"issue {n}", 0, 1) for n in range(MOST_ISSUES))),
    ],
)
def test_space_without_the_required_issues_or_with_too_many_is_refused(issues: tuple[Issue, ...]):
    with pytest.raises(ListingRefused):
        OutcomeSpace(issues)


def test_space_takes_as_many_issues_as_it_says():
    more = tuple(Issue(f"issue {n}", 0, 1) for n in range(MOST_ISSUES - len(REQUIRED)))
    assert len(list(OutcomeSpace((*REQUIRED, *more)))) == MOST_ISSUES


@given(st.dictionaries(st.sampled_from([*GOOD, "colour"]), st.integers(-2, 12)))
def test_space_takes_an_outcome_exactly_if_every_issue_has_one_of_its_values(
    outcome: dict[str, int],
):
    good = outcome.keys() == GOOD.keys() and all(1 <= value <= 9 for value in outcome.values())
    try:
        OutcomeSpace(REQUIRED).check(outcome)
    except OutcomeOutsideSpace:
        assert not good
    else:
        assert good


def test_subject_survives_its_json_and_has_the_price_of_all_units():
    about = subject(talk())
    assert Subject.from_json(about.to_json()) == about
    assert about.price == OUTCOME["unit_price"] * OUTCOME["quantity"]


@pytest.mark.parametrize(
    "change",
    [
        {"listing": word("other")},
        {"outcome": {**OUTCOME, "quantity": 11}},
        {"outcome": {**OUTCOME, "more": 1}},
        {"delivery": {"rows": "x"}},
        {"salt": word("other")},
    ],
)
def test_subject_s_digest_changes_with_each_part(change: dict[str, Any]):
    about = subject(talk())
    parts = {name: getattr(about, name) for name in ("listing", "outcome", "delivery", "salt")}
    assert Subject(**{**parts, **change}).digest != about.digest


def test_order_of_names_does_not_change_a_subject_s_digest():
    about = subject(talk())
    turned = dict(reversed(about.outcome.items()))
    assert Subject(about.listing, turned, {}, about.salt).digest == about.digest


@pytest.mark.parametrize(
    "change",
    [
        {"outcome": {"unit\u200bprice": "1"}},
        {"outcome": {"": "1"}},
        {"outcome": {"x" * 41: "1"}},
        {"outcome": {"unit_price": 1}},
        {"outcome": {"unit_price": str(1 << ISSUE_BITS)}},
        {"outcome": []},
        {"delivery": {"right\u202eleft": "x"}},
        {"delivery": {"x" * 41: "x"}},
        {"delivery": {"rows": ""}},
        {"delivery": {"rows": "x" * 201}},
        {"delivery": None},
        {"salt": "0x"},
        {"more": 1},
    ],
)
def test_subject_in_another_form_is_refused(change: dict[str, Any]):
    with pytest.raises(ParleyError):
        Subject.from_json({**subject(talk()).to_json(), **change})
