"""The routes: what a well-behaved client gets."""

import asyncio
from hashlib import sha256

import httpx
import pytest
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
    talk,
    withdraw,
    word,
)
from witness import Witness, agreed_words

from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.message import Message
from marketplace.core.words import Upload
from marketplace.services.artifacts import MOST_ARTIFACTS

pytestmark = pytest.mark.anyio

LISTED = listing()
TALK = talk(LISTED)


async def post(client: httpx.AsyncClient, message: Message) -> httpx.Response:
    return await client.post("/v1/messages", json=message.to_json())


async def put(
    client: httpx.AsyncClient, data: bytes, signer: str = "buyer", artifact: str = ""
) -> httpx.Response:
    name = artifact or "0x" + sha256(data).hexdigest()
    party = {"buyer": BUYER, "seller": SELLER, "stranger": STRANGER}[signer]
    signature = party.sign(Upload(TALK.id, name).digest(DOMAIN))
    path = f"/v1/negotiations/{TALK.id}/artifacts/{name}"
    return await client.put(path, content=data, headers={"parley-signature": signature})


async def test_info_says_where_to_sign_and_what_time_it_is(client: httpx.AsyncClient):
    told = (await client.get("/v1")).json()
    assert told["domain"] == DOMAIN.to_json()
    assert told["domain_separator"] == "0x" + DOMAIN.separator.hex()
    assert told["now"] == NOW
    assert (await client.get("/healthz")).status_code == 204


async def test_message_again_gets_the_same_receipt(witness: Witness, client: httpx.AsyncClient):
    first = await post(client, LISTED)
    witness.clock.at += 1_000
    again = await post(client, LISTED)
    assert (first.status_code, first.json()) == (201, again.json())
    assert first.json()["thread"] == LISTED.digest
    assert await witness.size() == 1


async def test_negotiation_is_shown_as_it_stands_now(witness: Witness, client: httpx.AsyncClient):
    await witness.take(LISTED, invite(LISTED), offer(TALK, SELLER))
    path = f"/v1/negotiations/{TALK.id}"
    on = proposed(TALK)
    shown = (await client.get(path)).json()
    assert (shown["state"], shown["turn"], shown["head"]) == ("PROPOSED", BUYER.address, on.head)
    assert (shown["rounds"], shown["length"], shown["agreement"]) == (1, 2, None)
    assert not shown["provisional"]

    await witness.take(withdraw(on, BUYER))
    left = (await client.get(path)).json()
    assert (left["state"], left["provisional"]) == ("TERMINATED", True)
    await witness.take(accept(on, BUYER))
    assert (await client.get(path)).json()["agreement"] == on.head


async def test_silence_makes_a_negotiation_fail(witness: Witness, client: httpx.AsyncClient):
    await witness.take(LISTED, invite(LISTED), offer(TALK, SELLER, open_by=NOW + 9_000))
    witness.clock.at = TALK.invitation.deadline
    shown = (await client.get(f"/v1/negotiations/{TALK.id}")).json()
    assert (shown["state"], shown["provisional"]) == ("FAILED", True)
    witness.clock.at = NOW + 9_000
    assert not (await client.get(f"/v1/negotiations/{TALK.id}")).json()["provisional"]


async def test_messages_of_a_negotiation_are_what_was_signed(
    witness: Witness, client: httpx.AsyncClient
):
    words = agreed_words(LISTED)
    await witness.take(LISTED, *words)
    shown = (await client.get(f"/v1/negotiations/{words[0].digest}/messages")).json()["messages"]
    assert [one["message"] for one in shown] == [message.to_json() for message in words]
    assert [one["sequence"] for one in shown] == [0, 1, 2, 3]


async def test_listings_are_searched_and_read_even_when_replaced(
    witness: Witness, client: httpx.AsyncClient
):
    new = listing(what=content(title="A larger machine"), replaces=LISTED.digest)
    await witness.take(LISTED, new)
    found = (await client.get("/v1/listings", params={"kind": "compute"})).json()["listings"]
    assert [one["message"]["digest"] for one in found] == [new.digest]
    for other in ({"text": "larger"}, {"limit": 1}, {"seller": SELLER.address}):
        assert len((await client.get("/v1/listings", params=other)).json()["listings"]) == 1
    old = (await client.get(f"/v1/listings/{LISTED.digest}")).json()
    assert old["message"] == LISTED.to_json()


async def test_log_is_the_very_bytes_that_were_hashed(witness: Witness, client: httpx.AsyncClient):
    unusual = listing(what=content(title="Größe 時間 🖥"))
    await witness.take(unusual, *agreed_words(unusual))
    whole = (await client.get("/v1/log")).json()
    leaves = [leaf_hash(entry["data"].encode()) for entry in whole["entries"]]
    assert ["0x" + leaf.hex() for leaf in leaves] == [e["leaf_hash"] for e in whole["entries"]]
    assert (whole["size"], whole["root"]) == (5, "0x" + root_hash(leaves).hex())
    page = (await client.get("/v1/log", params={"start": 2, "limit": 2})).json()
    assert [entry["index"] for entry in page["entries"]] == [2, 3]
    assert (page["size"], page["root"]) == (whole["size"], whole["root"])


async def test_artifacts_are_put_by_parties_and_read_back(
    witness: Witness, client: httpx.AsyncClient
):
    await witness.take(LISTED, invite(LISTED))
    data = bytes(range(256))
    assert (await put(client, data)).status_code == 204
    assert (await put(client, data, "seller")).status_code == 204
    path = f"/v1/negotiations/{TALK.id}/artifacts/0x{sha256(data).hexdigest()}"
    assert (await client.get(path)).content == data


async def test_artifacts_of_strangers_wrong_names_and_too_many_are_refused(
    witness: Witness, client: httpx.AsyncClient
):
    await witness.take(LISTED, invite(LISTED))
    assert (await put(client, b"x", "stranger")).json()["code"] == "NotAParty"
    wrong = (await put(client, b"x", artifact=word("y"))).json()
    assert wrong["values"] == {"stated": word("y"), "computed": "0x" + sha256(b"x").hexdigest()}
    for number in range(MOST_ARTIFACTS):
        assert (await put(client, bytes([number]))).status_code == 204
    full = await put(client, b"one more")
    assert (full.status_code, full.json()["code"]) == (409, "ArtifactsFull")
    missing = f"/v1/negotiations/{TALK.id}/artifacts/{word('y')}"
    assert (await client.get(missing)).json()["retryable"]


async def test_two_buyers_race_and_each_gets_its_own_negotiation(
    witness: Witness, client: httpx.AsyncClient
):
    await witness.take(LISTED)
    answers = await asyncio.gather(
        post(client, invite(LISTED, BUYER)), post(client, invite(LISTED, STRANGER))
    )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {answer.json()["index"] for answer in answers} == {1, 2}
    assert len({answer.json()["thread"] for answer in answers}) == 2


async def test_two_answers_race_and_one_is_told_who_was_first(
    witness: Witness, client: httpx.AsyncClient
):
    await witness.take(LISTED, invite(LISTED), offer(TALK, SELLER))
    on = proposed(TALK)
    counter = offer(on, BUYER, None, open_by=NOW + 99)
    answers = await asyncio.gather(post(client, accept(on, BUYER)), post(client, counter))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert await witness.size() == 4


def test_openapi_names_every_operation_once():
    schema = Witness().app().openapi()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) == 28
    assert all(operation["description"] or operation["summary"] for operation in operations)
    assert all("default" in operation["responses"] for operation in operations)


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_no_page_brings_scripts_and_each_points_to_the_document(
    client: httpx.AsyncClient, path: str
):
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "RouteMissing")
    assert "/openapi.json" in answer.json()["hint"]
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "Parley registry"
