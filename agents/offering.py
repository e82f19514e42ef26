"""Offering: which outcome to propose next.

Time-dependent tactics after Faratin, Sierra and Jennings (1998): the utility aimed at
falls from the best outcome to the reservation value as the rounds pass, as
``1 - (1 - reserved) * t ** (1 / e)``. With e < 1 the party holds and concedes late
(Boulware), with e = 1 it concedes evenly, with e > 1 early (Conceder). Among outcomes
of about that utility it proposes the one nearest to the other side's last offer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.preferences import Ranked
from marketplace.sdk import Outcome, OutcomeSpace

BAND = 0.03


@dataclass(frozen=True, slots=True)
class TimeDependent:
    """A concession curve.

    Attributes:
        exponent: Faratin's e, above zero.
    """

    exponent: float

    def target(self, best: float, reserved: float, elapsed: float) -> float:
        """The utility to aim at when ``elapsed`` in [0, 1] of the talk is over."""
        return best - (best - reserved) * float(min(1.0, elapsed) ** (1 / self.exponent))


BOULWARE = TimeDependent(0.4)
LINEAR = TimeDependent(1.0)
CONCEDER = TimeDependent(2.0)


def propose(
    ranked: Sequence[Ranked],
    target: float,
    distance: Callable[[Outcome], float],
) -> Ranked | None:
    """Of the outcomes within ``BAND`` above the target, the nearest; else the best below it."""
    band = [one for one in ranked if target <= one.utility <= target + BAND]
    if band:
        return min(band, key=lambda one: distance(one.outcome))
    above = [one for one in ranked if one.utility >= target]
    # Nothing in the band: the least of what is above it concedes most without breaking it.
    return above[-1] if above else (ranked[0] if ranked else None)


def distance_to(space: OutcomeSpace, other: Outcome | None) -> Callable[[Outcome], float]:
    """Distance to an outcome, each issue counted by its range; none is all alike."""

    def distance(outcome: Outcome) -> float:
        if other is None:
            return 0.0
        spans = ((issue, max(1, issue.high - issue.low)) for issue in space)
        return sum(abs(outcome[i.name] - other[i.name]) / span for i, span in spans)

    return distance
