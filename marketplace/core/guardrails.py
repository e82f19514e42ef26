"""Guardrails: what a human allows a key to sign, decided before it signs.

Every offer is executable, so every offer counts. ``decide`` looks at the terms that
are to be signed, at the limits, and at the exposure of everything signed before; it
returns the new exposure or raises the limit that forbids the signature.

All offers of one negotiation carry one nonce of the signer, and the escrow spends it
once: of those only the costliest counts. Offers under different nonces add up. What was
committed counts until the chain shows that it cannot cost anything any more
(``still_costs``): whoever holds a signed offer can open it without telling anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from marketplace.core.deal import OPEN_STATES, DealState
from marketplace.core.eip712 import exactly
from marketplace.core.errors import (
    DigestMismatch,
    ExposureExceeded,
    LimitExceeded,
    NotAParty,
    RailForbidden,
    TermsDisagree,
    TokenForbidden,
    TrustMissing,
    ValueMalformed,
)
from marketplace.core.outcome import QUANTITY, UNIT_PRICE, Subject
from marketplace.core.terms import Rail, Terms, rail_name
from marketplace.core.values import (
    ZERO_ADDRESS,
    Address,
    Digest,
    Json,
    address,
    canonical,
    decimal,
    digest,
    integer,
    mapping,
    shown,
)

LAST_RAIL = 255
LATEST = (1 << 40) - 1
HIGHEST = (1 << 256) - 1
_NUMBERS = (
    *("most_exposure", "highest_unit_price", "lowest_unit_price", "most_quantity"),
    *("longest_open", "longest_lock", "confirmations"),
)


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
        longest_lock: the longest that a deal may hold money: all its windows.
        confirmations: how many blocks must bury a deal's state before this party acts on it;
            0 suits a development chain, which reorganises nothing and mines no idle blocks.
        rails: on which deals may settle. The goods of the other two are digests, so that no
            limit can know what is given away for them.
        trusted: who may rule as an arbiter or, as a buyer, sign vouchers in this party's place.
    """

    token: Address
    most_exposure: int
    highest_unit_price: int = 0
    lowest_unit_price: int = 0
    most_quantity: int = 1_000_000
    longest_open: int = 24 * 3600
    longest_lock: int = 14 * 24 * 3600
    confirmations: int = 0
    rails: tuple[int, ...] = (Rail.ESCROW, Rail.METERED)
    trusted: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what the record of a decision could not say, or would say otherwise."""
        for name in _NUMBERS:
            integer(getattr(self, name), name, 0, HIGHEST)
        for rail in self.rails:
            integer(rail, "rails", 0, LAST_RAIL)
        for party in (self.token, *self.trusted):
            if address(party) != party:
                raise ValueMalformed("limits", party, "lower-case addresses")

    @property
    def digest(self) -> Digest:
        """The policy's name: SHA-256 of its canonical JSON (RFC 8785)."""
        return "0x" + sha256(canonical(self.to_json())).hexdigest()

    def to_json(self) -> dict[str, Json]:
        """Numbers as decimal strings."""
        numbers = {name: str(getattr(self, name)) for name in _NUMBERS}
        return {
            "token": self.token,
            **numbers,
            "rails": [int(rail) for rail in self.rails],
            "trusted": list(self.trusted),
        }

    @classmethod
    def from_json(cls, given: Json) -> "Limits":
        """Parse strictly."""
        found = mapping(given, "policy")
        exactly(found, {"token", *_NUMBERS, "rails", "trusted"})
        return cls(
            token=address(found["token"], "token"),
            rails=tuple(integer(each, "rails", 0, LAST_RAIL) for each in _list(found, "rails")),
            trusted=tuple(address(each, "trusted") for each in _list(found, "trusted")),
            **{name: decimal(found[name], name) for name in _NUMBERS},
        )


@dataclass(frozen=True, slots=True)
class Commitment:
    """What one nonce can cost its signer at most.

    Attributes:
        amount: of the costliest offer under it, in base units.
        open_by: the instant from which none of the offers can be opened.
        epoch: the signer's epoch in them.
        deals: the offers' digests, which are their deals' keys.
    """

    amount: int
    open_by: int
    epoch: int
    deals: tuple[Digest, ...]

    def to_json(self) -> dict[str, Json]:
        """Numbers of 256 bits as decimal strings."""
        return {
            "amount": str(self.amount),
            "open_by": self.open_by,
            "epoch": str(self.epoch),
            "deals": list(self.deals),
        }

    @classmethod
    def from_json(cls, given: Json) -> "Commitment":
        """Parse strictly."""
        found = mapping(given, "commitment")
        exactly(found, {"amount", "open_by", "epoch", "deals"})
        return cls(
            amount=decimal(found["amount"], "amount"),
            open_by=integer(found["open_by"], "open_by", 0, LATEST),
            epoch=decimal(found["epoch"], "epoch"),
            deals=tuple(digest(each, "deals") for each in _list(found, "deals")),
        )


@dataclass(frozen=True, slots=True)
class NonceFacts:
    """What the chain says of one nonce of a signer, at one block.

    Attributes:
        spent: whether a deal or a cancellation has used it.
        epoch: the signer's epoch now.
        block_time: the block's.
        states: of those of the commitment's deals that were opened.
    """

    spent: bool
    epoch: int
    block_time: int
    states: tuple[DealState, ...]


def still_costs(commitment: Commitment, facts: NonceFacts) -> bool:
    """Whether an open deal holds the money, or one of the offers can still be opened."""
    if any(state in OPEN_STATES for state in facts.states):
        return True
    openable = not facts.spent and facts.epoch == commitment.epoch
    return openable and facts.block_time < commitment.open_by


@dataclass(frozen=True, slots=True)
class Exposure:
    """All commitments of one signer, by nonce."""

    commitments: Mapping[int, Commitment] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """What is at risk, in base units."""
        return sum(commitment.amount for commitment in self.commitments.values())

    def offered(self, nonce: int, more: Commitment) -> "Exposure":
        """One more offer under the nonce: the costliest and the longest one count."""
        known = self.commitments.get(nonce, more)
        merged = Commitment(
            amount=max(known.amount, more.amount),
            open_by=max(known.open_by, more.open_by),
            epoch=more.epoch,
            deals=tuple(dict.fromkeys((*known.deals, *more.deals))),
        )
        return replace(self, commitments={**self.commitments, nonce: merged})

    def ended(self, nonce: int) -> "Exposure":
        """The nonce can cost nothing any more."""
        rest = {key: value for key, value in self.commitments.items() if key != nonce}
        return replace(self, commitments=rest)

    def to_json(self) -> dict[str, Json]:
        """What each nonce commits to."""
        return {str(nonce): each.to_json() for nonce, each in self.commitments.items()}

    @classmethod
    def from_json(cls, given: Json) -> "Exposure":
        """Parse strictly."""
        found = mapping(given, "exposure")
        return cls(
            {decimal(nonce, "nonce"): Commitment.from_json(each) for nonce, each in found.items()}
        )


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to be signed: the terms, their digest, and the subject that they bind."""

    deal: Digest
    terms: Terms
    subject: Subject

    def commitment(self, signer: Address) -> tuple[int, Commitment]:
        """The signer's nonce, and what signing commits it to; raises NotAParty."""
        terms = self.terms
        if signer == terms.buyer:
            nonce, amount, epoch = terms.buyer_nonce, terms.price, terms.buyer_epoch
        elif signer == terms.seller:
            nonce, amount, epoch = terms.seller_nonce, terms.bond, terms.seller_epoch
        else:
            raise NotAParty(signer, f"{terms.buyer} {terms.seller}")
        return nonce, Commitment(amount, terms.open_by, epoch, (self.deal,))


def decide(
    limits: Limits, exposure: Exposure, signer: Address, proposal: Proposal, now: int
) -> Exposure:
    """The exposure after signing the proposal; raises PolicyDenied where a limit forbids it.

    The limits speak of the subject and the escrow moves what the terms say, so terms that
    do not bind this subject at its price are refused before any limit is asked.

    Args:
        limits: the human's limits.
        exposure: everything signed before.
        signer: whose key would sign, the buyer's or the seller's.
        proposal: what would be signed.
        now: integer seconds UTC.
    """
    terms, subject = proposal.terms, proposal.subject
    after = exposure.offered(*proposal.commitment(signer))
    _check_bound(terms, subject)
    if terms.token != limits.token:
        raise TokenForbidden(terms.token, limits.token)
    _check_trust(limits, terms, buying=signer == terms.buyer)
    _check_price(limits, subject.outcome[UNIT_PRICE], buying=signer == terms.buyer)
    for limit, value, allowed in (
        ("most_quantity", subject.outcome[QUANTITY], limits.most_quantity),
        ("longest_open", terms.open_by - now, limits.longest_open),
        ("longest_lock", _lock(terms), limits.longest_lock),
    ):
        if value > allowed:
            raise LimitExceeded(limit, value, allowed)
    if after.total > limits.most_exposure:
        raise ExposureExceeded(after.total, limits.most_exposure)
    return after


def _check_bound(terms: Terms, subject: Subject) -> None:
    if terms.subject != subject.digest:
        raise DigestMismatch(terms.subject, subject.digest)
    if terms.price != subject.price:
        raise TermsDisagree("price", str(terms.price), str(subject.price))


def _check_trust(limits: Limits, terms: Terms, *, buying: bool) -> None:
    if terms.rail not in limits.rails:
        allowed = ", ".join(map(rail_name, limits.rails))
        raise RailForbidden(rail_name(terms.rail), allowed)
    powers = {"arbiter": terms.arbiter}
    if buying:
        powers["voucher_signer"] = terms.voucher_signer
    for role, party in powers.items():
        if party not in (ZERO_ADDRESS, *limits.trusted):
            raise TrustMissing(role, party, ", ".join(limits.trusted))


def _lock(terms: Terms) -> int:
    return terms.delivery_window + terms.review_window + terms.arbitration_window


def _check_price(limits: Limits, unit_price: int, *, buying: bool) -> None:
    if buying and unit_price > limits.highest_unit_price:
        raise LimitExceeded("highest_unit_price", unit_price, limits.highest_unit_price)
    if not buying and unit_price < limits.lowest_unit_price:
        raise LimitExceeded("lowest_unit_price", unit_price, limits.lowest_unit_price)


def _list(found: Mapping[str, Json], name: str) -> list[Json]:
    given = found[name]
    if not isinstance(given, list):
        raise ValueMalformed(name, shown(given), "a JSON array")
    return given
