"""The negotiation machine: alternating offers, as one pure function.

``begin`` makes a negotiation from an invitation, ``advance`` takes the next signed
message, ``as_of`` says what silence has made of it. The registry, both agents and the
auditor run these same functions, so they cannot disagree about a state.

States and messages (``TRANSITIONS``; docs/protocol.md shows the same table)::

    INIT        offer → PROPOSED     rejection, withdrawal → TERMINATED
    PROPOSED    offer → COUNTER      acceptance → ACCEPTED   rejection, withdrawal → TERMINATED
    COUNTER     offer → COUNTER      acceptance → ACCEPTED   rejection, withdrawal → TERMINATED
    TERMINATED  acceptance → ACCEPTED
    ACCEPTED, FAILED: nothing follows; an escalation leaves an open state as it is

The rules, in the order in which they are asked:

1. The signer is a party, in the negotiation's domain, and a delegate's mandate holds.
2. The deadline has not passed; after it every open state reads as FAILED.
3. The state allows the kind of message. An acceptance is possible even after a
   withdrawal or rejection: the offer it signs is still executable on chain, and what
   the chain would do, the registry does not deny.
4. Offers, acceptances, rejections and escalations come in turn; only a withdrawal may
   not. Whose turn it is says once an offer that a human decides.
5. The message answers the head (``previous``); an acceptance names the head itself.
6. At most ``max_rounds`` offers.
7. An offer's outcome is in the listing's space.
8. Its terms keep the parties, nonces and epochs, the listing and its settlement rules
   that the negotiation began with, and they could be opened and ended.
9. An offer that changes nothing but the unit price moves it by ``min_improvement``.
10. An accepted offer has not expired.

A confidential offer (``Sealed``) is judged by the rules 1 to 6 and 10 wherever its inside
is not known, and by all of them where it is. A negotiation is confidential from its first
offer to its last, or not at all.

TERMINATED and FAILED are provisional until ``last_open_by``: whoever holds a signed
offer and signs it too can still open it in the escrow.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from marketplace.core import version1
from marketplace.core.agreement import Agreement
from marketplace.core.binding import check_bound, check_improvement
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    DeadlinePassed,
    DeadlineRefused,
    DomainMismatch,
    EscalationRepeated,
    EventRefused,
    ListingClosed,
    ListingExpired,
    NotAParty,
    OpenExpired,
    PartiesEqual,
    RoundsExhausted,
    RoundsRefused,
    RuleMixed,
    TermsDisagree,
    WrongPrevious,
    WrongTurn,
)
from marketplace.core.feasibility import check_feasible
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Message
from marketplace.core.outcome import Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST, Address, Digest
from marketplace.core.words import Escalation, Invitation, Kind, Reason, Rejection, Withdrawal

LONGEST_NEGOTIATION = 30 * 24 * 3600
MOST_ROUNDS = 1_000


class State(StrEnum):
    """Where a negotiation stands."""

    INIT = "INIT"
    PROPOSED = "PROPOSED"
    COUNTER = "COUNTER"
    ACCEPTED = "ACCEPTED"
    TERMINATED = "TERMINATED"
    FAILED = "FAILED"


OPEN_STATES = (State.INIT, State.PROPOSED, State.COUNTER)

TRANSITIONS: dict[tuple[State, Kind], State] = {
    (State.INIT, Kind.OFFER): State.PROPOSED,
    (State.INIT, Kind.REJECTION): State.TERMINATED,
    (State.INIT, Kind.WITHDRAWAL): State.TERMINATED,
    (State.PROPOSED, Kind.OFFER): State.COUNTER,
    (State.PROPOSED, Kind.ACCEPTANCE): State.ACCEPTED,
    (State.PROPOSED, Kind.REJECTION): State.TERMINATED,
    (State.PROPOSED, Kind.WITHDRAWAL): State.TERMINATED,
    (State.COUNTER, Kind.OFFER): State.COUNTER,
    (State.COUNTER, Kind.ACCEPTANCE): State.ACCEPTED,
    (State.COUNTER, Kind.REJECTION): State.TERMINATED,
    (State.COUNTER, Kind.WITHDRAWAL): State.TERMINATED,
    (State.TERMINATED, Kind.ACCEPTANCE): State.ACCEPTED,
    (State.PROPOSED, Kind.ESCALATION): State.PROPOSED,
    (State.COUNTER, Kind.ESCALATION): State.COUNTER,
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposed outcome under its signer's signature."""

    signer: Address
    digest: Digest
    terms: Terms
    subject: Subject
    signature: str

    @property
    def open_by(self) -> int:
        """The instant from which it can no longer be opened."""
        return self.terms.open_by


@dataclass(frozen=True, slots=True)
class SealedOffer:
    """A confidential offer as one sees it who cannot look inside."""

    signer: Address
    digest: Digest
    open_by: int
    signature: str


@dataclass(frozen=True, slots=True)
class Negotiation:
    """Everything that the messages so far have made true.

    Attributes:
        id: the invitation's digest.
        domain: of all its messages.
        invitation: the rules of the talk.
        content: what the listing says.
        state: as of the last message; see ``as_of`` for what silence adds.
        turn: who may make, accept or reject the next offer.
        head: the digest that the next message must answer.
        offers: every offer made, in order, as far as one sees inside.
        sealed: every offer made, in order, where one does not.
        length: how many messages there were.
        agreement: once ACCEPTED, where one sees inside.
        escalated: the head on which its reader asks a human.
        reason: what who left gave as its reason, a ``Reason`` or a later version's.
    """

    id: Digest
    domain: Domain
    invitation: Invitation
    content: Content
    state: State
    turn: Address
    head: Digest
    offers: tuple[Offer, ...] = ()
    sealed: tuple[SealedOffer, ...] = ()
    length: int = 1
    agreement: Agreement | None = None
    escalated: Digest = ZERO_DIGEST
    reason: int = Reason.UNSPECIFIED

    @property
    def standing(self) -> Offer | None:
        """The offer on the table, where one sees inside."""
        return self.offers[-1] if self.offers else None

    @property
    def rounds(self) -> int:
        """How many offers were made."""
        return len(self.offers) + len(self.sealed)

    @property
    def agreed(self) -> Digest | None:
        """The digest that both have signed, once ACCEPTED."""
        return self.head if self.state is State.ACCEPTED else None

    @property
    def last_open_by(self) -> int:
        """Until when some signed offer could still be opened on chain."""
        known = (offer.open_by for offer in self.offers)
        return max((*known, *(offer.open_by for offer in self.sealed)), default=0)

    def other(self, party: Address) -> Address:
        """The counterparty."""
        buyer, seller = self.invitation.buyer, self.invitation.seller
        return seller if party == buyer else buyer

    def last_offer_of(self, party: Address) -> Offer | None:
        """The party's latest offer."""
        return next((o for o in reversed(self.offers) if o.signer == party), None)


def begin(message: Message, listed: Message, at: int) -> Negotiation:
    """A negotiation from a buyer's invitation to a listing.

    Args:
        message: the invitation.
        listed: the listing that it names, still the seller's current one.
        at: the registry's receipt time.
    """
    invitation, header, content = message.body, listed.body, listed.detail
    if not isinstance(invitation, Invitation):
        raise EventRefused(message.kind, "none")
    if not (isinstance(header, Listing) and isinstance(content, Content)):
        raise EventRefused(listed.kind, "none")
    _check_domain(message, listed.domain)
    if invitation.listing != listed.digest:
        raise TermsDisagree("listing", invitation.listing, listed.digest)
    _check_invitation(message, invitation, header, at)
    if content.capacity == 0:
        raise ListingClosed(invitation.listing)
    return Negotiation(
        id=message.digest,
        domain=message.domain,
        invitation=invitation,
        content=content,
        state=State.INIT,
        turn=invitation.seller,
        head=message.digest,
    )


def _check_invitation(message: Message, invitation: Invitation, header: Listing, at: int) -> None:
    if message.signer != invitation.buyer:
        raise NotAParty(message.signer, invitation.buyer)
    if message.mandate is not None:
        message.mandate.check_time(at)
    if invitation.seller != header.seller:
        raise TermsDisagree("seller", invitation.seller, header.seller)
    if invitation.buyer == invitation.seller:
        raise PartiesEqual(invitation.buyer, invitation.seller)
    if at >= header.expires_at:
        raise ListingExpired(header.expires_at, at)
    if not at < invitation.deadline <= at + LONGEST_NEGOTIATION:
        raise DeadlineRefused(invitation.deadline, at + LONGEST_NEGOTIATION)
    if not 1 <= invitation.max_rounds <= MOST_ROUNDS:
        raise RoundsRefused(invitation.max_rounds, MOST_ROUNDS)


def as_of(negotiation: Negotiation, now: int) -> State:
    """The state at an instant: a timeout is not a message, it follows from the clock."""
    if negotiation.state in OPEN_STATES and now >= negotiation.invitation.deadline:
        return State.FAILED
    return negotiation.state


def time_out(negotiation: Negotiation, at: int) -> Negotiation:
    """The negotiation after the registry has noted that its deadline passed in silence.

    The note says what ``as_of`` says without it; it is there so that whoever follows the
    events hears of it.
    """
    if negotiation.state not in OPEN_STATES or at < negotiation.invitation.deadline:
        raise EventRefused("timeout", negotiation.state)
    return replace(negotiation, state=State.FAILED, length=negotiation.length + 1)


def advance(negotiation: Negotiation, message: Message, at: int) -> Negotiation:
    """The negotiation after one more message; raises the rule that refuses it.

    Args:
        negotiation: what the messages so far have made.
        message: the next word, its signature already proved.
        at: the registry's receipt time.
    """
    _check_domain(message, negotiation.domain)
    _check_party(negotiation, message)
    if message.mandate is not None:
        message.mandate.check_time(at)
    if at >= negotiation.invitation.deadline:
        raise DeadlinePassed(negotiation.invitation.deadline, at)
    following = TRANSITIONS.get((negotiation.state, message.kind))
    if following is None:
        raise EventRefused(message.kind, negotiation.state)
    _check_turn(negotiation, message)
    _check_chain(negotiation, message)
    after = partial(replace, negotiation, state=following, length=negotiation.length + 1)
    match message.kind, message.body:
        case Kind.OFFER, _:
            turn, offers, sealed = _offered(negotiation, message, at)
            return after(turn=turn, head=message.digest, offers=offers, sealed=sealed)
        case Kind.ACCEPTANCE, _:
            return after(agreement=_agree(negotiation, message, at))
        case _, Escalation():
            return after(escalated=_escalated(negotiation, message))
        case _, Rejection() | Withdrawal() as word:
            return after(reason=word.reason)
        case _:
            return after()


def _offered(
    negotiation: Negotiation, message: Message, at: int
) -> tuple[Address, tuple[Offer, ...], tuple[SealedOffer, ...]]:
    """Whose turn it is after an offer, and the offers with it."""
    if negotiation.rounds >= negotiation.invitation.max_rounds:
        raise RoundsExhausted(negotiation.rounds, negotiation.invitation.max_rounds)
    terms, subject, signer = message.terms, message.detail, message.signer
    turn = negotiation.other(signer)
    if message.sealed is not None:
        if negotiation.offers:
            raise RuleMixed("sealed", "open")
        if at >= message.sealed.open_by:
            raise OpenExpired(message.sealed.open_by, at)
        closed = SealedOffer(signer, message.digest, message.sealed.open_by, message.signature)
        return turn, (), (*negotiation.sealed, closed)
    if terms is None or not isinstance(subject, Subject):
        raise EventRefused(message.kind, negotiation.state)
    if negotiation.sealed:
        raise RuleMixed("open", "sealed")
    offer = Offer(signer, message.digest, terms, subject, message.signature)
    _check_offer(negotiation, offer, at)
    return turn, (*negotiation.offers, offer), ()


def unread(negotiation: Negotiation, message: Message) -> Negotiation:
    """The negotiation after an offer that its reader cannot read: all it can do is leave."""
    following = TRANSITIONS.get((negotiation.state, message.kind))
    if following is None:
        raise EventRefused(message.kind, negotiation.state)
    _check_turn(negotiation, message)
    turn = negotiation.other(message.signer)
    length = negotiation.length + 1
    return replace(negotiation, state=following, turn=turn, head=message.digest, length=length)


def _escalated(negotiation: Negotiation, message: Message) -> Digest:
    if negotiation.escalated == negotiation.head:
        raise EscalationRepeated(message.signer, negotiation.head)
    return negotiation.head


def _check_domain(message: Message, domain: Domain) -> None:
    if message.domain is not domain and message.domain != domain:
        raise DomainMismatch(message.domain.separator_hex, domain.separator_hex)


def _check_party(negotiation: Negotiation, message: Message) -> None:
    parties = negotiation.invitation.buyer, negotiation.invitation.seller
    if message.signer not in parties:
        raise NotAParty(message.signer, " ".join(parties))


def _check_turn(negotiation: Negotiation, message: Message) -> None:
    if message.kind is not Kind.WITHDRAWAL and message.signer != negotiation.turn:
        raise WrongTurn(message.signer, negotiation.turn)


def _check_chain(negotiation: Negotiation, message: Message) -> None:
    match message.body:
        case Terms() | Rejection() | Withdrawal() | Escalation() as word:
            answered = word.previous
        case version1.Terms() | version1.Rejection() | version1.Withdrawal() as word:
            answered = word.previous
        case _:
            answered = message.sealed.previous if message.sealed else message.digest
    if answered != negotiation.head:
        raise WrongPrevious(answered, negotiation.head)


def _check_offer(negotiation: Negotiation, offer: Offer, at: int) -> None:
    negotiation.content.space.check(offer.subject.outcome)
    first = negotiation.offers[0].terms if negotiation.offers else None
    invitation, terms, subject = negotiation.invitation, offer.terms, offer.subject
    check_bound(invitation, negotiation.content, first, terms, subject)
    check_feasible(terms, at)
    last = negotiation.last_offer_of(offer.signer)
    if last is not None:
        buying = offer.signer == invitation.buyer
        check_improvement(invitation, last.subject, subject, buying=buying)


def _agree(negotiation: Negotiation, message: Message, at: int) -> Agreement | None:
    if negotiation.sealed:
        if at >= negotiation.sealed[-1].open_by:
            raise OpenExpired(negotiation.sealed[-1].open_by, at)
        return None
    offer = negotiation.standing
    if offer is None:
        raise EventRefused(message.kind, negotiation.state)
    if at >= offer.terms.open_by:
        raise OpenExpired(offer.terms.open_by, at)
    signatures = {offer.signer: offer.signature, message.signer: message.signature}
    return Agreement(
        negotiation=negotiation.id,
        digest=offer.digest,
        terms=offer.terms,
        subject=offer.subject,
        buyer_signature=signatures[offer.terms.buyer],
        seller_signature=signatures[offer.terms.seller],
    )
