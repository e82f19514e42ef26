"""Requests for quotation: published, shown to matching sellers, answered."""

from dataclasses import dataclass

from marketplace.core.errors import NotAParty, RequestExpired, RequestMissing
from marketplace.core.message import Message
from marketplace.core.request import Demand, Quotation, Request
from marketplace.core.values import Digest
from marketplace.core.words import Kind
from marketplace.ports.index import MOST_UNITS, Search
from marketplace.ports.store import Entry, Store
from marketplace.services.archive import Archive
from marketplace.services.listings import Listings
from marketplace.services.placement import Placement

# A request is told to so many sellers at most; the others find it by looking.
MOST_TOLD = 50


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
        if message.signer != quotation.seller:
            raise NotAParty(message.signer, quotation.seller)
        asked = self.archive.message(await self.entry(quotation.request)).body
        if not isinstance(asked, Request):
            raise RequestMissing(quotation.request)
        said = await self.store.thread(quotation.request)
        at = max(now, said[-1].record.received_at)
        if at >= asked.expires_at:
            raise RequestExpired(asked.expires_at, at)
        listed = await self.listings.entry(quotation.listing)
        if listed.record.signer != quotation.seller:
            raise NotAParty(quotation.seller, listed.record.signer)
        await self.listings.check_current(listed)
        current = listed.record.thread, listed.record.position + 1
        parties = (asked.buyer, quotation.seller)
        return Placement(quotation.request, len(said), parties, at, requires=current)

    async def entry(self, request: Digest) -> Entry:
        """The log entry of a request; raises RequestMissing."""
        found = await self.store.find(Kind.REQUEST, request, "")
        if found is None:
            raise RequestMissing(request)
        return found

    async def _matching(self, demand: Demand, now: int) -> list[str]:
        found = await self.listings.index.search(
            Search(
                now=now,
                kind=demand.kind,
                where=demand.where,
                highest_price=demand.highest_unit_price or None,
                units=min(max(1, demand.quantity), MOST_UNITS),
                limit=MOST_TOLD,
            )
        )
        return [one.row.seller for one in found]
