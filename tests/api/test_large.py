"""Large bodies: how many an address has under way, and what each costs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest
from market import BUYER, DOMAIN, NOW, invite, listing
from visitor import login, typed_request
from witness import Witness

from marketplace.api.body import MOST_MESSAGE
from marketplace.api.large import MOST_AT_ONCE
from marketplace.bootstrap import BURST_SECONDS
from marketplace.core.identity import Scope
from marketplace.core.login import Origin
from marketplace.core.words import Upload

pytestmark = pytest.mark.anyio

ORIGIN = "https://registry.example"
LISTED = listing()
TALK = invite(LISTED)


@asynccontextmanager
async def visited(**settings: int) -> AsyncIterator[httpx.AsyncClient]:
    witness = Witness()
    await witness.take(LISTED, TALK)
    transport = httpx.ASGITransport(witness.app(origin=ORIGIN, **settings))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def upload(client: httpx.AsyncClient, data: bytes, gate: asyncio.Event | None = None):
    artifact = "0x" + sha256(data).hexdigest()
    signature = BUYER.sign(Upload(TALK.digest, artifact).digest(DOMAIN))

    async def body() -> AsyncIterator[bytes]:
        yield data[:1]
        if gate:
            await gate.wait()
        yield data[1:]

    path = f"/v1/negotiations/{TALK.digest}/artifacts/{artifact}"
    return client.put(path, content=body(), headers={"parley-signature": signature})


async def test_an_address_has_few_uploads_under_way_and_the_room_back_when_they_end():
    gate = asyncio.Event()
    async with visited(most_streams=1) as client:
        data = b"one artifact, sent again and again"
        held = [asyncio.create_task(upload(client, data, gate)) for _ in range(MOST_AT_ONCE + 1)]
        # The one too many is refused while the others still wait for their bytes.
        (refused,), _ = await asyncio.wait(held, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert (refused.result().status_code, refused.result().json()["code"]) == (
            429,
            "StreamsFull",
        )
        gate.set()
        told = sorted(answer.status_code for answer in await asyncio.gather(*held))
        assert told == [204] * MOST_AT_ONCE + [429]
        assert (await upload(client, data)).status_code == 204


async def test_an_upload_takes_a_token_for_each_message_s_worth_and_pays_it_off():
    async with visited(requests_per_second=1) as client:
        # One for the request, and twice what an address can save up for the bytes.
        assert (await upload(client, b"x" * (2 * BURST_SECONDS * MOST_MESSAGE))).status_code == 204
        refused = await client.get("/v1")
        assert (refused.status_code, refused.headers["retry-after"]) == (
            429,
            str(BURST_SECONDS + 2),
        )


async def test_a_transcript_takes_a_token_of_its_key_for_each_word_though_it_is_refused():
    async with visited(messages_per_second=1) as client:
        nonce = (await client.get("/v1/login")).json()["nonce"]
        origin = Origin.parse(ORIGIN).digest
        told = typed_request(login(nonce, origin=origin, scope=int(Scope.NEGOTIATE)))
        token = (await client.post("/v1/token", json=told)).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        lines = [{"message": LISTED.to_json(), "said_at": NOW}] * (2 * BURST_SECONDS)

        async def hand_in() -> httpx.Response:
            return await client.post("/v1/transcripts", json={"messages": lines}, headers=headers)

        assert (await hand_in()).json()["code"] == "TranscriptRefused"
        refused = await hand_in()
        # The request itself has paid for the first.
        assert (refused.json()["code"], refused.headers["retry-after"]) == (
            "RateExceeded",
            str(BURST_SECONDS + 1),
        )
