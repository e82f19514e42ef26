"""A settlement: one agreement in the escrow, from opening to its end."""

import time
from collections.abc import Collection

from marketplace.core.agreement import Agreement
from marketplace.core.deal import Deal, DealState, Operation, delivery_deadline, review_deadline
from marketplace.core.errors import ArtifactMissing
from marketplace.core.feasibility import check_feasible
from marketplace.core.values import Digest
from marketplace.ports.chain import DealEvent, Transaction
from marketplace.sdk.means import POLL_SECONDS, Means, sha256_hex


class Settlement:
    """What a party does with an agreement; ``transactions`` holds what this party paid gas for."""

    def __init__(self, means: Means, agreement: Agreement) -> None:
        agreement.check(means.signer.domain)
        self._means = means
        self.agreement = agreement
        self.transactions: list[tuple[str, Transaction]] = []

    def __repr__(self) -> str:
        did = ", ".join(operation for operation, _ in self.transactions) or "nothing yet"
        return f"Settlement({self.id}, price {self.agreement.terms.price}, did {did})"

    @property
    def id(self) -> Digest:
        """The deal's key: the terms' digest."""
        return self.agreement.digest

    @property
    def position(self) -> Deal:
        """The deal's position in the escrow now."""
        return self._means.chain.position(self.id)

    @property
    def delivery_deadline(self) -> int:
        """From this block time the buyer can take a refund if nothing was delivered."""
        return delivery_deadline(self.position, self.agreement.terms)

    @property
    def review_deadline(self) -> int:
        """From this block time the seller can claim."""
        return review_deadline(self.position, self.agreement.terms)

    def open(self) -> Deal:
        """Open the deal: price and bond move into the escrow."""
        terms = self.agreement.terms
        check_feasible(terms, self._means.chain.now(), self._means.chain.facts(terms))
        self._did("open", self._means.escrow.open(self.agreement))
        return self.position

    def wait(self, states: Collection[DealState], until: int) -> Deal:
        """Block until the deal is in one of the states, or the instant has come.

        Args:
            states: what to wait for.
            until: integer seconds UTC, on the chain's clock or the wall's, whichever is later.

        The position is the one that ``Limits.confirmations`` blocks have buried.

        Returns:
            The position, whatever it is then: look at its state.
        """
        while (position := self._confirmed()).state not in states and self._now() < until:
            time.sleep(POLL_SECONDS)
        return position

    def deliver(self, data: bytes, charge: int) -> Deal:
        """Record the deliverable's digest and the charge, then leave it with the registry.

        In this order: what a late transaction does not record is not given away. After a
        failure in between, calling it again with the same bytes leaves them.
        """
        if self.position.state is not DealState.DELIVERED:
            self._operate(Operation.DELIVER, (sha256_hex(data), charge))
        self._means.put(self.agreement.negotiation, data)
        return self.position

    def events(self) -> list[DealEvent]:
        """The escrow's events about this deal, in order."""
        return [event for event in self._means.chain.events() if event.deal == self.id]

    def gas(self) -> list[int]:
        """The gas of each of the deal's transactions, whoever sent them."""
        return [self._means.chain.gas(event.transaction) for event in self.events()]

    def fetch(self) -> bytes:
        """What was delivered, checked against the digest that the escrow recorded.

        Raises:
            ArtifactMissing: nothing was delivered, or the registry does not have it.
            DeliverableWrong: the registry gave other bytes.
        """
        for event in self.events():
            if event.name == "Delivered":
                return self._means.get(self.agreement.negotiation, str(event.values["deliverable"]))
        raise ArtifactMissing(self.id)

    def release(self) -> Deal:
        """As the buyer: let the charge go to the seller."""
        return self._operate(Operation.RELEASE)

    def claim(self) -> Deal:
        """As the seller, after the review window: take the charge."""
        return self._operate(Operation.CLAIM)

    def refund(self) -> Deal:
        """As the buyer after the delivery window, as the seller any time: undo the deal."""
        return self._operate(Operation.REFUND)

    def _confirmed(self) -> Deal:
        return self._means.chain.position(self.id, self._means.signer.limits.confirmations)

    def _now(self) -> int:
        # A chain that mines on demand has an old latest block; the next one has the wall's time.
        return max(self._means.signer.clock.now(), self._means.chain.now())

    def _operate(self, operation: Operation, delivery: tuple[Digest, int] | None = None) -> Deal:
        sent = self._means.escrow.operate(self.agreement.terms, operation, delivery)
        self._did(operation.value, sent)
        return self.position

    def _did(self, operation: str, transaction: Transaction) -> None:
        self.transactions.append((operation, transaction))
