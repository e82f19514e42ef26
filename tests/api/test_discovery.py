"""Discovery over HTTP: how a search is spelled, what it answers, and how it goes on."""

import base64
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from market import (
    NOW,
    SELLER,
    STRANGER,
    Party,
    card,
    content,
    delegation,
    listing,
    quote,
    request,
    word,
)
from witness import Witness

from marketplace.core.message import Message
from marketplace.core.outcome import Issue, OutcomeSpace

pytestmark = pytest.mark.anyio

MOST = 2**63


def priced(name: str, low: int, **changes: Any) -> Message:  # noqa: ANN401 any field
    issues = (
        Issue("unit_price", low, 10 * low),
        Issue("quantity", 1, 1_000),
        Issue("delivery_window", 60, 7_200, 60),
    )
    return listing(Party(name), content(title=name, space=OutcomeSpace(issues), **changes))


CHEAP = priced("Cheap hours", 5, attributes={"region": "north", "memory": "16"})
DEAR = priced("Dear hours", 50, attributes={"region": "south", "memory": "64"})
ROWS = priced("Rows of weather", 20, kind="data", capacity=3, attributes={"rows": "1000"})
SHELF = [DEAR, CHEAP, ROWS]


@pytest.fixture
async def shelf(witness: Witness, client: httpx.AsyncClient) -> httpx.AsyncClient:
    for message in SHELF:
        await witness.take(message)
        witness.clock.at += 1
    return client


async def found(client: httpx.AsyncClient, query: Mapping[str, Any]) -> list[str]:
    answer = await client.get("/v1/listings", params=query)
    assert answer.status_code == 200, answer.text
    return [one["message"]["detail"]["title"] for one in answer.json()["listings"]]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ({}, ["Dear hours", "Cheap hours", "Rows of weather"]),
        ({"order": "cheapest"}, ["Cheap hours", "Rows of weather", "Dear hours"]),
        ({"kind": "data"}, ["Rows of weather"]),
        ({"text": "WEATH rows"}, ["Rows of weather"]),
        ({"text": "hours north"}, ["Cheap hours"]),
        ({"text": "hours nowhere"}, []),
        ({"seller": DEAR.signer}, ["Dear hours"]),
        ({"where": "region=north"}, ["Cheap hours"]),
        ({"where": "region!=north"}, ["Dear hours"]),
        ({"where": "memory>=17"}, ["Dear hours"]),
        ({"where": "memory<=16"}, ["Cheap hours"]),
        ({"where": ["memory>=16", "region=south"]}, ["Dear hours"]),
        ({"where": "memory>=many"}, []),
        ({"where": "region="}, []),
        ({"highest_price": "20"}, ["Cheap hours", "Rows of weather"]),
        ({"highest_price": "19"}, ["Cheap hours"]),
        ({"units": 3, "kind": "data"}, ["Rows of weather"]),
        ({"units": 4, "kind": "data"}, []),
        ({"least_settled": 1}, []),
    ],
)
async def test_search_finds_by_each_of_its_parameters(
    shelf: httpx.AsyncClient, query: Mapping[str, Any], titles: list[str]
):
    assert await found(shelf, query) == titles


@pytest.mark.parametrize("order", ["oldest", "cheapest", "reputation"])
async def test_pages_follow_each_other_without_loss_or_repetition(
    shelf: httpx.AsyncClient, order: str
):
    whole = await found(shelf, {"order": order})
    # A page that is not full is the last one.
    assert (await shelf.get("/v1/listings", params={"limit": 4})).json()["next"] is None
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"order": order, "limit": 1, "cursor": cursor}
        page = (await shelf.get("/v1/listings", params=query)).json()
        seen += [one["message"]["detail"]["title"] for one in page["listings"]]
        cursor = page["next"]
        assert len(seen) <= 3
    assert seen == whole


async def test_listing_that_comes_between_two_pages_moves_none_of_the_others(
    witness: Witness, shelf: httpx.AsyncClient
):
    first = (await shelf.get("/v1/listings", params={"order": "cheapest", "limit": 1})).json()
    await witness.take(priced("Cheapest of all", 1))
    query = {"order": "cheapest", "cursor": first["next"]}
    assert await found(shelf, query) == ["Rows of weather", "Dear hours"]


def spelled(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "query",
    [
        {"where": "region"},
        {"where": "=north"},
        {"where": "region=" + "x" * 201},
        {"where": "x" * 41 + "=1"},
        {"where": "a\x00=1"},
        {"where": "a=\x00"},
        {"where": ["a=1"] * 17},
        {"kind": "\x00"},
        {"text": "a\u202eb"},
        {"text": "x" * 201},
        {"highest_price": "-1"},
        {"highest_price": "1.5"},
        {"highest_price": "9" * 40},
        {"units": 0},
        {"units": MOST},
        {"least_settled": -1},
        {"order": "best"},
        {"limit": 201},
        {"nothing": "1"},
        {"cursor": "x"},
        {"cursor": "\xff"},
        {"cursor": "A" * 401},
        {"cursor": spelled("oldest|1")},
        {"cursor": spelled(f"cheapest|1|{word('x')}")},
        {"cursor": spelled(f"oldest|one|{word('x')}")},
        {"cursor": spelled("oldest|1|0x")},
        {"cursor": spelled(f"oldest|{'9' * 41}|{word('x')}")},
    ],
    ids=str,
)
async def test_search_in_another_form_is_a_problem(
    client: httpx.AsyncClient, query: Mapping[str, Any]
):
    answer = await client.get("/v1/listings", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "ValueMalformed")


@pytest.mark.parametrize("key", [-(10**38), -1, 0, MOST, 10**39])
async def test_cursor_of_any_place_is_one(shelf: httpx.AsyncClient, key: int):
    asked = {"cursor": spelled(f"oldest|{key}|{word('x')}")}
    assert len(await found(shelf, asked)) == (3 if key < NOW else 0)


# ------------------------------------------------------------------ agents and requests


async def test_agent_is_shown_with_its_card_and_its_members(
    witness: Witness, client: httpx.AsyncClient
):
    given = delegation(scope=6)
    await witness.take(card(), given)
    told = (await client.get(f"/v1/agents/{SELLER.address}")).json()
    assert told["card"]["message"]["digest"] == card().digest
    (member,) = told["members"]
    assert (member["scope"], member["delegation"]["message"]["digest"]) == (
        "list negotiate",
        given.digest,
    )
    witness.clock.at = given.body.expires_at  # type: ignore[union-attr]  # a delegation
    assert (await client.get(f"/v1/agents/{SELLER.address}")).json()["members"] == []


async def test_agent_without_a_card_has_members_all_the_same(
    witness: Witness, client: httpx.AsyncClient
):
    await witness.take(delegation())
    told = (await client.get(f"/v1/agents/{SELLER.address}")).json()
    assert (told["card"], len(told["members"])) == (None, 1)


async def test_request_is_shown_with_its_quotations_in_order(
    witness: Witness, client: httpx.AsyncClient
):
    offered, asked = listing(), request()
    answers = [quote(asked, offered, unit_price=price) for price in (90, 80)]
    await witness.take(offered, asked, *answers)
    told = (await client.get(f"/v1/requests/{asked.digest}")).json()
    assert told["request"]["message"]["digest"] == asked.digest
    assert [one["message"]["digest"] for one in told["quotations"]] == [a.digest for a in answers]


# ------------------------------------------------------------------ entity tags


async def test_what_has_not_changed_is_not_sent_again(witness: Witness, client: httpx.AsyncClient):
    await witness.take(CHEAP)
    first = await client.get("/v1/listings")
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await client.get("/v1/listings", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    other = await client.get("/v1/listings", headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)
    await witness.take(listing(STRANGER))
    changed = await client.get("/v1/listings", headers={"if-none-match": tag})
    assert (changed.status_code, changed.headers["etag"] != tag) == (200, True)
