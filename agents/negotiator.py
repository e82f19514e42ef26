"""The negotiator: brings a talk to an agreement, or to an end.

Deterministic: the same preferences, curve and messages give the same words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.acceptance import ac_next
from agents.goods import Good
from agents.offering import distance_to, propose
from agents.preferences import Ranked, rank
from agents.strategies import Strategy
from marketplace.sdk import (
    Agreement,
    Offer,
    Outcome,
    PolicyDenied,
    Reason,
    State,
    Talk,
    TermsInfeasible,
)

PRICE, QUANTITY = "unit_price", "quantity"
# What may be otherwise later; all else that a signer or the chain refuses is unacceptable.
REASONS = dict.fromkeys(
    (
        "Unservable",
        "ExposureExceeded",
        "NonceSpent",
        "BalanceShort",
        "FundsShort",
        "AllowanceShort",
    ),
    Reason.UNSERVABLE,
) | {"OpenExpired": Reason.EXPIRED}


def _silent(_: Talk) -> None:
    """Nobody watches."""


@dataclass
class Negotiator:
    """One side of one talk.

    Attributes:
        talk: the negotiation.
        strategy: private.
        good: says how a delivery is recognised; an offer that says otherwise is not taken.
        tell: is called when an offer came and when the talk is over, for whoever watches.
        ranked: the listing's outcomes as ``rank`` scores them for the strategy, where that is
            known from another talk; empty: they are scored here.
    """

    talk: Talk
    strategy: Strategy
    good: Good
    tell: Callable[[Talk], None] = _silent
    ranked: Sequence[Ranked] = ()

    def __post_init__(self) -> None:
        """Score the outcome space once."""
        if not self.ranked:
            self.ranked = rank(self.strategy.preferences, self.talk.content.space)

    def run(self) -> Agreement | None:
        """Negotiate until there is an agreement or the talk is over.

        Raises:
            PolicyDenied: the signer's limits forbid what the strategy wants.
            TermsInfeasible: what would be signed could not be opened, for want of funds say.
                In both cases the other side is told no first, so that it does not wait for
                a word that cannot come.
        """
        while self.talk.wait() in (State.INIT, State.PROPOSED, State.COUNTER):
            self._turn()
        self.tell(self.talk)
        return self.talk.agreement

    def answer(self) -> State:
        """Take the turn, if it is this side's, without waiting for one; raises as ``run`` does."""
        self.talk.sync()
        if self.talk.my_turn:
            self._turn()
        return self.talk.state

    def _turn(self) -> None:
        self.tell(self.talk)
        try:
            self.step()
        except (PolicyDenied, TermsInfeasible) as error:
            self.talk.reject(REASONS.get(error.code, Reason.UNACCEPTABLE))
            raise

    def step(self) -> None:
        """Take one turn: accept, offer or reject."""
        # Where no offer can follow, the standing one is measured against no agreement alone.
        bid = self._next_bid() if self._rounds_left else None
        standing = self.talk.standing
        if standing is not None and self._acceptable(standing, bid):
            self.talk.accept()
        elif bid is not None:
            self.talk.offer(bid.outcome, self.good.delivery(bid.outcome))
        else:
            self.talk.reject(self._why())

    @property
    def _rounds_left(self) -> int:
        negotiation = self.talk.negotiation
        return negotiation.invitation.max_rounds - len(negotiation.offers)

    def _why(self) -> Reason:
        # What would be offered if there were room for it, cannot be now.
        wanted = self._rounds_left and any(self._admissible(one.outcome) for one in self.ranked)
        return Reason.UNSERVABLE if wanted else Reason.UNACCEPTABLE

    def _next_bid(self) -> Ranked | None:
        room = self.talk.room
        candidates = [
            one
            for one in self.ranked
            if one.outcome[QUANTITY] <= room and self._admissible(one.outcome)
        ]
        if not candidates:
            return None
        negotiation, preferences = self.talk.negotiation, self.strategy.preferences
        elapsed = len(negotiation.offers) / max(1, negotiation.invitation.max_rounds - 1)
        target = self.strategy.curve.target(self.ranked[0].utility, preferences.reserved, elapsed)
        other = self.talk.standing.subject.outcome if self.talk.standing else None
        return propose(candidates, target, distance_to(self.talk.content.space, other))

    def _acceptable(self, standing: Offer, bid: Ranked | None) -> bool:
        outcome = standing.subject.outcome
        if standing.subject.delivery != self.good.delivery(outcome):
            return False
        if outcome[QUANTITY] > self.talk.room:
            return False
        preferences = self.strategy.preferences
        worth = preferences.utility(self.talk.content.space, outcome)
        return ac_next(worth, bid.utility if bid else 0.0, preferences.reserved)

    def _admissible(self, outcome: Outcome) -> bool:
        # The machine's rule on improvement: who changes only the price must concede on it.
        last = self.talk.my_last_offer
        if last is None or _others(last.subject.outcome) != _others(outcome):
            return True
        step = max(1, self.talk.negotiation.invitation.min_improvement)
        change = outcome[PRICE] - last.subject.outcome[PRICE]
        return (change if self.talk.buying else -change) >= step


def _others(outcome: Outcome) -> dict[str, int]:
    return {name: value for name, value in outcome.items() if name != PRICE}
