"""The reception: what an agent's inbox answers, and whom it lets in.

Every word is taken by the rules of ``core.market`` and written down before it is
acknowledged. Who is not known yet may introduce itself and invite, and that not often.
"""

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from marketplace.core.card import Card, CardContent
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    ListingExpired,
    ListingMissing,
    ListingReplaced,
    NegotiationMissing,
    NotAParty,
    RateExceeded,
    ValueMalformed,
)
from marketplace.core.listing import Listing
from marketplace.core.merkle import leaf_hash
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import OPEN_STATES, Negotiation, as_of
from marketplace.core.signature import Signature, recover
from marketplace.core.values import ZERO_DIGEST, Address, Digest, Json, canonical
from marketplace.core.words import Invitation, Kind, Upload
from marketplace.ports.clock import Clock
from marketplace.sdk.book import Book
from marketplace.sdk.shelf import Shelf
from marketplace.sdk.strangers import Strangers
from marketplace.wire.views import DomainView, InfoView, MessageView, Receipt, VersionView

CARD_SECONDS = 30 * 24 * 3600
MOST_OPEN = 1_000
HEARD = frozenset(
    {
        Kind.CARD,
        Kind.INVITATION,
        Kind.OFFER,
        Kind.ACCEPTANCE,
        Kind.REJECTION,
        Kind.WITHDRAWAL,
        Kind.ESCALATION,
    }
)


class Hand(Protocol):
    """A wallet, as far as it is needed here: for one's card and for artifacts."""

    @property
    def address(self) -> Address:
        """The account."""
        ...

    def sign(self, digest: Digest) -> Signature:
        """Sign an EIP-712 digest."""
        ...


class Reception:
    """One agent's book and shelf, and who may add to them or take from them.

    Attributes:
        url: where others reach this agent; set once it is known.
        met: the agents that its human has chosen to know.
    """

    def __init__(
        self, wallet: Hand, domain: Domain, clock: Clock, folder: Path | None = None
    ) -> None:
        self.domain, self.clock, self.url = domain, clock, ""
        self.book = Book(domain, folder / "book.jsonl" if folder else None)
        self.shelf = Shelf(folder / "artifacts" if folder else None)
        self.met: set[Address] = set()
        self._strangers = Strangers()
        self._wallet = wallet

    @property
    def address(self) -> Address:
        """This agent."""
        return self._wallet.address

    def info(self) -> InfoView:
        """The domain to sign in, and this agent's clock."""
        domain, separator = self.domain, self.domain.separator_hex
        told = DomainView.model_validate(domain.to_json())
        version = VersionView(version=domain.version, domain=told, domain_separator=separator)
        return InfoView(
            service="parley agent",
            domain=told,
            domain_separator=separator,
            versions=[version],
            log=None,
            now=self.clock.now(),
        )

    def receive(self, envelope: Json) -> Receipt:
        """Take another's word, by the rules that every word is taken by."""
        message = parse_message(envelope, self.domain)
        with self.book.changed:
            known = self.book.find(message)
            if known is None:
                self._admit(message)
                known = self.book.take(message, self.clock.now())
        return receipt_of(known)

    def own_card(self) -> MessageView:
        """The card that says where this agent is; made where there is none that does."""
        now = self.clock.now()
        with self.book.changed:
            view, message = self.book.cards.get(self.address, (None, None))
            held = message.detail if message else None
            old = held if isinstance(held, CardContent) else CardContent("agent", "", ())
            lasting = message and isinstance(message.body, Card) and message.body.expires_at
            if view and old.endpoint == self.url and now + CARD_SECONDS // 2 < (lasting or 0):
                return view
            content = replace(old, endpoint=self.url)
            replaces = message.digest if message else ZERO_DIGEST
            card = Card(self.address, content.digest, replaces, now + CARD_SECONDS)
            return self.book.take(self._signed(card, content), now)

    def _signed(self, card: Card, content: CardContent) -> Message:
        digest = card.digest(self.domain)
        signature = self._wallet.sign(digest)
        return Message(self.domain, Kind.CARD, None, self.address, digest, signature, card, content)

    def own_listings(self) -> list[MessageView]:
        """This agent's listings that are good now."""
        now = self.clock.now()
        with self.book.changed:
            market = self.book.market
            return [
                self.book.threads[digest][0]
                for digest, message in market.words.items()
                if isinstance(message.body, Listing)
                and message.signer == self.address
                and digest not in market.replaced
                and now < message.body.expires_at
            ]

    def own_listing(self, digest: Digest) -> MessageView:
        """One of this agent's listings, replaced or not."""
        with self.book.changed:
            found = self.book.market.words.get(digest)
            if found is None or found.signer != self.address or found.kind is not Kind.LISTING:
                raise ListingMissing(digest)
            return self.book.threads[digest][0]

    def hand_out(self, negotiation: Digest, artifact: Digest, signature: Signature) -> bytes:
        """What was left here, for a party that signs for it."""
        self.check_party(Upload(negotiation, artifact), signature)
        return self.shelf.take(negotiation, artifact)

    def note(self, message: Message) -> MessageView:
        """Write a word down, once."""
        with self.book.changed:
            known = self.book.find(message)
            return known or self.book.take(message, self.clock.now())

    def negotiation(self, negotiation: Digest) -> Negotiation:
        """A negotiation as its words have made it; raises NegotiationMissing."""
        with self.book.changed:
            known = self.book.market.negotiations.get(negotiation)
        if known is None:
            raise NegotiationMissing(negotiation)
        return known

    def check_party(self, upload: Upload, signature: Signature) -> None:
        """Raise NotAParty unless one of the two signed for an artifact."""
        invitation = self.negotiation(upload.negotiation).invitation
        signer = recover(upload.digest(self.domain), signature)
        if signer not in (invitation.buyer, invitation.seller):
            raise NotAParty(signer, f"{invitation.buyer} {invitation.seller}")

    def _admit(self, message: Message) -> None:
        if message.kind not in HEARD:
            raise ValueMalformed("kind", message.kind, "one of " + ", ".join(sorted(HEARD)))
        if message.kind in (Kind.CARD, Kind.INVITATION) and message.signer not in self.met:
            self._strangers.admit()
        if isinstance(message.body, Invitation):
            self._admit_invitation(message.body)
        elif message.negotiation is not None:
            self.negotiation(message.negotiation)

    def _admit_invitation(self, invitation: Invitation) -> None:
        market, named = self.book.market, invitation.listing
        if self.address not in (invitation.seller, invitation.buyer):
            raise NotAParty(self.address, f"{invitation.buyer} {invitation.seller}")
        listed = market.words.get(named)
        if listed is None or not isinstance(listed.body, Listing):
            raise ListingMissing(named)
        if named in market.replaced:
            raise ListingReplaced(named, market.replaced[named])
        now = self.clock.now()
        if now >= listed.body.expires_at:
            raise ListingExpired(listed.body.expires_at, now)
        talks = market.negotiations.values()
        if sum(as_of(talk, now) in OPEN_STATES for talk in talks) >= MOST_OPEN:
            raise RateExceeded("talks", 60)


def receipt_of(view: MessageView) -> Receipt:
    """What the sayer of a word is told."""
    envelope = view.message or {}
    return Receipt(
        kind=view.kind,
        digest=str(envelope.get("digest")),
        thread=view.thread,
        sequence=view.sequence,
        index=view.index,
        leaf_hash="0x" + leaf_hash(canonical(envelope)).hex(),
        received_at=view.received_at,
        log=None,
    )
