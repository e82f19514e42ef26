"""Negotiations: run the machine over the log's threads."""

from collections import OrderedDict
from dataclasses import dataclass, field

from marketplace.core.eip712 import Domain
from marketplace.core.errors import EventRefused, NegotiationMissing
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.values import Digest, mapping, parse_json
from marketplace.core.words import Invitation
from marketplace.ports.store import Store
from marketplace.services.listings import Listings
from marketplace.services.placement import Placement

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Negotiations:
    """Each negotiation is a thread; its state is a replay of it.

    The states of busy negotiations are remembered with the time of their last message;
    forgetting one costs a replay, never a word.
    """

    domain: Domain
    store: Store
    listings: Listings
    _known: "OrderedDict[Digest, tuple[Negotiation, int]]" = field(default_factory=OrderedDict)

    async def place_invitation(self, message: Message, now: int) -> Placement:
        """Where an invitation begins a thread; its listing must be the seller's current one."""
        if not isinstance(message.body, Invitation):
            raise EventRefused(message.kind, "none")
        entry = await self.listings.entry(message.body.listing)
        await self.listings.check_current(entry)
        header, content = await self.listings.read(message.body.listing)
        after = begin(message, header, content, now)
        parties = (message.body.buyer, message.body.seller)
        # A replacement must not slip in between this check and the log.
        current = entry.record.thread, entry.record.position + 1
        return Placement(after.id, 0, parties, now, after, current)

    async def place(self, message: Message, now: int) -> Placement:
        """Where the next message goes, by the rules that the negotiation began with."""
        negotiation, last_at = await self.replay(str(message.negotiation))
        at = max(now, last_at)
        after = advance(negotiation, message, at)
        parties = (negotiation.invitation.buyer, negotiation.invitation.seller)
        return Placement(negotiation.id, negotiation.length, parties, at, after)

    def took(self, placement: Placement) -> None:
        """Remember what a stored message made true."""
        if placement.after is None:
            return
        self._known[placement.thread] = (placement.after, placement.received_at)
        self._known.move_to_end(placement.thread)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    async def replay(self, negotiation: Digest) -> tuple[Negotiation, int]:
        """The state after the last stored message, and when that was received."""
        entries = await self.store.thread(negotiation)
        if not entries:
            raise NegotiationMissing(negotiation)
        known = self._known.get(negotiation)
        if known is not None and known[0].length == len(entries):
            return known
        logged = [mapping(parse_json(entry.record.data), "entry") for entry in entries]
        first, *rest = [parse_message(found["message"], self.domain) for found in logged]
        listing = first.body.listing if isinstance(first.body, Invitation) else ""
        header, content = await self.listings.read(listing)
        times = [entry.record.received_at for entry in entries]
        state = begin(first, header, content, times[0])
        for message, at in zip(rest, times[1:], strict=True):
            state = advance(state, message, at)
        return state, times[-1]
