"""Negotiations that are handed in later: by the same rules, at the times that were said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    accept,
    content,
    invite,
    listing,
    offer,
    proposed,
    subject,
    talk,
    withdraw,
    word,
)
from witness import LOG_KEY

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.bootstrap import build_services
from marketplace.core.audit import LoggedEntry, audit
from marketplace.core.errors import (
    BodyTooLarge,
    DeadlinePassed,
    FieldsDiffer,
    ListingReplaced,
    MandateRevoked,
    MessageRefused,
    NotAParty,
    ParleyError,
    StoreUnavailable,
    TranscriptRefused,
    WrongSigner,
)
from marketplace.core.identity import Delegation, Mandate, Revocation, Scope
from marketplace.core.message import Domains
from marketplace.core.negotiation import advance
from marketplace.services.access import Access
from marketplace.services.log import Log
from marketplace.services.recent import Recent
from marketplace.services.timers import Timers

DOMAINS = Domains((DOMAIN,))
pytestmark = pytest.mark.anyio


class Clock:
    """The time that a test says it is: an hour after the talk, whose deadline has passed."""

    at = NOW + 7_200

    def now(self) -> int:
        """Integer seconds UTC."""
        return self.at


class Stumbling(MemoryStore):
    """Fails once, at the append whose turn it is."""

    fails_at = -1

    async def append(self, record):
        """Append, or fail."""
        self.fails_at -= 1
        if self.fails_at == 0:
            raise StoreUnavailable("memory", "stumbled")
        return await super().append(record)


class Room:
    """A registry's services over a memory store."""

    def __init__(self) -> None:
        self.store, self.clock = Stumbling(), Clock()
        access = Access(everybody=True)
        bus = MemoryBus()
        self.services = build_services(DOMAINS, self.store, bus, self.clock, access, LOG_KEY)
        self.log = Log(self.store, Recent(bus.alone), bus)

    async def hand_in(self, lines, account=BUYER.address):
        """Hand it in; the receipts' indexes."""
        entries = await self.services.transcripts.hand_in({"messages": lines}, account)
        return [entry.index for entry in entries]

    async def audited(self):
        """What an auditor says of the whole log."""
        entries = await self.store.entries(0, 10_000)
        served = [
            LoggedEntry(e.index, "0x" + e.record.leaf_hash.hex(), e.record.leaf, e.record.body)
            for e in entries
        ]
        root = "0x" + (await self.store.tree()).root.hex()
        return audit(served, root, [], DOMAINS)


def words(listed=None):
    """Listing, invitation, offer, counter-offer, acceptance."""
    published = listed or listing()
    on = talk(published)
    first = proposed(on)
    counter = offer(first, BUYER, subject(first, unit_price=90))
    head = advance(first, counter, NOW)
    return [published, invite(published), offer(on, SELLER), counter, accept(head, SELLER)]


def lines(messages, start=NOW, step=1):
    return [
        {"message": message.to_json(), "said_at": start + step * number}
        for number, message in enumerate(messages)
    ]


async def test_a_whole_negotiation_is_stored_unwitnessed_and_the_audit_says_so():
    room, said = Room(), lines(words())
    assert await room.hand_in(said) == [0, 1, 2, 3, 4]
    report = await room.audited()
    negotiation = said[1]["message"]["digest"]
    assert report.ok, report.findings
    assert report.unwitnessed == {negotiation, said[0]["message"]["digest"]}
    assert not report.complete
    entries = await room.store.thread(negotiation)
    views = [room.services.archive.view(entry, readable=True) for entry in entries]
    assert [view.said_at for view in views] == [NOW + 1, NOW + 2, NOW + 3, NOW + 4]
    assert {view.received_at for view in views} == {room.clock.at}
    state, _ = await room.services.negotiations.replay(negotiation)
    assert state.agreement is not None


async def test_the_same_transcript_again_gives_the_same_receipts_from_either_party():
    room, said = Room(), lines(words())
    first = await room.hand_in(said)
    room.clock.at += 100
    assert await room.hand_in(said, SELLER.address) == first
    assert (await room.store.tree()).size == 5


@given(st.integers(1, 5), st.sampled_from([NOW + 100, NOW + 7_200]))
async def test_a_transcript_that_was_cut_short_anywhere_is_completed_by_handing_it_in_again(
    cut, first
):
    room, said = Room(), lines(words())
    room.store.fails_at, room.clock.at = cut, first
    with pytest.raises(StoreUnavailable):
        await room.hand_in(said)
    assert (await room.store.tree()).size == cut - 1
    # The deadline passes meanwhile, and must not be noted in the midst of it.
    room.clock.at = NOW + 7_200
    await Timers(room.store, room.log, room.clock, room.services.negotiations).run_once()
    assert await room.hand_in(said) == [0, 1, 2, 3, 4]
    assert (await room.audited()).ok


@given(st.integers(1, 5))
async def test_what_the_log_has_heard_itself_is_completed_where_the_words_chain_on(heard):
    room, messages = Room(), words()
    room.clock.at = NOW
    for message in messages[:heard]:
        await room.services.messages.submit(message)
    room.clock.at = NOW + 50
    assert await room.hand_in(lines(messages, NOW + 10)) == [0, 1, 2, 3, 4]
    report = await room.audited()
    assert report.ok, report.findings
    assert bool(report.unwitnessed) == (heard < 5)


async def test_a_talk_that_is_still_open_goes_on_at_the_registry():
    room, messages = Room(), words()
    room.clock.at = NOW + 100
    await room.hand_in(lines(messages[:4]))
    await room.services.messages.submit(messages[4])
    assert (await room.audited()).ok
    negotiation = messages[1].digest
    room.clock.at = NOW + 10_000
    assert await room.store.due(room.clock.at, 10) == []
    other = words(listing(what=content(title="Others")))
    room.clock.at = NOW + 100
    await room.hand_in(lines(other[:3]))
    assert await room.store.due(NOW + 10_000, 10) == [other[1].digest]
    assert negotiation != other[1].digest


async def refused(room, error, said, account=BUYER.address):
    before = (await room.store.tree()).size
    with pytest.raises(error) as caught:
        await room.hand_in(said, account)
    assert (await room.store.tree()).size == before
    return caught.value


async def test_only_a_party_hands_in():
    await refused(Room(), NotAParty, lines(words()), STRANGER.address)


async def test_times_go_forward_and_are_over():
    room, said = Room(), lines(words())
    back = [*said[:3], {**said[3], "said_at": NOW}, said[4]]
    assert (await refused(room, TranscriptRefused, back)).field == "said_at"
    room.clock.at = NOW + 3
    assert (await refused(room, TranscriptRefused, said)).field == "said_at"
    room.clock.at = NOW + 4
    assert len(await room.hand_in(said)) == 5


async def test_a_word_said_after_the_deadline_is_refused():
    said = lines(words())
    await refused(Room(), DeadlinePassed, [*said[:4], {**said[4], "said_at": NOW + 3_600}])


async def test_a_transcript_with_a_hole_or_in_another_order_is_refused():
    messages = words()
    await refused(Room(), MessageRefused, lines([*messages[:2], *messages[3:]]))
    await refused(Room(), ParleyError, lines([messages[1], messages[0], *messages[2:]]))
    await refused(Room(), TranscriptRefused, lines(messages[1:]))
    await refused(Room(), TranscriptRefused, lines(messages[:1]))


async def test_a_fork_of_what_the_log_says_is_refused():
    room, messages = Room(), words()
    await room.hand_in(lines(messages))
    left = withdraw(proposed(talk(messages[0])), BUYER)
    assert (
        await refused(room, TranscriptRefused, lines([*messages[:3], left]))
    ).field == "messages"


async def test_nothing_follows_a_deadline_that_the_log_has_noted():
    room, messages = Room(), words()
    room.clock.at = NOW
    for message in messages[:3]:
        await room.services.messages.submit(message)
    room.clock.at = NOW + 3_600
    await Timers(room.store, room.log, room.clock, room.services.negotiations).run_once()
    await refused(room, TranscriptRefused, lines(messages))


async def test_no_word_is_dated_before_a_deadline_that_was_witnessed_but_not_yet_noted():
    room, messages = Room(), words()
    room.clock.at = NOW
    for message in messages[:4]:
        await room.services.messages.submit(message)
    room.clock.at = NOW + 3_600
    await refused(room, DeadlinePassed, lines(messages))
    # What was all said before is known again all the same.
    assert await room.hand_in(lines(messages[:4])) == [0, 1, 2, 3]


async def test_a_listing_that_the_log_knows_to_be_replaced_takes_no_new_talk():
    room, messages = Room(), words()
    room.clock.at = NOW
    await room.services.messages.submit(messages[0])
    newer = listing(what=content(title="Newer"), replaces=messages[0].digest)
    await room.services.messages.submit(newer)
    room.clock.at = NOW + 50
    await refused(room, ListingReplaced, lines(messages))


async def test_versions_of_a_listing_come_in_their_order():
    room, first = Room(), listing()
    second = listing(what=content(title="Second"), replaces=first.digest)
    messages = words(second)
    await refused(room, ParleyError, lines(messages))
    other = listing(what=content(title="Other"))
    await refused(room, TranscriptRefused, lines([other, *messages]))
    assert len(await room.hand_in(lines([first, *messages]))) == 6
    assert (await room.audited()).ok


async def test_a_listing_that_is_over_is_there_to_read_and_no_search_finds_it():
    room = Room()
    room.clock.at = NOW + 86_400
    await room.hand_in(lines(words()))
    assert await room.store.row(listing().digest) is None
    fresh = Room()
    await fresh.hand_in(lines(words()))
    assert await fresh.store.row(listing().digest) is not None


async def test_a_word_of_a_delegate_whose_mandate_has_ended_is_not_believed_to_be_earlier():
    given_to = Delegation(
        BUYER.address, STRANGER.address, int(Scope.NEGOTIATE), NOW + 86_400, word("salt")
    )
    mandate = Mandate(given_to, BUYER.sign(given_to.digest(DOMAIN)))
    messages = words()
    spoken = replace(messages[1], signature=STRANGER.sign(messages[1].digest), mandate=mandate)
    said = lines([messages[0], spoken, *messages[2:]])
    room = Room()
    ended = BUYER.say(Revocation(BUYER.address, given_to.digest(DOMAIN)))
    await room.services.messages.submit(ended)
    await refused(room, MandateRevoked, said)
    assert len(await Room().hand_in(said)) == 5


@pytest.mark.parametrize(
    "spoil",
    [
        lambda line: {**line, "seen_by": "me"},
        lambda line: {"message": line["message"]},
        lambda line: {**line, "said_at": True},
        lambda line: {**line, "said_at": str(NOW)},
        lambda line: {**line, "said_at": -1},
        lambda line: {**line, "message": {**line["message"], "digest": word("another")}},
        lambda line: [line],
    ],
)
async def test_a_line_that_is_not_one_is_refused(spoil):
    said = lines(words())
    await refused(Room(), ParleyError, [*said[:4], spoil(said[4])])


async def test_a_forged_word_is_refused():
    messages = words()
    forged = replace(messages[4], signature=STRANGER.sign(messages[4].digest))
    await refused(Room(), WrongSigner, lines([*messages[:4], forged]))


@pytest.mark.parametrize("position", [2, 3, 4])
async def test_a_word_that_names_another_negotiation_is_refused(position: int):
    room, messages = Room(), words()
    # Neither an offer nor an acceptance signs the name of its negotiation.
    other = word("another negotiation")
    messages[position] = replace(messages[position], negotiation=other)
    told = await refused(room, TranscriptRefused, lines(messages))
    assert told.values == {"field": "negotiation", "value": other, "rule": messages[1].digest}
    assert (await room.store.tree()).size == 0


async def test_what_is_too_large_or_too_long_is_refused():
    said = lines(words())
    large = {**said[4]["message"], "signature": "0x" + "ab" * 70_000}
    await refused(Room(), BodyTooLarge, [*said[:4], {**said[4], "message": large}])
    await refused(Room(), TranscriptRefused, said * 1_000)
    with pytest.raises(FieldsDiffer):
        await Room().services.transcripts.hand_in({"messages": said, "more": 1}, BUYER.address)
