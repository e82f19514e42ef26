"""Feasibility: can these terms be opened and ended at all?

Asked before anyone signs. The rules, their order and their names are those of
``Escrow.feasible``; a rule that needs the chain is asked only where facts are given.
"""

from dataclasses import dataclass, replace

from marketplace.core.eip712 import Field
from marketplace.core.errors import (
    AllowanceShort,
    ArbiterFeeUncovered,
    ArbiterPartial,
    BalanceShort,
    EpochStale,
    FeeRecipientMissing,
    FeeRoundsToZero,
    FieldMissing,
    FieldUnsupported,
    FundsShort,
    NonceSpent,
    OpenExpired,
    PartiesEqual,
    PartyMissing,
    PriceTooLow,
    RailUnknown,
    ShareTooHigh,
    TokenMissing,
    WindowTooLong,
    WindowTooShort,
)
from marketplace.core.terms import Rail, Terms, rail_name
from marketplace.core.values import BPS, ZERO_ADDRESS, Address

LEAST_PRICE = 1
LEAST_WINDOW = 60
MOST_WINDOW = 365 * 24 * 3600

_JUDGED_BY_CLOCK = frozenset({"arbiter_fee", "arbitration_window", "default_seller_bps"})

# What each rail leaves at zero, and what it cannot do without.
UNUSED: dict[int, frozenset[str]] = {
    Rail.ESCROW: frozenset({"notice_window", "goods"}),
    Rail.ATOMIC: _JUDGED_BY_CLOCK
    | {"arbiter", "bond", "delivery_window", "review_window", "notice_window"}
    | {"voucher_signer", "bundle"},
    Rail.METERED: _JUDGED_BY_CLOCK | {"arbiter", "goods"},
    Rail.EXCHANGE: _JUDGED_BY_CLOCK | {"notice_window", "voucher_signer"},
}
REQUIRED: dict[int, frozenset[str]] = {
    Rail.ATOMIC: frozenset({"goods"}),
    Rail.EXCHANGE: frozenset({"arbiter", "goods"}),
}


def _ordered(names: frozenset[str]) -> tuple[Field, ...]:
    return tuple(field for field in Terms.FIELDS if field.name in names)


# The same in the order of the terms, by the rail and whether an arbiter may rule in it.
_BY_RAIL = {
    (rail, judged): (
        _ordered(unused if judged else unused | _JUDGED_BY_CLOCK),
        _ordered(REQUIRED.get(rail, frozenset())),
    )
    for rail, unused in UNUSED.items()
    for judged in (True, False)
}


@dataclass(frozen=True, slots=True)
class PartyFacts:
    """What the chain says of one party: units are base units of the terms' token.

    Attributes:
        epoch: under which it has to sign now.
        nonce_spent: whether the nonce in the terms is.
        balance: what its wallet holds.
        allowance: what the escrow may pull from its wallet.
        bound_balance: what the escrow holds for it, where the account is bound and so pays from
            there; None where it is not.
    """

    epoch: int
    nonce_spent: bool
    balance: int
    allowance: int
    bound_balance: int | None = None


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
    inside = None if known.bound_balance is None else needed
    return replace(known, balance=needed, allowance=needed, bound_balance=inside)


def check_feasible(terms: Terms, now: int, facts: ChainFacts | None = None) -> None:
    """Raise the first named reason why the terms could not be opened and ended.

    Args:
        terms: what is to be signed.
        now: block time for money, the registry's clock for a negotiation.
        facts: the chain's side, where it is known.
    """
    _check_parties(terms)
    _check_rail(terms)
    if terms.arbiter != ZERO_ADDRESS and terms.arbiter in (terms.buyer, terms.seller):
        raise ArbiterPartial(terms.arbiter)
    if facts is not None and not facts.token_exists:
        raise TokenMissing(terms.token)
    _check_amounts(terms)
    if now >= terms.open_by:
        raise OpenExpired(terms.open_by, now)
    _check_windows(terms)
    if facts is not None:
        _check_facts(terms, facts)


def _check_parties(terms: Terms) -> None:
    if ZERO_ADDRESS in (terms.buyer, terms.seller):
        raise PartyMissing(terms.buyer, terms.seller)
    if terms.buyer == terms.seller:
        raise PartiesEqual(terms.buyer, terms.seller)


def _check_rail(terms: Terms) -> None:
    if terms.rail not in UNUSED:
        raise RailUnknown(terms.rail, max(Rail))
    judged = terms.rail != Rail.ESCROW or terms.arbiter != ZERO_ADDRESS
    unused, required = _BY_RAIL[terms.rail, judged]
    for field in unused:
        word = _word(getattr(terms, field.name))
        if word:
            raise FieldUnsupported(rail_name(terms.rail), field.wire, word)
    for field in required:
        if not _word(getattr(terms, field.name)):
            raise FieldMissing(rail_name(terms.rail), field.wire)


def _word(value: str | int) -> int:
    # The contract reports every field as the uint256 that its word holds.
    return value if isinstance(value, int) else int(value, 16)


def _check_amounts(terms: Terms) -> None:
    if terms.price < LEAST_PRICE:
        raise PriceTooLow(terms.price, LEAST_PRICE)
    _check_share(terms.fee_bps)
    if terms.fee_bps and terms.fee_recipient == ZERO_ADDRESS:
        raise FeeRecipientMissing(terms.fee_bps, terms.fee_recipient)
    if terms.fee_bps and terms.price * terms.fee_bps < BPS:
        raise FeeRoundsToZero(terms.price, terms.fee_bps)
    _check_share(terms.default_seller_bps)
    if terms.arbiter_fee > terms.bond:
        raise ArbiterFeeUncovered(terms.arbiter_fee, terms.bond)


def _check_share(bps: int) -> None:
    if bps > BPS:
        raise ShareTooHigh(bps, BPS)


def _check_windows(terms: Terms) -> None:
    if terms.rail == Rail.ATOMIC:
        return
    judged = terms.rail == Rail.ESCROW and terms.arbiter != ZERO_ADDRESS
    for name, value, needed in (
        ("deliveryWindow", terms.delivery_window, True),
        ("reviewWindow", terms.review_window, True),
        ("arbitrationWindow", terms.arbitration_window, judged),
        ("noticeWindow", terms.notice_window, terms.notice_window > 0),
    ):
        if needed and value < LEAST_WINDOW:
            raise WindowTooShort(name, value, LEAST_WINDOW)
        if needed and value > MOST_WINDOW:
            raise WindowTooLong(name, value, MOST_WINDOW)


def _check_facts(terms: Terms, facts: ChainFacts) -> None:
    buyer = terms.buyer, terms.buyer_epoch, terms.buyer_nonce, terms.price, facts.buyer
    seller = terms.seller, terms.seller_epoch, terms.seller_nonce, terms.bond, facts.seller
    for signer, signed, _, _, known in (buyer, seller):
        if signed != known.epoch:
            raise EpochStale(signer, signed, known.epoch)
    for signer, _, nonce, _, known in (buyer, seller):
        if known.nonce_spent:
            raise NonceSpent(signer, nonce)
    for account, _, _, needed, known in (buyer, seller):
        # A swap moves what the wallets have, whoever is bound.
        if known.bound_balance is None or terms.rail == Rail.ATOMIC:
            _check_wallet(account, needed, known)
        elif known.bound_balance < needed:
            raise BalanceShort(account, known.bound_balance, needed)


def _check_wallet(account: Address, needed: int, known: PartyFacts) -> None:
    if known.balance < needed:
        raise FundsShort(account, known.balance, needed)
    if known.allowance < needed:
        raise AllowanceShort(account, known.allowance, needed)
