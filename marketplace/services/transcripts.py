"""Transcripts: negotiations held elsewhere, handed in unwitnessed.

The machine that judges a word as it comes judges it here at the time at which it is said
to have been said. Nobody witnessed that time, and the entry's leaf says so (``said_at``).
All is judged before anything is stored; words are then stored one by one, and each is
known again, so that a transcript that was cut short is handed in once more.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from marketplace.core.eip712 import exactly
from marketplace.core.entry import LATEST
from marketplace.core.errors import (
    BodyTooLarge,
    DeadlinePassed,
    MandateRevoked,
    NotAParty,
    SequenceTaken,
    TranscriptRefused,
)
from marketplace.core.listing import Listing
from marketplace.core.message import Domains, Message, parse_message
from marketplace.core.negotiation import MOST_ROUNDS, OPEN_STATES, Negotiation, advance, begin
from marketplace.core.values import (
    ZERO_DIGEST,
    Address,
    Digest,
    Json,
    canonical,
    integer,
    mapping,
    shown,
)
from marketplace.ports.clock import Clock
from marketplace.ports.store import Entry, Store
from marketplace.services.agents import Agents
from marketplace.services.archive import Archive
from marketplace.services.listings import Listings
from marketplace.services.log import Log
from marketplace.services.placement import Placement

# Offers and escalations of the longest talk, its last words, and versions of its listing.
MOST_WORDS = 2 * MOST_ROUNDS + 100
LARGEST_WORD = 64 * 1024
ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Said:
    """A word and when it is said to have been said, integer seconds UTC."""

    message: Message
    at: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """A whole negotiation, its signatures proved.

    Attributes:
        listings: versions of the listing, each but the first in place of the one before.
        words: the invitation and all that follows it.
    """

    listings: tuple[Said, ...]
    words: tuple[Said, ...]

    @property
    def id(self) -> Digest:
        """The negotiation."""
        return self.words[0].message.digest


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The other way into the log."""

    domains: Domains
    archive: Archive
    store: Store
    log: Log
    clock: Clock
    agents: Agents
    listings: Listings
    random_bytes32: Callable[[], Digest]

    async def hand_in(self, given: Json, account: Address) -> list[Entry]:
        """Store a party's transcript; the same again gives the same entries, in its order.

        Of a negotiation that the log has, it must say first all that the log says, and only
        what follows is stored.

        Raises:
            ParleyError: the named reason; of what was not there before nothing is stored,
                unless the store itself failed in the midst of it.
        """
        # A thousand signatures are proved: other requests go on meanwhile.
        transcript = await asyncio.to_thread(read, given, self.domains, self.clock.now())
        invitation = transcript.words[0].message.body
        parties = getattr(invitation, "buyer", ""), getattr(invitation, "seller", "")
        if account not in parties:
            raise NotAParty(account, " ".join(parties))
        await self._check_mandates(transcript)
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._store(transcript, parties)
            except SequenceTaken:
                continue
        return await self._store(transcript, parties)

    async def _check_mandates(self, transcript: Transcript) -> None:
        # A delegate whose mandate has ended could say of any word that it was earlier.
        for said in (*transcript.listings, *transcript.words):
            message = said.message
            if message.mandate is not None:
                named = message.mandate.digest(message.domain)
                at = await self.agents.revoked(message.domain, message.signer, named)
                if at is not None:
                    raise MandateRevoked(named, at)

    async def _store(self, transcript: Transcript, parties: tuple[Address, ...]) -> list[Entry]:
        logged = await self.store.thread(transcript.id)
        _check_prefix(logged, transcript.words)
        known = logged[: len(transcript.words)]
        times = [self.archive.logged(entry).at for entry in known]
        states = _replay(transcript, times)
        if len(known) < len(transcript.words):
            self._check_not_over(known, states[0])
        listed = [await self._listing(said) for said in transcript.listings]
        if not logged:
            await self.listings.check_current(listed[-1])
        following = list(zip(transcript.words, states, strict=True))[len(known) :]
        requires = ((listed[-1].record.thread, listed[-1].record.position + 1),)
        for position, (said, after) in enumerate(following, len(known)):
            ends = said is transcript.words[-1]
            placement = Placement(
                thread=transcript.id,
                position=position,
                parties=parties,
                received_at=self.clock.now(),
                requires=() if position else requires,
                due_at=self._due(after) if ends else None,
            )
            known.append(await self._append(said, placement))
        return [*listed, *known]

    def _check_not_over(self, known: Sequence[Entry], begun: Negotiation) -> None:
        # What was witnessed is over at its deadline, though the note of it comes a moment later.
        deadline, now = begun.invitation.deadline, self.clock.now()
        witnessed = known and self.archive.logged(known[-1]).said_at is None
        if witnessed and now >= deadline:
            raise DeadlinePassed(deadline, now)

    async def _listing(self, said: Said) -> Entry:
        message, now = said.message, self.clock.now()
        found = await self.store.find(message.kind, message.digest, message.signer)
        if found is not None:
            return found
        placed = await self.listings.place(message, said.at)
        if placed.position:
            # What it replaces is in the log, with a time of its own.
            before = (await self.store.thread(placed.thread))[-1]
            _check_order(self.archive.logged(before).at, said.at)
        # One that is over is there to be read, and no search finds it.
        row = placed.listing if now < _header(message).expires_at else None
        return await self._append(said, replace(placed, received_at=now, listing=row))

    async def _append(self, said: Said, placement: Placement) -> Entry:
        envelope, salt = said.message.to_json(), self.random_bytes32()
        return await self.log.append(placement.record(said.message, envelope, salt, said.at))

    def _due(self, after: Negotiation) -> int:
        deadline = after.invitation.deadline
        waiting = after.state in OPEN_STATES and self.clock.now() < deadline
        return deadline if waiting else 0


def read(given: Json, domains: Domains, now: int) -> Transcript:
    """Parse strictly and prove: form, signatures, order of the times, the whole negotiation."""
    found = mapping(given, "transcript")
    exactly(found, {"messages"})
    lines = found["messages"]
    if not isinstance(lines, list) or not 2 <= len(lines) <= MOST_WORDS:  # noqa: PLR2004 a listing and an invitation
        raise TranscriptRefused("messages", shown(lines), f"a list of 2 to {MOST_WORDS} words")
    said = [_said(line, domains) for line in lines]
    for before, after in pairwise(said):
        _check_order(before.at, after.at)
    if said[-1].at > now:
        raise TranscriptRefused("said_at", str(said[-1].at), f"at most {now}, the registry's now")
    versions = sum(isinstance(each.message.body, Listing) for each in said)
    transcript = Transcript(tuple(said[:versions]), tuple(said[versions:]))
    _check_versions(transcript)
    _check_names(transcript)
    _replay(transcript, ())
    return transcript


def _said(given: Json, domains: Domains) -> Said:
    line = mapping(given, "line")
    exactly(line, {"message", "said_at"})
    at = integer(line["said_at"], "said_at", 0, LATEST)
    size = len(canonical(line["message"]))
    if size > LARGEST_WORD:
        raise BodyTooLarge(size, LARGEST_WORD)
    return Said(parse_message(line["message"], domains.of(line["message"])), at)


def _header(message: Message) -> Listing:
    if not isinstance(message.body, Listing):
        raise TranscriptRefused("messages", message.kind, "the listing first, then its talk")
    return message.body


def _check_versions(transcript: Transcript) -> None:
    if not transcript.listings or not transcript.words:
        raise TranscriptRefused("messages", "no listing", "the listing first, then its talk")
    before = ZERO_DIGEST
    for said in transcript.listings:
        replaces = _header(said.message).replaces
        if before not in (ZERO_DIGEST, replaces):
            raise TranscriptRefused("replaces", replaces, before)
        before = said.message.digest


def _check_names(transcript: Transcript) -> None:
    # No signature is over an offer's or an acceptance's own ``negotiation``: under another name
    # the word would chain here, and stand in the log as one of a talk that it is not of.
    for said in transcript.words:
        if said.message.negotiation != transcript.id:
            stated = said.message.negotiation or "none"
            raise TranscriptRefused("negotiation", stated, transcript.id)


def _replay(transcript: Transcript, times: Sequence[int]) -> list[Negotiation]:
    # Where the log has a word, its time there rules.
    ats = [*times, *(said.at for said in transcript.words[len(times) :])]
    for earlier, later in pairwise(ats):
        _check_order(earlier, later)
    first, *others = transcript.words
    states = [begin(first.message, transcript.listings[-1].message, ats[0])]
    for said, at in zip(others, ats[1:], strict=True):
        states.append(advance(states[-1], said.message, at))
    return states


def _check_order(earlier: int, later: int) -> None:
    if later < earlier:
        raise TranscriptRefused("said_at", str(later), f"at least {earlier}")


def _check_prefix(logged: Sequence[Entry], words: Sequence[Said]) -> None:
    for entry, said in zip(logged, words, strict=False):
        record, message = entry.record, said.message
        has = f"{record.kind}:{record.digest}:{record.signer}"
        if has != message.key:
            raise TranscriptRefused("messages", message.key[:100], f"what the log says: {has}")
