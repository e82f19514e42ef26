"""Terms: the one flat struct that both sign and the escrow enforces.

The EIP-712 digest of ``Terms`` is the offer's name in a negotiation, what the next
message answers, and the deal's key in ``Escrow.sol``. Everything that can move money
or decide a dispute is a field here.
"""

from dataclasses import dataclass
from enum import IntEnum

from marketplace.core.eip712 import Typed
from marketplace.core.values import (
    Address,
    Bool,
    Bytes32,
    Uint8,
    Uint16,
    Uint32,
    Uint40,
    Uint104,
    Uint256,
)


class Rail(IntEnum):
    """How a deal settles; numbered as the library ``Rail`` of ``Types.sol``."""

    ESCROW = 0
    ATOMIC = 1
    METERED = 2
    EXCHANGE = 3


def rail_name(rail: int) -> str:
    """A rail as errors tell it; a number that no rail has stays a number."""
    return Rail(rail).name if rail <= max(Rail) else str(rail)


@dataclass(frozen=True, slots=True)
class Terms(Typed):
    """What settles: order and types are those of ``Terms`` in ``Types.sol``.

    Amounts are base units of ``token``, instants Unix seconds, windows seconds. A field that
    the rail has no use for is zero.

    Attributes:
        buyer: pays the price; zero only in what the seller of an open offer signs.
        seller: delivers, and stakes the bond.
        token: ERC-20 contract of price and bond.
        price: the most that the seller can be paid.
        fee_bps: the marketplace's share of what the seller is paid, in 1/10000.
        fee_recipient: who receives the fee.
        rail: a ``Rail``.
        open_by: the instant from which the terms can no longer be opened.
        subject: digest of the full outcome (``Subject``).
        previous: digest of the message that this offer answers.
        buyer_nonce: the buyer's one number for this negotiation.
        seller_nonce: the seller's one number for this negotiation.
        buyer_epoch: the buyer's epoch, which it changes to cancel everything.
        seller_epoch: the seller's epoch.
        bond: the seller's stake; may be zero.
        delivery_window: counted from opening; metered: in which vouchers are earned.
        review_window: counted from delivery; metered: in which the last voucher is redeemed.
        notice_window: metered: how long before it ends either side has to say so; zero: never.
        voucher_signer: signs vouchers in the buyer's place; zero: the buyer does.
        arbiter: may rule in a dispute; zero: no disputes.
        arbiter_fee: staked by the buyer who disputes, earned by an arbiter that rules.
        arbitration_window: counted from the dispute.
        default_seller_bps: the seller's 1/10000 of charge and bond if the arbiter is silent.
        goods: atomic: struct hash of ``Credits``; exchange: what the arbiter contract judges.
        bundle: the members' struct hashes hashed together (``bundle_digest``); zero: opens alone.
    """

    buyer: Address
    seller: Address
    token: Address
    price: Uint104
    fee_bps: Uint16
    fee_recipient: Address
    rail: Uint8
    open_by: Uint40
    subject: Bytes32
    previous: Bytes32
    buyer_nonce: Uint256
    seller_nonce: Uint256
    buyer_epoch: Uint256
    seller_epoch: Uint256
    bond: Uint104
    delivery_window: Uint32
    review_window: Uint32
    notice_window: Uint32
    voucher_signer: Address
    arbiter: Address
    arbiter_fee: Uint104
    arbitration_window: Uint32
    default_seller_bps: Uint16
    goods: Bytes32
    bundle: Bytes32


@dataclass(frozen=True, slots=True)
class Credits(Typed):
    """What an atomic deal moves from seller to buyer; ``Terms.goods`` is its struct hash.

    Attributes:
        token: ERC-20 or ERC-1155 contract of the credits.
        multi: whether it is ERC-1155.
        id: ERC-1155's id; zero for ERC-20.
        amount: in the credits' own units.
    """

    token: Address
    multi: Bool
    id: Uint256
    amount: Uint256
