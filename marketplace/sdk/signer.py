"""The signer: decides, writes down, signs. Strategies never hold a key."""

from dataclasses import dataclass

from marketplace.core.eip712 import Domain
from marketplace.core.guardrails import Limits, decide
from marketplace.core.listing import Content, Listing
from marketplace.core.message import (
    Body,
    Detail,
    Invitation,
    Kind,
    Message,
    Rejection,
    Upload,
    Withdrawal,
)
from marketplace.core.outcome import Subject
from marketplace.core.signature import Signature
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest
from marketplace.ports.clock import Clock
from marketplace.sdk.ledger import Ledger
from marketplace.sdk.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Signer:
    """A wallet behind a human's limits.

    Terms are signed only after ``decide`` allowed them and the ledger holds them; there
    is no other way from here to the key for a digest of terms.
    """

    wallet: Wallet
    limits: Limits
    ledger: Ledger
    domain: Domain
    clock: Clock

    @property
    def address(self) -> Address:
        """The account."""
        return self.wallet.address

    def offer(self, negotiation: Digest, terms: Terms, subject: Subject) -> Message:
        """Sign an offer, if the limits allow it."""
        signature = self._sign_terms(terms, subject)
        digest = terms.digest(self.domain)
        address = self.address
        return Message(Kind.OFFER, negotiation, address, digest, signature, terms, subject)

    def acceptance(self, negotiation: Digest, terms: Terms, subject: Subject) -> Message:
        """Sign the terms of the counterparty's offer, if the limits allow it."""
        signature = self._sign_terms(terms, subject)
        digest = terms.digest(self.domain)
        return Message(Kind.ACCEPTANCE, negotiation, self.address, digest, signature)

    def invitation(self, invitation: Invitation) -> Message:
        """Sign an invitation; its digest is the negotiation's id."""
        return self._word(Kind.INVITATION, invitation, invitation.digest(self.domain))

    def rejection(self, negotiation: Digest, previous: Digest) -> Message:
        """Sign a rejection."""
        return self._word(Kind.REJECTION, Rejection(negotiation, previous), negotiation)

    def withdrawal(self, negotiation: Digest, previous: Digest) -> Message:
        """Sign a withdrawal."""
        return self._word(Kind.WITHDRAWAL, Withdrawal(negotiation, previous), negotiation)

    def listing(self, header: Listing, content: Content) -> Message:
        """Sign a listing."""
        return self._word(Kind.LISTING, header, None, content)

    def upload(self, upload: Upload) -> Signature:
        """Sign for an artifact."""
        return self.wallet.sign(upload.digest(self.domain))

    def _sign_terms(self, terms: Terms, subject: Subject) -> Signature:
        buying, now = self.address == terms.buyer, self.clock.now()
        nonce = terms.buyer_nonce if buying else terms.seller_nonce
        amount = terms.price if buying else terms.bond
        with self.ledger.lock:
            decide(self.limits, self.ledger.exposure, self.address, (terms, subject), now)
            self.ledger.offered(nonce, amount, terms.open_by)
        return self.wallet.sign(terms.digest(self.domain))

    def _word(
        self, kind: Kind, body: Body, negotiation: Digest | None, detail: Detail | None = None
    ) -> Message:
        digest = body.digest(self.domain)
        signature = self.wallet.sign(digest)
        return Message(kind, negotiation, self.address, digest, signature, body, detail)
