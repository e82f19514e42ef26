"""The market: what a log has made true, rebuilt word by word.

``take`` is the registry's own rules on the whole log, without its indexes: each listing,
card and negotiation by the machine that made it. An auditor runs it over public bytes;
what it refuses, an honest registry would not have logged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from marketplace.core.card import Card
from marketplace.core.entry import TIMEOUT, Logged
from marketplace.core.errors import (
    DomainMismatch,
    MandateRevoked,
    NotAParty,
    RequestExpired,
    ValueMalformed,
)
from marketplace.core.identity import Delegation, Revocation
from marketplace.core.listing import Listing
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation, advance, begin, time_out
from marketplace.core.request import Quotation, Request
from marketplace.core.values import ZERO_DIGEST, Address, Digest
from marketplace.core.words import Invitation, Kind


@dataclass
class Market:
    """Every thread of the log so far.

    Attributes:
        seen: the keys of all messages.
        words: what may be named by a later word: listings, cards, requests.
        replaced: of listings and cards, by which one.
        cards: of each agent, the current one.
        threads: of each listing, the first version, which names all.
        negotiations: each as its words have made it.
        last_at: when the last word of a thread was received.
        revoked: the revocations, by digest, and when each was received.
        hidden: digests of words whose bodies were not shown, of those that hang on one, and
            the negotiations that have such words.
    """

    seen: set[str] = field(default_factory=set)
    words: dict[Digest, Message] = field(default_factory=dict)
    replaced: dict[Digest, Digest] = field(default_factory=dict)
    cards: dict[Address, Digest] = field(default_factory=dict)
    threads: dict[Digest, Digest] = field(default_factory=dict)
    negotiations: dict[Digest, Negotiation] = field(default_factory=dict)
    last_at: dict[str, int] = field(default_factory=dict)
    revoked: dict[Digest, int] = field(default_factory=dict)
    hidden: set[Digest] = field(default_factory=set)

    def take(self, message: Message, at: int) -> None:
        """One more message; raises why an honest log cannot have it here."""
        self._check_new(message.key)
        self._check_mandate(message, at)
        thread = self._thread(message)
        self._check_time(thread, at)
        _TAKE.get(message.kind, Market._word)(self, message, at)
        self._took(message.key, thread, at)

    def take_hidden(self, message: Message, at: int) -> None:
        """One more message whose inside is not known, or that hangs on what is not known."""
        self._check_new(message.key)
        self._check_mandate(message, at)
        thread = message.negotiation or message.digest
        self._check_time(thread, at)
        if message.kind is Kind.REVOCATION:
            # Its digest says all that there is to it.
            self.revoked.setdefault(message.digest, at)
        self.hidden |= {message.digest, thread}
        self._took(message.key, thread, at)

    def take_timeout(self, noted: Logged) -> None:
        """The registry's note that a deadline has passed."""
        thread, key = str(noted.thread), f"{TIMEOUT}:{noted.thread}"
        self._check_new(key)
        self._check_time(thread, noted.at)
        if noted.at < noted.deadline:
            raise ValueMalformed("received_at", str(noted.at), f"at least {noted.deadline}")
        if thread not in self.hidden:
            known = self._negotiation(thread)
            deadline = known.invitation.deadline
            if noted.deadline != deadline:
                raise ValueMalformed(
                    "deadline", str(noted.deadline), f"the invitation's {deadline}"
                )
            self.negotiations[thread] = time_out(known, noted.at)
        self._took(key, thread, noted.at)

    def hangs_on_hidden(self, message: Message) -> bool:
        """Whether it names a word of which nobody can say what it says."""
        return not self.hidden.isdisjoint(_names(message) - {ZERO_DIGEST})

    def _thread(self, message: Message) -> str:
        """What orders the message: its own kind's thread, as the registry keeps it."""
        match message.body:
            case Card() | Delegation() | Revocation():
                return message.signer
            case Listing() as header:
                return self.threads.get(header.replaces, message.digest)
            case Quotation() as answer:
                return answer.request
        return message.negotiation or message.digest

    def _card(self, message: Message, _at: int) -> None:
        if not isinstance(message.body, Card):
            return
        _check_owner(message, message.body.agent)
        current = self.cards.get(message.signer, ZERO_DIGEST)
        if message.body.replaces != current:
            raise ValueMalformed("replaces", message.body.replaces, f"the current card, {current}")
        self.cards[message.signer] = message.digest

    def _listing(self, message: Message, _at: int) -> None:
        if not isinstance(message.body, Listing):
            return
        seller, replaces = message.body.seller, message.body.replaces
        _check_owner(message, seller)
        if replaces != ZERO_DIGEST:
            old = self._current(replaces, message.kind)
            if old.signer != seller:
                raise ValueMalformed("replaces", replaces, "a listing of the same agent")
            self.replaced[replaces] = message.digest
        self.threads[message.digest] = self._thread(message)
        self.words[message.digest] = message

    def _delegation(self, message: Message, _at: int) -> None:
        if isinstance(message.body, Delegation):
            _check_owner(message, message.body.principal)

    def _revocation(self, message: Message, at: int) -> None:
        if isinstance(message.body, Revocation):
            _check_owner(message, message.body.principal)
            self.revoked.setdefault(message.digest, at)

    def _request(self, message: Message, _at: int) -> None:
        if isinstance(message.body, Request):
            _check_owner(message, message.body.buyer)
        self.words[message.digest] = message

    def _quotation(self, message: Message, at: int) -> None:
        body = message.body
        if isinstance(body, Quotation):
            asked = self._current(body.request, Kind.REQUEST)
            listed = self._current(body.listing, Kind.LISTING)
            check_quotation(message, asked, listed, at)

    def _invitation(self, message: Message, at: int) -> None:
        if isinstance(message.body, Invitation):
            listed = self._current(message.body.listing, Kind.LISTING)
            self.negotiations[message.digest] = begin(message, listed, at)

    def _word(self, message: Message, at: int) -> None:
        thread = str(message.negotiation)
        self.negotiations[thread] = advance(self._negotiation(thread), message, at)

    def _negotiation(self, thread: Digest) -> Negotiation:
        known = self.negotiations.get(thread)
        if known is None:
            raise ValueMalformed("negotiation", thread, "one that was logged before")
        return known

    def _current(self, digest: Digest, kind: Kind) -> Message:
        if digest in self.replaced:
            by = self.replaced[digest]
            raise ValueMalformed(kind, digest, f"not replaced, as by {by}")
        found = self.words.get(digest)
        if found is None or found.kind is not kind:
            raise ValueMalformed(kind, digest, "one that was logged before")
        return found

    def _took(self, key: str, thread: str, at: int) -> None:
        self.last_at[thread] = at
        self.seen.add(key)

    def _check_new(self, key: str) -> None:
        if key in self.seen:
            raise ValueMalformed("message", key[:60], "each message once")

    def _check_time(self, thread: str, at: int) -> None:
        last = self.last_at.get(thread, 0)
        if at < last:
            raise ValueMalformed("received_at", str(at), f"at least {last}")

    def _check_mandate(self, message: Message, at: int) -> None:
        if message.mandate is None or message.kind is Kind.REVOCATION:
            return
        message.mandate.check_time(at)
        # A revocation is its principal's in one domain: no other's ends this delegation.
        named = message.mandate.digest(message.domain)
        revoked_at = self.revoked.get(Revocation(message.signer, named).digest(message.domain))
        if revoked_at is not None and at >= revoked_at:
            raise MandateRevoked(named, revoked_at)


def check_quotation(message: Message, asked: Message, listed: Message, at: int) -> None:
    """Raise unless a quotation answers an open request with its seller's own listing.

    All three are of one domain: the buyer could not invite on a listing of another.

    Args:
        message: the quotation.
        asked: the request that it names.
        listed: the listing that it names, still its seller's current one.
        at: the registry's receipt time.
    """
    for named in (asked, listed):
        if named.domain != message.domain:
            raise DomainMismatch(message.domain.separator_hex, named.domain.separator_hex)
    if isinstance(message.body, Quotation) and message.signer != message.body.seller:
        raise NotAParty(message.signer, message.body.seller)
    if isinstance(asked.body, Request) and at >= asked.body.expires_at:
        raise RequestExpired(asked.body.expires_at, at)
    if listed.signer != message.signer:
        raise NotAParty(message.signer, listed.signer)


def _names(message: Message) -> set[Digest]:
    match message.body:
        case Invitation() as invitation:
            return {invitation.listing}
        case Card() | Listing() as header:
            return {header.replaces}
        case Quotation() as quotation:
            return {quotation.request, quotation.listing}
    return {message.negotiation} if message.negotiation else set()


def _check_owner(message: Message, owner: str) -> None:
    if message.signer != owner:
        raise ValueMalformed("signer", message.signer, f"whose word it is: {owner}")


_TAKE: dict[Kind, Callable[[Market, Message, int], None]] = {
    Kind.CARD: Market._card,  # noqa: SLF001 the class's own table
    Kind.DELEGATION: Market._delegation,  # noqa: SLF001
    Kind.REVOCATION: Market._revocation,  # noqa: SLF001
    Kind.LISTING: Market._listing,  # noqa: SLF001
    Kind.REQUEST: Market._request,  # noqa: SLF001
    Kind.QUOTATION: Market._quotation,  # noqa: SLF001
    Kind.INVITATION: Market._invitation,  # noqa: SLF001
}
