"""Server-sent events over a real server: replay, resumption, heartbeats, and failing stores."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from market import (
    BUYER,
    SELLER,
    STRANGER,
    content,
    invite,
    listing,
    offer,
    proposed,
    talk,
    withdraw,
)
from served import message_of, read, served
from witness import Witness, agreed_words

from marketplace.adapters.memory.store import MemoryStore
from marketplace.api.body import MOST_MESSAGE
from marketplace.core.errors import StoreUnavailable
from marketplace.hosting import PATIENCE_SECONDS, configuration
from marketplace.ports.store import Entry, Record
from marketplace.services import feed
from marketplace.services.feed import Feed
from marketplace.services.recent import Recent
from marketplace.services.timers import Timers
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

LISTED = listing()
WORDS = [LISTED, *agreed_words(LISTED)]


async def test_events_replay_in_order_and_each_carries_its_message():
    witness = Witness()
    await witness.take(*WORDS)
    async with served(witness) as client:
        events = await read(client, 5)
    assert [int(event["id"]) for event in events] == [0, 1, 2, 3, 4]
    assert [event["event"] for event in events] == [message.kind for message in WORDS]
    told = [message_of(event)["message"] for event in events]
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


async def note_deadlines(witness: Witness) -> None:
    services = witness.services
    log = services.messages.log
    await Timers(witness.store, log, witness.clock, services.negotiations).run_once()


async def test_reader_who_comes_back_again_and_again_gets_each_word_and_each_note_once():
    witness = Witness()
    on = talk(LISTED)
    words = [LISTED, invite(LISTED), offer(on, SELLER)]
    others = [listing(what=content(title=f"Listing {n}")) for n in range(6)]
    seen: list[dict] = []

    async def write() -> None:
        for message in (*words, *others[:3]):
            await witness.take(message)
            await asyncio.sleep(0.02)
        witness.clock.at = on.invitation.deadline
        await note_deadlines(witness)
        for message in others[3:]:
            await asyncio.sleep(0.02)
            await witness.take(message)

    async with served(witness) as client:
        writing = asyncio.create_task(write())
        while len(seen) < 10:
            last = int(seen[-1]["id"]) if seen else None
            # The connection is lost after each second event.
            seen += await asyncio.wait_for(read(client, min(2, 10 - len(seen)), last), 5)
        await writing
    assert [int(event["id"]) for event in seen] == list(range(10))
    assert [event["event"] for event in seen].index("timeout") == 6
    assert message_of(seen[6])["message"] is None
    assert (message_of(seen[6])["thread"], message_of(seen[6])["sequence"]) == (on.id, 2)


async def test_party_is_told_of_its_deadline_and_a_stranger_is_not():
    witness = Witness()
    on = talk(LISTED)
    await witness.take(LISTED, invite(LISTED), offer(on, SELLER))
    witness.clock.at = on.invitation.deadline
    async with served(witness) as client:
        waiting = asyncio.create_task(read(client, 1, start=3, party=BUYER.address))
        await asyncio.sleep(0.05)
        await note_deadlines(witness)
        assert (await asyncio.wait_for(waiting, 5))[0]["event"] == "timeout"
        polled = await client.get("/v1/events/poll", params={"party": STRANGER.address})
        assert polled.json() == {"messages": [], "next": 0}


# ------------------------------------------------------------------ polling


async def test_poll_answers_at_once_with_what_there_is_and_says_where_to_go_on():
    witness = Witness()
    await witness.take(*WORDS)
    async with served(witness) as client:
        following, seen = 0, []
        while len(seen) < 5:
            query = {"start": following, "limit": 2, "wait": 60}
            told = (await client.get("/v1/events/poll", params=query)).json()
            seen += [one["index"] for one in told["messages"]]
            following = told["next"]
        assert (seen, following) == ([0, 1, 2, 3, 4], 5)


async def test_poll_waits_for_the_first_word_and_no_longer():
    witness = Witness()
    async with served(witness) as client:
        query = {"wait": 60, "party": BUYER.address}
        waiting = asyncio.create_task(client.get("/v1/events/poll", params=query))
        await asyncio.sleep(0.05)
        await witness.take(LISTED)
        await asyncio.sleep(0.05)
        # Of no concern to the buyer: it wakes nobody who waits for the buyer's.
        assert not waiting.done()
        await witness.take(invite(LISTED))
        told = (await asyncio.wait_for(waiting, 5)).json()
        assert ([one["index"] for one in told["messages"]], told["next"]) == ([1], 2)
        query = {"wait": 0, "start": 9}
        empty = await client.get("/v1/events/poll", params=query)
        assert empty.json() == {"messages": [], "next": 9}
        started = asyncio.get_running_loop().time()
        nothing = await client.get("/v1/events/poll", params={"wait": 1, "start": 9})
        assert nothing.json() == {"messages": [], "next": 9}
        assert asyncio.get_running_loop().time() - started >= 0.9


@pytest.mark.parametrize("query", [{"wait": 61}, {"wait": -1}, {"limit": 1001}, {"other": 1}])
async def test_poll_in_another_form_is_a_problem(query: dict):
    async with served(Witness()) as client:
        answer = await client.get("/v1/events/poll", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "ValueMalformed")


async def test_word_of_a_party_that_left_reaches_who_polls_from_its_end():
    witness = Witness()
    on = talk(LISTED)
    await witness.take(LISTED, invite(LISTED), offer(on, SELLER))
    async with served(witness) as client:
        query = {"wait": 60, "start": 3, "party": SELLER.address}
        waiting = asyncio.create_task(client.get("/v1/events/poll", params=query))
        await asyncio.sleep(0.05)
        await witness.take(withdraw(proposed(on), BUYER))
        told = (await asyncio.wait_for(waiting, 5)).json()
    assert [one["kind"] for one in told["messages"]] == ["withdrawal"]


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
    # As where other workers append too: each reading asks the store.
    shared = Feed(witness.store, Recent(alone=False), witness.services.feed.bus)
    witness.services = replace(witness.services, feed=shared)
    async with served(witness) as client:
        # Broken off in the middle of a chunk, this would raise.
        events = await read(client, 100)
    assert [int(event["id"]) for event in events] == [0, 1, 2, 3, 4]


def test_worker_that_is_slow_to_begin_counts_as_living_and_a_lost_server_is_waited_for():
    settings = RegistrySettings("postgresql://nowhere/parley", 1, "0x" + "e5" * 20, workers=2)
    # The supervisor asks from the first half second on; reading modules takes longer than that.
    assert configuration(settings).timeout_worker_healthcheck >= 30
    assert PATIENCE_SECONDS >= 30
