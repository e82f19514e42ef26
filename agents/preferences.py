"""Preferences: a party's private score of outcomes, and its floor.

A linear additive utility function over the issues, as in the ANAC competitions: each
issue has a weight and a best value, and scores fall linearly to zero at the value
furthest from it. Scores are for deciding alone; no money is ever computed from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from marketplace.sdk import Issue, Outcome, OutcomeSpace

GRID = 25
UNACCEPTABLE = -1.0


@dataclass(frozen=True, slots=True)
class Interest:
    """What a party wants of one issue: how much it matters, and the best value."""

    weight: float
    best: int


@dataclass(frozen=True, slots=True)
class Preferences:
    """A private utility function with a reservation value.

    Attributes:
        interests: by issue; weights are relative to each other.
        reserved: the utility of no agreement, in [0, 1]; nothing below it is signed.
        at_least: hard minimum of an issue, for example the fuel that a job needs.
    """

    interests: Mapping[str, Interest]
    reserved: float
    at_least: Mapping[str, int]

    def utility(self, space: OutcomeSpace, outcome: Outcome) -> float:
        """The score of an outcome in [0, 1]; below any floor where a hard minimum is missed."""
        if any(outcome[name] < least for name, least in self.at_least.items()):
            return UNACCEPTABLE
        total = sum(interest.weight for interest in self.interests.values())
        scores = (self._score(issue, outcome[issue.name]) for issue in space)
        return sum(scores) / total

    def _score(self, issue: Issue, value: int) -> float:
        interest = self.interests.get(issue.name)
        if interest is None:
            return 0.0
        furthest = max(abs(issue.low - interest.best), abs(issue.high - interest.best))
        distance = abs(value - interest.best)
        return interest.weight * (1 - distance / furthest if furthest else 1)


@dataclass(frozen=True, slots=True)
class Ranked:
    """An outcome and its score."""

    utility: float
    outcome: Mapping[str, int]


def rank(preferences: Preferences, space: OutcomeSpace) -> list[Ranked]:
    """The outcomes worth more than no agreement, best first.

    Each issue is looked at on a grid of at most ``GRID`` of its values, ends included,
    and at the party's own best value and hard minimum.
    """
    grids = [_grid(issue, preferences) for issue in space]
    names = [issue.name for issue in space]
    outcomes = (dict(zip(names, values, strict=True)) for values in product(*grids))
    ranked = [Ranked(preferences.utility(space, outcome), outcome) for outcome in outcomes]
    better = [one for one in ranked if one.utility >= preferences.reserved]
    # Ties are broken by the values, so that one seed gives one run.
    return sorted(better, key=lambda one: (-one.utility, tuple(one.outcome.values())))


def _grid(issue: Issue, preferences: Preferences) -> list[int]:
    interest = preferences.interests.get(issue.name)
    wanted = {interest.best if interest else issue.low, preferences.at_least.get(issue.name, -1)}
    known = {value for value in wanted if value in issue}
    if known and not (interest and interest.weight):
        # Not searched: a stranger's listing may have sixteen issues that score nothing here.
        return [max(known)]
    last = (issue.high - issue.low) // issue.step
    # Exact, as a range may be wider than a double is precise.
    places = {round(Fraction(i * last, GRID - 1)) for i in range(GRID)}
    return sorted(known | {issue.low + place * issue.step for place in places})
