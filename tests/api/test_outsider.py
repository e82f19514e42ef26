"""What an outsider with a socket and old words of others gets done: nothing to others."""

import asyncio
from contextlib import AsyncExitStack, suppress

import httpx
import pytest
from market import BUYER, CLERK, DOMAIN, NOW, SELLER, content, invite, listing, offer, talk, word
from served import served, serving
from visitor import login, typed_request
from witness import Witness

from marketplace import guard
from marketplace.bootstrap import BURST_SECONDS
from marketplace.core.identity import Delegation, Mandate, Revocation, Scope
from marketplace.core.login import Origin
from marketplace.services.access import Access

pytestmark = pytest.mark.anyio

ORIGIN = "https://registry.example"
LISTED = listing()
GIVEN = Delegation(BUYER.address, CLERK.address, int(Scope.READ), NOW + 3600, word("salt"))
MANDATE = Mandate(GIVEN, BUYER.sign(GIVEN.digest(DOMAIN)))
REVOKED = BUYER.say(Revocation(BUYER.address, GIVEN.digest(DOMAIN)))


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": "of nobody in particular"}])
async def test_who_repeats_another_s_word_takes_nothing_from_its_key(headers: dict[str, str]):
    witness = Witness()
    await witness.take(LISTED)
    witness.clock.at += 1
    transport = httpx.ASGITransport(witness.app(messages_per_second=1))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for _ in range(2 * BURST_SECONDS):
            again = await client.post("/v1/messages", json=LISTED.to_json(), headers=headers)
            assert again.status_code == 201
        new = listing(what=content(title="Another"))
        assert (await client.post("/v1/messages", json=new.to_json())).status_code == 201


async def test_addresses_of_one_ipv6_network_are_one_address():
    app = Witness().app(requests_per_second=1)
    for number in range(BURST_SECONDS + 1):
        client = (f"2001:db8:0:1::{number:x}", 4_000)
        transport = httpx.ASGITransport(app, client=client)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as visitor:
            status = (await visitor.get("/v1")).status_code
        assert status == (200 if number < BURST_SECONDS else 429)


async def token(client: httpx.AsyncClient) -> str:
    nonce = (await client.get("/v1/login")).json()["nonce"]
    told = login(nonce, BUYER, origin=Origin.parse(ORIGIN).digest, scope=1)
    answer = await client.post("/v1/token", json=typed_request(told, CLERK, MANDATE))
    return str(answer.json()["access_token"])


@pytest.mark.parametrize("end", ["revoked", "expired"])
async def test_an_open_stream_tells_nothing_more_once_its_token_has_ended(end: str):
    witness = Witness(access=Access())
    await witness.take(LISTED)
    async with served(witness, origin=ORIGIN) as client:
        headers = {"authorization": f"Bearer {await token(client)}"}
        path = f"/v1/events?party={BUYER.address}"
        async with client.stream("GET", path, headers=headers) as answer:
            lines = answer.aiter_lines()
            await witness.take(invite(LISTED))
            assert await asyncio.wait_for(anext(lines), 5) == "id: 1"
            if end == "revoked":
                await witness.take(REVOKED)
            witness.clock.at += 1 if end == "revoked" else 900
            await witness.take(offer(talk(LISTED), SELLER))
            rest = [line async for line in lines]
    assert "event: offer" not in rest


async def test_polls_that_wait_are_counted_like_streams():
    async with served(Witness(), most_streams=2) as client:
        asked = [asyncio.create_task(client.get("/v1/events/poll?wait=60")) for _ in range(3)]
        (refused,), waiting = await asyncio.wait(
            asked, timeout=5, return_when=asyncio.FIRST_COMPLETED
        )
        assert refused.result().status_code == 429
        for poll in waiting:
            poll.cancel()


async def test_a_page_is_bounded_in_bytes_and_the_next_one_goes_on():
    witness = Witness()
    large = {f"fact {number}": "x" * 7_900 for number in range(7)}
    for number in range(200):
        await witness.take(listing(what=content(title=f"No. {number}", attributes=large)))
    async with served(witness) as client:
        for path, key in (("/v1/log", "entries"), ("/v1/events/poll", "messages")):
            seen: list[int] = []
            while len(seen) < 200:
                answer = await client.get(f"{path}?start={len(seen)}&limit=1000")
                assert len(answer.content) < 8 * 1024 * 1024
                seen += [entry["index"] for entry in answer.json()[key]]
            assert seen == list(range(200))


async def test_an_answer_that_nobody_reads_is_let_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "UNREAD_SECONDS", 0.2)
    witness = Witness()
    large = {f"fact {number}": "x" * 7_900 for number in range(7)}
    for number in range(100):
        await witness.take(listing(what=content(title=f"No. {number}", attributes=large)))
    async with serving(witness) as at, AsyncExitStack() as open_:
        reader, writer = await asyncio.open_connection(*at, limit=1024)
        open_.callback(writer.close)
        writer.write(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        await asyncio.sleep(1)
        told = bytearray()
        with suppress(ConnectionError):
            while chunk := await asyncio.wait_for(reader.read(65_536), 5):
                told += chunk
        assert len(told) < 100 * 56_000
