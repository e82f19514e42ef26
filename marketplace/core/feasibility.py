"""Feasibility: can these terms be opened and ended at all?

Asked before anyone signs. The rules, their order and their names are those of
``Escrow.feasible``; a rule that needs the chain is asked only where facts are given.
"""

from dataclasses import dataclass, replace

from marketplace.core.errors import (
    AllowanceShort,
    EpochStale,
    FeeRecipientMissing,
    FeeRoundsToZero,
    FeeTooHigh,
    FieldUnsupported,
    FundsShort,
    NonceSpent,
    OpenExpired,
    PartiesEqual,
    PartyMissing,
    PriceTooLow,
    RailUnsupported,
    TokenMissing,
    WindowTooLong,
    WindowTooShort,
)
from marketplace.core.terms import Rail, Terms
from marketplace.core.values import BPS, ZERO_ADDRESS, ZERO_DIGEST, Address

LEAST_PRICE = 1
LEAST_WINDOW = 60
MOST_WINDOW = 365 * 24 * 3600

# What this version of the escrow would not honour, in the order of the struct.
UNSUPPORTED = (
    ("arbiter", "arbiter"),
    ("arbiterFee", "arbiter_fee"),
    ("arbitrationWindow", "arbitration_window"),
    ("defaultSellerBps", "default_seller_bps"),
    ("voucherSigner", "voucher_signer"),
    ("bundle", "bundle"),
)
_ZEROS = (0, ZERO_ADDRESS, ZERO_DIGEST)


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """What the chain says of one party: units are base units of the terms' token."""

    epoch: int
    nonce_spent: bool
    balance: int
    allowance: int


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the chain says of both parties and the token, at one block."""

    token_exists: bool
    buyer: PartyFacts
    seller: PartyFacts


def assuming_funds(terms: Terms, facts: ChainFacts, party: Address) -> ChainFacts:
    """The facts as they would be, had a party what the terms need of it.

    A position in a negotiation may be above what the counterparty has funded by now; an
    acceptance may not.
    """
    if party == terms.buyer:
        return replace(facts, buyer=_funded(facts.buyer, terms.price))
    return replace(facts, seller=_funded(facts.seller, terms.bond))


def _funded(known: PartyFacts, needed: int) -> PartyFacts:
    return replace(known, balance=needed, allowance=needed)


def check_feasible(terms: Terms, now: int, facts: ChainFacts | None = None) -> None:
    """Raise the first named reason why the terms could not be opened and ended.

    Args:
        terms: what is to be signed.
        now: block time for money, the registry's clock for a negotiation.
        facts: the chain's side, where it is known.
    """
    _check_parties(terms)
    _check_supported(terms)
    if facts is not None and not facts.token_exists:
        raise TokenMissing(terms.token)
    _check_amounts(terms)
    _check_times(terms, now)
    if facts is not None:
        _check_facts(terms, facts)


def _check_parties(terms: Terms) -> None:
    if ZERO_ADDRESS in (terms.buyer, terms.seller):
        raise PartyMissing(terms.buyer, terms.seller)
    if terms.buyer == terms.seller:
        raise PartiesEqual(terms.buyer, terms.seller)


def _check_supported(terms: Terms) -> None:
    if terms.rail != Rail.ESCROW:
        raise RailUnsupported(terms.rail, Rail.ESCROW)
    for wire, name in UNSUPPORTED:
        value = getattr(terms, name)
        if value not in _ZEROS:
            # The contract reports every field as the uint256 that its word holds.
            raise FieldUnsupported(wire, value if isinstance(value, int) else int(value, 16))


def _check_amounts(terms: Terms) -> None:
    if terms.price < LEAST_PRICE:
        raise PriceTooLow(terms.price, LEAST_PRICE)
    if terms.fee_bps > BPS:
        raise FeeTooHigh(terms.fee_bps, BPS)
    if terms.fee_bps and terms.fee_recipient == ZERO_ADDRESS:
        raise FeeRecipientMissing(terms.fee_bps, terms.fee_recipient)
    if terms.fee_bps and terms.price * terms.fee_bps < BPS:
        raise FeeRoundsToZero(terms.price, terms.fee_bps)


def _check_times(terms: Terms, now: int) -> None:
    if now >= terms.open_by:
        raise OpenExpired(terms.open_by, now)
    windows = ("deliveryWindow", terms.delivery_window), ("reviewWindow", terms.review_window)
    for name, value in windows:
        if value < LEAST_WINDOW:
            raise WindowTooShort(name, value, LEAST_WINDOW)
    for name, value in windows:
        if value > MOST_WINDOW:
            raise WindowTooLong(name, value, MOST_WINDOW)


def _check_facts(terms: Terms, facts: ChainFacts) -> None:
    for signer, signed, known in (
        (terms.buyer, terms.buyer_epoch, facts.buyer),
        (terms.seller, terms.seller_epoch, facts.seller),
    ):
        if signed != known.epoch:
            raise EpochStale(signer, signed, known.epoch)
    for signer, nonce, known in (
        (terms.buyer, terms.buyer_nonce, facts.buyer),
        (terms.seller, terms.seller_nonce, facts.seller),
    ):
        if known.nonce_spent:
            raise NonceSpent(signer, nonce)
    _check_funds(terms, facts)


def _check_funds(terms: Terms, facts: ChainFacts) -> None:
    needs = (terms.buyer, terms.price, facts.buyer), (terms.seller, terms.bond, facts.seller)
    for account, needed, known in needs:
        if known.balance < needed:
            raise FundsShort(account, known.balance, needed)
    for account, needed, known in needs:
        if known.allowance < needed:
            raise AllowanceShort(account, known.allowance, needed)
