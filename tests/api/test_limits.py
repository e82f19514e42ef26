"""Limits: what one address or one key may ask, and the streams that it may hold."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from market import BUYER, SELLER, Party, content, listing
from visitor import ORIGIN, login, typed_request
from witness import Witness

from marketplace.adapters.memory.store import MemoryStore
from marketplace.api.limits import Limits
from marketplace.bootstrap import BURST_SECONDS
from marketplace.core.errors import RateExceeded, StoreUnavailable, StreamsFull
from marketplace.services import rates
from marketplace.services.rates import Rates

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def visited(
    witness: Witness, address: str = "192.0.2.1", **settings: int | str
) -> AsyncIterator[httpx.AsyncClient]:
    app = witness.app(**settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 4_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        client.app = app  # type: ignore[attr-defined]  # for a second visitor
        yield client


# ------------------------------------------------------------------ the bucket


@given(
    per_second=st.floats(0.01, 100),
    burst=st.integers(1, 50),
    gaps=st.lists(st.floats(0, 100), max_size=60),
)
def test_no_stretch_of_time_lets_more_through_than_the_burst_and_what_it_gained(
    per_second: float, burst: int, gaps: list[float]
):
    bucket, now, taken = Rates(per_second, burst), 0.0, []
    for gap in gaps:
        now += gap
        try:
            bucket.take("name", now)
        except RateExceeded:
            continue
        taken.append(now)
    for first, since in enumerate(taken):
        for last in range(first, len(taken)):
            most = burst + per_second * (taken[last] - since)
            assert last - first + 1 <= most + 1e-6 * (1 + most)


@given(per_second=st.floats(0.01, 3), burst=st.integers(1, 5))
@example(per_second=0.4, burst=1)
def test_who_waits_as_long_as_it_was_told_is_let_through(per_second: float, burst: int):
    bucket = Rates(per_second, burst)
    for _ in range(burst):
        bucket.take("name", 0.0)
    with pytest.raises(RateExceeded) as refused:
        bucket.take("name", 0.0)
    seconds = int(refused.value.values["retry_after"])
    assert 1 <= seconds <= math.ceil(1 / per_second)
    bucket.take("name", seconds + 1e-6)


def test_names_have_buckets_of_their_own_and_the_longest_idle_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(rates, "MOST_BUCKETS", 2)
    bucket = Rates(1, 1)
    for name in ("first", "second"):
        bucket.take(name, 0.0)
    with pytest.raises(RateExceeded):
        bucket.take("first", 0.0)
    bucket.take("third", 0.0)
    # The second was idle for longest; a forgotten name begins with a full bucket.
    bucket.take("second", 0.0)
    assert len(bucket._buckets) == 2


# ------------------------------------------------------------------ over HTTP


async def test_address_that_asks_too_often_is_told_when_to_ask_again():
    async with visited(Witness(), requests_per_second=1) as client:
        answers = [await client.get("/v1") for _ in range(BURST_SECONDS + 1)]
        assert [answer.status_code for answer in answers] == [200] * BURST_SECONDS + [429]
        told = answers[-1]
        assert told.headers["content-type"] == "application/problem+json"
        assert (told.json()["code"], told.headers["retry-after"]) == ("RateExceeded", "1")
        assert told.json()["retryable"]
        # What does not exist counts too, and what says that the registry lives never does.
        assert (await client.get("/nothing")).status_code == 429
        assert (await client.get("/healthz")).status_code == 204
        assert (await client.get("/readyz")).status_code == 204
        other = httpx.ASGITransport(client.app, client=("192.0.2.2", 4_000))  # type: ignore[attr-defined]  # set above
        async with httpx.AsyncClient(transport=other, base_url="http://registry") as another:
            assert (await another.get("/v1")).status_code == 200


async def test_key_that_speaks_too_often_is_refused_and_no_other_key():
    witness = Witness()
    async with visited(witness, messages_per_second=1) as client:

        async def say(by: Party, number: int) -> httpx.Response:
            said = listing(by, content(title=f"Listing {number}"))
            return await client.post("/v1/messages", json=said.to_json())

        told = [(await say(SELLER, n)).status_code for n in range(BURST_SECONDS + 1)]
        assert told == [201] * BURST_SECONDS + [429]
        refused = await say(SELLER, 99)
        assert refused.json()["values"]["name"] == SELLER.address
        assert "retry-after" in refused.headers
        assert (await say(BUYER, 0)).status_code == 201
    assert await witness.size() == BURST_SECONDS + 1


async def test_key_that_hands_in_too_often_is_refused_before_anything_is_read():
    async with visited(Witness(), origin=str(ORIGIN), messages_per_second=1) as client:
        nonce = (await client.get("/v1/login")).json()["nonce"]
        logged_in = await client.post("/v1/token", json=typed_request(login(nonce, scope=31)))
        bearer = {"authorization": f"Bearer {logged_in.json()['access_token']}"}

        async def hand_in() -> str:
            answer = await client.post("/v1/transcripts", json={}, headers=bearer)
            return str(answer.json()["code"])

        told = [await hand_in() for _ in range(BURST_SECONDS + 1)]
    assert told == ["FieldsDiffer"] * BURST_SECONDS + ["RateExceeded"]


async def test_word_that_nobody_signed_takes_nothing_from_a_key():
    witness = Witness()
    async with visited(witness, messages_per_second=1) as client:
        forged = {**listing().to_json(), "signature": BUYER.sign(listing().digest)}
        for _ in range(2 * BURST_SECONDS):
            assert (await client.post("/v1/messages", json=forged)).status_code == 403
        assert (await client.post("/v1/messages", json=listing().to_json())).status_code == 201


# ------------------------------------------------------------------ streams


def test_streams_are_counted_by_address_and_given_back():
    limits = Limits(most_streams=2)
    with limits.stream("a"), limits.stream("b"):
        with limits.stream("a"), pytest.raises(StreamsFull), limits.stream("a"):
            pass
        with limits.stream("a"):
            pass
    assert not limits._streams


async def opened(app, address: str = "192.0.2.1") -> tuple[asyncio.Task[None], asyncio.Queue]:
    """A stream as a server would run it: the messages that it sends, until it is cancelled."""
    sent: asyncio.Queue = asyncio.Queue()

    async def receive():
        await asyncio.Event().wait()

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/v1/events",
        "query_string": b"",
        "headers": [],
        "client": (address, 1),
        "asgi": {"spec_version": "2.3"},
    }
    task = asyncio.create_task(app(scope, receive, sent.put))
    return task, sent


async def test_address_holds_so_many_streams_and_has_them_back_when_they_end():
    app = Witness().app(most_streams=2)
    # At once: none has sent a byte before the next one asks.
    tasks = [await opened(app) for _ in range(3)]
    told = [(await asyncio.wait_for(sent.get(), 5))["status"] for _, sent in tasks]
    assert sorted(told) == [200, 200, 429]
    other, sent = await opened(app, "192.0.2.2")
    assert (await asyncio.wait_for(sent.get(), 5))["status"] == 200
    for task in (*(task for task, _ in tasks), other):
        task.cancel()
    await asyncio.gather(*(task for task, _ in tasks), other, return_exceptions=True)
    assert not app.state.limits._streams
    task, sent = await opened(app)
    assert (await asyncio.wait_for(sent.get(), 5))["status"] == 200
    task.cancel()


# ------------------------------------------------------------------ readiness


class LostStore(MemoryStore):
    """A database that cannot be reached."""

    async def check(self) -> None:
        raise StoreUnavailable("postgresql", "connection refused")


async def test_registry_without_its_store_lives_and_is_not_ready():
    async with visited(Witness(LostStore())) as client:
        assert (await client.get("/healthz")).status_code == 204
        answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "StoreUnavailable")
    assert answer.headers["content-type"] == "application/problem+json"
