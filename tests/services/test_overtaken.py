"""Something is stored between the check of a word and its place in the log."""

from collections.abc import Mapping

import pytest
from market import (
    NOW,
    SELLER,
    content,
    delegated,
    delegation,
    invite,
    listing,
    offer,
    revocation,
    talk,
)
from witness import Witness

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.errors import ListingReplaced, MandateRevoked
from marketplace.core.message import Message
from marketplace.ports.store import Entry, Record

pytestmark = pytest.mark.anyio

FIRST = listing()
SECOND = listing(SELLER, content(title="Dearer now"), replaces=FIRST.digest)
GIVEN = delegation()
ENDED = revocation(GIVEN)


class Interrupted(MemoryStore):
    """Another word is stored in the very moment before the next one is."""

    def __init__(self) -> None:
        super().__init__()
        self.first: tuple[Witness, Message] | None = None

    async def append(self, record: Record) -> Entry:
        first, self.first = self.first, None
        if first is not None:
            witness, word = first
            await witness.take(word)
        return await super().append(record)


async def refusal(before: Message, word: Message) -> Mapping[str, str | int]:
    store = Interrupted()
    witness = Witness(store)
    await witness.take(FIRST)
    store.first = witness, before
    with pytest.raises((ListingReplaced, MandateRevoked)) as refused:
        await witness.take(word)
    said = [entry.record.digest for entry in await store.entries(0, 9)]
    assert said == [FIRST.digest, before.digest]
    return refused.value.values


async def test_an_invitation_that_a_replacement_overtakes_is_refused_and_not_logged():
    told = await refusal(SECOND, invite(FIRST))
    assert told == {"listing": FIRST.digest, "replacement": SECOND.digest}


async def test_a_delegate_s_word_that_a_revocation_overtakes_is_refused_and_not_logged():
    told = await refusal(ENDED, delegated(SECOND, GIVEN))
    assert told["delegation"] == GIVEN.digest


async def test_a_transcript_whose_listing_a_replacement_overtakes_is_refused_and_not_logged():
    store = Interrupted()
    witness = Witness(store)
    await witness.take(FIRST)
    store.first = witness, SECOND
    said = [FIRST, invite(FIRST), offer(talk(FIRST), SELLER)]
    lines = [{"message": message.to_json(), "said_at": NOW} for message in said]
    with pytest.raises(ListingReplaced):
        await witness.services.transcripts.hand_in({"messages": lines}, SELLER.address)
    entries = await store.entries(0, 9)
    assert [entry.record.digest for entry in entries] == [FIRST.digest, SECOND.digest]
