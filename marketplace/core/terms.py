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
    Bytes32,
    Uint8,
    Uint16,
    Uint32,
    Uint40,
    Uint128,
    Uint256,
)


class Rail(IntEnum):
    """How a deal settles."""

    ESCROW = 0


@dataclass(frozen=True, slots=True)
class Terms(Typed):
    """What settles: order and types are those of ``IEscrow.Terms``.

    Attributes:
        buyer: pays the price into the escrow.
        seller: delivers; its bond is held with the price.
        arbiter: must be zero in this version, as are ``arbiter_fee``,
            ``arbitration_window``, ``default_seller_bps``, ``voucher_signer`` and ``bundle``.
        token: ERC-20 contract of price and bond.
        price: the most that the seller may charge, in base units.
        bond: the seller's bond, in base units.
        fee_bps: the marketplace's share of what is charged, in 1/10000, rounded down.
        fee_recipient: who receives the fee.
        arbiter_fee: base units; see arbiter.
        rail: a ``Rail``.
        open_by: the instant from which the terms can no longer be opened.
        delivery_window: seconds from opening in which the seller may deliver.
        review_window: seconds from delivery in which the seller cannot yet claim.
        arbitration_window: seconds; see arbiter.
        default_seller_bps: see arbiter.
        subject: digest of the full outcome (``Subject``).
        previous: digest of the message that this offer answers.
        buyer_nonce: the buyer's one number for this negotiation.
        seller_nonce: the seller's one number for this negotiation.
        buyer_epoch: the buyer's epoch, which it changes to cancel everything.
        seller_epoch: the seller's epoch.
        voucher_signer: see arbiter.
        bundle: see arbiter.
    """

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
