"""The negotiation machine: alternating offers, as one pure function.

``begin`` makes a negotiation from an invitation, ``advance`` takes the next signed
message, ``as_of`` says what silence has made of it. The registry, both agents and the
auditor run these same functions, so they cannot disagree about a state.

States and messages (``TRANSITIONS``; docs/protocol.md shows the same table)::

    INIT        offer → PROPOSED     rejection, withdrawal → TERMINATED
    PROPOSED    offer → COUNTER      acceptance → ACCEPTED   rejection, withdrawal → TERMINATED
    COUNTER     offer → COUNTER      acceptance → ACCEPTED   rejection, withdrawal → TERMINATED
    TERMINATED  acceptance → ACCEPTED
    ACCEPTED, FAILED: nothing follows

The rules, in the order in which they are asked:

1. The signer is a party.
2. The deadline has not passed; after it every open state reads as FAILED.
3. The state allows the kind of message. An acceptance is possible even after a
   withdrawal or rejection: the offer it signs is still executable on chain, and what
   the chain would do, the registry does not deny.
4. Offers, acceptances and rejections come in turn; only a withdrawal may not.
5. The message answers the head (``previous``); an acceptance names the head itself.
6. At most ``max_rounds`` offers.
7. An offer's outcome is in the listing's space.
8. Its terms keep the parties, nonces and epochs, the listing and its settlement rules
   that the negotiation began with, and they could be opened and ended.
9. An offer that changes nothing but the unit price moves it by ``min_improvement``.
10. An accepted offer has not expired.

TERMINATED and FAILED are provisional until ``last_open_by``: whoever holds a signed
offer and signs it too can still open it in the escrow.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from marketplace.core.agreement import Agreement
from marketplace.core.errors import (
    DeadlinePassed,
    DeadlineRefused,
    EventRefused,
    ListingClosed,
    ListingExpired,
    NoImprovement,
    NotAParty,
    OpenExpired,
    PartiesEqual,
    RoundsExhausted,
    RoundsRefused,
    TermsDisagree,
    WrongPrevious,
    WrongTurn,
)
from marketplace.core.feasibility import check_feasible
from marketplace.core.listing import Content, Listing
from marketplace.core.message import (
    Invitation,
    Kind,
    Message,
    Reason,
    Rejection,
    Withdrawal,
)
from marketplace.core.outcome import DELIVERY_WINDOW, UNIT_PRICE, Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, Address, Digest

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
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposed outcome under its signer's signature."""

    signer: Address
    digest: Digest
    terms: Terms
    subject: Subject
    signature: str


@dataclass(frozen=True, slots=True)
class Negotiation:
    """Everything that the messages so far have made true.

    Attributes:
        id: the invitation's digest.
        invitation: the rules of the talk.
        listing: digest of the listing, and ``content`` what it says.
        state: as of the last message; see ``as_of`` for what silence adds.
        turn: who may make, accept or reject the next offer.
        head: the digest that the next message must answer.
        offers: every offer made, in order.
        length: how many messages there were.
        agreement: once ACCEPTED.
        reason: what who left gave as its reason, a ``Reason`` or a later version's.
    """

    id: Digest
    invitation: Invitation
    content: Content
    state: State
    turn: Address
    head: Digest
    offers: tuple[Offer, ...] = ()
    length: int = 1
    agreement: Agreement | None = None
    reason: int = Reason.UNSPECIFIED

    @property
    def standing(self) -> Offer | None:
        """The offer on the table."""
        return self.offers[-1] if self.offers else None

    @property
    def last_open_by(self) -> int:
        """Until when some signed offer could still be opened on chain."""
        return max((offer.terms.open_by for offer in self.offers), default=0)

    def other(self, party: Address) -> Address:
        """The counterparty."""
        buyer, seller = self.invitation.buyer, self.invitation.seller
        return seller if party == buyer else buyer

    def last_offer_of(self, party: Address) -> Offer | None:
        """The party's latest offer."""
        return next((o for o in reversed(self.offers) if o.signer == party), None)


def begin(message: Message, header: Listing, content: Content, at: int) -> Negotiation:
    """A negotiation from a buyer's invitation to a listing.

    Args:
        message: the invitation.
        header: the listing that it names, still the seller's current one.
        content: what the listing says.
        at: the registry's receipt time.
    """
    invitation = message.body
    if not isinstance(invitation, Invitation):
        raise EventRefused(message.kind, "none")
    if message.signer != invitation.buyer:
        raise NotAParty(message.signer, invitation.buyer)
    if invitation.seller != header.seller:
        raise TermsDisagree("seller", invitation.seller, header.seller)
    if invitation.buyer == invitation.seller:
        raise PartiesEqual(invitation.buyer, invitation.seller)
    _check_listed(invitation, header, content, at)
    if not at < invitation.deadline <= at + LONGEST_NEGOTIATION:
        raise DeadlineRefused(invitation.deadline, at + LONGEST_NEGOTIATION)
    if not 1 <= invitation.max_rounds <= MOST_ROUNDS:
        raise RoundsRefused(invitation.max_rounds, MOST_ROUNDS)
    return Negotiation(
        id=message.digest,
        invitation=invitation,
        content=content,
        state=State.INIT,
        turn=invitation.seller,
        head=message.digest,
    )


def _check_listed(invitation: Invitation, header: Listing, content: Content, at: int) -> None:
    if at >= header.expires_at:
        raise ListingExpired(header.expires_at, at)
    if content.capacity == 0:
        raise ListingClosed(invitation.listing)


def as_of(negotiation: Negotiation, now: int) -> State:
    """The state at an instant: a timeout is not a message, it follows from the clock."""
    if negotiation.state in OPEN_STATES and now >= negotiation.invitation.deadline:
        return State.FAILED
    return negotiation.state


def advance(negotiation: Negotiation, message: Message, at: int) -> Negotiation:
    """The negotiation after one more message; raises the rule that refuses it.

    Args:
        negotiation: what the messages so far have made.
        message: the next word, its signature already proved.
        at: the registry's receipt time.
    """
    _check_party(negotiation, message)
    if at >= negotiation.invitation.deadline:
        raise DeadlinePassed(negotiation.invitation.deadline, at)
    following = TRANSITIONS.get((negotiation.state, message.kind))
    if following is None:
        raise EventRefused(message.kind, negotiation.state)
    _check_turn(negotiation, message)
    _check_chain(negotiation, message)
    after = replace(negotiation, state=following, length=negotiation.length + 1)
    match message.kind, message.body, message.detail:
        case Kind.OFFER, Terms() as terms, Subject() as subject:
            offer = Offer(message.signer, message.digest, terms, subject, message.signature)
            _check_offer(negotiation, offer, at)
            turn = negotiation.other(message.signer)
            offers = (*negotiation.offers, offer)
            return replace(after, turn=turn, head=message.digest, offers=offers)
        case Kind.ACCEPTANCE, _, _:
            return replace(after, agreement=_agree(negotiation, message, at))
        case _, (Rejection() | Withdrawal()) as leaving, _:
            return replace(after, reason=leaving.reason)
        case _:
            return after


def _check_party(negotiation: Negotiation, message: Message) -> None:
    parties = negotiation.invitation.buyer, negotiation.invitation.seller
    if message.signer not in parties:
        raise NotAParty(message.signer, " ".join(parties))


def _check_turn(negotiation: Negotiation, message: Message) -> None:
    if message.kind is not Kind.WITHDRAWAL and message.signer != negotiation.turn:
        raise WrongTurn(message.signer, negotiation.turn)


def _check_chain(negotiation: Negotiation, message: Message) -> None:
    match message.body:
        case Terms() | Rejection() | Withdrawal() as word:
            answered = word.previous
        case _:
            answered = message.digest
    if answered != negotiation.head:
        raise WrongPrevious(answered, negotiation.head)


def _check_offer(negotiation: Negotiation, offer: Offer, at: int) -> None:
    if len(negotiation.offers) >= negotiation.invitation.max_rounds:
        raise RoundsExhausted(len(negotiation.offers), negotiation.invitation.max_rounds)
    negotiation.content.space.check(offer.subject.outcome)
    _check_bound(negotiation, offer)
    check_feasible(offer.terms, at)
    _check_improvement(negotiation, offer)


def _check_bound(negotiation: Negotiation, offer: Offer) -> None:
    invitation, settlement = negotiation.invitation, negotiation.content.settlement
    price = offer.subject.price
    expected: dict[str, str | int] = {
        "buyer": invitation.buyer,
        "seller": invitation.seller,
        "buyer_nonce": invitation.buyer_nonce,
        "buyer_epoch": invitation.buyer_epoch,
        "token": settlement.token,
        "price": price,
        "bond": settlement.bond(price),
        "fee_bps": settlement.fee_bps,
        "fee_recipient": settlement.fee_recipient,
        "rail": settlement.rail,
        "review_window": settlement.review_window,
        "notice_window": settlement.notice_window,
        "arbiter": settlement.arbiter,
        "arbiter_fee": settlement.arbiter_fee,
        "arbitration_window": settlement.arbitration_window,
        "default_seller_bps": settlement.default_seller_bps,
        "delivery_window": offer.subject.outcome[DELIVERY_WINDOW],
        # A key of the other side's choice could take the whole price.
        "voucher_signer": ZERO_ADDRESS,
        # A deal that opens only with others would be no agreement of these two.
        "bundle": ZERO_DIGEST,
    }
    first = negotiation.offers[0] if negotiation.offers else None
    if first is not None:
        expected["seller_nonce"] = first.terms.seller_nonce
        expected["seller_epoch"] = first.terms.seller_epoch
    if offer.subject.listing != invitation.listing:
        raise TermsDisagree("listing", offer.subject.listing, invitation.listing)
    for field, value in expected.items():
        signed = getattr(offer.terms, field)
        if signed != value:
            raise TermsDisagree(field, str(signed), str(value))


def _check_improvement(negotiation: Negotiation, offer: Offer) -> None:
    last = negotiation.last_offer_of(offer.signer)
    if last is None or _others(last.subject) != _others(offer.subject):
        return
    step = max(1, negotiation.invitation.min_improvement)
    before, now = last.subject.outcome[UNIT_PRICE], offer.subject.outcome[UNIT_PRICE]
    buying = offer.signer == negotiation.invitation.buyer
    required = before + step if buying else before - step
    if (now < required) if buying else (now > required):
        raise NoImprovement(now, required)


def _others(subject: Subject) -> tuple[object, ...]:
    rest = {name: value for name, value in subject.outcome.items() if name != UNIT_PRICE}
    return rest, dict(subject.delivery)


def _agree(negotiation: Negotiation, message: Message, at: int) -> Agreement:
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
