"""Search, artifacts and the feed: what a reader gets."""

import asyncio
from hashlib import sha256

import pytest
from market import (
    BUYER,
    DOMAIN,
    HOT_KEY,
    NOW,
    SELLER,
    STRANGER,
    Party,
    content,
    invite,
    listing,
    offer,
    talk,
    word,
)
from witness import Witness, agreed_words

from marketplace.core.errors import NotAParty, ParleyError
from marketplace.core.identity import Scope
from marketplace.core.login import Caller
from marketplace.core.message import Message
from marketplace.core.request import Comparison, Predicate
from marketplace.core.words import Upload
from marketplace.ports.index import Search
from marketplace.services import feed
from marketplace.services.artifacts import MOST_ARTIFACTS

pytestmark = pytest.mark.anyio

ROWS = listing(what=content(kind="data", title="Rows of WEATHER"))
HOURS = listing(STRANGER)
SHORT = listing(what=content(title="Soon over"), expires_at=NOW + 10)


async def stocked() -> Witness:
    witness = Witness()
    await witness.take(ROWS, HOURS, SHORT)
    return witness


# ------------------------------------------------------------------ search


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Search(NOW), [ROWS, HOURS, SHORT]),
        (Search(NOW, kind="data"), [ROWS]),
        (Search(NOW, kind="dat"), []),
        (Search(NOW, text="weather"), [ROWS]),
        (Search(NOW, seller=STRANGER.address), [HOURS]),
        (Search(NOW, kind="compute", seller=SELLER.address), [SHORT]),
        (Search(NOW + 10), [ROWS, HOURS]),
        (
            Search(NOW, where=(Predicate("region", Comparison.EQUAL, "north"),)),
            [ROWS, HOURS, SHORT],
        ),
        (Search(NOW, where=(Predicate("region", Comparison.EQUAL, "south"),)), []),
    ],
)
async def test_search_finds_what_matches_every_word_of_the_query(
    query: Search, found: list[Message]
):
    witness = await stocked()
    entries = await witness.services.listings.search(query)
    digests = [entry.record.digest for _, entry in entries]
    assert sorted(digests) == sorted(message.digest for message in found)


async def test_search_leaves_out_what_has_expired_or_was_replaced():
    witness = await stocked()
    await witness.take(listing(STRANGER, content(title="Better hours"), replaces=HOURS.digest))
    found = await witness.services.listings.search(Search(NOW + 10))
    assert {one.row.title for one, _ in found} == {"Rows of WEATHER", "Better hours"}
    assert (await witness.services.listings.read(HOURS.digest)).detail == content()


async def test_invitation_is_no_listing_and_listing_no_invitation():
    witness = await stocked()
    with pytest.raises(TypeError):
        await witness.services.listings.place(invite(ROWS), NOW)
    with pytest.raises(TypeError):
        await witness.services.negotiations.place_invitation(ROWS, NOW)


# ------------------------------------------------------------------ artifacts


async def put(witness: Witness, by: Party, data: bytes, **changes: str) -> str:
    negotiation = talk(ROWS).id
    upload = Upload(
        changes.get("negotiation", negotiation),
        changes.get("artifact", "0x" + sha256(data).hexdigest()),
    )
    signature = changes.get("signature") or by.sign(upload.digest(DOMAIN))
    signer = await witness.services.artifacts.authorise(upload, signature)
    await witness.services.artifacts.put(upload, signer, data)
    return upload.artifact


async def talking() -> Witness:
    witness = await stocked()
    await witness.take(invite(ROWS), offer(talk(ROWS), SELLER))
    return witness


async def test_parties_leave_artifacts_that_are_read_back_by_their_names():
    witness = await talking()
    for party, data in ((BUYER, b"job"), (SELLER, b"\0result")):
        name = await put(witness, party, data)
        assert name == await put(witness, party, data)
        assert await witness.services.artifacts.get(talk(ROWS).id, name) == data


@pytest.mark.parametrize(
    ("by", "changes", "code"),
    [
        (STRANGER, {}, "NotAParty"),
        (BUYER, {"artifact": word("other bytes")}, "DigestMismatch"),
        (BUYER, {"negotiation": word("no negotiation")}, "NegotiationMissing"),
        (BUYER, {"signature": "0x"}, "SignatureMalformed"),
        # A signature over something else recovers to nobody known here.
        (BUYER, {"signature": BUYER.sign(word("something else"))}, "NotAParty"),
    ],
)
async def test_nobody_else_and_nothing_else_is_kept(by: Party, changes: dict[str, str], code: str):
    witness = await talking()
    with pytest.raises(ParleyError) as refused:
        await put(witness, by, b"data", **changes)
    assert refused.value.code == code
    with pytest.raises(ParleyError) as missing:
        await witness.services.artifacts.get(talk(ROWS).id, "0x" + sha256(b"data").hexdigest())
    assert missing.value.code == "ArtifactMissing"


@pytest.mark.parametrize("actor", [BUYER, HOT_KEY])
async def test_a_login_lends_its_account_s_name_to_no_key_but_its_own(actor: Party):
    witness = await talking()
    upload = Upload(talk(ROWS).id, "0x" + sha256(b"data").hexdigest())
    caller = Caller(BUYER.address, actor.address, Scope.UPLOAD)
    digest, authorise = upload.digest(DOMAIN), witness.services.artifacts.authorise
    assert await authorise(upload, actor.sign(digest), caller) == BUYER.address
    with pytest.raises(NotAParty) as refused:
        await authorise(upload, STRANGER.sign(digest), caller)
    assert refused.value.signer == STRANGER.address


async def test_each_party_has_room_of_its_own_that_the_other_cannot_take():
    witness = await talking()
    for number in range(MOST_ARTIFACTS):
        await put(witness, BUYER, bytes([number]))
    with pytest.raises(ParleyError) as refused:
        await put(witness, BUYER, b"one more")
    assert refused.value.values == {"signer": BUYER.address, "maximum": MOST_ARTIFACTS}
    await put(witness, BUYER, bytes([0]))
    await put(witness, SELLER, b"the deliverable")


# ------------------------------------------------------------------ feed


async def read(witness: Witness, count: int, start: int = 0, party: str = "") -> list[int | None]:
    seen: list[int | None] = []
    async for entry in witness.services.feed.follow(start, party):
        seen.append(entry.index if entry else None)
        if len(seen) == count:
            return seen
    raise AssertionError("the feed ended")


async def test_feed_replays_and_then_follows_without_loss_or_repetition(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(feed, "PAGE", 2)
    witness = await stocked()
    reader = asyncio.create_task(read(witness, 7))
    words = agreed_words(ROWS)
    for message in words:
        await asyncio.sleep(0)
        await witness.take(message)
    assert await asyncio.wait_for(reader, 5) == list(range(7))


async def test_feed_resumes_at_an_index_and_tells_a_party_only_its_own():
    witness = await talking()
    assert await read(witness, 2, start=3) == [3, 4]
    assert await read(witness, 1, party=STRANGER.address) == [1]
    assert await read(witness, 2, party=BUYER.address) == [3, 4]


async def test_silent_feed_says_that_it_is_still_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.01)
    witness = await stocked()
    assert await asyncio.wait_for(read(witness, 3, start=3), 5) == [None, None, None]
    reader = asyncio.create_task(read(witness, 1, start=3, party=BUYER.address))
    await witness.take(listing(what=content(title="Of no concern")))
    assert await asyncio.wait_for(reader, 5) == [None]


async def test_what_is_held_in_memory_holds_no_tree():
    witness = Witness()
    await witness.take(*(listing(what=content(title=f"Lot {number}")) for number in range(3)))
    held = witness.services.feed.recent.since(0, "")
    assert held is not None
    assert [entry.growth for entry in held] == [None] * 3
