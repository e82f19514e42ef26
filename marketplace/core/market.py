"""The market: what a log has made true, rebuilt word by word.

``take`` is the registry's own rules on the whole log, without its indexes: each listing,
card and negotiation by the machine that made it. An auditor runs it over public bytes;
what it refuses, an honest registry would not have logged.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from marketplace.core.card import Card
from marketplace.core.entry import Logged
from marketplace.core.errors import MandateRevoked, ValueMalformed
from marketplace.core.identity import Delegation, Revocation
from marketplace.core.listing import Listing
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation, advance, begin, time_out
from marketplace.core.request import Quotation, Request
from marketplace.core.values import ZERO_DIGEST, Digest
from marketplace.core.words import Invitation, Kind


@dataclass
class Market:
    """Every thread of the log so far.

    Attributes:
        seen: the keys of all messages.
        words: what may be named by a later word: listings, cards, requests.
        replaced: of listings and cards, by which one.
        negotiations: each as its words have made it.
        last_at: when the last word of a thread was received.
        revoked: delegations that ended early, and when.
        hidden: digests of words whose bodies were not shown.
    """

    seen: set[str] = field(default_factory=set)
    words: dict[Digest, Message] = field(default_factory=dict)
    replaced: dict[Digest, Digest] = field(default_factory=dict)
    negotiations: dict[Digest, Negotiation] = field(default_factory=dict)
    last_at: dict[Digest, int] = field(default_factory=dict)
    revoked: dict[Digest, int] = field(default_factory=dict)
    hidden: set[Digest] = field(default_factory=set)

    def take(self, message: Message, at: int) -> None:
        """One more message; raises why an honest log cannot have it here."""
        if message.key in self.seen:
            raise ValueMalformed("message", message.key[:60], "each message once")
        self._check_mandate(message, at)
        _TAKE.get(message.kind, Market._word)(self, message, at)
        self.last_at[message.negotiation or message.digest] = at
        self.seen.add(message.key)

    def take_timeout(self, noted: Logged) -> None:
        """The registry's note that a deadline has passed."""
        thread = str(noted.thread)
        known = self._negotiation(thread)
        self._check_time(thread, noted.at)
        self.negotiations[thread] = time_out(known, noted.at)
        self.last_at[thread] = noted.at

    def _card(self, message: Message, at: int) -> None:
        if isinstance(message.body, Card):
            self._replace(message, message.body.agent, message.body.replaces, at)

    def _listing(self, message: Message, at: int) -> None:
        if isinstance(message.body, Listing):
            self._replace(message, message.body.seller, message.body.replaces, at)

    def _replace(self, message: Message, owner: str, replaces: Digest, at: int) -> None:
        _check_owner(message, owner)
        if replaces != ZERO_DIGEST:
            old = self._current(replaces, message.kind)
            if old.signer != owner:
                raise ValueMalformed("replaces", replaces, f"a {message.kind} of the same agent")
            self._check_time(replaces, at)
            self.replaced[replaces] = message.digest
        self.words[message.digest] = message

    def _delegation(self, message: Message, _at: int) -> None:
        if isinstance(message.body, Delegation):
            _check_owner(message, message.body.principal)

    def _revocation(self, message: Message, at: int) -> None:
        if isinstance(message.body, Revocation):
            _check_owner(message, message.body.principal)
            self.revoked.setdefault(message.body.delegation, at)

    def _request(self, message: Message, _at: int) -> None:
        if isinstance(message.body, Request):
            _check_owner(message, message.body.buyer)
        self.words[message.digest] = message

    def _quotation(self, message: Message, at: int) -> None:
        body = message.body
        if not isinstance(body, Quotation):
            return
        _check_owner(message, body.seller)
        asked = self._current(body.request, Kind.REQUEST).body
        if isinstance(asked, Request) and at >= asked.expires_at:
            raise ValueMalformed("received_at", str(at), f"before {asked.expires_at}")
        _check_owner(self._current(body.listing, Kind.LISTING), body.seller)

    def _invitation(self, message: Message, at: int) -> None:
        if isinstance(message.body, Invitation):
            listed = self._current(message.body.listing, Kind.LISTING)
            self.negotiations[message.digest] = begin(message, listed, at)

    def _word(self, message: Message, at: int) -> None:
        thread = str(message.negotiation)
        known = self._negotiation(thread)
        self._check_time(thread, at)
        self.negotiations[thread] = advance(known, message, at)

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

    def _check_time(self, before: Digest, at: int) -> None:
        last = self.last_at.get(before, 0)
        if at < last:
            raise ValueMalformed("received_at", str(at), f"at least {last}")

    def _check_mandate(self, message: Message, at: int) -> None:
        if message.mandate is None or message.kind is Kind.REVOCATION:
            return
        message.mandate.check_time(at)
        named = message.mandate.digest(message.domain)
        revoked_at = self.revoked.get(named)
        if revoked_at is not None and at >= revoked_at:
            raise MandateRevoked(named, revoked_at)


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
