"""Listings: what is offered, in which space, settled by which rules.

A listing is signed through ``Listing``, a flat header over the digest of its content.
To change a listing, its seller signs another that names the old one in ``replaces``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

from marketplace.core.eip712 import Typed, exactly
from marketplace.core.errors import DigestMismatch, ListingRefused
from marketplace.core.outcome import ISSUE_BITS, Issue, OutcomeSpace
from marketplace.core.terms import Rail
from marketplace.core.values import (
    BPS,
    ZERO_ADDRESS,
    Address,
    Bytes32,
    Digest,
    Json,
    Uint40,
    address,
    canonical,
    decimal,
    integer,
    keccak,
    mapping,
    shown,
    text,
)

MOST_ATTRIBUTES = 32
LONGEST_ATTRIBUTE = 8_000
LONGEST_WINDOW = (1 << 32) - 1
# As many units as an issue can name: what is on sale of a seller that does not count.
UNCOUNTED = (1 << ISSUE_BITS) - 1
_PLAIN = {"kind", "title", "unit", "issues", "attributes", "settlement"}


@dataclass(frozen=True, slots=True)
class Settlement:
    """The rules that every agreement on a listing settles under.

    Attributes:
        token: the ERC-20 contract of price and bond.
        bond_bps: the seller's bond as a share of the price in 1/10000, rounded down.
        fee_bps: the marketplace's fee in 1/10000.
        fee_recipient: who receives the fee.
        review_window: seconds that the buyer has to look at a delivery; metered: the grace.
        rail: a ``Rail``.
        notice_window: seconds from a notice to the end of a metered deal; zero: no early end.
        arbiter: may rule in a dispute; zero: no disputes.
        arbiter_fee: what a dispute costs its loser, in base units.
        arbitration_window: seconds that the arbiter has.
        default_seller_bps: the seller's 1/10000 of charge and bond if the arbiter is silent.
    """

    token: Address
    bond_bps: int = 0
    fee_bps: int = 0
    fee_recipient: Address = ZERO_ADDRESS
    review_window: int = 3600
    rail: int = Rail.ESCROW
    notice_window: int = 0
    arbiter: Address = ZERO_ADDRESS
    arbiter_fee: int = 0
    arbitration_window: int = 0
    default_seller_bps: int = 0

    def bond(self, price: int) -> int:
        """The bond for a price, in base units; never less than what a lost dispute costs."""
        return max(price * self.bond_bps // BPS, self.arbiter_fee)

    def to_json(self) -> dict[str, Json]:
        """Basis points and seconds are small integers, the arbiter's fee is money."""
        plain: dict[str, Json] = {rule.name: getattr(self, rule.name) for rule in fields(self)}
        return {**plain, "arbiter_fee": str(self.arbiter_fee)}

    @classmethod
    def from_json(cls, given: Json) -> Self:
        """Parse strictly."""
        found = mapping(given, "settlement")
        exactly(found, {rule.name for rule in fields(cls)})
        return cls(
            token=address(found["token"], "token"),
            bond_bps=integer(found["bond_bps"], "bond_bps", 0, 10 * BPS),
            fee_bps=integer(found["fee_bps"], "fee_bps", 0, BPS),
            fee_recipient=address(found["fee_recipient"], "fee_recipient"),
            review_window=integer(found["review_window"], "review_window", 0, LONGEST_WINDOW),
            rail=integer(found["rail"], "rail", 0, max(Rail)),
            notice_window=integer(found["notice_window"], "notice_window", 0, LONGEST_WINDOW),
            arbiter=address(found["arbiter"], "arbiter"),
            arbiter_fee=decimal(found["arbiter_fee"], "arbiter_fee", 104),
            arbitration_window=integer(
                found["arbitration_window"], "arbitration_window", 0, LONGEST_WINDOW
            ),
            default_seller_bps=integer(found["default_seller_bps"], "default_seller_bps", 0, BPS),
        )


@dataclass(frozen=True)
class Content:
    """What a listing says.

    Attributes:
        kind: what is sold, for example ``compute`` or ``data``.
        title: one line for a reader.
        unit: what one unit of ``quantity`` is.
        space: the issues and their values.
        attributes: further facts by name, for machines.
        settlement: the rules of settlement.
        capacity: units of ``quantity`` on sale now; zero closes the listing. The default says
            that its seller does not count them.
        heartbeat: seconds within which the seller says again that it is there; zero: never.
    """

    kind: str
    title: str
    unit: str
    space: OutcomeSpace
    attributes: Mapping[str, str]
    settlement: Settlement
    capacity: int = UNCOUNTED
    heartbeat: int = 0

    def __post_init__(self) -> None:
        """Bound what a reader must hold."""
        if len(self.attributes) > MOST_ATTRIBUTES:
            count = str(len(self.attributes))
            raise ListingRefused("attributes", count, f"at most {MOST_ATTRIBUTES}")

    @cached_property
    def digest(self) -> Digest:
        """Keccak-256 of the canonical JSON (RFC 8785)."""
        return "0x" + keccak(canonical(self.to_json())).hex()

    def to_json(self) -> dict[str, Json]:
        """The content as it is hashed."""
        return {
            **self.plain(),
            "capacity": str(self.capacity),
            "heartbeat": self.heartbeat,
        }

    def plain(self) -> dict[str, Json]:
        """What every version of the protocol has."""
        return {
            "kind": self.kind,
            "title": self.title,
            "unit": self.unit,
            "issues": [issue.to_json() for issue in self.space],
            "attributes": dict(self.attributes),
            "settlement": self.settlement.to_json(),
        }

    @classmethod
    def from_json(cls, given: Json) -> Self:
        """Parse strictly."""
        found = mapping(given, "content")
        exactly(found, {*_PLAIN, "capacity", "heartbeat"})
        return replace(
            cls.from_plain({name: found[name] for name in _PLAIN}, Settlement),
            capacity=decimal(found["capacity"], "capacity", ISSUE_BITS),
            heartbeat=integer(found["heartbeat"], "heartbeat", 0, LONGEST_WINDOW),
        )

    @classmethod
    def from_plain(cls, given: Json, rules: type[Settlement]) -> Self:
        """Parse what every version has, strictly; the rules of settlement are a version's own."""
        found = mapping(given, "content")
        exactly(found, _PLAIN)
        issues, attributes = found["issues"], mapping(found["attributes"], "attributes")
        if not isinstance(issues, list):
            raise ListingRefused("issues", shown(issues), "a list of issues")
        return cls(
            kind=text(found["kind"], "kind", 40),
            title=text(found["title"], "title", 120),
            unit=text(found["unit"], "unit", 40),
            space=OutcomeSpace(tuple(Issue.from_json(issue) for issue in issues)),
            attributes={
                text(k, "attribute", 40): text(v, k, LONGEST_ATTRIBUTE)
                for k, v in attributes.items()
            },
            settlement=rules.from_json(found["settlement"]),
        )


@dataclass(frozen=True, slots=True)
class Listing(Typed):
    """The signed header of a listing.

    Attributes:
        seller: who publishes and signs.
        content: digest of the content.
        replaces: the listing that this one takes the place of, or zero.
        expires_at: the instant from which nobody can begin to negotiate on it.
    """

    seller: Address
    content: Bytes32
    replaces: Bytes32
    expires_at: Uint40


def check_content(header: Listing, content: Content) -> None:
    """Raise DigestMismatch unless the header names this content."""
    if header.content != content.digest:
        raise DigestMismatch(header.content, content.digest)
