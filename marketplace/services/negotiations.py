"""Negotiations: run the machine over the log's threads."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from marketplace.core.entry import TIMEOUT
from marketplace.core.errors import NegotiationMissing
from marketplace.core.message import Message
from marketplace.core.negotiation import OPEN_STATES, Negotiation, advance, begin, time_out
from marketplace.core.values import ZERO_ADDRESS, Address, Digest
from marketplace.core.words import Invitation
from marketplace.ports.store import Entry, Store
from marketplace.services.archive import Archive
from marketplace.services.listings import Listings
from marketplace.services.placement import Placement

MOST_REMEMBERED = 10_000
Known = tuple[Negotiation, int]


@dataclass(frozen=True, slots=True)
class Negotiations:
    """Each negotiation is a thread; its state is a replay of it.

    The states of busy negotiations are remembered with the time of their last message;
    forgetting one costs a replay, never a word. What is remembered may be old where other
    workers append to the same store, so nothing is refused on its word alone: ``place``
    is asked again with ``fresh``.
    """

    archive: Archive
    store: Store
    listings: Listings
    _known: "OrderedDict[Digest, Known]" = field(default_factory=OrderedDict)

    async def place_invitation(self, message: Message, now: int) -> Placement:
        """Where an invitation begins a thread; its listing must be the seller's current one."""
        invitation = message.body
        if not isinstance(invitation, Invitation):
            raise TypeError(f"{message.kind} is no invitation")
        entry = await self.listings.entry(invitation.listing)
        await self.listings.check_current(entry)
        after = begin(message, self.archive.message(entry), now)
        # A replacement must not slip in between this check and the log.
        return Placement(
            thread=after.id,
            position=0,
            parties=_parties(after),
            received_at=now,
            after=after,
            requires=((entry.record.thread, entry.record.position + 1),),
            due_at=invitation.deadline,
        )

    async def place(self, message: Message, now: int, *, fresh: bool) -> Placement:
        """Where the next message goes, by the rules that the negotiation began with."""
        thread = str(message.negotiation)
        known = None if fresh else self._known.get(thread)
        negotiation, last_at = known or await self.replay(thread)
        at = max(now, last_at)
        after = advance(negotiation, message, at)
        ended = after.state not in OPEN_STATES
        return Placement(
            thread=negotiation.id,
            position=negotiation.length,
            parties=_parties(negotiation),
            received_at=at,
            after=after,
            due_at=0 if ended else None,
        )

    def took(self, placement: Placement) -> None:
        """Remember what a stored message made true."""
        if placement.after is not None:
            self._remember((placement.after, placement.received_at))

    def forget(self) -> None:
        """Remember nothing; the next word replays its thread."""
        self._known.clear()

    async def replay(self, negotiation: Digest) -> Known:
        """The state after the last stored message, and when that was received."""
        known = self._known.get(negotiation)
        start = known[0].length if known else 0
        entries = await self.store.thread(negotiation, start)
        if known is None:
            if not entries:
                raise NegotiationMissing(negotiation)
            known, entries = await self._begun(entries[0]), entries[1:]
        state = _continued(self.archive, known, entries)
        self._remember(state)
        return state

    async def parties(self, negotiation: Digest) -> tuple[Address, ...]:
        """Buyer and seller; raises NegotiationMissing."""
        found, _ = await self.replay(negotiation)
        return _parties(found)

    async def readers(self, negotiation: Digest) -> tuple[Address, ...]:
        """Who may read it: its parties, and the arbiter whom its listing's rules name."""
        found, _ = await self.replay(negotiation)
        arbiter = found.content.settlement.arbiter
        return (*_parties(found), *(() if arbiter == ZERO_ADDRESS else (arbiter,)))

    async def _begun(self, first: Entry) -> Known:
        message = self.archive.message(first)
        if not isinstance(message.body, Invitation):
            raise NegotiationMissing(first.record.thread)
        listed = await self.listings.read(message.body.listing)
        at = self.archive.logged(first).at
        return begin(message, listed, at), at

    def _remember(self, known: Known) -> None:
        self._known[known[0].id] = known
        self._known.move_to_end(known[0].id)
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)


def _continued(archive: Archive, known: Known, entries: Sequence[Entry]) -> Known:
    state, at = known
    for entry in entries:
        at = archive.logged(entry).at
        if entry.record.kind == TIMEOUT:
            state = time_out(state, at)
        else:
            state = advance(state, archive.message(entry), at)
    return state, at


def _parties(negotiation: Negotiation) -> tuple[Address, ...]:
    return negotiation.invitation.buyer, negotiation.invitation.seller
