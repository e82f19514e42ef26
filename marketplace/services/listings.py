"""Listings: publish, replace, search, keep alive."""

from dataclasses import dataclass

from marketplace.core.errors import (
    ListingExpired,
    ListingMissing,
    ListingRefused,
    ListingReplaced,
    NotAParty,
    ParleyError,
)
from marketplace.core.feasibility import LEAST_WINDOW, MOST_WINDOW
from marketplace.core.listing import Content, Listing
from marketplace.core.message import Message
from marketplace.core.outcome import DELIVERY_WINDOW, UNIT_PRICE, Issue
from marketplace.core.values import ZERO_DIGEST, Address, Digest
from marketplace.core.words import Kind
from marketplace.ports.index import MOST_UNITS, Found, ListingIndex, ListingRow, Search
from marketplace.ports.store import Entry, Store
from marketplace.services.archive import Archive
from marketplace.services.placement import Placement

# How many rows one transaction makes of what an earlier version logged.
INDEXED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Listings:
    """What sellers offer; each listing is a thread of versions."""

    archive: Archive
    store: Store
    index: ListingIndex

    async def place(self, message: Message, now: int) -> Placement:
        """Where a listing goes; raises the named reason why it may not be published."""
        header, content = _parts(message)
        if message.signer != header.seller:
            raise NotAParty(message.signer, header.seller)
        if now >= header.expires_at:
            raise ListingExpired(header.expires_at, now)
        _check_windows(content)
        if header.replaces == ZERO_DIGEST:
            row = _row(message.digest, message, now)
            return Placement(message.digest, 0, (header.seller,), now, listing=row)
        old = await self.entry(header.replaces)
        if old.record.signer != header.seller:
            raise NotAParty(header.seller, old.record.signer)
        await self.check_current(old)
        thread, at = old.record.thread, max(now, old.record.received_at)
        row = _row(thread, message, at)
        return Placement(thread, old.record.position + 1, (header.seller,), at, listing=row)

    async def entry(self, digest: Digest) -> Entry:
        """The log entry of a listing; raises ListingMissing."""
        found = await self.store.find(Kind.LISTING, digest, "")
        if found is None:
            raise ListingMissing(digest)
        return found

    async def read(self, digest: Digest) -> Message:
        """A listing as its seller published it, replaced or not."""
        return self.archive.message(await self.entry(digest))

    async def check_current(self, entry: Entry) -> None:
        """Raise ListingReplaced if the seller has published a later version."""
        later = await self.store.thread(entry.record.thread, entry.record.position + 1)
        if later:
            raise ListingReplaced(entry.record.digest, later[-1].record.digest)

    async def search(self, search: Search) -> list[tuple[Found, Entry]]:
        """What a search finds, each with its signed words."""
        found = await self.index.search(search)
        entries = await self.store.named(Kind.LISTING, [one.row.digest for one in found])
        return [(one, entries[one.row.digest]) for one in found]

    async def index_logged(self) -> None:
        """Make the rows of listings that an earlier version logged, so that they are found.

        One that cannot be read here, as of a version that is no longer taken, waits for a
        registry that takes it.
        """
        threads = await self.index.unindexed()
        for start in range(0, len(threads), INDEXED_AT_ONCE):
            some = [await self._logged(one) for one in threads[start : start + INDEXED_AT_ONCE]]
            await self.index.fill([made for made in some if made])

    async def _logged(self, thread: Digest) -> tuple[int, ListingRow] | None:
        *_, last = await self.store.thread(thread)
        try:
            message = self.archive.message(last)
        except ParleyError:
            return None
        return last.index, _row(thread, message, last.record.received_at)

    async def hear(self, listing: Digest, seller: Address, now: int) -> ListingRow:
        """Its seller says that it is there; raises ListingMissing, NotAParty, ListingExpired."""
        entry = await self.entry(listing)
        row = await self.index.row(entry.record.thread)
        if row is None:
            raise ListingMissing(listing)
        if row.seller != seller:
            raise NotAParty(seller, row.seller)
        if now >= row.expires_at:
            raise ListingExpired(row.expires_at, now)
        await self.index.heard(row.thread, now)
        return row


def _row(thread: Digest, message: Message, at: int) -> ListingRow:
    header, content = _parts(message)
    prices = _issue(content, UNIT_PRICE)
    return ListingRow(
        thread=thread,
        digest=message.digest,
        seller=header.seller,
        kind=content.kind,
        title=content.title,
        unit=content.unit,
        attributes=content.attributes,
        lowest_price=prices.low,
        highest_price=prices.high,
        capacity=min(content.capacity, MOST_UNITS),
        expires_at=header.expires_at,
        heartbeat=content.heartbeat,
        published_at=at,
    )


def _parts(message: Message) -> tuple[Listing, Content]:
    header, content = message.body, message.detail
    if not isinstance(header, Listing) or not isinstance(content, Content):
        raise TypeError(f"{message.kind} is no listing")
    return header, content


def _issue(content: Content, name: str) -> Issue:
    return next(issue for issue in content.space if issue.name == name)


def _check_windows(content: Content) -> None:
    # What could never be opened is not listed.
    deliveries, review = _issue(content, DELIVERY_WINDOW), content.settlement.review_window
    for name, shortest, longest in (
        (DELIVERY_WINDOW, deliveries.low, deliveries.high),
        ("review_window", review, review),
    ):
        if shortest < LEAST_WINDOW or longest > MOST_WINDOW:
            rule = f"from {LEAST_WINDOW} to {MOST_WINDOW} seconds"
            raise ListingRefused(name, f"{shortest}..{longest}", rule)
