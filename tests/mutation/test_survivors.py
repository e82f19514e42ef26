"""Enough mutants are killed, and no survivor goes unexplained: or the run fails."""

import tomllib
from dataclasses import replace

import pytest
from mutate import EXPLAINED
from mutation.mutant import Mutant, Outcome, Verdict
from mutation.survivors import Explanation, Judged, complaints, read, score


def judged(outcome, code="", was="if (a == 0) b == 0;", now="if (a <= 0) b == 0;"):
    return Judged(Mutant("a.sol", "A.f", "ROR", 0, 1, ""), Verdict(outcome, code=code), was, now)


def killed(count):
    return [judged(Outcome.KILLED, f"killed {i}") for i in range(count)]


UNSIGNED = Explanation(was=" == 0", now=" <= 0", why="no sign", equivalent=True)
ACCEPTED = replace(UNSIGNED, equivalent=False)
SURVIVOR = judged(Outcome.SURVIVED, "survivor")


def test_an_unexplained_survivor_is_a_complaint_with_its_lines():
    (complaint,) = complaints([*killed(99), SURVIVOR], [], whole=True)
    assert "A.f" in complaint
    assert SURVIVOR.was in complaint
    assert SURVIVOR.now in complaint


def test_an_explained_survivor_is_none():
    assert complaints([*killed(99), SURVIVOR], [UNSIGNED], whole=True) == []


@pytest.mark.parametrize(
    "other",
    [
        {"function": "A.g"},
        {"was": "a == 0"},
        {"now": " < 0"},
        {"was": " != 0", "now": " <= 0"},
    ],
)
def test_an_explanation_of_something_else_explains_nothing(other):
    assert not replace(UNSIGNED, **other).covers(SURVIVOR)


def test_an_explanation_is_of_one_place_of_the_line():
    both = judged(Outcome.SURVIVED, now="if (a <= 0) b <= 0;")
    second = judged(Outcome.SURVIVED, now="if (a == 0) b <= 0;")
    assert not UNSIGNED.covers(both)
    assert UNSIGNED.covers(second)
    assert replace(UNSIGNED, function="A.f").covers(second)


def test_an_explanation_that_nothing_needs_is_a_complaint_of_a_whole_run_alone():
    assert complaints(killed(9), [UNSIGNED], whole=False) == []
    assert len(complaints(killed(9), [UNSIGNED], whole=True)) == 1


@pytest.mark.parametrize(("kills", "enough"), [(94, False), (95, True)])
def test_too_few_kills_are_a_complaint_even_if_every_survivor_is_explained(kills, enough):
    living = [judged(Outcome.SURVIVED, f"living {i}") for i in range(100 - kills)]
    found = complaints([*killed(kills), *living], [ACCEPTED], whole=True)
    assert (found == []) is enough


def test_what_is_equivalent_stillborn_the_same_or_a_duplicate_counts_neither_way():
    nothing = [judged(Outcome.STILLBORN), judged(Outcome.SAME), killed(1)[0], SURVIVOR]
    assert score([*killed(3), *nothing], [UNSIGNED]) == (3, 3)
    assert score([*killed(3), *nothing], [ACCEPTED]) == (3, 4)


def test_the_checked_in_explanations_read_and_give_reasons():
    entries = tomllib.loads(EXPLAINED.read_text()).get("survivor", [])
    assert len(read(EXPLAINED)) == len(entries)
    assert all(each["why"].strip() for each in entries)
