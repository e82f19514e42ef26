"""Version 1: what release 0.1.0 signed, as far as it differs.

Its escrow knew one rail and no arbiter; its struct of terms had the members in another
order, and its amounts had 128 bits. What is signed keeps its digest for ever, so these
structs stay; what they say is read as the present version's. A price of more than 104
bits, which no later escrow takes, is refused.
"""

from dataclasses import dataclass, fields
from typing import Self

from marketplace.core import listing, terms
from marketplace.core.eip712 import Typed, exactly
from marketplace.core.values import (
    BPS,
    ZERO_DIGEST,
    Address,
    Bytes32,
    Json,
    Uint8,
    Uint16,
    Uint32,
    Uint40,
    Uint128,
    Uint256,
    address,
    integer,
    mapping,
)

_SETTLEMENT = ("token", "bond_bps", "fee_bps", "fee_recipient", "review_window")


@dataclass(frozen=True, slots=True)
class Terms(Typed):
    """The terms of version 1; the attributes mean what they mean in ``terms.Terms``."""

    buyer: Address
    seller: Address
    arbiter: Address
    token: Address
    price: Uint128
    bond: Uint128
    fee_bps: Uint16
    fee_recipient: Address
    arbiter_fee: Uint128
    rail: Uint8
    open_by: Uint40
    delivery_window: Uint32
    review_window: Uint32
    arbitration_window: Uint32
    default_seller_bps: Uint16
    subject: Bytes32
    previous: Bytes32
    buyer_nonce: Uint256
    seller_nonce: Uint256
    buyer_epoch: Uint256
    seller_epoch: Uint256
    voucher_signer: Address
    bundle: Bytes32

    def read(self) -> terms.Terms:
        """The same in the present version, whose further members are zero."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return terms.Terms(**said, notice_window=0, goods=ZERO_DIGEST)


@dataclass(frozen=True, slots=True)
class Rejection(Typed):
    """The answer no; version 1 gave no reason."""

    negotiation: Bytes32
    previous: Bytes32


@dataclass(frozen=True, slots=True)
class Withdrawal(Typed):
    """Leaving a negotiation; version 1 gave no reason."""

    negotiation: Bytes32
    previous: Bytes32


@dataclass(frozen=True, slots=True)
class Settlement(listing.Settlement):
    """Version 1's rules of settlement: the escrow rail, no arbiter."""

    def to_json(self) -> dict[str, Json]:
        """Only what version 1 had."""
        return {name: getattr(self, name) for name in _SETTLEMENT}

    @classmethod
    def from_json(cls, given: Json) -> Self:
        """Parse strictly."""
        found = mapping(given, "settlement")
        exactly(found, set(_SETTLEMENT))
        return cls(
            token=address(found["token"], "token"),
            bond_bps=integer(found["bond_bps"], "bond_bps", 0, 10 * BPS),
            fee_bps=integer(found["fee_bps"], "fee_bps", 0, BPS),
            fee_recipient=address(found["fee_recipient"], "fee_recipient"),
            review_window=integer(found["review_window"], "review_window", 0, (1 << 32) - 1),
        )


@dataclass(frozen=True)
class Content(listing.Content):
    """What a listing of version 1 says: no capacity, no heartbeat."""

    def to_json(self) -> dict[str, Json]:
        """Only what version 1 had."""
        return self.plain()

    @classmethod
    def from_json(cls, given: Json) -> Self:
        """Parse strictly."""
        return cls.from_plain(given, Settlement)
