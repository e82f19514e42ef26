"""The chain ports: what anybody can read, and what a party can do."""

from dataclasses import dataclass
from typing import Protocol

from marketplace.core.agreement import Agreement
from marketplace.core.deal import Deal, Operation
from marketplace.core.eip712 import Domain
from marketplace.core.feasibility import ChainFacts
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest


@dataclass(frozen=True, slots=True)
class DealEvent:
    """An event of the escrow about one deal; amounts in base units, time of its block.

    ``values`` holds the event's other arguments as they are named in ``IEscrow``.
    """

    name: str
    deal: Digest
    values: dict[str, str | int]
    at: int
    block: int
    transaction: Digest


@dataclass(frozen=True, slots=True)
class Transaction:
    """A mined transaction: gas in units, time of its block."""

    hash: Digest
    gas: int
    block: int
    at: int


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

    def events(self) -> list[DealEvent]:
        """Every event about every deal of the escrow, in order."""
        ...

    def gas(self, transaction: Digest) -> int:
        """What a mined transaction used, in units of gas."""
        ...

    def check_escrow(self) -> None:
        """Raise EscrowUnknown or EscrowAbsent unless the escrow is this version's own."""
        ...


class Escrow(Protocol):
    """What a party can do, with its key; each call returns once it is mined.

    A refusal raises the error that the contract reverted with, by the same name.
    """

    def allow(self, token: Address, amount: int) -> Transaction | None:
        """Let the escrow pull at least this much; None where that is so already."""
        ...

    def open(self, agreement: Agreement) -> Transaction:
        """Open the deal of an agreement."""
        ...

    def operate(
        self, terms: Terms, operation: Operation, delivery: tuple[Digest, int] | None = None
    ) -> Transaction:
        """Move an open deal; a delivery names (deliverable, charge)."""
        ...

    def cancel(self, nonce: int) -> Transaction:
        """Spend the caller's own nonce, so that nothing signed under it can be opened."""
        ...

    def cancel_all(self) -> Transaction:
        """Move the caller's epoch, so that nothing it has signed can be opened."""
        ...
