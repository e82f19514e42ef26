"""Guardrails: what a human allows a key to sign, decided before it signs.

Every offer is executable, so every offer counts. ``decide`` looks at the terms that
are to be signed, at the limits, and at the exposure of everything signed before; it
returns the new exposure or raises the limit that forbids the signature.

All offers of one negotiation carry one nonce of the signer, and the escrow spends it
once: of those only the costliest counts. Offers under different nonces add up.
"""

from dataclasses import dataclass, field, replace

from marketplace.core.errors import (
    DigestMismatch,
    ExposureExceeded,
    LimitExceeded,
    TermsDisagree,
    TokenForbidden,
)
from marketplace.core.outcome import QUANTITY, UNIT_PRICE, Subject
from marketplace.core.terms import Terms
from marketplace.core.values import Address

CLOCK_SKEW = 60  # seconds that a chain's clock may be behind the signer's


@dataclass(frozen=True, slots=True)
class Limits:
    """What a human wrote; amounts in base units of one token, spans in seconds.

    Attributes:
        token: the one token that these limits count in; others are refused.
        most_exposure: the most that may be at risk at once: as a buyer prices, as a
            seller bonds, over all outstanding offers and open deals.
        highest_unit_price: the most to pay for a unit, as a buyer.
        lowest_unit_price: the least to take for a unit, as a seller.
        most_quantity: the most units in one deal.
        longest_open: how far ahead ``open_by`` may lie, which bounds every offer's life.
    """

    token: Address
    most_exposure: int
    highest_unit_price: int = 0
    lowest_unit_price: int = 0
    most_quantity: int = 1_000_000
    longest_open: int = 24 * 3600


@dataclass(frozen=True, slots=True)
class Commitment:
    """What one nonce can cost its signer at most.

    ``ends_at`` is when the last offer under it expires; None once a deal is open, which
    holds the money until the deal is known to have ended.
    """

    amount: int
    ends_at: int | None


@dataclass(frozen=True, slots=True)
class Exposure:
    """All commitments of one signer, by nonce."""

    commitments: dict[int, Commitment] = field(default_factory=dict)

    def total(self, now: int) -> int:
        """What is at risk, in base units."""
        return sum(self.by_nonce(now).values())

    def by_nonce(self, now: int) -> dict[int, int]:
        """What each nonce puts at risk, in base units."""
        return {n: c.amount for n, c in self.commitments.items() if _counts(c, now)}

    def unopened(self) -> list[int]:
        """The nonces under which only offers are outstanding."""
        return [n for n, c in self.commitments.items() if c.ends_at is not None]

    def offered(self, nonce: int, amount: int, open_by: int) -> "Exposure":
        """One more offer under the nonce: the costliest and the longest one count."""
        known = self.commitments.get(nonce, Commitment(0, open_by))
        ends = None if known.ends_at is None else max(known.ends_at, open_by)
        return self._with(nonce, Commitment(max(known.amount, amount), ends))

    def opened(self, nonce: int, amount: int) -> "Exposure":
        """A deal has spent the nonce: this amount is in the escrow and nothing else can follow."""
        return self._with(nonce, Commitment(amount, None))

    def ended(self, nonce: int) -> "Exposure":
        """The deal has ended, or the nonce is cancelled on chain."""
        rest = {key: value for key, value in self.commitments.items() if key != nonce}
        return replace(self, commitments=rest)

    def _with(self, nonce: int, commitment: Commitment) -> "Exposure":
        return replace(self, commitments={**self.commitments, nonce: commitment})


def decide(
    limits: Limits, exposure: Exposure, signer: Address, offer: tuple[Terms, Subject], now: int
) -> Exposure:
    """The exposure after signing the offer; raises PolicyDenied where a limit forbids it.

    The limits speak of the subject and the escrow moves what the terms say, so terms that
    do not bind this subject at its price are refused before any limit is asked.

    Args:
        limits: the human's limits.
        exposure: everything signed before.
        signer: whose key would sign, the buyer's or the seller's.
        offer: the terms and the subject that they bind.
        now: integer seconds UTC.
    """
    terms, subject = offer
    _check_bound(terms, subject)
    if terms.token != limits.token:
        raise TokenForbidden(terms.token, limits.token)
    buying = signer == terms.buyer
    _check_deal(limits, subject, terms.open_by - now, buying=buying)
    nonce = terms.buyer_nonce if buying else terms.seller_nonce
    amount = terms.price if buying else terms.bond
    after = exposure.offered(nonce, amount, terms.open_by)
    if after.total(now) > limits.most_exposure:
        raise ExposureExceeded(after.total(now), limits.most_exposure)
    return after


def _check_bound(terms: Terms, subject: Subject) -> None:
    if terms.subject != subject.digest:
        raise DigestMismatch(terms.subject, subject.digest)
    if terms.price != subject.price:
        raise TermsDisagree("price", str(terms.price), str(subject.price))


def _check_deal(limits: Limits, subject: Subject, open_for: int, *, buying: bool) -> None:
    unit_price, quantity = subject.outcome[UNIT_PRICE], subject.outcome[QUANTITY]
    if buying and unit_price > limits.highest_unit_price:
        raise LimitExceeded("highest_unit_price", unit_price, limits.highest_unit_price)
    if not buying and unit_price < limits.lowest_unit_price:
        raise LimitExceeded("lowest_unit_price", unit_price, limits.lowest_unit_price)
    if quantity > limits.most_quantity:
        raise LimitExceeded("most_quantity", quantity, limits.most_quantity)
    if open_for > limits.longest_open:
        raise LimitExceeded("longest_open", open_for, limits.longest_open)


def _counts(commitment: Commitment, now: int) -> bool:
    # A block may carry an earlier time than our clock, and still take the offer.
    return commitment.ends_at is None or now < commitment.ends_at + CLOCK_SKEW
