"""Messages: take a signed word, place it, make it durable, answer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from marketplace.core.errors import MessageRefused, ParleyError, SequenceTaken
from marketplace.core.message import Domains, Message, parse_message
from marketplace.core.values import Digest, Json
from marketplace.core.words import Kind
from marketplace.ports.clock import Clock
from marketplace.ports.store import Entry, Store
from marketplace.services.agents import Agents
from marketplace.services.archive import Archive
from marketplace.services.listings import Listings
from marketplace.services.log import Log
from marketplace.services.negotiations import Negotiations
from marketplace.services.placement import Placement
from marketplace.services.requests import Requests

ATTEMPTS = 8

Place = Callable[[Message, int], Awaitable[Placement]]


class Rooms:
    """Where messages belong."""

    def __init__(
        self, agents: Agents, listings: Listings, requests: Requests, negotiations: Negotiations
    ) -> None:
        self.agents = agents
        self.negotiations = negotiations
        self._places: dict[Kind, Place] = {
            Kind.CARD: agents.place,
            Kind.DELEGATION: agents.place,
            Kind.REVOCATION: agents.place,
            Kind.LISTING: listings.place,
            Kind.REQUEST: requests.place,
            Kind.QUOTATION: requests.place_quotation,
            Kind.INVITATION: negotiations.place_invitation,
        }

    def place_of(self, kind: Kind) -> Place | None:
        """Who places a kind of message; None: the negotiation that it names."""
        return self._places.get(kind)


@dataclass(frozen=True, slots=True)
class Messages:
    """The one way into the log."""

    domains: Domains
    store: Store
    log: Log
    archive: Archive
    clock: Clock
    rooms: Rooms
    random_bytes32: Callable[[], Digest]

    def prove(self, envelope: Json) -> Message:
        """The message of an envelope, in one of the domains that are taken here."""
        return parse_message(envelope, self.domains.of(envelope))

    async def submit(self, message: Message) -> Entry:
        """Place and store a message; the same message again gives the same entry.

        Raises:
            ParleyError: the named reason; nothing is stored.
        """
        try:
            return await self._append(message)
        except ParleyError:
            # What was taken before is refused by what it made true; it has its answer already.
            known = await self.store.find(message.kind, message.digest, message.signer)
            if known is None:
                raise
            return known

    async def _append(self, message: Message) -> Entry:
        for attempt in range(ATTEMPTS):
            try:
                return await self._place_and_store(message, fresh=attempt > 0)
            except SequenceTaken:
                # Another took the position between reading and writing.
                if attempt == ATTEMPTS - 1:
                    raise
            except MessageRefused:
                # What is remembered may be old: nothing is refused before it is read again.
                if attempt > 0:
                    raise
        raise AssertionError("each attempt returns or raises")

    async def _place_and_store(self, message: Message, *, fresh: bool) -> Entry:
        now = self.clock.now()
        place = self.rooms.place_of(message.kind)
        placement = (
            await place(message, now)
            if place
            else await self.rooms.negotiations.place(message, now, fresh=fresh)
        )
        held = await self.rooms.agents.check_mandate(message, placement.received_at)
        if held:
            placement = replace(placement, requires=(*placement.requires, *held))
        envelope = message.to_json()
        record = placement.record(message, envelope, self.random_bytes32())
        entry = await self.log.append(record)
        # Not what the same word got before, perhaps under another signature.
        if entry.is_of(record):
            self.archive.keep(entry, message, envelope)
            self.rooms.negotiations.took(placement)
        return entry
