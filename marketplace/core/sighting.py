"""Sightings: events of an escrow, as a registry saw them on chain.

The chain proves them, not the log. That they are in it too shows what the registry knew,
and when: who audits holds each against the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from marketplace.core.eip712 import exactly
from marketplace.core.values import (
    Address,
    Digest,
    Json,
    address,
    canonical,
    digest,
    integer,
    mapping,
    text,
)

EVENT = "event"
LONGEST_VALUE = 100
_NUMBERS = {"chain_id": 53, "at": 40, "block": 53, "log_index": 32}
_FIELDS = {"chain_id", "escrow", "event", "deal", "values", "at", "block", "transaction"}


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event about one deal.

    Attributes:
        chain_id: where.
        escrow: of which escrow.
        name: the event's, as in ``IEscrow``.
        deal: whose it is.
        values: its other arguments by name; numbers in decimal.
        at: its block's time, integer seconds UTC.
        block: its block's number.
        transaction: the hash of its transaction.
        log_index: its place among its block's events.
    """

    chain_id: int
    escrow: Address
    name: str
    deal: Digest
    values: Mapping[str, str]
    at: int
    block: int
    transaction: Digest
    log_index: int

    @property
    def digest(self) -> Digest:
        """Its one name: SHA-256 over what it says."""
        return "0x" + sha256(canonical(self._told())).hexdigest()

    def leaf(self, received_at: int) -> bytes:
        """The entry of it."""
        return canonical({"kind": EVENT, **self._told(), "received_at": received_at})

    @classmethod
    def parse(cls, found: Mapping[str, Json]) -> Self:
        """From an entry's members; raises ValueMalformed or FieldsDiffer."""
        exactly(found, _FIELDS | {"kind", "log_index", "received_at"})
        numbers = {
            name: integer(found[name], name, 0, (1 << bits) - 1) for name, bits in _NUMBERS.items()
        }
        values = mapping(found["values"], "values")
        return cls(
            escrow=address(found["escrow"], "escrow"),
            name=text(found["event"], "event", LONGEST_VALUE),
            deal=digest(found["deal"], "deal"),
            values={name: text(each, name, LONGEST_VALUE) for name, each in values.items()},
            transaction=digest(found["transaction"], "transaction"),
            **numbers,
        )

    def _told(self) -> dict[str, Json]:
        return {
            "chain_id": self.chain_id,
            "escrow": self.escrow,
            "event": self.name,
            "deal": self.deal,
            "values": dict(self.values),
            "at": self.at,
            "block": self.block,
            "transaction": self.transaction,
            "log_index": self.log_index,
        }
