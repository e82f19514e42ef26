"""The conditions of the deal machine, each one refusal of the escrow.

A condition is asked of a position, its terms and a call, and raises what the contract
reverts with. ``deal.py`` lists them by operation, in the contract's order.
"""

from collections.abc import Callable

from marketplace.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    DeliverableMissing,
    FieldMissing,
    TooEarly,
    TooLate,
    WrongCaller,
    WrongRail,
    WrongSigner,
    WrongState,
)
from marketplace.core.position import (
    OPEN_STATES,
    Call,
    Deal,
    DealState,
    delivery_deadline,
    grace_deadline,
    voucher_signer,
)
from marketplace.core.terms import Rail, Terms, rail_name
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, Address

Condition = Callable[[Deal, Terms, Call], None]
Figure = Callable[[Deal, Terms], int]
Role = Callable[[Terms], Address]

# ------------------------------------------------------------------ roles and figures


def buyer(terms: Terms) -> Address:
    """Who pays."""
    return terms.buyer


def seller(terms: Terms) -> Address:
    """Who is paid."""
    return terms.seller


def arbiter(terms: Terms) -> Address:
    """Who rules."""
    return terms.arbiter


def deliverer(terms: Terms) -> Address:
    """Who records the delivery: on the exchange rail the arbiter contract, on the right key."""
    return terms.arbiter if terms.rail == Rail.EXCHANGE else terms.seller


def price(_deal: Deal, terms: Terms) -> int:
    """The most that the seller can be paid."""
    return terms.price


def charge(deal: Deal, _terms: Terms) -> int:
    """What the seller billed."""
    return deal.charge


# ------------------------------------------------------------------ rail, state, caller


def on(required: Rail) -> Condition:
    """Only this rail has the operation."""

    def check(_deal: Deal, terms: Terms, _call: Call) -> None:
        if terms.rail != required:
            raise WrongRail(rail_name(terms.rail), required.name)

    return check


def not_on(refused: Rail) -> Condition:
    """Every rail but this one has the operation."""

    def check(_deal: Deal, terms: Terms, _call: Call) -> None:
        if terms.rail == refused:
            raise WrongRail(refused.name, Rail.ESCROW.name)

    return check


def needs(name: str) -> Condition:
    """The terms give the field a value."""
    field = next(field for field in Terms.FIELDS if field.name == name)

    def check(_deal: Deal, terms: Terms, _call: Call) -> None:
        if getattr(terms, name) in (0, ZERO_ADDRESS):
            raise FieldMissing(rail_name(terms.rail), field.wire)

    return check


def standing(required: DealState) -> Condition:
    """The deal is in this state."""

    def check(deal: Deal, _terms: Terms, _call: Call) -> None:
        if deal.state is not required:
            raise WrongState(deal.state.name, required.name)

    return check


def still_open(deal: Deal, _terms: Terms, _call: Call) -> None:
    """The deal was opened and has not ended."""
    if deal.state not in OPEN_STATES:
        raise WrongState(deal.state.name, DealState.FUNDED.name)


def in_judgement(deal: Deal, terms: Terms, call: Call) -> None:
    """The arbiter has something to rule on: a dispute, on the exchange rail a delivery."""
    exchange = terms.rail == Rail.EXCHANGE
    standing(DealState.DELIVERED if exchange else DealState.DISPUTED)(deal, terms, call)


def by(role: Role) -> Condition:
    """Only this party calls."""

    def check(_deal: Deal, terms: Terms, call: Call) -> None:
        if call.caller != role(terms):
            raise WrongCaller(call.caller, role(terms))

    return check


def by_either(deal: Deal, terms: Terms, call: Call) -> None:
    """Buyer or seller calls."""
    if call.caller != terms.seller:
        by(buyer)(deal, terms, call)


def by_seller_or_from(deadline: Figure) -> Condition:
    """The seller calls at any time, the buyer from the deadline on."""

    def check(deal: Deal, terms: Terms, call: Call) -> None:
        if call.caller != terms.seller:
            by(buyer)(deal, terms, call)
            since(deadline)(deal, terms, call)

    return check


# ------------------------------------------------------------------ times


def before(deadline: Figure) -> Condition:
    """The deadline has not come."""

    def check(deal: Deal, terms: Terms, call: Call) -> None:
        if call.at >= deadline(deal, terms):
            raise TooLate(deadline(deal, terms), call.at)

    return check


def not_lapsed(_deal: Deal, _terms: Terms, call: Call) -> None:
    """What both parties signed is still in force."""
    if call.at >= call.valid_before:
        raise TooLate(call.valid_before, call.at)


def since(deadline: Figure) -> Condition:
    """The deadline has come."""

    def check(deal: Deal, terms: Terms, call: Call) -> None:
        if call.at < deadline(deal, terms):
            raise TooEarly(deadline(deal, terms), call.at)

    return check


def last_notice(deal: Deal, terms: Terms) -> int:
    """From then on a notice would end the deal no sooner than it ends by itself."""
    return delivery_deadline(deal, terms) - terms.notice_window


# ------------------------------------------------------------------ amounts and signatures


def at_most(limit: Figure) -> Condition:
    """The call names no more than this."""

    def check(deal: Deal, terms: Terms, call: Call) -> None:
        if call.amount > limit(deal, terms):
            raise AmountTooHigh(call.amount, limit(deal, terms))

    return check


def not_taken_back(deal: Deal, _terms: Terms, call: Call) -> None:
    """What was released stays the seller's."""
    if call.amount < deal.released:
        raise AmountTooLow(call.amount, deal.released)


def names_deliverable(_deal: Deal, _terms: Terms, call: Call) -> None:
    """A delivery says what was delivered."""
    if call.deliverable == ZERO_DIGEST:
        raise DeliverableMissing(call.deal)


def signed(role: Role) -> Condition:
    """The party's signature holds."""

    def check(_deal: Deal, terms: Terms, call: Call) -> None:
        if role(terms) not in call.signed_by:
            raise WrongSigner(role(terms), ZERO_ADDRESS)

    return check


def voucher(deal: Deal, terms: Terms, call: Call) -> None:
    """A voucher over the amount, in time."""
    if terms.rail == Rail.METERED:
        before(grace_deadline)(deal, terms, call)
    signed(voucher_signer)(deal, terms, call)


def last_voucher(deal: Deal, terms: Terms, call: Call) -> None:
    """A voucher, unless the amount was released already."""
    if call.amount > deal.released:
        voucher(deal, terms, call)
