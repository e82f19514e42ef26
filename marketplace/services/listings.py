"""Listings: publish, replace, search."""

from dataclasses import dataclass, field

from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    EventRefused,
    ListingExpired,
    ListingMissing,
    ListingRefused,
    ListingReplaced,
    NotAParty,
)
from marketplace.core.feasibility import LEAST_WINDOW, MOST_WINDOW
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Message, parse_message
from marketplace.core.outcome import DELIVERY_WINDOW
from marketplace.core.values import ZERO_DIGEST, Digest, mapping, parse_json
from marketplace.core.words import Kind
from marketplace.ports.store import Entry, Store
from marketplace.services.placement import Placement

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Query:
    """What a searcher asks for; an empty word matches everything."""

    kind: str = ""
    text: str = ""
    seller: str = ""
    after: int = -1
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Listings:
    """What sellers offer; each listing is a thread of versions."""

    domain: Domain
    store: Store
    # Entries never change, so what was parsed and proved once need not be again.
    _known: dict[int, tuple[Listing, Content]] = field(default_factory=dict)

    async def place(self, message: Message, now: int) -> Placement:
        """Where a listing goes; raises the named reason why it may not be published."""
        header, content = _parts(message)
        if message.signer != header.seller:
            raise NotAParty(message.signer, header.seller)
        if now >= header.expires_at:
            raise ListingExpired(header.expires_at, now)
        _check_windows(content)
        parties = (header.seller, header.seller)
        if header.replaces == ZERO_DIGEST:
            return Placement(message.digest, 0, parties, now)
        old = await self.entry(header.replaces)
        if old.record.signer != header.seller:
            raise NotAParty(header.seller, old.record.signer)
        await self.check_current(old)
        at = max(now, old.record.received_at)
        return Placement(old.record.thread, old.record.position + 1, parties, at)

    async def entry(self, digest: Digest) -> Entry:
        """The log entry of a listing; raises ListingMissing."""
        found = await self.store.find(Kind.LISTING, digest, "")
        if found is None:
            raise ListingMissing(digest)
        return found

    async def read(self, digest: Digest) -> tuple[Listing, Content]:
        """A listing as its seller published it, replaced or not."""
        return self._parts(await self.entry(digest))

    async def check_current(self, entry: Entry) -> None:
        """Raise ListingReplaced if the seller has published a later version."""
        last = (await self.store.thread(entry.record.thread))[-1]
        if last.index != entry.index:
            raise ListingReplaced(entry.record.digest, last.record.digest)

    async def search(self, query: Query, now: int) -> list[Entry]:
        """Live listings that match, oldest first, after an index of the log."""
        heads = await self.store.heads(Kind.LISTING)
        later = (entry for entry in heads if entry.index > query.after)
        found = (entry for entry in later if self._matches(entry, query, now))
        return [entry for entry, _ in zip(found, range(query.limit), strict=False)]

    def _matches(self, entry: Entry, query: Query, now: int) -> bool:
        header, content = self._parts(entry)
        return (
            now < header.expires_at
            and query.kind in ("", content.kind)
            and query.seller in ("", header.seller)
            and query.text.casefold() in content.title.casefold()
        )

    def _parts(self, entry: Entry) -> tuple[Listing, Content]:
        known = self._known.get(entry.index)
        if known is None:
            logged = mapping(parse_json(entry.record.data), "entry")
            known = _parts(parse_message(logged["message"], self.domain))
            if len(self._known) < MOST_REMEMBERED:
                self._known[entry.index] = known
        return known


def _parts(message: Message) -> tuple[Listing, Content]:
    match message.body, message.detail:
        case Listing() as header, Content() as content:
            return header, content
    raise EventRefused(message.kind, "listing")


def _check_windows(content: Content) -> None:
    # What could never be opened is not listed.
    deliveries = next(issue for issue in content.space if issue.name == DELIVERY_WINDOW)
    review = content.settlement.review_window
    for name, shortest, longest in (
        (DELIVERY_WINDOW, deliveries.low, deliveries.high),
        ("review_window", review, review),
    ):
        if shortest < LEAST_WINDOW or longest > MOST_WINDOW:
            rule = f"from {LEAST_WINDOW} to {MOST_WINDOW} seconds"
            raise ListingRefused(name, f"{shortest}..{longest}", rule)
