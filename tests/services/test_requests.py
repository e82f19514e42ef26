"""Requests for quotation: who is told, who may answer, and until when."""

import pytest
from market import BUYER, NOW, SELLER, STRANGER, Party, content, demand, listing, quote, request
from witness import Witness

from marketplace.core.errors import ParleyError
from marketplace.core.message import Message
from marketplace.core.outcome import Issue, OutcomeSpace
from marketplace.core.request import Comparison, Predicate
from marketplace.ports.index import Tally
from marketplace.services import requests

pytestmark = pytest.mark.anyio

ASKED, OFFERED = request(), listing()


async def refusal(witness: Witness, message: Message) -> ParleyError:
    before = await witness.size()
    with pytest.raises(ParleyError) as refused:
        await witness.take(message)
    assert await witness.size() == before
    return refused.value


def dear(by: Party) -> Message:
    issues = (
        Issue("unit_price", 500, 900),
        Issue("quantity", 1, 9),
        Issue("delivery_window", 60, 60),
    )
    return listing(by, content(space=OutcomeSpace(issues)))


# ------------------------------------------------------------------ who is told


async def test_request_is_told_to_its_buyer_and_to_each_seller_that_matches_once():
    witness = Witness()
    second = listing(what=content(title="More hours"))
    await witness.take(OFFERED, second)
    (entry,) = await witness.take(ASKED)
    assert entry.record.parties == (BUYER.address, SELLER.address)


@pytest.mark.parametrize(
    "other",
    [
        listing(STRANGER, content(kind="data")),
        listing(STRANGER, content(attributes={"region": "south"})),
        listing(STRANGER, content(attributes={})),
        listing(STRANGER, content(capacity=9)),
        listing(STRANGER, expires_at=NOW + 5),
        dear(STRANGER),
    ],
    ids=["kind", "attribute", "no attribute", "capacity", "expired", "price"],
)
async def test_seller_that_cannot_serve_it_is_not_told(other: Message):
    witness = Witness()
    await witness.take(OFFERED, other)
    witness.clock.at += 5
    (entry,) = await witness.take(ASKED)
    assert entry.record.parties == (BUYER.address, SELLER.address)


async def test_demand_that_says_nothing_reaches_every_seller_of_the_kind():
    witness = Witness()
    await witness.take(OFFERED, dear(STRANGER))
    wide = demand(quantity=0, highest_unit_price=0, where=())
    (entry,) = await witness.take(request(what=wide))
    assert set(entry.record.parties) == {BUYER.address, SELLER.address, STRANGER.address}


async def test_one_seller_s_many_listings_leave_room_for_another_to_be_told(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(requests, "MOST_TOLD", 2)
    monkeypatch.setattr(requests, "PAGE", 3)
    witness = Witness()
    crowd = [listing(STRANGER, content(title=f"Hours, no. {number}")) for number in range(12)]
    await witness.take(*crowd, OFFERED)
    (entry,) = await witness.take(ASKED)
    assert set(entry.record.parties) == {BUYER.address, SELLER.address, STRANGER.address}


async def test_who_has_settled_most_is_told_before_a_crowd_that_was_there_first(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(requests, "MOST_TOLD", 2)
    witness = Witness()
    await witness.take(*(listing(Party(f"one of a crowd, {number}")) for number in range(4)))
    witness.clock.at += 1
    await witness.take(OFFERED)
    assert await witness.store.settled(Tally("escrow", -1, 7, {SELLER.address: 1}, {}, ()))
    (entry,) = await witness.take(ASKED)
    assert entry.record.parties[:2] == (BUYER.address, SELLER.address)
    assert len(entry.record.parties) == 3


async def test_request_of_another_s_name_or_of_the_past_is_refused():
    witness = Witness()
    assert (await refusal(witness, request(STRANGER, buyer=BUYER.address))).code == "NotAParty"
    assert (await refusal(witness, request(expires_at=NOW))).code == "RequestExpired"


async def test_too_many_conditions_are_refused_when_they_are_read():
    one = Predicate("region", Comparison.EQUAL, "north")
    with pytest.raises(ParleyError):
        demand(where=(one,) * 17)


# ------------------------------------------------------------------ who answers


async def test_quotation_goes_to_both_and_continues_the_request():
    witness = Witness()
    await witness.take(OFFERED, ASKED)
    (entry,) = await witness.take(quote(ASKED, OFFERED))
    record = entry.record
    assert (record.thread, record.position) == (ASKED.digest, 1)
    assert record.parties == (BUYER.address, SELLER.address)


async def test_quotation_names_a_listing_of_its_own_seller():
    witness = Witness()
    await witness.take(OFFERED, ASKED)
    told = await refusal(witness, quote(ASKED, OFFERED, STRANGER))
    assert told.values == {"signer": STRANGER.address, "parties": SELLER.address}
    forged = quote(ASKED, OFFERED, STRANGER, seller=SELLER.address)
    assert (await refusal(witness, forged)).code == "NotAParty"


async def test_quotation_of_what_is_not_on_sale_is_refused():
    witness = Witness()
    soon = listing(what=content(title="Soon over"), expires_at=NOW + 5)
    await witness.take(OFFERED, soon, ASKED)
    unknown = listing(what=content(title="Never published"))
    assert (await refusal(witness, quote(ASKED, unknown))).code == "ListingMissing"
    await witness.take(listing(what=content(title="Anew"), replaces=OFFERED.digest))
    assert (await refusal(witness, quote(ASKED, OFFERED))).code == "ListingReplaced"
    witness.clock.at = NOW + 5
    assert (await refusal(witness, quote(ASKED, soon))).code == "ListingExpired"


async def test_quotation_comes_before_the_request_s_end_or_not_at_all():
    witness = Witness()
    await witness.take(OFFERED, ASKED)
    assert (await refusal(witness, quote(request(what=demand(title="x")), OFFERED))).code == (
        "RequestMissing"
    )
    witness.clock.at = NOW + 599
    taken = quote(ASKED, OFFERED)
    await witness.take(taken)
    witness.clock.at = NOW + 600
    assert (await refusal(witness, quote(ASKED, OFFERED, unit_price=1))).code == "RequestExpired"
    # What was taken in time has its answer still.
    (again,) = await witness.take(taken)
    assert again.record.position == 1


async def test_one_seller_cannot_fill_a_request_and_all_together_fill_it_once(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(requests, "MOST_OF_ONE", 2)
    monkeypatch.setattr(requests, "MOST_QUOTATIONS", 3)
    witness = Witness()
    others = [listing(Party(f"seller {n}")) for n in range(2)]
    await witness.take(OFFERED, *others, ASKED)
    await witness.take(*(quote(ASKED, OFFERED, unit_price=price) for price in (1, 2)))
    assert (await refusal(witness, quote(ASKED, OFFERED, unit_price=3))).code == "RequestRefused"
    await witness.take(quote(ASKED, others[0], Party("seller 0")))
    full = await refusal(witness, quote(ASKED, others[1], Party("seller 1")))
    assert full.values == {"field": "quotations", "value": "3", "rule": "at most 3"}


async def test_replacement_that_comes_between_is_seen():
    # What was true of the listing when the quotation was placed is true when it is stored.
    witness = Witness()
    await witness.take(OFFERED, ASKED)
    placed = await witness.services.requests.place_quotation(quote(ASKED, OFFERED), NOW)
    assert placed.requires == ((OFFERED.digest, 1),)


async def test_only_requests_and_quotations_have_a_place_there():
    with pytest.raises(TypeError):
        await Witness().services.requests.place(OFFERED, NOW)
    with pytest.raises(TypeError):
        await Witness().services.requests.place_quotation(OFFERED, NOW)
