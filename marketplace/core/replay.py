"""Replay: one deal's events, held against the deal machine.

An event names its caller and its figures, but not the call that made it, so ``follow``
asks the machine for each call that could have. Vouchers and settlements are shown by no
event: where a payment needs one, it is taken to hold and not to have lapsed, and the deal
is ``unproved``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from marketplace.core.conditions import deliverer
from marketplace.core.deal import (
    OPEN_STATES,
    Call,
    Deal,
    DealState,
    Operation,
    apply,
    opened,
    share,
    voucher_signer,
)
from marketplace.core.errors import ParleyError, ValueMalformed, WrongRail
from marketplace.core.terms import Rail, Terms, rail_name
from marketplace.core.values import ZERO_DIGEST, Address, Digest


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One event of the escrow about a deal, with the arguments of ``IEscrow``.

    Attributes:
        name: of the event.
        deal: the deal's digest.
        values: its other arguments.
        at: time of its block.
        block: the block's number.
        transaction: the hash of the transaction that made it.
        log_index: which event of its block it is.
    """

    name: str
    deal: Digest
    values: dict[str, str | int]
    at: int
    block: int = 0
    transaction: Digest = ""
    log_index: int = 0

    def number(self, name: str) -> int:
        """An integer argument."""
        return int(self.values[name])


@dataclass(frozen=True, slots=True)
class Followed:
    """A deal as its events have made it.

    Attributes:
        deal: the position.
        ruling: a ``Ruled`` whose ``Paid`` has not come.
        unproved: whether a payment needed a signature that no event shows.
    """

    deal: Deal = field(default_factory=Deal)
    ruling: ChainEvent | None = None
    unproved: bool = False


# The calls that can have paid, by the state in which the payment left the deal.
CAUSES: dict[int, tuple[Operation, ...]] = {
    **dict.fromkeys(OPEN_STATES, (Operation.RELEASE, Operation.REDEEM)),
    DealState.RELEASED: (
        Operation.RELEASE,
        Operation.CLAIM,
        Operation.CLOSE,
        Operation.REDEEM,
    ),
    DealState.REFUNDED: (Operation.REFUND,),
    DealState.RESOLVED: (Operation.EXPIRE,),
    DealState.SETTLED: (Operation.SETTLE,),
}


def follow(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    """The deal after one more event; raises the reason why the escrow cannot have said so."""
    if event.name not in EVENTS:
        raise ValueMalformed("event", event.name, "one of " + ", ".join(EVENTS))
    return EVENTS[event.name](held, terms, event)


def _opening(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    _check_opening(held, terms, event)
    if terms.rail == Rail.ATOMIC:
        raise WrongRail(rail_name(terms.rail), Rail.ESCROW.name)
    _check_figures(terms, event, "bond")
    return replace(held, deal=opened(event.at))


def _swap(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    _check_opening(held, terms, event)
    if terms.rail != Rail.ATOMIC:
        raise WrongRail(rail_name(terms.rail), Rail.ATOMIC.name)
    _compare("fee", event.number("fee"), share(terms.price, terms.fee_bps))
    return replace(held, deal=Deal(DealState.RELEASED, event.at, released=terms.price))


def _check_opening(held: Followed, terms: Terms, event: ChainEvent) -> None:
    if held.deal.state is not DealState.NONE:
        told = held.deal.state.name
        raise ValueMalformed(event.name, told, "a deal that was not opened before")
    _check_figures(terms, event, "buyer", "seller", "token", "price", "buyerNonce", "sellerNonce")
    if event.at >= terms.open_by:
        raise ValueMalformed("opened_at", str(event.at), f"before openBy {terms.open_by}")


def _check_figures(terms: Terms, event: ChainEvent, *names: str) -> None:
    for each in Terms.FIELDS:
        if each.wire in names:
            signed, stated = getattr(terms, each.name), event.values[each.wire]
            if signed != stated:
                raise ValueMalformed(each.wire, str(stated), f"{signed}, as both signed")


def _delivery(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    call = _call(Operation.DELIVER, deliverer(terms), event)
    named = str(event.values["deliverable"])
    return _moved(held, terms, replace(call, deliverable=named, amount=event.number("charge")))


def _noticing(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    _compare("endsAt", event.number("endsAt"), event.at + terms.notice_window)
    return _moved(held, terms, _call(Operation.NOTICE, str(event.values["caller"]), event))


def _disputing(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    _compare("stake", event.number("stake"), terms.arbiter_fee)
    return _moved(held, terms, _call(Operation.DISPUTE, terms.buyer, event))


def _ruling(held: Followed, _terms: Terms, event: ChainEvent) -> Followed:
    return replace(held, ruling=event)


def _payment(held: Followed, terms: Terms, event: ChainEvent) -> Followed:
    state = event.number("state")
    causes = CAUSES.get(state, ()) if held.ruling is None else (Operation.RESOLVE,)
    both = frozenset({terms.buyer, terms.seller, voucher_signer(terms)})
    refused: dict[Operation, ParleyError] = {}
    # First as if nobody had signed anything: what needs no signature is proved.
    for signed_by in (frozenset[Address](), both):
        for operation in causes:
            call = replace(_paying(operation, held, terms, event), signed_by=signed_by)
            try:
                after = _paid(held, terms, call, event)
            except ParleyError as error:
                refused[operation] = error
            else:
                return Followed(after, None, held.unproved or bool(signed_by))
    if len(refused) == 1:
        raise refused.popitem()[1]
    told = "; ".join(f"{operation}: {error}" for operation, error in refused.items())
    raise ValueMalformed("state", str(state), f"a payment that some call makes ({told})")


def _paying(operation: Operation, held: Followed, terms: Terms, event: ChainEvent) -> Call:
    call = _call(operation, str(event.values["caller"]), event)
    total = event.number("released")
    if operation not in (Operation.RESOLVE, Operation.SETTLE):
        return replace(call, amount=total)
    # The bond's share is what the seller got beyond its part of the price.
    before, bps = held.deal.released, terms.fee_bps
    price = total - before - share(total, bps) + share(before, bps)
    return replace(call, amount=total, bond_to_seller=max(0, event.number("toSeller") - price))


def _paid(held: Followed, terms: Terms, call: Call, event: ChainEvent) -> Deal:
    after, payout = apply(held.deal, terms, call)
    computed = {
        "toSeller": payout.to_seller,
        "fee": payout.fee,
        "toBuyer": payout.to_buyer,
        "released": after.released,
    }
    stated = {name: event.number(name) for name in computed}
    if stated != computed:
        raise ValueMalformed("payout", str(stated), str(computed))
    _compare("state", event.number("state"), after.state)
    return after


def _call(operation: Operation, caller: Address, event: ChainEvent) -> Call:
    return Call(event.deal, operation, caller, event.at, ZERO_DIGEST)


def _moved(held: Followed, terms: Terms, call: Call) -> Followed:
    return replace(held, deal=apply(held.deal, terms, call)[0])


def _compare(name: str, stated: int, computed: int) -> None:
    if stated != computed:
        raise ValueMalformed(name, str(stated), str(int(computed)))


EVENTS: dict[str, Callable[[Followed, Terms, ChainEvent], Followed]] = {
    "Opened": _opening,
    "Swapped": _swap,
    "Delivered": _delivery,
    "Noticed": _noticing,
    "Disputed": _disputing,
    "Ruled": _ruling,
    "Paid": _payment,
}
