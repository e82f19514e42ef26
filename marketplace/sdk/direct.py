"""Agent to agent: the same signed words, and no registry between.

Each agent has an inbox, a book and its own machine. The seller's book gives a
negotiation its order, as a registry's log would: the buyer's word counts when the seller
has taken it, and the seller's when it is written down there. What both have signed needs
neither book: opening the deal on chain delivers the acceptance (docs/agent-to-agent.md).
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from marketplace.adapters.system import SystemClock
from marketplace.core.card import Card, CardContent
from marketplace.core.destination import Reach
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    AgentMissing,
    CardRefused,
    EventRefused,
    ListingMissing,
    NegotiationMissing,
    NotAParty,
    PeerDisagrees,
    PeerUnavailable,
    PeerUnknown,
    ValueMalformed,
    WrongPrevious,
    WrongTurn,
)
from marketplace.core.identity import Scope
from marketplace.core.listing import Listing
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.signature import Signature
from marketplace.core.values import Address, Digest, Json
from marketplace.core.words import Invitation, Kind, Upload
from marketplace.ports.clock import Clock
from marketplace.sdk.inbox import Inbox
from marketplace.sdk.login import RegistryLogin
from marketplace.sdk.peer import CHOSEN, Peer
from marketplace.sdk.reception import HEARD, Hand, Reception, receipt_of
from marketplace.sdk.registry import Registry
from marketplace.wire.discovery import AgentView, FoundView, ListingsView
from marketplace.wire.views import InfoView, MessageView, Receipt

# Of a word that the peer says it has taken before one that is on its way here.
PATIENCE_SECONDS = 5.0
HEARTBEAT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent is, and how far it goes.

    Attributes:
        host: the address to listen at.
        port: TCP port; 0: any that is free.
        url: how others reach it, where that is not ``http://host:port``.
        folder: for the book and for what it leaves for others; None keeps both in memory.
        near: whether strangers' cards may name http and private networks: in a house of one's
            own, or for a trial on one machine. Whom one meets by its URL may be anywhere.
    """

    host: str = "127.0.0.1"
    port: int = 0
    url: str = ""
    folder: Path | None = None
    near: bool = False


class Direct:
    """One agent without a registry; a ``Channel``. Safe for use by several threads.

    Args:
        wallet: whose inbox this is.
        domain: of the escrow, from one's own knowledge of it.
        place: where it listens.
        clock: stamps what is taken.
    """

    def __init__(
        self, wallet: Hand, domain: Domain, place: Place | None = None, clock: Clock | None = None
    ) -> None:
        self._wallet, self._domain = wallet, domain
        self._place, self._clock = place or Place(), clock or SystemClock()
        self._desk = Reception(wallet, domain, self._clock, self._place.folder)
        # By the card that was there: who shows another one since may have moved.
        self._met: dict[Address, tuple[Peer, Digest]] = {}
        self._introduced: set[tuple[str, Digest]] = set()
        self._closed = False
        self._inbox = Inbox(self._desk, self._place.host, self._place.port)
        self.url = self._place.url or f"http://{self._place.host}:{self._inbox.port}"
        self._desk.url = self.url
        self._inbox.start()

    @property
    def address(self) -> Address:
        """This agent."""
        return self._wallet.address

    def close(self) -> None:
        """Hear nothing more, and let go of the book."""
        self._inbox.close()
        with self._desk.book.changed:
            self._closed = True
            self._desk.book.changed.notify_all()
        self._desk.book.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---------------------------------------------------------------- what its own side asks

    def meet(self, url: str) -> Address:
        """Get to know the agent at a URL that one has chosen, by its signed card."""
        peer = Peer(url)
        view = peer.card()
        message = parse_message(view.message, self._domain)
        if not isinstance(message.body, Card):
            raise PeerDisagrees("kind", message.kind, Kind.CARD)
        self._desk.note(message)
        self._desk.met.add(message.signer)
        self._met[message.signer] = peer, message.digest
        return message.signer

    def submit(self, envelope: Json) -> Receipt:
        """Say a word of this agent's: write it down, and have its counterparty take it."""
        message = parse_message(envelope, self._domain)
        if message.signer != self.address:
            raise NotAParty(message.signer, self.address)
        if message.kind in (Kind.LISTING, Kind.CARD):
            return self._publish(message)
        if message.kind not in HEARD:
            raise ValueMalformed("kind", message.kind, "a word that two agents need")
        return self._tell(message) if self._selling(message) else self._ask(message)

    def messages(self, negotiation: Digest) -> Sequence[MessageView]:
        """A negotiation so far."""
        with self._desk.book.changed:
            return list(self._desk.book.threads.get(negotiation, ()))

    def listing(self, digest: Digest) -> MessageView:
        """A listing, from the book or from a peer that was met."""
        with self._desk.book.changed:
            known = self._desk.book.threads.get(digest)
        if known:
            return known[0]
        for peer in self._peers():
            with suppress(ListingMissing, PeerUnavailable):
                message = parse_message(peer.listing(digest).message, self._domain)
                if message.digest != digest or not isinstance(message.body, Listing):
                    raise PeerDisagrees("listing", message.digest, digest)
                return self._desk.note(message)
        raise ListingMissing(digest)

    def listings(self, query: Mapping[str, str | int | Sequence[str]]) -> ListingsView:
        """What is sold here and by the peers that were met; query by ``seller`` and ``kind``."""
        found = list(self._desk.own_listings())
        seller, kind = query.get("seller", ""), query.get("kind", "")
        if seller != self.address:
            found += [view for peer in self._peers() for view in peer.listings()]
        wanted = [
            FoundView(**view.model_dump(), settled=0)
            for view in found
            if (envelope := view.message or {})
            and seller in ("", envelope.get("signer"))
            and kind in ("", (envelope.get("detail") or {}).get("kind"))
        ]
        return ListingsView(listings=wanted, next=None)

    def info(self) -> InfoView:
        """The domain to sign in, as this agent knows it."""
        return self._desk.info()

    def agent(self, agent: Address) -> AgentView:
        """An agent's latest card; raises AgentMissing where none has been heard."""
        with self._desk.book.changed:
            known = self._desk.book.cards.get(agent)
        if known is None:
            raise AgentMissing(agent)
        return AgentView(agent=agent, card=known[0], members=[])

    def follow(self, start: int, party: str) -> Generator[MessageView | None, None, None]:
        """What this agent says and hears, from an index on."""
        del party  # it is nobody else's
        while True:
            with self._desk.book.changed:
                if len(self._desk.book.views) <= start:
                    self._desk.book.changed.wait(HEARTBEAT_SECONDS)
                if self._closed:
                    raise PeerUnavailable(self.url, "closed")
                news = self._desk.book.views[start:]
            yield from news or (None,)
            start += len(news)

    def put_artifact(
        self, negotiation: Digest, artifact: Digest, data: bytes, signature: Signature
    ) -> None:
        """Leave bytes for the counterparty, which fetches them."""
        self._desk.check_party(Upload(negotiation, artifact), signature)
        self._desk.shelf.put(negotiation, artifact, data)

    def artifact(self, negotiation: Digest, artifact: Digest) -> bytes:
        """One's own bytes, or the counterparty's, fetched under one's signature."""
        mine = self._desk.shelf.get(negotiation, artifact)
        if mine is not None:
            return mine
        known = self._desk.negotiation(negotiation)
        signature = self._wallet.sign(Upload(negotiation, artifact).digest(self._domain))
        return self._peer(known.other(self.address)).artifact(negotiation, artifact, signature)

    def hand_in(self, registry: str, negotiation: Digest) -> list[Receipt]:
        """Give a registry's log a negotiation of this agent's, once it is said: unwitnessed."""
        login = RegistryLogin(registry, self._domain, self._wallet, Scope.NEGOTIATE)
        asked = Registry(registry, login)
        try:
            folder = self._place.folder
            asked.keep_receipts(folder and folder / "log")
            return asked.hand_in(self.transcript(negotiation))
        finally:
            asked.close()

    def transcript(self, negotiation: Digest) -> list[dict[str, Json]]:
        """A negotiation as a registry takes it later (``Registry.hand_in``)."""
        return self._desk.book.transcript(negotiation)

    # ---------------------------------------------------------------- how words travel

    def _publish(self, message: Message) -> Receipt:
        if isinstance(message.detail, CardContent) and message.detail.endpoint != self.url:
            raise CardRefused("endpoint", message.detail.endpoint, self.url)
        return receipt_of(self._desk.note(message))

    def _selling(self, message: Message) -> bool:
        if isinstance(message.body, Invitation):
            return False
        return self._desk.negotiation(str(message.negotiation)).invitation.seller == self.address

    def _tell(self, message: Message) -> Receipt:
        # As the seller: written down first, for this book gives the order.
        peer = self._peer(self._desk.negotiation(str(message.negotiation)).invitation.buyer)
        view = self._desk.note(message)
        self._introduce(peer)
        try:
            peer.submit(message.to_json())
        except (NegotiationMissing, WrongPrevious, WrongTurn, EventRefused):
            # It has not heard, or lost, what was said before: everything again, in order.
            for said in self.messages(view.thread)[: view.sequence + 1]:
                peer.submit(said.message)
        return receipt_of(view)

    def _ask(self, message: Message) -> Receipt:
        # As the buyer: it counts once the seller has taken it.
        thread = str(message.negotiation)
        with self._desk.book.changed:
            known = self._desk.book.find(message)
        if known is not None:
            return receipt_of(known)
        peer = self._peer(self._tried(message).invitation.seller)
        self._introduce(peer)
        told = peer.submit(message.to_json())
        self._check_receipt(told, message)
        with self._desk.book.changed:
            # A word that the seller took before this one may still be on its way.
            self._desk.book.changed.wait_for(
                lambda: self._desk.book.find(message) or self._length(thread) >= told.sequence,
                PATIENCE_SECONDS,
            )
            known = self._desk.book.find(message)
            if known is None and self._length(thread) != told.sequence:
                raise PeerDisagrees("sequence", str(told.sequence), str(self._length(thread)))
            return receipt_of(known or self._desk.book.take(message, self._clock.now()))

    def _tried(self, message: Message) -> Negotiation:
        # On one's own machine first, so that nothing is sent that the rules refuse.
        now = self._clock.now()
        if isinstance(message.body, Invitation):
            listed = parse_message(self.listing(message.body.listing).message, self._domain)
            return begin(message, listed, now)
        return advance(self._desk.negotiation(str(message.negotiation)), message, now)

    def _check_receipt(self, told: Receipt, message: Message) -> None:
        for field_, said, meant in (
            ("kind", told.kind, message.kind.value),
            ("digest", told.digest, message.digest),
            ("thread", told.thread, str(message.negotiation)),
        ):
            if said != meant:
                raise PeerDisagrees(field_, said[:100], meant)

    def _introduce(self, peer: Peer) -> None:
        card = self._desk.own_card()
        message = parse_message(card.message, self._domain)
        if (peer.url, message.digest) not in self._introduced:
            peer.submit(message.to_json())
            self._introduced.add((peer.url, message.digest))

    def _peer(self, agent: Address) -> Peer:
        met, card = self._met.get(agent, (None, ""))
        with self._desk.book.changed:
            known = self._desk.book.cards.get(agent)
        detail = known[1].detail if known else None
        said = detail.endpoint if isinstance(detail, CardContent) else ""
        if met is not None and (known is None or known[1].digest == card or said == met.url):
            return met
        if not said:
            raise PeerUnknown(agent)
        return Peer(said, CHOSEN if self._place.near else Reach())

    def _peers(self) -> list[Peer]:
        return [self._peer(agent) for agent in list(self._met)]

    def _length(self, thread: str) -> int:
        return len(self._desk.book.threads.get(thread, ()))
