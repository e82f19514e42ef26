"""The chain ports: what anybody can read, and what a party can do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from marketplace.core.agreement import Agreement
from marketplace.core.consent import Own
from marketplace.core.deal import Deal, Operation
from marketplace.core.eip712 import Domain
from marketplace.core.errors import ParleyError
from marketplace.core.feasibility import ChainFacts
from marketplace.core.signature import Signature
from marketplace.core.terms import Credits, Terms
from marketplace.core.values import ZERO_DIGEST, Address, Digest


@dataclass(frozen=True, slots=True)
class DealEvent:
    """An event of the escrow about one deal; amounts in base units, time of its block.

    ``values`` holds the event's other arguments as they are named in ``IEscrow``,
    ``log_index`` is its place among its block's events.
    """

    name: str
    deal: Digest
    values: dict[str, str | int]
    at: int
    block: int
    transaction: Digest
    log_index: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined transaction: gas in units, time of its block."""

    hash: Digest
    gas: int
    block: int
    at: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What the escrow holds for an account outside its deals.

    Attributes:
        amount: base units of one token.
        bound: whether deals are paid from it and into it, and withdrawals have to wait.
        leaves_at: from when on the account is not bound; 0 until it has announced that.
    """

    amount: int
    bound: bool
    leaves_at: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens one deal.

    Attributes:
        agreement: the terms with both signatures.
        buyer_funding: how the price is paid in; empty: by allowance (see ``Funding.sol``).
        seller_funding: how the bond is.
    """

    agreement: Agreement
    buyer_funding: bytes = b""
    seller_funding: bytes = b""


@dataclass(frozen=True, slots=True)
class Series:
    """Deals of one pair that open together.

    Attributes:
        terms: what they share; what each has of its own in here counts for nothing.
        owns: what each has of its own, in the order in which both signed them.
    """

    terms: Terms
    owns: tuple[Own, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """One call about an open deal, beside its terms; each operation reads what it takes.

    Attributes:
        operation: which call.
        digest: of what is delivered, or of a dispute's claim.
        amount: a total since the opening: charge, release or voucher, in base units.
        bond_to_seller: of a ruling or a settlement, in base units.
        valid_before: of a settlement: the instant from which it no longer holds.
        signatures: the voucher's, or the buyer's and the seller's under a settlement.
    """

    operation: Operation
    digest: Digest = ZERO_DIGEST
    amount: int = 0
    bond_to_seller: int = 0
    valid_before: int = 0
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True, slots=True)
class Redemption:
    """A voucher of one deal, to be redeemed with others."""

    terms: Terms
    amount: int
    voucher: Signature


class ChainView(Protocol):
    """What anybody can read, without a key."""

    @property
    def domain(self) -> Domain:
        """The domain of the escrow that is read."""
        ...

    def now(self) -> int:
        """The latest block's time."""
        ...

    def epoch(self, account: Address) -> int:
        """The account's current epoch in the escrow."""
        ...

    def nonce_spent(self, account: Address, nonce: int) -> bool:
        """Whether a deal or a cancellation has used the account's nonce."""
        ...

    def facts(self, terms: Terms) -> ChainFacts:
        """What feasibility asks of the chain."""
        ...

    def position(self, deal: Digest, depth: int = 0) -> Deal:
        """A deal's position ``depth`` blocks ago; state NONE if it was not open then."""
        ...

    def balance(self, token: Address, account: Address) -> int:
        """A token balance, in base units."""
        ...

    def holding(self, token: Address, account: Address) -> Holding:
        """What the escrow holds for an account outside its deals."""
        ...

    def events(self, first: int = 0, last: int | None = None) -> list[DealEvent]:
        """Events about deals of the escrow, in order, between two blocks, both included."""
        ...

    def gas(self, transaction: Digest) -> int:
        """What a mined transaction used, in units of gas."""
        ...

    def check_escrow(self) -> None:
        """Raise EscrowUnknown or EscrowAbsent unless the escrow is this version's own."""
        ...


class Escrow(Protocol):
    """What a party can do about deals, with its key; each call returns once it is mined.

    A refusal raises the error that the contract reverted with, by the same name.
    """

    def allow(self, token: Address, amount: int) -> Transaction | None:
        """Let the escrow pull at least this much; None where that is so already."""
        ...

    def open(self, opening: Opening) -> Transaction:
        """Open a deal."""
        ...

    def open_bundle(self, openings: Sequence[Opening]) -> Transaction:
        """Open all the deals of a bundle, in its order, or none of them."""
        ...

    def open_series(self, opened: Series, buyer: Signature, seller: Signature) -> Transaction:
        """Open all deals of a series, on both signatures over the bulk of their terms."""
        ...

    def redeem_series(self, redeemed: Series, amount: int, voucher: Signature) -> Transaction:
        """Redeem one amount in each deal of a series that takes it, on one bulk of vouchers."""
        ...

    def swap(self, agreement: Agreement, credit: Credits) -> Transaction:
        """Open and end an atomic deal: price against credits, out of both allowances."""
        ...

    def operate(self, terms: Terms, move: Move) -> Transaction:
        """Move an open deal."""
        ...


class Account(Protocol):
    """What an account can do about itself in the escrow; refusals as in ``Escrow``."""

    def cancel(self, nonce: int) -> Transaction:
        """Spend the caller's own nonce, so that nothing signed under it can be opened."""
        ...

    def cancel_all(self) -> Transaction:
        """Move the caller's epoch, so that nothing it has signed can be opened."""
        ...

    def deposit(self, token: Address, amount: int) -> Transaction:
        """Put money in, which binds the caller until it has announced that it leaves."""
        ...

    def announce(self) -> Transaction:
        """Say that the caller leaves: it is bound for a notice more."""
        ...

    def withdraw(self, token: Address, to: Address, amount: int) -> Transaction:
        """Take money out, once not bound."""
        ...


class Batch(Protocol):
    """Many at once; a bad member is skipped, and the reason comes under its index."""

    def open(self, openings: Sequence[Opening]) -> tuple[Transaction, dict[int, ParleyError]]:
        """Open deals."""
        ...

    def redeem(
        self, redemptions: Sequence[Redemption]
    ) -> tuple[Transaction, dict[int, ParleyError]]:
        """Redeem vouchers."""
        ...
