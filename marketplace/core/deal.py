"""The deal machine: an agreement's life in the escrow, and its payouts.

``Escrow.sol`` is tested against this machine; the auditor replays it. Deadlines are
half-open: a party may act while ``now < deadline``, and the other side's right begins
at the deadline itself.

Who may do what, when (``OPERATIONS``)::

    FUNDED     deliver   seller, before the delivery deadline        → DELIVERED
    FUNDED     refund    seller at any time; buyer from the deadline → REFUNDED
    FUNDED     release   buyer, at any time: the whole price         → RELEASED
    DELIVERED  release   buyer, at any time: what was charged        → RELEASED
    DELIVERED  claim     seller, from the end of the review window   → RELEASED

A delivery names its charge, at most the price: the price is an authorisation, as with
a card, and the charge is what was metered. What is not charged returns to the buyer.
The bond returns to the seller on every exit of this version.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from marketplace.core.errors import (
    ChargeTooHigh,
    ClaimEarly,
    DeliverableMissing,
    DeliveryLate,
    RefundEarly,
    WrongCaller,
    WrongState,
)
from marketplace.core.terms import Terms
from marketplace.core.values import BPS, ZERO_DIGEST, Address, Digest


class DealState(IntEnum):
    """Numbered as ``IEscrow.State``."""

    NONE = 0
    FUNDED = 1
    DELIVERED = 2
    RELEASED = 3
    REFUNDED = 4


class Operation(StrEnum):
    """The calls that move an open deal."""

    DELIVER = "deliver"
    RELEASE = "release"
    CLAIM = "claim"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal's position, as ``Escrow.position`` reports it; instants are block times."""

    state: DealState = DealState.NONE
    opened_at: int = 0
    delivered_at: int = 0
    charge: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One transaction to the escrow about a deal, which its terms' digest names."""

    deal: Digest
    operation: Operation
    caller: Address
    at: int
    deliverable: Digest = ZERO_DIGEST
    charge: int = 0


@dataclass(frozen=True, slots=True)
class Payout:
    """What leaves the escrow, in base units; always price + bond in all, or nothing."""

    to_buyer: int = 0
    to_seller: int = 0
    fee: int = 0


def opened(at: int) -> Deal:
    """The position right after ``Escrow.open``."""
    return Deal(DealState.FUNDED, opened_at=at)


def apply(deal: Deal, terms: Terms, call: Call) -> tuple[Deal, Payout]:
    """The position after a call and what it pays; raises the error that the escrow reverts with."""
    return OPERATIONS[call.operation](deal, terms, call)


def delivery_deadline(deal: Deal, terms: Terms) -> int:
    """From this instant the seller can no longer deliver and the buyer can take a refund."""
    return deal.opened_at + terms.delivery_window


def review_deadline(deal: Deal, terms: Terms) -> int:
    """From this instant the seller can claim."""
    return deal.delivered_at + terms.review_window


def pay_out(terms: Terms, charge: int) -> Payout:
    """Split price and bond at a charge; the fee rounds down, in the seller's favour."""
    fee = charge * terms.fee_bps // BPS
    return Payout(terms.price - charge, charge - fee + terms.bond, fee)


def _deliver(deal: Deal, terms: Terms, call: Call) -> tuple[Deal, Payout]:
    _require(deal, DealState.FUNDED)
    _only(call, terms.seller)
    deadline = delivery_deadline(deal, terms)
    if call.at >= deadline:
        raise DeliveryLate(deadline, call.at)
    if call.charge > terms.price:
        raise ChargeTooHigh(call.charge, terms.price)
    if call.deliverable == ZERO_DIGEST:
        raise DeliverableMissing(call.deal)
    after = replace(deal, state=DealState.DELIVERED, delivered_at=call.at, charge=call.charge)
    return after, Payout()


def _release(deal: Deal, terms: Terms, call: Call) -> tuple[Deal, Payout]:
    if deal.state is not DealState.DELIVERED:
        _require(deal, DealState.FUNDED)
    _only(call, terms.buyer)
    charge = deal.charge if deal.state is DealState.DELIVERED else terms.price
    return replace(deal, state=DealState.RELEASED, charge=charge), pay_out(terms, charge)


def _claim(deal: Deal, terms: Terms, call: Call) -> tuple[Deal, Payout]:
    _require(deal, DealState.DELIVERED)
    _only(call, terms.seller)
    deadline = review_deadline(deal, terms)
    if call.at < deadline:
        raise ClaimEarly(deadline, call.at)
    return replace(deal, state=DealState.RELEASED), pay_out(terms, deal.charge)


def _refund(deal: Deal, terms: Terms, call: Call) -> tuple[Deal, Payout]:
    _require(deal, DealState.FUNDED)
    if call.caller != terms.seller:
        _only(call, terms.buyer)
        deadline = delivery_deadline(deal, terms)
        if call.at < deadline:
            raise RefundEarly(deadline, call.at)
    return replace(deal, state=DealState.REFUNDED), Payout(terms.price, terms.bond)


def _require(deal: Deal, state: DealState) -> None:
    if deal.state is not state:
        raise WrongState(deal.state.name, state.name)


def _only(call: Call, party: Address) -> None:
    if call.caller != party:
        raise WrongCaller(call.caller, party)


OPERATIONS: dict[Operation, Callable[[Deal, Terms, Call], tuple[Deal, Payout]]] = {
    Operation.DELIVER: _deliver,
    Operation.RELEASE: _release,
    Operation.CLAIM: _claim,
    Operation.REFUND: _refund,
}
