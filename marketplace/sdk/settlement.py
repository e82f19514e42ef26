"""A settlement: one agreement in the escrow, from opening to its end."""

import time
from collections.abc import Callable, Collection

from marketplace.core.agreement import Agreement
from marketplace.core.deal import (
    Deal,
    DealState,
    Operation,
    arbitration_deadline,
    delivery_deadline,
    due,
    grace_deadline,
    review_deadline,
)
from marketplace.core.errors import ArtifactMissing, TransactionFailed
from marketplace.core.feasibility import check_feasible
from marketplace.core.signature import Signature
from marketplace.core.terms import Rail
from marketplace.core.values import ZERO_ADDRESS, Digest
from marketplace.ports.chain import DealEvent, Move, Opening, Transaction
from marketplace.sdk.means import POLL_SECONDS, Means, sha256_hex


class Settlement:
    """What a party does with an agreement; ``transactions`` holds what this party paid gas for.

    ``funded`` is called when this party, as the seller, sees that the money is in.
    """

    def __init__(
        self, means: Means, agreement: Agreement, funded: Callable[[], None] = lambda: None
    ) -> None:
        both = agreement.buyer_signature and agreement.seller_signature
        opened = not both and means.chain.position(agreement.digest).state is not DealState.NONE
        agreement.check(means.signer.domain, opened=opened)
        self._funded = funded
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
    def disputable(self) -> bool:
        """Whether the terms name an arbiter, for whom a dispute calls."""
        terms = self.agreement.terms
        return terms.rail == Rail.ESCROW and terms.arbiter != ZERO_ADDRESS

    @property
    def delivery_deadline(self) -> int:
        """While FUNDED: from this block time the buyer can take a refund."""
        return delivery_deadline(self.position, self.agreement.terms)

    @property
    def review_deadline(self) -> int:
        """While DELIVERED: from this block time the seller can claim."""
        return review_deadline(self.position, self.agreement.terms)

    @property
    def arbitration_deadline(self) -> int:
        """While DISPUTED: from this block time anyone can end the dispute by its defaults."""
        return arbitration_deadline(self.position, self.agreement.terms)

    @property
    def grace_deadline(self) -> int:
        """Metered: from this block time no voucher is redeemed, and the buyer can close."""
        return grace_deadline(self.position, self.agreement.terms)

    def open(self) -> Deal:
        """Open the deal: price and bond move into the escrow."""
        self._check_openable()
        try:
            sent = self._means.escrow.open(Opening(self.agreement))
        except TransactionFailed:
            # Mined behind another's transaction: what that one has taken is told by its name.
            if self.position.state is DealState.NONE:
                self._check_openable()
            raise
        self._did("open", sent)
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
        selling = self._means.signer.address == self.agreement.terms.seller
        if selling and position.state is DealState.FUNDED:
            self._funded()
        return position

    def deliver(self, data: bytes, charge: int) -> Deal:
        """Record the deliverable's digest and the charge, then leave it with the registry.

        In this order: what a late transaction does not record is not given away. After a
        failure in between, calling it again with the same bytes leaves them.
        """
        if self.position.state is not DealState.DELIVERED:
            self._operate(Move(Operation.DELIVER, sha256_hex(data), charge))
        self._means.put(self.agreement.negotiation, data)
        return self.position

    def events(self) -> list[DealEvent]:
        """The escrow's events about this deal, in order."""
        return [event for event in self._means.chain.events() if event.deal == self.id]

    def gas(self) -> list[int]:
        """The gas of each of the deal's transactions, whoever sent them."""
        sent = dict.fromkeys(event.transaction for event in self.events())
        return [self._means.chain.gas(transaction) for transaction in sent]

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

    def release(self, amount: int | None = None) -> Deal:
        """As the buyer: let ``amount`` in all go to the seller; all that is due, if not given.

        The amount is in the transaction: a delivery that bills more in the meantime, or after a
        reorganisation, is not paid by it. All of it in a dispute gives in: the seller gets the
        stake too.
        """
        amount = due(self.position, self.agreement.terms) if amount is None else amount
        return self._operate(Move(Operation.RELEASE, amount=amount))

    def voucher(self, amount: int) -> Signature:
        """As who signs vouchers: a word that ``amount`` in all is the seller's; give it to it."""
        return self._means.signer.voucher(self.agreement.terms, amount)

    def redeem(self, amount: int, voucher: Signature) -> Deal:
        """As anyone: release by a voucher."""
        return self._operate(Move(Operation.REDEEM, amount=amount, signatures=(voucher,)))

    def claim(self) -> Deal:
        """As the seller, after the review window: take the charge."""
        return self._operate(Move(Operation.CLAIM))

    def refund(self) -> Deal:
        """As the buyer after the delivery window, as the seller any time: undo the deal."""
        return self._operate(Move(Operation.REFUND))

    def dispute(self, reasons: bytes) -> Deal:
        """As the buyer, inside the review window: stake the arbiter's fee and call for it.

        The reasons are left with the registry, and their digest is in the transaction. After a
        failure in between, calling it again with the same bytes leaves them.
        """
        terms = self.agreement.terms
        if self.position.state is not DealState.DISPUTED:
            # A bound buyer may have too little left inside; then its wallet pays.
            self._means.escrow.allow(terms.token, terms.arbiter_fee)
            self._operate(Move(Operation.DISPUTE, sha256_hex(reasons)))
        self._means.put(self.agreement.negotiation, reasons)
        return self.position

    def resolve(self, charge: int, bond_to_seller: int) -> Deal:
        """As the arbiter: ``charge`` in all and this much of the bond are the seller's."""
        ruling = Move(Operation.RESOLVE, amount=charge, bond_to_seller=bond_to_seller)
        return self._operate(ruling)

    def expire(self) -> Deal:
        """As anyone, after the arbitration window: end the dispute as both signed it."""
        return self._operate(Move(Operation.EXPIRE))

    def settle_offer(self, charge: int, bond_to_seller: int, valid_before: int) -> Signature:
        """As a party: sign how the deal shall end; give it to the counterparty.

        Args:
            charge: what the seller gets of the price in all, in base units.
            bond_to_seller: what it gets of the bond; the buyer gets the rest of both.
            valid_before: the instant from which the offer no longer holds.
        """
        terms, signer = self.agreement.terms, self._means.signer
        return signer.settlement(terms, charge, bond_to_seller, valid_before)

    def settle(
        self, charge: int, bond_to_seller: int, valid_before: int, offered: Signature
    ) -> Deal:
        """As a party: end the deal as the counterparty offered with ``settle_offer``."""
        own = self.settle_offer(charge, bond_to_seller, valid_before)
        buying = self._means.signer.address == self.agreement.terms.buyer
        signatures = (own, offered) if buying else (offered, own)
        ending = Move(
            Operation.SETTLE,
            amount=charge,
            bond_to_seller=bond_to_seller,
            valid_before=valid_before,
            signatures=signatures,
        )
        return self._operate(ending)

    def notice(self) -> Deal:
        """As a party of a metered deal: let it end after its notice window."""
        return self._operate(Move(Operation.NOTICE))

    def close(self, amount: int | None = None, voucher: Signature = "") -> Deal:
        """End a metered deal: the seller with its last voucher, the buyer after the grace.

        Args:
            amount: in all; what was released, if not given.
            voucher: for a higher amount than that.
        """
        amount = self.position.released if amount is None else amount
        return self._operate(Move(Operation.CLOSE, amount=amount, signatures=(voucher,)))

    def _check_openable(self) -> None:
        terms, chain = self.agreement.terms, self._means.chain
        check_feasible(terms, chain.now(), chain.facts(terms))

    def _confirmed(self) -> Deal:
        return self._means.chain.position(self.id, self._means.signer.limits.confirmations)

    def _now(self) -> int:
        # A chain that mines on demand has an old latest block; the next one has the wall's time.
        return max(self._means.signer.clock.now(), self._means.chain.now())

    def _operate(self, move: Move) -> Deal:
        sent = self._means.escrow.operate(self.agreement.terms, move)
        self._did(move.operation.value, sent)
        return self.position

    def _did(self, operation: str, transaction: Transaction) -> None:
        self.transactions.append((operation, transaction))
