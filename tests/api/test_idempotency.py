"""Idempotency-Key: a named write is done once, for its caller alone."""

import httpx
import pytest
from market import BUYER, SELLER, Party, content, listing
from visitor import login, typed_request
from witness import Witness

from marketplace.api.idempotency import KEPT_SECONDS, LEASE_SECONDS
from marketplace.core.login import Origin
from marketplace.core.message import Message
from marketplace.ports.journal import Request

pytestmark = pytest.mark.anyio

ORIGIN = "https://registry.example"
FIRST, SECOND = listing(), listing(what=content(title="Another"))
KEYED = {"idempotency-key": "once"}


@pytest.fixture
async def client(witness: Witness, anyio_backend: str):  # noqa: ARG001 orders the loop
    transport = httpx.ASGITransport(witness.app(origin=ORIGIN), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as ready:
        yield ready


async def post(client: httpx.AsyncClient, said: Message, key: str = "once") -> httpx.Response:
    headers = {"idempotency-key": key}
    return await client.post("/v1/messages", json=said.to_json(), headers=headers)


async def token(client: httpx.AsyncClient, party: Party) -> dict[str, str]:
    nonce = (await client.get("/v1/login")).json()["nonce"]
    told = login(nonce, party, origin=Origin.parse(ORIGIN).digest, scope=31)
    answer = await client.post("/v1/token", json=typed_request(told, party))
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


async def hook(
    client: httpx.AsyncClient, headers: dict[str, str], url: str = "https://receiver.example/"
) -> httpx.Response:
    return await client.post("/v1/webhooks", json={"url": url}, headers={**KEYED, **headers})


async def test_message_again_under_its_key_is_answered_from_memory(
    witness: Witness, client: httpx.AsyncClient
):
    first, again = await post(client, FIRST), await post(client, FIRST)
    assert (again.status_code, again.content) == (201, first.content)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await witness.size() == 1


async def test_key_on_another_body_is_refused_and_does_nothing(
    witness: Witness, client: httpx.AsyncClient
):
    await post(client, FIRST)
    refused = await post(client, SECOND)
    assert (refused.status_code, refused.json()["code"]) == (422, "KeyReused")
    assert await witness.size() == 1
    assert (await post(client, SECOND, "twice")).status_code == 201


async def test_key_is_its_caller_s_own(witness: Witness, client: httpx.AsyncClient):
    await post(client, FIRST)
    assert (await post(client, listing(BUYER))).status_code == 201
    assert await witness.size() == 2


async def begun(witness: Witness, client: httpx.AsyncClient) -> None:
    """Another worker has begun the same request and has not answered yet."""
    seen: list[Request] = []
    begin = witness.store.begin

    async def spied(request: Request, now: int):
        seen.append(request)
        return await begin(request, now)

    witness.store.begin = spied  # type: ignore[method-assign]  # looks, and changes nothing
    await post(client, FIRST)
    witness.store._requests.clear()  # type: ignore[attr-defined]  # the answer is not there yet
    await begin(seen[0], witness.clock.at)


async def test_request_that_somebody_is_doing_is_asked_for_later(
    witness: Witness, client: httpx.AsyncClient
):
    await begun(witness, client)
    busy = await post(client, FIRST)
    assert (busy.status_code, busy.json()["code"]) == (409, "RequestUnderWay")
    assert busy.json()["retryable"]
    assert busy.headers["retry-after"] == str(LEASE_SECONDS)
    witness.clock.at += LEASE_SECONDS - 1
    assert (await post(client, FIRST)).status_code == 409


async def test_request_whose_worker_died_is_done_once_its_lease_is_over(
    witness: Witness, client: httpx.AsyncClient
):
    await begun(witness, client)
    witness.clock.at += LEASE_SECONDS
    done = await post(client, FIRST)
    assert (done.status_code, "idempotency-replayed" in done.headers) == (201, False)
    assert (await post(client, FIRST)).headers["idempotency-replayed"] == "true"
    assert await witness.size() == 1


async def test_refusal_is_not_kept_so_that_the_same_may_be_sent_again(
    witness: Witness, client: httpx.AsyncClient
):
    later = listing(what=content(title="Later"), replaces=FIRST.digest)
    assert (await post(client, later)).json()["code"] == "ListingMissing"
    await witness.take(FIRST)
    assert (await post(client, later)).status_code == 201


async def test_key_is_forgotten_after_its_time(witness: Witness, client: httpx.AsyncClient):
    await post(client, FIRST)
    witness.clock.at += KEPT_SECONDS - 1
    assert (await post(client, SECOND)).json()["code"] == "KeyReused"
    witness.clock.at += 1
    # The key serves anew: what it is refused for is not the key.
    assert (await post(client, SECOND)).json()["code"] == "ListingExpired"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x7f", "a\xa0b"])
async def test_key_in_another_form_is_a_problem(
    witness: Witness, client: httpx.AsyncClient, key: str
):
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    answer = await client.post("/v1/messages", json=FIRST.to_json(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "ValueMalformed")
    assert await witness.size() == 0


async def test_webhook_is_made_once_under_its_key_with_one_secret(client: httpx.AsyncClient):
    buyer, seller = await token(client, BUYER), await token(client, SELLER)
    first, again = await hook(client, buyer), await hook(client, buyer)
    assert (first.status_code, again.content) == (201, first.content)
    assert {first.headers["cache-control"], again.headers["cache-control"]} == {"no-store"}
    changed = await hook(client, buyer, url="https://elsewhere.example/")
    assert changed.json()["code"] == "KeyReused"
    assert len((await client.get("/v1/webhooks", headers=buyer)).json()["webhooks"]) == 1
    other = await hook(client, seller)
    assert other.json()["secret"] != first.json()["secret"]


async def test_key_of_one_route_is_another_body_on_the_next(
    witness: Witness, client: httpx.AsyncClient
):
    seller = await token(client, SELLER)
    await hook(client, seller)
    assert (await post(client, FIRST)).json()["code"] == "KeyReused"
    assert await witness.size() == 0
