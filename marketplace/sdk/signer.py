"""The signer: decides, writes down, signs. Strategies never hold a key."""

from dataclasses import dataclass

from marketplace.core.consent import Settlement, Voucher
from marketplace.core.deal import voucher_signer
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    ExposureExceeded,
    LimitExceeded,
    NotAParty,
    WrongSigner,
)
from marketplace.core.guardrails import (
    Commitment,
    Limits,
    NonceFacts,
    Proposal,
    decide,
    still_costs,
)
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Body, Detail, Message
from marketplace.core.outcome import Subject
from marketplace.core.signature import Signature
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest
from marketplace.core.words import Invitation, Kind, Rejection, Upload, Withdrawal
from marketplace.ports.chain import ChainView
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
    chain: ChainView

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

    def voucher(self, terms: Terms, amount: int) -> Signature:
        """Sign that ``amount`` in all is the seller's, on record before it is signed.

        At most the price, which the exposure has counted since the terms were signed; never
        less than an earlier voucher, which could not be taken back by it.

        Raises:
            WrongSigner: vouchers of this deal are another key's.
            AmountTooHigh: more than the price.
            AmountTooLow: less than was vouched for already.
        """
        expected = voucher_signer(terms)
        if self.address != expected:
            raise WrongSigner(expected, self.address)
        if amount > terms.price:
            raise AmountTooHigh(amount, terms.price)
        deal = terms.digest(self.domain)
        with self.ledger.lock:
            least = self.ledger.vouchers.get(deal, 0)
            if amount < least:
                raise AmountTooLow(amount, least)
            self.ledger.vouched(deal, amount)
        return self.wallet.sign(Voucher(deal, amount).digest(self.domain))

    def settlement(
        self, terms: Terms, charge: int, bond_to_seller: int, valid_before: int
    ) -> Signature:
        """Sign how a deal of this party ends: it can give away the price and the bond, no more.

        Raises:
            NotAParty: the deal is others'.
            AmountTooHigh: more than the price or the bond.
            LimitExceeded: it would hold for longer than an offer may.
        """
        if self.address not in (terms.buyer, terms.seller):
            raise NotAParty(self.address, f"{terms.buyer} {terms.seller}")
        for amount, most in ((charge, terms.price), (bond_to_seller, terms.bond)):
            if amount > most:
                raise AmountTooHigh(amount, most)
        lasts, longest = valid_before - self.clock.now(), self.limits.longest_open
        if lasts > longest:
            raise LimitExceeded("longest_open", lasts, longest)
        ending = Settlement(terms.digest(self.domain), charge, bond_to_seller, valid_before)
        return self.wallet.sign(ending.digest(self.domain))

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

    def refresh(self) -> None:
        """Forget every commitment that the chain shows can cost nothing any more."""
        with self.ledger.lock:
            for nonce, commitment in list(self.ledger.exposure.commitments.items()):
                if not still_costs(commitment, self._facts(nonce, commitment)):
                    self.ledger.ended(nonce)

    def _sign_terms(self, terms: Terms, subject: Subject) -> Signature:
        proposal = Proposal(terms.digest(self.domain), terms, subject)
        with self.ledger.lock:
            try:
                self._decide(proposal)
            except ExposureExceeded:
                # Time alone frees nothing: the chain is asked, and then the limit once more.
                self.refresh()
                self._decide(proposal)
            self.ledger.offered(*proposal.commitment(self.address))
        return self.wallet.sign(proposal.deal)

    def _decide(self, proposal: Proposal) -> None:
        exposure = self.ledger.exposure
        decide(self.limits, exposure, self.address, proposal, self.clock.now())

    def _facts(self, nonce: int, commitment: Commitment) -> NonceFacts:
        # The time first: what is spent afterwards was not openable any more by then.
        block_time = self.chain.now()
        return NonceFacts(
            spent=self.chain.nonce_spent(self.address, nonce),
            epoch=self.chain.epoch(self.address),
            block_time=block_time,
            states=tuple(self.chain.position(deal).state for deal in commitment.deals),
        )

    def _word(
        self, kind: Kind, body: Body, negotiation: Digest | None, detail: Detail | None = None
    ) -> Message:
        digest = body.digest(self.domain)
        signature = self.wallet.sign(digest)
        return Message(kind, negotiation, self.address, digest, signature, body, detail)
