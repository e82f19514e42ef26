"""Where a deal stands: states, position, and what follows from them.

``deal.py`` moves a position; here is what it moves, and each deadline and amount that can
be read off without a move.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from marketplace.core.terms import Rail, Terms
from marketplace.core.values import BPS, ZERO_ADDRESS, ZERO_DIGEST, Address, Digest


class DealState(IntEnum):
    """Numbered as ``State`` of ``Types.sol``; the last four are final."""

    NONE = 0
    FUNDED = 1
    NOTICED = 2
    DELIVERED = 3
    DISPUTED = 4
    RELEASED = 5
    REFUNDED = 6
    RESOLVED = 7
    SETTLED = 8


NEVER = (1 << 40) - 1
OPEN_STATES = (DealState.FUNDED, DealState.NOTICED, DealState.DELIVERED, DealState.DISPUTED)


class Operation(StrEnum):
    """The calls that move an open deal."""

    DELIVER = "deliver"
    RELEASE = "release"
    REDEEM = "redeem"
    CLAIM = "claim"
    REFUND = "refund"
    DISPUTE = "dispute"
    RESOLVE = "resolve"
    EXPIRE = "expire"
    SETTLE = "settle"
    NOTICE = "notice"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal's position, as ``Escrow.position`` reports it.

    Attributes:
        state: where it stands.
        since: block time at which the state began.
        inside: bit 0: the buyer's money, bit 1: the seller's, is moved inside the escrow.
        charge: what the seller billed when it delivered.
        released: what was released to the seller, its fee included.
    """

    state: DealState = DealState.NONE
    since: int = 0
    inside: int = 0
    charge: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction to the escrow about a deal, which its terms' digest names.

    Attributes:
        deal: the terms' digest.
        operation: what is called.
        caller: the transaction's sender.
        at: block time.
        deliverable: of a delivery.
        amount: the total that a delivery, release, redemption or closing names, and the
            charge of a ruling or settlement.
        bond_to_seller: of a ruling or settlement.
        signed_by: whose signatures over the voucher or the settlement hold; the machine
            itself knows no signatures.
        valid_before: of a settlement; without one, it never lapses.
    """

    deal: Digest
    operation: Operation
    caller: Address
    at: int
    deliverable: Digest = ZERO_DIGEST
    amount: int = 0
    bond_to_seller: int = 0
    signed_by: frozenset[Address] = frozenset()
    valid_before: int = NEVER


@dataclass(frozen=True, slots=True)
class Payout:
    """What leaves the escrow with a call, and what ``staked`` brings in; base units."""

    to_buyer: int = 0
    to_seller: int = 0
    fee: int = 0
    to_arbiter: int = 0
    staked: int = 0


def opened(at: int, inside: int = 0) -> Deal:
    """The position right after ``Escrow.open``."""
    return Deal(DealState.FUNDED, at, inside)


def delivery_deadline(deal: Deal, terms: Terms) -> int:
    """FUNDED: the seller can no longer deliver, and the buyer can take a refund."""
    return deal.since + terms.delivery_window


def review_deadline(deal: Deal, terms: Terms) -> int:
    """DELIVERED: the buyer can no longer dispute, and the seller can claim."""
    return deal.since + terms.review_window


def arbitration_deadline(deal: Deal, terms: Terms) -> int:
    """DISPUTED, on the exchange rail DELIVERED: the arbiter can no longer rule."""
    exchange = terms.rail == Rail.EXCHANGE
    return deal.since + (terms.review_window if exchange else terms.arbitration_window)


def grace_deadline(deal: Deal, terms: Terms) -> int:
    """Metered: no voucher is redeemed any more, and the buyer can close."""
    noticed = deal.state is DealState.NOTICED
    window = terms.notice_window if noticed else terms.delivery_window
    return deal.since + window + terms.review_window


def share(amount: int, bps: int) -> int:
    """So many ten-thousandths of an amount, rounded down."""
    return amount * bps // BPS


def due(deal: Deal, terms: Terms) -> int:
    """What a release has to name to end the deal: the charge, before a delivery the price."""
    return terms.price if deal.state < DealState.DELIVERED else deal.charge


def voucher_signer(terms: Terms) -> Address:
    """Whose signature a voucher needs."""
    return terms.buyer if terms.voucher_signer == ZERO_ADDRESS else terms.voucher_signer
