"""Outcomes: issues, the space of their values, and the terms' subject.

An issue is one negotiable attribute with an integer range. Three issues are in every
space, because terms are computed from them: ``unit_price`` (base units of the token
per unit), ``quantity`` (units) and ``delivery_window`` (seconds).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from marketplace.core.eip712 import exactly
from marketplace.core.errors import ListingRefused, OutcomeOutsideSpace
from marketplace.core.values import Digest, Json, canonical, decimal, digest, keccak, mapping, text

UNIT_PRICE = "unit_price"
QUANTITY = "quantity"
DELIVERY_WINDOW = "delivery_window"
REQUIRED_ISSUES = (UNIT_PRICE, QUANTITY, DELIVERY_WINDOW)
MOST_ISSUES = 16
ISSUE_BITS = 96

Outcome = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Issue:
    """The values low, low + step, … up to high."""

    name: str
    low: int
    high: int
    step: int = 1

    def __post_init__(self) -> None:
        """An empty or endless range is refused."""
        if self.step < 1 or not 0 <= self.low <= self.high or self.high >= 1 << ISSUE_BITS:
            raise ListingRefused(self.name, self.spelled, "0 <= low <= high, step >= 1")

    def __contains__(self, value: int) -> bool:
        """Whether the value is one of the issue's."""
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    @property
    def values(self) -> range:
        """Every value, in order."""
        return range(self.low, self.high + 1, self.step)

    @property
    def spelled(self) -> str:
        """For errors: low..high step n."""
        return f"{self.low}..{self.high} step {self.step}"

    def to_json(self) -> dict[str, Json]:
        """Numbers as decimal strings."""
        numbers = {"low": self.low, "high": self.high, "step": self.step}
        return {"name": self.name, **{key: str(value) for key, value in numbers.items()}}

    @classmethod
    def from_json(cls, given: Json) -> "Issue":
        """Parse strictly."""
        found = mapping(given, "issue")
        exactly(found, {"name", "low", "high", "step"})
        low, high, step = (decimal(found[key], key, ISSUE_BITS) for key in ("low", "high", "step"))
        return cls(_name(found["name"]), low, high, step)


@dataclass(frozen=True, slots=True)
class OutcomeSpace:
    """The issues of a listing; an outcome names one value for each."""

    issues: tuple[Issue, ...]

    def __post_init__(self) -> None:
        """Names are unique, the required ones are there, and there are not too many."""
        names = [issue.name for issue in self.issues]
        absent = [name for name in REQUIRED_ISSUES if name not in names]
        if absent or len(set(names)) != len(names) or len(names) > MOST_ISSUES:
            rule = f"{', '.join(REQUIRED_ISSUES)} and at most {MOST_ISSUES} issues, each once"
            raise ListingRefused("issues", ", ".join(names)[:200], rule)

    def __iter__(self) -> Iterator[Issue]:
        """The issues, as listed."""
        return iter(self.issues)

    def check(self, outcome: Outcome) -> None:
        """Raise OutcomeOutsideSpace unless exactly the issues have each one of its values."""
        for issue in self.issues:
            value = outcome.get(issue.name)
            if value is None or value not in issue:
                raise OutcomeOutsideSpace(issue.name, str(value), issue.spelled)
        for name in outcome.keys() - {issue.name for issue in self.issues}:
            raise OutcomeOutsideSpace(name, str(outcome[name]), "not an issue of the listing")


@dataclass(frozen=True)
class Subject:
    """The full outcome that ``Terms.subject`` is the digest of.

    Attributes:
        listing: digest of the listing as its seller published it.
        outcome: one value per issue.
        delivery: how delivery is recognised, as names and values that the kind of
            listing defines (for a data listing the digest of the rows, for a compute
            listing the digest of the job and the engine that meters it).
        salt: 256 random bits, so that the digest cannot be guessed from a small space.
    """

    listing: Digest
    outcome: Outcome
    delivery: Mapping[str, str]
    salt: Digest

    @cached_property
    def digest(self) -> Digest:
        """Keccak-256 of the canonical JSON (RFC 8785)."""
        return "0x" + keccak(canonical(self.to_json())).hex()

    @property
    def price(self) -> int:
        """What all units cost, in base units."""
        return self.outcome[UNIT_PRICE] * self.outcome[QUANTITY]

    def to_json(self) -> dict[str, Json]:
        """Numbers as decimal strings."""
        return {
            "listing": self.listing,
            "outcome": {name: str(value) for name, value in self.outcome.items()},
            "delivery": dict(self.delivery),
            "salt": self.salt,
        }

    @classmethod
    def from_json(cls, given: Json) -> "Subject":
        """Parse strictly."""
        found = mapping(given, "subject")
        exactly(found, {"listing", "outcome", "delivery", "salt"})
        outcome = mapping(found["outcome"], "outcome")
        delivery = mapping(found["delivery"], "delivery")
        return cls(
            listing=digest(found["listing"], "listing"),
            outcome={_name(key): decimal(value, key, ISSUE_BITS) for key, value in outcome.items()},
            delivery={_name(key): text(value, key, 200) for key, value in delivery.items()},
            salt=digest(found["salt"], "salt"),
        )


def _name(given: Json) -> str:
    return text(given, "name", 40)
