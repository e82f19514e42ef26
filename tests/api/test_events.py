"""Server-sent events over a real server: replay, resumption, heartbeats, and failing stores."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from market import BUYER, STRANGER, content, listing
from witness import Witness, agreed_words

from marketplace.adapters.memory.store import MemoryStore
from marketplace.api.body import MOST_MESSAGE
from marketplace.core.errors import StoreUnavailable
from marketplace.hosting import PATIENCE_SECONDS, configuration, listen
from marketplace.ports.store import Entry, Record
from marketplace.services import feed
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

LISTED = listing()
WORDS = [LISTED, *agreed_words(LISTED)]


@asynccontextmanager
async def served(witness: Witness) -> AsyncIterator[httpx.AsyncClient]:
    bound = listen("127.0.0.1", 0)
    config = uvicorn.Config(witness.app(), log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, timeout=10) as client:
        while not server.started:  # noqa: ASYNC110 uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield client
        finally:
            server.should_exit = True
            await running


async def read(
    client: httpx.AsyncClient, count: int, last: int | None = None, **query: str | int
) -> list[dict[str, Any]]:
    """The next events: id, kind and data of each; a heartbeat is an event without an id."""
    headers = {} if last is None else {"last-event-id": str(last)}
    events: list[dict[str, Any]] = []
    async with client.stream("GET", "/v1/events", params=query, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(":")
                event[name] = value.strip()
                continue
            events.append(event)
            event = {}
            if len(events) == count:
                break
    return events


async def test_events_replay_in_order_and_each_carries_its_message():
    witness = Witness()
    await witness.take(*WORDS)
    async with served(witness) as client:
        events = await read(client, 5)
    assert [int(event["id"]) for event in events] == [0, 1, 2, 3, 4]
    assert [event["event"] for event in events] == [message.kind for message in WORDS]
    told = [json.loads(event["data"])["message"] for event in events]
    assert told == [message.to_json() for message in WORDS]


@pytest.mark.parametrize("last", range(5))
async def test_reader_that_lost_its_connection_resumes_after_its_last_event(last: int):
    witness = Witness()
    await witness.take(*WORDS)
    more = listing(what=content(title="Later"))
    async with served(witness) as client:
        resumed = asyncio.create_task(read(client, 5 - last, last))
        await asyncio.sleep(0.02)
        await witness.take(more)
        assert [int(event["id"]) for event in await resumed] == list(range(last + 1, 6))


async def test_many_readers_and_writers_meet_without_loss_or_repetition():
    witness = Witness()
    listings = [listing(what=content(title=f"Listing {n}")) for n in range(20)]
    async with served(witness) as client:
        readers = [asyncio.create_task(read(client, 20)) for _ in range(4)]
        posts = (client.post("/v1/messages", json=m.to_json()) for m in listings)
        answers = await asyncio.gather(*posts)
        assert {answer.status_code for answer in answers} == {201}
        for reader in readers:
            assert [int(event["id"]) for event in await reader] == list(range(20))


async def test_party_is_told_only_its_own():
    witness = Witness()
    await witness.take(*WORDS, listing(STRANGER))
    async with served(witness) as client:
        assert [int(e["id"]) for e in await read(client, 4, party=BUYER.address)] == [1, 2, 3, 4]
        assert [int(e["id"]) for e in await read(client, 1, party=STRANGER.address)] == [5]
        assert [int(e["id"]) for e in await read(client, 1, start=3)] == [3]


async def test_silence_is_filled_with_heartbeats(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.01)
    async with served(Witness()) as client:
        assert await read(client, 3) == [{"": "still here"}] * 3


async def test_body_without_a_stated_length_is_cut_at_the_cap():
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    witness = Witness()
    async with served(witness) as client:
        answer = await client.post("/v1/messages", content=endless())
    assert (answer.status_code, answer.json()["values"]["maximum"]) == (413, MOST_MESSAGE)
    assert await witness.size() == 0


class FullStore(MemoryStore):
    """Every write fails, as on a full disk."""

    async def append(self, record: Record) -> Entry:
        raise StoreUnavailable("sqlite", f"no room for {record.kind}")


async def test_failing_store_is_a_retryable_problem_and_stores_nothing():
    witness = Witness(FullStore())
    async with served(witness) as client:
        answer = await client.post("/v1/messages", json=LISTED.to_json())
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert (answer.json()["code"], answer.json()["retryable"]) == ("StoreUnavailable", True)
    assert await witness.size() == 0


class LostStore(MemoryStore):
    """Can be read once, as before its server is killed."""

    reads = 0

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        self.reads += 1
        if self.reads > 1:
            raise StoreUnavailable("postgresql", "killed")
        return await super().entries(start, limit, party)


async def test_stream_whose_store_is_lost_ends_whole_so_that_it_can_be_resumed():
    witness = Witness(LostStore())
    await witness.take(*WORDS)
    async with served(witness) as client:
        # Broken off in the middle of a chunk, this would raise.
        events = await read(client, 100)
    assert [int(event["id"]) for event in events] == [0, 1, 2, 3, 4]


def test_worker_that_is_slow_to_begin_counts_as_living_and_a_lost_server_is_waited_for():
    settings = RegistrySettings("postgresql://nowhere/parley", 1, "0x" + "e5" * 20, workers=2)
    # The supervisor asks from the first half second on; reading modules takes longer than that.
    assert configuration(settings).timeout_worker_healthcheck >= 30
    assert PATIENCE_SECONDS >= 30
