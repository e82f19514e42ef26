"""Listings as they live: heard, silent, sold out, replaced, over."""

import pytest
from market import NOW, SELLER, STRANGER, content, delegated, delegation, invite, listing, talk
from witness import Witness

from marketplace.core.errors import ParleyError
from marketplace.core.message import Message
from marketplace.ports.index import Search

pytestmark = pytest.mark.anyio

PULSE = 60
ALIVE = listing(what=content(title="Alive", heartbeat=PULSE))


async def titles(witness: Witness, now: int) -> set[str]:
    found = await witness.services.listings.search(Search(now))
    return {one.row.title for one, _ in found}


async def hear(witness: Witness, message: Message, by: str = SELLER.address, at: int = NOW) -> str:
    try:
        await witness.services.listings.hear(message.digest, by, at)
    except ParleyError as error:
        return error.code
    return ""


async def test_heartbeat_keeps_a_listing_in_the_search_and_silence_takes_it_out():
    witness = Witness()
    await witness.take(ALIVE, listing(STRANGER, content(title="Needs none")))
    assert await titles(witness, NOW + PULSE - 1) == {"Alive", "Needs none"}
    assert await titles(witness, NOW + PULSE) == {"Needs none"}
    assert await hear(witness, ALIVE, at=NOW + 50) == ""
    assert await titles(witness, NOW + 50 + PULSE - 1) == {"Alive", "Needs none"}
    assert await titles(witness, NOW + 50 + PULSE) == {"Needs none"}
    # A ghost that comes back is alive again, and a late word of an earlier pulse changes nothing.
    assert await hear(witness, ALIVE, at=NOW + 500) == ""
    assert await hear(witness, ALIVE, at=NOW + 400) == ""
    assert "Alive" in await titles(witness, NOW + 500 + PULSE - 1)


async def test_only_its_seller_keeps_a_listing_alive_and_only_until_its_end():
    witness = Witness()
    over = listing(what=content(title="Over", heartbeat=PULSE), expires_at=NOW + 100)
    await witness.take(ALIVE, over)
    assert await hear(witness, ALIVE, STRANGER.address) == "NotAParty"
    assert await hear(witness, listing(STRANGER)) == "ListingMissing"
    assert await hear(witness, over, at=NOW + 99) == ""
    assert await hear(witness, over, at=NOW + 100) == "ListingExpired"


async def test_heartbeat_of_an_old_version_keeps_the_present_one():
    witness = Witness()
    new = listing(what=content(title="New", heartbeat=PULSE), replaces=ALIVE.digest)
    await witness.take(ALIVE, new)
    assert await hear(witness, ALIVE, at=NOW + 50) == ""
    assert await titles(witness, NOW + PULSE) == {"New"}


async def test_sold_out_listing_is_closed_and_opens_again_with_its_next_version():
    witness = Witness()
    closed = listing(what=content(title="Sold out", capacity=0), replaces=ALIVE.digest)
    await witness.take(ALIVE, closed)
    assert await titles(witness, NOW) == set()
    with pytest.raises(ParleyError) as refused:
        await witness.take(invite(closed))
    assert refused.value.code == "ListingClosed"
    again = listing(what=content(title="Back", capacity=3), replaces=closed.digest)
    await witness.take(again, invite(again))
    assert await titles(witness, NOW) == {"Back"}


async def test_ghost_is_not_found_and_can_still_be_read_and_asked():
    witness = Witness()
    await witness.take(ALIVE)
    witness.clock.at = NOW + PULSE
    assert await titles(witness, witness.clock.at) == set()
    assert (await witness.services.listings.read(ALIVE.digest)).digest == ALIVE.digest
    await witness.take(invite(ALIVE, deadline=NOW + 3_000))


async def test_delegate_lists_in_its_principal_s_name():
    witness = Witness()
    (entry,) = await witness.take(delegated(listing(), delegation()))
    assert (entry.record.signer, entry.record.parties) == (SELLER.address, (SELLER.address,))
    assert talk(listing()).invitation.seller == SELLER.address
