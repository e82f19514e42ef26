"""The deal machine: an agreement's life in the escrow, and its payouts.

``Escrow.sol`` is tested against this machine; the auditor replays it. Deadlines are
half-open: a thing is allowed while ``now < deadline``, and the other side's right begins
at the deadline itself. ``since`` is when the present state began. Amounts that a call
names are totals since the opening, so that a call that comes twice cannot pay twice.

Who may do what, when (``OPERATIONS``)::

    FUNDED     deliver   seller, on EXCHANGE the arbiter: before since + delivery  → DELIVERED
    FUNDED     refund    seller at any time; buyer from since + delivery on        → REFUNDED
    FUNDED     notice    METERED: buyer or seller, if that ends the deal sooner    → NOTICED
    DELIVERED  claim     seller, from since + review on                            → RELEASED
    DELIVERED  dispute   ESCROW: buyer, before since + review; stakes arbiterFee   → DISPUTED
    DELIVERED  resolve   EXCHANGE: arbiter, before since + review                  → RESOLVED
    DISPUTED   resolve   arbiter, before since + arbitration                       → RESOLVED
    DISPUTED   expire    anyone, from since + arbitration on                       → RESOLVED
    any open   release   buyer: less than is due pays a part, all of it            → RELEASED
    any open   redeem    anyone with a voucher, METERED until the end of the grace,
                         not on EXCHANGE: the same, for what is due at most; in
                         DISPUTED it pays and stays                                → RELEASED
    any open   settle    anyone with both signatures, before they lapse            → SETTLED
    any open   close     METERED: seller at any time, buyer from the grace's end   → RELEASED

What is due is the price, from the delivery on what the seller charged. METERED has no
deliver and no refund: it closes. Its grace ends at since + delivery + review, after a
notice at since + notice + review. ATOMIC deals are swapped and have no life.

The bond returns to the seller on every exit but a ruling, the default shares and a
settlement. The stake of a dispute is the arbiter's if it rules, the seller's if the buyer
gives in (releases all that is due), else the buyer's. A ruling or a closing below what was
released already means that much. The fee is that of the totals, rounded down, so that the number
of steps does not change what it comes to.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from marketplace.core.conditions import (
    Condition,
    arbiter,
    at_most,
    before,
    buyer,
    by,
    by_either,
    by_seller_or_from,
    charge,
    deliverer,
    in_judgement,
    last_notice,
    last_voucher,
    names_deliverable,
    needs,
    not_lapsed,
    not_on,
    not_taken_back,
    on,
    price,
    seller,
    signed,
    since,
    standing,
    still_open,
    voucher,
)
from marketplace.core.errors import AmountTooHigh, AmountTooLow
from marketplace.core.position import (
    OPEN_STATES,
    Call,
    Deal,
    DealState,
    Operation,
    Payout,
    arbitration_deadline,
    delivery_deadline,
    due,
    grace_deadline,
    opened,
    review_deadline,
    share,
    voucher_signer,
)
from marketplace.core.terms import Rail, Terms

__all__ = [
    "OPEN_STATES",
    "OPERATIONS",
    "Call",
    "Deal",
    "DealState",
    "Operation",
    "Payout",
    "apply",
    "arbitration_deadline",
    "delivery_deadline",
    "due",
    "grace_deadline",
    "opened",
    "review_deadline",
    "share",
    "voucher_signer",
]

Step = tuple[Deal, Payout]
Effect = Callable[[Deal, Terms, Call], Step]


def apply(deal: Deal, terms: Terms, call: Call) -> Step:
    """The position after a call and what it pays; raises the error that the escrow reverts with."""
    conditions, effect = OPERATIONS[call.operation]
    for condition in conditions:
        condition(deal, terms, call)
    return effect(deal, terms, call)


def _split(terms: Terms, before: int, total: int) -> Payout:
    fee = share(total, terms.fee_bps) - share(before, terms.fee_bps)
    return Payout(to_seller=total - before - fee, fee=fee)


def _end(deal: Deal, terms: Terms, call: Call, state: DealState) -> Step:
    """End at what the call names: its amount in all and its share of the bond are the seller's."""
    if call.amount < deal.released:
        raise AmountTooLow(call.amount, deal.released)
    if call.bond_to_seller > terms.bond:
        raise AmountTooHigh(call.bond_to_seller, terms.bond)
    paid = _split(terms, deal.released, call.amount)
    to_buyer = terms.price - call.amount + terms.bond - call.bond_to_seller
    whole = replace(paid, to_buyer=to_buyer, to_seller=paid.to_seller + call.bond_to_seller)
    after = replace(deal, state=state, since=call.at, released=call.amount)
    return after, _with_stake(whole, deal, terms, call)


def _with_stake(paid: Payout, deal: Deal, terms: Terms, call: Call) -> Payout:
    """The payout with the stake of a dispute, given to whom this way out of it favours."""
    if deal.state is not DealState.DISPUTED:
        return paid
    member = STAKE_TO.get(call.operation, "to_buyer")
    return replace(paid, **{member: getattr(paid, member) + terms.arbiter_fee})


def _deliver(deal: Deal, _terms: Terms, call: Call) -> Step:
    after = replace(deal, state=DealState.DELIVERED, since=call.at, charge=call.amount)
    return after, Payout()


def _release(deal: Deal, terms: Terms, call: Call) -> Step:
    return (_whole if call.amount == due(deal, terms) else _part)(deal, terms, call)


def _redeem(deal: Deal, terms: Terms, call: Call) -> Step:
    """Pay a voucher for what is due at most; the bond of a disputed deal is still to be judged."""
    good = replace(call, amount=min(call.amount, due(deal, terms)))
    # First as a part: a voucher that was spent says nothing more, and ends nothing either.
    part = _part(deal, terms, good)
    ends = good.amount == due(deal, terms) and deal.state is not DealState.DISPUTED
    return _whole(deal, terms, good) if ends else part


def _part(deal: Deal, terms: Terms, call: Call) -> Step:
    if call.amount <= deal.released:
        raise AmountTooLow(call.amount, deal.released + 1)
    return replace(deal, released=call.amount), _split(terms, deal.released, call.amount)


def _whole(deal: Deal, terms: Terms, call: Call) -> Step:
    return _end(deal, terms, replace(call, bond_to_seller=terms.bond), DealState.RELEASED)


def _resolve(deal: Deal, terms: Terms, call: Call) -> Step:
    charge = max(call.amount, deal.released)
    return _end(deal, terms, replace(call, amount=charge), DealState.RESOLVED)


def _claim(deal: Deal, terms: Terms, call: Call) -> Step:
    return _whole(deal, terms, replace(call, amount=deal.charge))


def _close(deal: Deal, terms: Terms, call: Call) -> Step:
    """End at a total that may have been passed since the call was made."""
    return _whole(deal, terms, replace(call, amount=max(call.amount, deal.released)))


def _refund(deal: Deal, terms: Terms, call: Call) -> Step:
    nothing_more = replace(call, amount=deal.released, bond_to_seller=terms.bond)
    return _end(deal, terms, nothing_more, DealState.REFUNDED)


def _dispute(deal: Deal, terms: Terms, call: Call) -> Step:
    after = replace(deal, state=DealState.DISPUTED, since=call.at)
    return after, Payout(staked=terms.arbiter_fee)


def _expire(deal: Deal, terms: Terms, call: Call) -> Step:
    bps = terms.default_seller_bps
    charge = deal.released + share(deal.charge - deal.released, bps)
    defaults = replace(call, amount=charge, bond_to_seller=share(terms.bond, bps))
    return _end(deal, terms, defaults, DealState.RESOLVED)


def _notice(deal: Deal, _terms: Terms, call: Call) -> Step:
    return replace(deal, state=DealState.NOTICED, since=call.at), Payout()


# Whose the stake is, by how the dispute ends; else it goes back to the buyer.
STAKE_TO = {Operation.RESOLVE: "to_arbiter", Operation.RELEASE: "to_seller"}

# Each operation: what is asked, in the order of the contract, and what it then does.
OPERATIONS: dict[Operation, tuple[tuple[Condition, ...], Effect]] = {
    Operation.DELIVER: (
        (
            not_on(Rail.METERED),
            standing(DealState.FUNDED),
            by(deliverer),
            before(delivery_deadline),
            at_most(price),
            not_taken_back,
            names_deliverable,
        ),
        _deliver,
    ),
    Operation.RELEASE: ((still_open, by(buyer), at_most(due)), _release),
    Operation.REDEEM: ((not_on(Rail.EXCHANGE), still_open, voucher), _redeem),
    Operation.CLAIM: (
        (standing(DealState.DELIVERED), by(seller), since(review_deadline)),
        _claim,
    ),
    Operation.REFUND: (
        (
            not_on(Rail.METERED),
            standing(DealState.FUNDED),
            by_seller_or_from(delivery_deadline),
        ),
        _refund,
    ),
    Operation.DISPUTE: (
        (
            on(Rail.ESCROW),
            needs("arbiter"),
            standing(DealState.DELIVERED),
            by(buyer),
            before(review_deadline),
        ),
        _dispute,
    ),
    Operation.RESOLVE: (
        (in_judgement, by(arbiter), before(arbitration_deadline), at_most(charge)),
        _resolve,
    ),
    Operation.EXPIRE: ((standing(DealState.DISPUTED), since(arbitration_deadline)), _expire),
    Operation.SETTLE: (
        (still_open, not_lapsed, at_most(price), signed(buyer), signed(seller)),
        partial(_end, state=DealState.SETTLED),
    ),
    Operation.NOTICE: (
        (standing(DealState.FUNDED), needs("notice_window"), by_either, before(last_notice)),
        _notice,
    ),
    Operation.CLOSE: (
        (
            on(Rail.METERED),
            still_open,
            by_seller_or_from(grace_deadline),
            last_voucher,
            at_most(price),
        ),
        _close,
    ),
}
