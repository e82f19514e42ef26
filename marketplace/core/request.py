"""Requests for quotation: what a buyer looks for, and who answers.

A request binds nobody. A seller answers with a ``Quotation`` that names its listing; the
buyer invites on that one as on any other.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from marketplace.core.eip712 import Typed, exactly
from marketplace.core.errors import DigestMismatch, RequestRefused
from marketplace.core.outcome import ISSUE_BITS
from marketplace.core.values import (
    Address,
    Bytes32,
    Digest,
    Json,
    Uint40,
    Uint128,
    canonical,
    decimal,
    keccak,
    mapping,
    shown,
    text,
)

MOST_PREDICATES = 16
LONGEST_VALUE = 200


class Comparison(StrEnum):
    """How a predicate compares an attribute: as text, or both as integers."""

    EQUAL = "="
    UNEQUAL = "!="
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition on an attribute.

    A listing without it, or without an integer where integers are compared, does not match;
    what is a word and what an integer, ``ports.matching`` says.
    """

    name: str
    comparison: Comparison
    value: str

    def to_json(self) -> dict[str, Json]:
        """As it is hashed."""
        return {"name": self.name, "comparison": self.comparison.value, "value": self.value}

    @classmethod
    def from_json(cls, given: Json) -> "Predicate":
        """Parse strictly."""
        found = mapping(given, "predicate")
        exactly(found, {"name", "comparison", "value"})
        comparison = text(found["comparison"], "comparison", 2)
        if comparison not in set(Comparison):
            raise RequestRefused("comparison", comparison, "one of " + " ".join(Comparison))
        name = text(found["name"], "name", 40)
        return cls(name, Comparison(comparison), text(found["value"], "value", LONGEST_VALUE))


@dataclass(frozen=True)
class Demand:
    """What a request says.

    Attributes:
        kind: what is bought, as listings name it.
        title: one line for a reader.
        quantity: units.
        highest_unit_price: base units; 0: not said.
        where: conditions on a listing's attributes.
    """

    kind: str
    title: str
    quantity: int
    highest_unit_price: int
    where: tuple[Predicate, ...] = ()

    def __post_init__(self) -> None:
        """Bound what a registry must match."""
        if len(self.where) > MOST_PREDICATES:
            raise RequestRefused("where", str(len(self.where)), f"at most {MOST_PREDICATES}")

    @cached_property
    def digest(self) -> Digest:
        """Keccak-256 of the canonical JSON (RFC 8785)."""
        return "0x" + keccak(canonical(self.to_json())).hex()

    def to_json(self) -> dict[str, Json]:
        """The demand as it is hashed."""
        return {
            "kind": self.kind,
            "title": self.title,
            "quantity": str(self.quantity),
            "highest_unit_price": str(self.highest_unit_price),
            "where": [predicate.to_json() for predicate in self.where],
        }

    @classmethod
    def from_json(cls, given: Json) -> "Demand":
        """Parse strictly."""
        found = mapping(given, "demand")
        exactly(found, {"kind", "title", "quantity", "highest_unit_price", "where"})
        where = found["where"]
        if not isinstance(where, list):
            raise RequestRefused("where", shown(where), "a list of conditions")
        return cls(
            kind=text(found["kind"], "kind", 40),
            title=text(found["title"], "title", 120),
            quantity=decimal(found["quantity"], "quantity", ISSUE_BITS),
            highest_unit_price=decimal(
                found["highest_unit_price"], "highest_unit_price", ISSUE_BITS
            ),
            where=tuple(Predicate.from_json(one) for one in where),
        )


@dataclass(frozen=True, slots=True)
class Request(Typed):
    """The signed header of a request for quotation.

    Attributes:
        buyer: who asks, and signs.
        content: digest of the ``Demand``.
        expires_at: the instant from which no quotation is taken.
        salt: 256 random bits, so that the same can be asked again.
    """

    buyer: Address
    content: Bytes32
    expires_at: Uint40
    salt: Bytes32


@dataclass(frozen=True, slots=True)
class Quotation(Typed):
    """A seller's answer to a request; it is no offer.

    Attributes:
        seller: who answers, and signs.
        request: the request's digest.
        listing: the seller's listing on which it would negotiate.
        unit_price: what it expects to ask, in base units.
    """

    seller: Address
    request: Bytes32
    listing: Bytes32
    unit_price: Uint128


def check_demand(header: Request, demand: Demand) -> None:
    """Raise DigestMismatch unless the header names this demand."""
    if header.content != demand.digest:
        raise DigestMismatch(header.content, demand.digest)
