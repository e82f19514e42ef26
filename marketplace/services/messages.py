"""Messages: take a signed word, place it, make it durable, answer."""

from dataclasses import dataclass

from marketplace.core.eip712 import Domain
from marketplace.core.errors import SequenceTaken
from marketplace.core.message import Message, parse_message
from marketplace.core.values import Json
from marketplace.core.words import Kind
from marketplace.ports.bus import Bus
from marketplace.ports.clock import Clock
from marketplace.ports.store import Entry, Record, Store
from marketplace.services.listings import Listings
from marketplace.services.negotiations import Negotiations
from marketplace.services.placement import Placement
from marketplace.wire.views import log_data

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Messages:
    """The one way into the log."""

    domain: Domain
    store: Store
    bus: Bus
    clock: Clock
    listings: Listings
    negotiations: Negotiations

    async def submit(self, envelope: Json) -> Entry:
        """Prove, place and store a message; the same message again gives the same entry.

        Raises:
            ParleyError: the named reason; nothing is stored.
        """
        message = parse_message(envelope, self.domain)
        known = await self.store.find(message.kind, message.digest, message.signer)
        if known is not None:
            return known
        entry = await self._append(message)
        self.bus.publish()
        return entry

    async def _append(self, message: Message) -> Entry:
        # Another message may take the position between reading and writing: read again.
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._place_and_store(message)
            except SequenceTaken:
                continue
        return await self._place_and_store(message)

    async def _place_and_store(self, message: Message) -> Entry:
        placement = await self._place(message)
        data, leaf = log_data(message.to_json(self.domain), placement.received_at)
        record = Record(
            kind=message.kind.value,
            digest=message.digest,
            signer=message.signer,
            thread=placement.thread,
            position=placement.position,
            parties=placement.parties,
            data=data,
            leaf_hash=leaf,
            received_at=placement.received_at,
            requires=placement.requires,
        )
        entry = await self.store.append(record)
        self.negotiations.took(placement)
        return entry

    async def _place(self, message: Message) -> Placement:
        now = self.clock.now()
        if message.kind is Kind.LISTING:
            return await self.listings.place(message, now)
        if message.kind is Kind.INVITATION:
            return await self.negotiations.place_invitation(message, now)
        return await self.negotiations.place(message, now)
