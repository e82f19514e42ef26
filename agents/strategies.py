"""Strategies: what one side brings to a talk and keeps to itself.

The two ready ones weigh price before quantity before time. A seller wants it dear, much
and without hurry; a buyer wants it cheap, the quantity it needs, and soon.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from agents.offering import BOULWARE, LINEAR, TimeDependent
from agents.preferences import Interest, Preferences
from marketplace.sdk import Content

WEIGHTS = {"unit_price": 0.6, "quantity": 0.25, "delivery_window": 0.15}


@dataclass(frozen=True, slots=True)
class Strategy:
    """Private preferences, and how they give way as the rounds pass."""

    preferences: Preferences
    curve: TimeDependent


def seller(content: Content, reserved: float = 0.45, curve: TimeDependent = BOULWARE) -> Strategy:
    """A seller of a listing.

    Args:
        content: the listing.
        reserved: the utility of no agreement, in [0, 1].
        curve: how it concedes.
    """
    best = {issue.name: issue.high for issue in content.space}
    return Strategy(Preferences(_interests(best), reserved, {}), curve)


def buyer(
    content: Content, need: int, reserved: float = 0.4, curve: TimeDependent = LINEAR
) -> Strategy:
    """A buyer on a listing, who takes no less than ``need`` units.

    Args:
        content: the listing.
        need: units that it must have.
        reserved: the utility of no agreement, in [0, 1].
        curve: how it concedes.
    """
    best = {issue.name: issue.low for issue in content.space} | {"quantity": need}
    return Strategy(Preferences(_interests(best), reserved, {"quantity": need}), curve)


def _interests(best: Mapping[str, int]) -> dict[str, Interest]:
    return {name: Interest(WEIGHTS.get(name, 0.0), value) for name, value in best.items()}
