"""Requests for quotation: published, shown to matching sellers, answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from marketplace.core.errors import (
    ListingExpired,
    NotAParty,
    RequestExpired,
    RequestMissing,
    RequestRefused,
)
from marketplace.core.listing import Listing
from marketplace.core.market import check_quotation
from marketplace.core.message import Message
from marketplace.core.request import Demand, Quotation, Request
from marketplace.core.values import Digest
from marketplace.core.words import Kind
from marketplace.ports.index import MOST_UNITS, Order, Search
from marketplace.ports.store import Entry, Store
from marketplace.services.archive import Archive
from marketplace.services.listings import Listings
from marketplace.services.placement import Placement

# A request is told to so many sellers at most; the others find it by looking.
MOST_TOLD = 50
# Listings are looked through by the page, so many pages: one seller's many are one seller.
PAGE, PAGES = 200, 5
# What a reader of a request gets at once, and what one seller may have of it.
MOST_QUOTATIONS = 500
MOST_OF_ONE = 8


@dataclass(frozen=True, slots=True)
class Requests:
    """What buyers look for; each request is a thread that its quotations continue."""

    archive: Archive
    store: Store
    listings: Listings

    async def place(self, message: Message, now: int) -> Placement:
        """Where a request goes, and whom it is told."""
        header, demand = message.body, message.detail
        if not isinstance(header, Request) or not isinstance(demand, Demand):
            raise TypeError(f"{message.kind} is no request")
        if message.signer != header.buyer:
            raise NotAParty(message.signer, header.buyer)
        if now >= header.expires_at:
            raise RequestExpired(header.expires_at, now)
        sellers = await self._matching(demand, now)
        told = tuple(dict.fromkeys((header.buyer, *sellers)))
        return Placement(message.digest, 0, told, now)

    async def place_quotation(self, message: Message, now: int) -> Placement:
        """Where a seller's answer goes; its listing must be its own and current."""
        quotation = message.body
        if not isinstance(quotation, Quotation):
            raise TypeError(f"{message.kind} is no quotation")
        asked = self.archive.message(await self.entry(quotation.request))
        said = await self.store.thread(quotation.request)
        at = max(now, said[-1].record.received_at)
        _check_room(quotation, said)
        listed = await self._offered(quotation, at)
        check_quotation(message, asked, self.archive.message(listed), at)
        current = listed.record.thread, listed.record.position + 1
        parties = (asked.signer, quotation.seller)
        return Placement(quotation.request, len(said), parties, at, requires=(current,))

    async def entry(self, request: Digest) -> Entry:
        """The log entry of a request; raises RequestMissing."""
        found = await self.store.find(Kind.REQUEST, request, "")
        if found is None:
            raise RequestMissing(request)
        return found

    async def _offered(self, quotation: Quotation, at: int) -> Entry:
        """The log entry of the listing that is quoted: the seller's own, current and alive."""
        listed = await self.listings.entry(quotation.listing)
        if listed.record.signer != quotation.seller:
            raise NotAParty(quotation.seller, listed.record.signer)
        await self.listings.check_current(listed)
        header = self.archive.message(listed).body
        if isinstance(header, Listing) and at >= header.expires_at:
            raise ListingExpired(header.expires_at, at)
        return listed

    async def _matching(self, demand: Demand, now: int) -> list[str]:
        # Who has settled most comes first: that alone costs something to pretend.
        wanted = Search(
            now=now,
            kind=demand.kind,
            where=demand.where,
            highest_price=demand.highest_unit_price or None,
            units=min(max(1, demand.quantity), MOST_UNITS),
            order=Order.REPUTATION,
            limit=PAGE,
        )
        sellers: dict[str, None] = {}
        for _ in range(PAGES):
            found = await self.listings.index.search(wanted)
            sellers |= dict.fromkeys(one.row.seller for one in found)
            if len(sellers) >= MOST_TOLD or len(found) < PAGE:
                break
            wanted = replace(wanted, after=(found[-1].key, found[-1].row.thread))
        return list(sellers)[:MOST_TOLD]


def _check_room(quotation: Quotation, said: Sequence[Entry]) -> None:
    own = sum(entry.record.signer == quotation.seller for entry in said)
    for count, most in ((own, MOST_OF_ONE), (len(said) - 1, MOST_QUOTATIONS)):
        if count >= most:
            raise RequestRefused("quotations", str(count), f"at most {most}")
