"""The signer: decides, writes down, signs. Strategies never hold a key."""

from dataclasses import dataclass

from marketplace.core.capacity import Asked, Lot
from marketplace.core.consent import Settlement, Voucher
from marketplace.core.deal import DealState, voucher_signer
from marketplace.core.decision import YES, Answer, Decision, Question, check_recordable
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    ExposureExceeded,
    LimitExceeded,
    MandateRefused,
    NotAParty,
    ParleyError,
    Unservable,
    WrongSigner,
)
from marketplace.core.guardrails import (
    Commitment,
    Limits,
    NonceFacts,
    Proposal,
    still_costs,
)
from marketplace.core.identity import SCOPE_OF, Mandate, Revocation, Scope
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Body, Detail, Message
from marketplace.core.outcome import QUANTITY, Subject
from marketplace.core.signature import Signature
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest
from marketplace.core.words import Invitation, Kind, Reason, Rejection, Upload, Withdrawal
from marketplace.ports.chain import ChainView
from marketplace.ports.clock import Clock
from marketplace.sdk.ledger import Ledger
from marketplace.sdk.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Signer:
    """A wallet behind a human's limits.

    Terms are signed only after ``decide`` allowed them and the ledger holds them; there
    is no other way from here to the key for a digest of terms. What was decided of them is on
    record first, yes or no. Under a ``mandate`` the
    wallet speaks in its principal's name, and signs no terms at all.
    """

    wallet: Wallet
    limits: Limits
    ledger: Ledger
    domain: Domain
    clock: Clock
    chain: ChainView
    mandate: Mandate | None = None

    def __post_init__(self) -> None:
        """Raise for a mandate that is another key's, or not its principal's word."""
        if self.mandate is None:
            return
        if self.mandate.delegation.delegate != self.wallet.address:
            raise WrongSigner(self.mandate.delegation.delegate, self.wallet.address)
        self.mandate.check(self.address, Scope(0), self.domain)

    @property
    def address(self) -> Address:
        """The account, or the one that it speaks for."""
        return self.mandate.delegation.principal if self.mandate else self.wallet.address

    def check_own(self, what: str) -> None:
        """Raise MandateRefused where this key is not the account's own."""
        if self.mandate is not None:
            raise MandateRefused("kind", what, "the principal's own key")

    def offer(self, negotiation: Digest, terms: Terms, subject: Subject) -> Message:
        """Sign an offer, if the limits allow it."""
        signature = self._sign_terms(negotiation, terms, subject)
        return Message(
            domain=self.domain,
            kind=Kind.OFFER,
            negotiation=negotiation,
            signer=self.address,
            digest=terms.digest(self.domain),
            signature=signature,
            body=terms,
            detail=subject,
        )

    def acceptance(self, negotiation: Digest, terms: Terms, subject: Subject) -> Message:
        """Sign the terms of the counterparty's offer, if the limits allow it."""
        signature = self._sign_terms(negotiation, terms, subject)
        return Message(
            domain=self.domain,
            kind=Kind.ACCEPTANCE,
            negotiation=negotiation,
            signer=self.address,
            digest=terms.digest(self.domain),
            signature=signature,
        )

    def decisions_of(self, deal: Digest) -> list[Decision]:
        """What was decided of these terms, in order, denials too."""
        return self.ledger.decisions(deal)

    def voucher(self, terms: Terms, amount: int) -> Signature:
        """Sign that ``amount`` in all is the seller's, on record before it is signed.

        At most the price, which the exposure has counted since the terms were signed; never
        less than an earlier voucher, which could not be taken back by it.

        Raises:
            WrongSigner: vouchers of this deal are another key's.
            AmountTooHigh: more than the price.
            AmountTooLow: less than was vouched for already.
        """
        expected, key = voucher_signer(terms), self.wallet.address
        if key != expected:
            raise WrongSigner(expected, key)
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
        key = self.wallet.address
        if key not in (terms.buyer, terms.seller):
            raise NotAParty(key, f"{terms.buyer} {terms.seller}")
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

    def rejection(self, negotiation: Digest, previous: Digest, reason: Reason) -> Message:
        """Sign a rejection."""
        word = Rejection(negotiation, previous, reason.value)
        return self._word(Kind.REJECTION, word, negotiation)

    def withdrawal(self, negotiation: Digest, previous: Digest, reason: Reason) -> Message:
        """Sign a withdrawal."""
        word = Withdrawal(negotiation, previous, reason.value)
        return self._word(Kind.WITHDRAWAL, word, negotiation)

    def listing(self, header: Listing, content: Content) -> Message:
        """Sign a listing."""
        return self.word(Kind.LISTING, header, content)

    def word(self, kind: Kind, body: Body, detail: Detail | None = None) -> Message:
        """Sign a word outside negotiations: a card, a delegation, a request and their like."""
        return self._word(kind, body, None, detail)

    def upload(self, upload: Upload) -> Signature:
        """Sign for an artifact."""
        self._check_scope(Scope.UPLOAD)
        return self.wallet.sign(upload.digest(self.domain))

    def nonce(self, talk: Digest, units: int) -> int:
        """As a seller: the nonce for a talk that is about to be offered so many units.

        Raises Unservable; where units are counted, the nonce holds them from now on.
        """
        self.check_own("terms")
        if not self.ledger.capacity.counted:
            return self.ledger.take_nonce()
        try:
            return self.ledger.assign(talk, units)
        except Unservable:
            self.refresh()
            return self.ledger.assign(talk, units)

    def refresh(self) -> None:
        """Take from the chain what can cost nothing any more, what is sold and what came back.

        The ledger is locked for what is written, never while the node is asked: no other
        thread's signature waits for it. Spent stays spent, over stays over, and time goes on,
        so an answer is still true when it is written down.
        """
        ledger = self.ledger
        for nonce, commitment in tuple(ledger.exposure.commitments.items()):
            self._refresh_nonce(nonce, commitment)
        with ledger.lock:
            # Of a lot without a commitment nothing was signed, or nothing of it can be opened.
            for nonce in ledger.capacity.lots.keys() - ledger.exposure.commitments.keys():
                ledger.freed(nonce)
        for deal in tuple(ledger.capacity.deals):
            back = ledger.capacity.outcome(self._buried(deal))
            with ledger.lock:
                if back is not None and deal in ledger.capacity.deals:
                    ledger.over(deal, back=back)

    def _refresh_nonce(self, nonce: int, commitment: Commitment) -> None:
        # The time first: what is spent afterwards was not openable any more by then.
        block_time = self.chain.now()
        spent = self.chain.nonce_spent(self.address, nonce)
        deal, state = self._opened(commitment) if spent else ("", DealState.NONE)
        facts = NonceFacts(spent, self.chain.epoch(self.address), block_time, (state,))
        costs = still_costs(commitment, facts)
        # An opening that a reorganisation could still undo holds what it will commit.
        sold = self._lists(nonce, deal) and (not costs or self._buried(deal) is not DealState.NONE)
        with self.ledger.lock:
            if self.ledger.exposure.commitments.get(nonce) != commitment:
                return  # another offer was signed meanwhile, of which nothing was asked
            if sold and self._lists(nonce, deal):  # else another thread has written it
                self.ledger.sold(nonce, deal)
            if not costs:
                self.ledger.ended(nonce)

    def _lists(self, nonce: int, deal: Digest) -> bool:
        return deal in self.ledger.capacity.lots.get(nonce, Lot()).offers

    def _opened(self, commitment: Commitment) -> tuple[Digest, DealState]:
        """Which of the offers has spent their nonce, if none was cancelled: one at most."""
        known = self.ledger.capacity.deals
        for deal in sorted(commitment.deals, key=lambda deal: deal not in known):
            state = self.chain.position(deal).state
            if state is not DealState.NONE:
                return deal, state
        return "", DealState.NONE

    def _buried(self, deal: Digest) -> DealState:
        return self.chain.position(deal, self.limits.confirmations).state

    def _sign_terms(self, talk: Digest, terms: Terms, subject: Subject) -> Signature:
        self.check_own("terms")
        check_recordable(subject)
        proposal = Proposal(terms.digest(self.domain), terms, subject)
        try:
            self._decide(talk, proposal)
        except (ExposureExceeded, Unservable):
            # Time alone frees nothing: the chain is asked, and then the limit once more.
            self.refresh()
            self._decide(talk, proposal)
        return self.wallet.sign(proposal.deal)

    def _decide(self, talk: Digest, proposal: Proposal) -> None:
        ledger = self.ledger
        with ledger.lock:
            asked = self._question(talk, proposal)
            try:
                asked.after()
                with ledger.together():
                    ledger.decided(asked, YES)
                    self._commit(asked)
            except ParleyError as refused:
                ledger.decided(asked, Answer.of(refused))
                raise

    def _question(self, talk: Digest, proposal: Proposal) -> Question:
        return Question(
            limits=self.limits,
            exposure=self.ledger.exposure,
            signer=self.address,
            negotiation=talk,
            domain=self.domain,
            proposal=proposal,
            now=self.clock.now(),
        )

    def _commit(self, asked: Question) -> None:
        ledger, proposal = self.ledger, asked.proposal
        if ledger.capacity.counted and self.address == proposal.terms.seller:
            units = proposal.subject.outcome[QUANTITY]
            promised = Asked(asked.negotiation, units)
            ledger.asked(proposal.terms.seller_nonce, proposal.deal, promised)
        ledger.offered(*proposal.commitment(self.address))

    def _word(
        self, kind: Kind, body: Body, negotiation: Digest | None, detail: Detail | None = None
    ) -> Message:
        self._check_word(kind, body)
        digest = body.digest(self.domain)
        return Message(
            domain=self.domain,
            kind=kind,
            negotiation=negotiation,
            signer=self.address,
            digest=digest,
            signature=self.wallet.sign(digest),
            body=body,
            detail=detail,
            mandate=self.mandate,
        )

    def _check_word(self, kind: Kind, body: Body) -> None:
        # What the registry would refuse is not signed: a delegate's word has its scope.
        if isinstance(body, Revocation):
            ends = self.mandate is None or body.delegation == self.mandate.digest(self.domain)
            if not ends:
                self.check_own("the revocation of another delegation")
        elif kind in SCOPE_OF:
            self._check_scope(SCOPE_OF[kind])
        else:
            self.check_own(kind)

    def _check_scope(self, needed: Scope) -> None:
        if self.mandate is not None:
            self.mandate.check_time(self.clock.now())
            self.mandate.check(self.address, needed, self.domain)
