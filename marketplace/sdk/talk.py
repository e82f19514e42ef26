"""A talk: one negotiation, seen and spoken in by one of its parties.

Every message is parsed, its signature proved and the machine advanced here: what the
registry relays is checked, what it says of the state is not even asked.
"""

from collections.abc import Mapping
from contextlib import suppress

from marketplace.core.agreement import Agreement
from marketplace.core.deal import DealState
from marketplace.core.entry import TIMEOUT
from marketplace.core.errors import (
    ArtifactMissing,
    EncryptionKeyMissing,
    EventRefused,
    ParleyError,
    RuleMixed,
    WrongPrevious,
    WrongTurn,
)
from marketplace.core.feasibility import assuming_funds, check_feasible
from marketplace.core.listing import UNCOUNTED, Content
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import (
    OPEN_STATES,
    Negotiation,
    Offer,
    State,
    advance,
    as_of,
    begin,
    time_out,
    unread,
)
from marketplace.core.outcome import DELIVERY_WINDOW, QUANTITY, Outcome, Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, Digest
from marketplace.core.words import Kind, Reason
from marketplace.ports.channel import Heard
from marketplace.sdk.means import Means


class Talk:
    """One negotiation. Blocking; use one from one thread at a time."""

    def __init__(
        self, means: Means, listed: Message, first: Heard, *, confidential: bool = False
    ) -> None:
        self._means = means
        self.confidential = confidential
        self._unread: ParleyError | None = None
        message = parse_message(first.message, means.signer.domain)
        self.negotiation: Negotiation = begin(message, listed, first.at)
        self._index = first.index
        self._countersigned: Agreement | None = None
        self._request: bytes | None = None

    @property
    def id(self) -> Digest:
        """The invitation's digest."""
        return self.negotiation.id

    @property
    def content(self) -> Content:
        """The listing's content, as it was when the talk began."""
        return self.negotiation.content

    @property
    def state(self) -> State:
        """The state now, timeouts included."""
        return as_of(self.negotiation, self._means.signer.clock.now())

    @property
    def remaining(self) -> int:
        """Seconds until the deadline."""
        return self.negotiation.invitation.deadline - self._means.signer.clock.now()

    @property
    def buying(self) -> bool:
        """Whether this party is the buyer."""
        return self._means.signer.address == self.negotiation.invitation.buyer

    @property
    def my_turn(self) -> bool:
        """Whether the next offer, acceptance or rejection is this party's."""
        return self.state in OPEN_STATES and self.negotiation.turn == self._means.signer.address

    @property
    def standing(self) -> Offer | None:
        """The offer on the table."""
        return self.negotiation.standing

    @property
    def my_last_offer(self) -> Offer | None:
        """This party's latest offer."""
        return self.negotiation.last_offer_of(self._means.signer.address)

    @property
    def room(self) -> int:
        """The most units that this party could sign for here now; a buyer counts none."""
        return UNCOUNTED if self.buying else self._means.signer.ledger.capacity.room(self.id)

    @property
    def reason(self) -> Reason:
        """Why the talk was left, as who left it says; ``UNSPECIFIED`` where nobody did."""
        given = self.negotiation.reason
        return Reason(given) if given in set(Reason) else Reason.UNSPECIFIED

    @property
    def request(self) -> bytes:
        """What the buyer asked for with its invitation; empty if nothing."""
        artifact = self.negotiation.invitation.request
        if self._request is None and artifact != ZERO_DIGEST:
            self._request = self.get(artifact)
        return self._request or b""

    @property
    def arrived(self) -> bool:
        """Whether what the buyer asked for is there, or nothing was: ``request`` would not wait."""
        artifact = self.negotiation.invitation.request
        if self._request is None and artifact != ZERO_DIGEST:
            with suppress(ArtifactMissing):
                self._request = self._means.get(self.id, artifact, patience=0)
        return artifact == ZERO_DIGEST or self._request is not None

    @property
    def agreement(self) -> Agreement | None:
        """Once both have signed, whether or not the registry has taken the acceptance."""
        return self.negotiation.agreement or self._countersigned

    def sync(self) -> State:
        """Take every message that the registry has and this talk has not."""
        for view in self._means.registry.messages(self.id)[self.negotiation.length :]:
            self._take(view)
        self._leave_unread()
        return self.state

    def wait(self) -> State:
        """Block until it is this party's turn or the talk is over."""
        # A withdrawal may have come even in this party's turn.
        self.sync()
        stream = self._means.registry.follow(self._index + 1, self._means.signer.address)
        while not self.my_turn and self.state in OPEN_STATES:
            self._take(next(stream))
        stream.close()
        self._leave_unread()
        return self.state

    def offer(self, outcome: Outcome, delivery: Mapping[str, str], open_for: int = 900) -> Offer:
        """Propose an outcome.

        Args:
            outcome: a value for each issue of the listing.
            delivery: how the delivery is recognised, as the kind of listing defines.
            open_for: seconds in which the offer can be opened on chain.
        """
        self._require_turn()
        salt = self._means.random_bytes32()
        subject = Subject(self.negotiation.invitation.listing, outcome, delivery, salt)
        terms = self._terms(subject, open_for)
        # The counterparty may fund what it has yet to agree to; our own side must stand.
        other = self.negotiation.other(self._means.signer.address)
        facts = assuming_funds(terms, self._means.chain.facts(terms), other)
        check_feasible(terms, self.now(), facts)
        self._choose()
        self._say(self._means.signer.offer(self.id, terms, subject))
        return self.negotiation.offers[-1]

    def accept(self) -> Agreement:
        """Sign the standing offer; the agreement can be opened at once.

        Where the registry fails or refuses the acceptance, its error is raised, and
        ``agreement`` holds what was agreed all the same: opening it on chain delivers it.
        """
        self._require_turn()
        offer = self.standing
        if offer is None:
            raise EventRefused("acceptance", self.state)
        check_feasible(offer.terms, self.now(), self._means.chain.facts(offer.terms))
        message = self._means.signer.acceptance(self.id, offer.terms, offer.subject)
        self._countersigned = self._advanced(message).agreement
        self._say(message)
        if self.agreement is None:
            raise EventRefused("acceptance", self.state)
        return self.agreement

    def opened(self) -> Agreement | None:
        """The agreement that the chain shows, where nobody has told of it.

        Who accepts may open without a word to anybody. The offer that was opened is this
        talk's own; the signature that was not sent is empty, and no call needs it any more.
        """
        for offer in reversed(self.negotiation.offers):
            if self._means.chain.position(offer.digest).state is not DealState.NONE:
                known = {offer.signer: offer.signature}
                buyer, seller = offer.terms.buyer, offer.terms.seller
                signatures = known.get(buyer, ""), known.get(seller, "")
                agreement = Agreement(
                    self.id, offer.digest, offer.terms, offer.subject, *signatures
                )
                return self.agreement or agreement
        return None

    def reject(self, reason: Reason = Reason.UNSPECIFIED) -> None:
        """Answer no, which ends the talk."""
        self._say(self._means.signer.rejection(self.id, self.negotiation.head, reason))

    def withdraw(self, reason: Reason = Reason.UNSPECIFIED) -> None:
        """Leave; offers already signed stay executable until they expire."""
        self._say(self._means.signer.withdrawal(self.id, self.negotiation.head, reason))

    def dismiss(self, reason: Reason) -> None:
        """End the talk whosever turn it is, if it is open: a rejection, else a withdrawal."""
        while self.sync() in OPEN_STATES:
            # Refused where the other side's word came in between: read it, and say it again.
            with suppress(WrongPrevious, WrongTurn, EventRefused):
                (self.reject if self.my_turn else self.withdraw)(reason)

    def put(self, data: bytes) -> Digest:
        """Leave bytes for the counterparty; returns their SHA-256."""
        return self._means.put(self.id, data)

    def get(self, artifact: Digest) -> bytes:
        """The counterparty's bytes of this SHA-256."""
        return self._means.get(self.id, artifact)

    def now(self) -> int:
        """The later of wall clock and chain clock: what must come later comes after both."""
        return max(self._means.signer.clock.now(), self._means.chain.now())

    def _require_turn(self) -> None:
        # Asked before anything is signed; the machine asks again with the message in hand.
        address, turn = self._means.signer.address, self.negotiation.turn
        if address != turn:
            raise WrongTurn(address, turn)

    def _terms(self, subject: Subject, open_for: int) -> Terms:
        rules, invitation = self.content.settlement, self.negotiation.invitation
        seller_nonce, seller_epoch = self._sellers_mark(subject.outcome[QUANTITY])
        return Terms(
            buyer=invitation.buyer,
            seller=invitation.seller,
            token=rules.token,
            price=subject.price,
            fee_bps=rules.fee_bps,
            fee_recipient=rules.fee_recipient,
            rail=rules.rail,
            open_by=self.now() + open_for,
            subject=subject.digest,
            previous=self.negotiation.head,
            buyer_nonce=invitation.buyer_nonce,
            seller_nonce=seller_nonce,
            buyer_epoch=invitation.buyer_epoch,
            seller_epoch=seller_epoch,
            bond=rules.bond(subject.price),
            delivery_window=subject.outcome[DELIVERY_WINDOW],
            review_window=rules.review_window,
            notice_window=rules.notice_window,
            voucher_signer=ZERO_ADDRESS,
            arbiter=rules.arbiter,
            arbiter_fee=rules.arbiter_fee,
            arbitration_window=rules.arbitration_window,
            default_seller_bps=rules.default_seller_bps,
            goods=ZERO_DIGEST,
            bundle=ZERO_DIGEST,
        )

    def _sellers_mark(self, units: int) -> tuple[int, int]:
        # The seller's first offer brings its nonce and epoch; everything after repeats them.
        if self.negotiation.offers:
            first = self.negotiation.offers[0].terms
            return first.seller_nonce, first.seller_epoch
        signer = self._means.signer
        return signer.nonce(self.id, units), self._means.chain.epoch(signer.address)

    def _say(self, message: Message) -> None:
        after = self._advanced(message)
        receipt = self._means.registry.submit(self._outward(message).to_json())
        if receipt.sequence == self.negotiation.length:
            self.negotiation, self._index = after, receipt.index
        else:
            # A withdrawal crossed it: read both in the registry's order.
            self.sync()

    def _advanced(self, message: Message) -> Negotiation:
        # On our own machine first, so that nothing is sent that the rules refuse.
        return advance(self.negotiation, message, self._means.signer.clock.now())

    def _take(self, view: Heard | None) -> None:
        if view is None or view.thread != self.id or view.sequence < self.negotiation.length:
            return
        if view.kind == TIMEOUT:
            self.negotiation = time_out(self.negotiation, view.at)
        else:
            self.negotiation = self._heard(view)
        self._index = view.index

    def _heard(self, view: Heard) -> Negotiation:
        message = parse_message(view.message, self._means.signer.domain)
        if message.sealed is None and not (self.confidential and message.kind is Kind.OFFER):
            return advance(self.negotiation, message, view.at)
        try:
            if message.sealed is None:
                raise RuleMixed("open", "sealed")
            self.confidential = True
            return advance(self.negotiation, self._means.boxes.open(message), view.at)
        except ParleyError as error:
            # Whatever it is, it stands in the talk: what follows answers it.
            self._unread = error
            return unread(self.negotiation, message)

    def _leave_unread(self) -> None:
        if self._unread is not None and self.state in OPEN_STATES:
            self.withdraw(Reason.UNACCEPTABLE)

    def _choose(self) -> None:
        # Who makes the first offer decides whether the talk is confidential.
        boxes, other = self._means.boxes, self.negotiation.other(self._means.signer.address)
        if self.confidential:
            # Before anything is signed: what cannot be sealed is not said.
            boxes.key_of(other)
        elif not self.negotiation.offers and boxes.ready:
            with suppress(EncryptionKeyMissing):
                boxes.key_of(other)
                self.confidential = True

    def _outward(self, message: Message) -> Message:
        if not self.confidential or message.kind is not Kind.OFFER:
            return message
        return self._means.boxes.seal(message, self.negotiation.other(message.signer))
