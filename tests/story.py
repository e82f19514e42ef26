"""A deal's life as the escrow tells it: calls go in, its events come out.

The figures come from the deal machine, so a story is honest; a test spoils the one value
that it is about.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from market import DOMAIN, NOW

from marketplace.core.audit import ChainEvent
from marketplace.core.deal import (
    Call,
    Deal,
    Operation,
    Payout,
    apply,
    grace_deadline,
    opened,
    share,
    voucher_signer,
)
from marketplace.core.terms import Rail, Terms

DELIVERABLE = "0x" + "dd" * 32
REASONS = "0x" + "c1" * 32


@dataclass
class Story:
    """What happens to one deal, from its opening on."""

    terms: Terms
    at: int = NOW + 10
    deal: Deal = field(default_factory=Deal)
    events: list[ChainEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.digest = self.terms.digest(DOMAIN)
        if self.terms.rail == Rail.ATOMIC:
            self._tell(
                "Swapped", **self._opening(), fee=share(self.terms.price, self.terms.fee_bps)
            )
        else:
            self.deal = opened(self.at)
            self._tell("Opened", **self._opening(), bond=self.terms.bond)

    def then(self, operation: Operation, caller: str, at: int = 0, **named: Any) -> "Story":  # noqa: ANN401 what a call names
        """One more call, ten seconds later unless told when."""
        self.at = at or self.at + 10
        parties = self.terms.buyer, self.terms.seller, voucher_signer(self.terms)
        call = Call(
            self.digest,
            operation,
            caller,
            self.at,
            DELIVERABLE,
            signed_by=frozenset(parties),
            **named,
        )
        self.deal, paid = apply(self.deal, self.terms, call)
        self._tell_of(call, paid)
        return self

    def deliver(self, charge: int, at: int = 0) -> "Story":
        """By whom it belongs to."""
        exchange = self.terms.rail == Rail.EXCHANGE
        caller = self.terms.arbiter if exchange else self.terms.seller
        return self.then(Operation.DELIVER, caller, at, amount=charge)

    def dispute(self) -> "Story":
        """By the buyer."""
        return self.then(Operation.DISPUTE, self.terms.buyer)

    @property
    def grace_end(self) -> int:
        """Metered: when the buyer may close."""
        return grace_deadline(self.deal, self.terms)

    def _opening(self) -> dict[str, str | int]:
        names = "buyer", "seller", "token", "price", "buyerNonce", "sellerNonce"
        return {f.wire: getattr(self.terms, f.name) for f in Terms.FIELDS if f.wire in names}

    def _tell(self, name: str, **values: str | int) -> None:
        self.events.append(ChainEvent(name, self.digest, values, self.at))

    def _tell_of(self, call: Call, paid: Payout) -> None:
        match call.operation:
            case Operation.DELIVER:
                self._tell("Delivered", deliverable=call.deliverable, charge=call.amount)
            case Operation.DISPUTE:
                self._tell("Disputed", claim=REASONS, stake=self.terms.arbiter_fee)
            case Operation.NOTICE:
                self._tell("Noticed", caller=call.caller, endsAt=call.at + self.terms.notice_window)
            case _:
                if call.operation is Operation.RESOLVE:
                    self._tell("Ruled")
                self._tell(
                    "Paid",
                    state=int(self.deal.state),
                    caller=call.caller,
                    released=self.deal.released,
                    toSeller=paid.to_seller,
                    fee=paid.fee,
                    toBuyer=paid.to_buyer,
                )


def spoiled(events: list[ChainEvent], place: int, **values: str | int) -> list[ChainEvent]:
    """The events, one of them with other values."""
    one = events[place]
    changed = replace(one, values={**one.values, **values})
    return [changed if event is one else event for event in events]
