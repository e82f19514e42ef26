"""What every bus owes its readers; and what the one between processes does when it is cut."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from postgres_server import Server

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.notify import NotifyBus
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.bus import Bus, Signal

pytestmark = pytest.mark.anyio

BUYER, SELLER = "0xbuyer", "0xseller"


def bus_of(server: Server) -> NotifyBus:
    return NotifyBus(server.dsn(), MemoryBus())


@pytest.fixture(params=["memory", "postgresql"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    notify = bus_of(request.getfixturevalue("server"))
    await notify.start()
    yield notify
    await notify.close()


async def woken(*signals: Signal) -> list[bool]:
    return list(await asyncio.gather(*(signal.wait(10) for signal in signals)))


async def test_every_reader_is_woken_once_something_was_published(bus: Bus):
    signals = [bus.signal() for _ in range(5)]
    bus.publish([BUYER])
    assert await woken(*signals) == [True] * 5


async def test_signal_taken_afterwards_waits_for_the_next(bus: Bus):
    bus.publish([BUYER])
    assert not await bus.signal().wait(0.05)


@pytest.fixture
async def pair(server: Server) -> AsyncIterator[tuple[NotifyBus, NotifyBus]]:
    buses = bus_of(server), bus_of(server)
    for bus in buses:
        await bus.start()
    yield buses
    for bus in buses:
        await bus.close()


async def test_readers_of_other_processes_are_woken_both_ways(pair):
    one, two = pair
    for speaker, listener in ((one, two), (two, one)):
        signals = [listener.signal() for _ in range(3)]
        speaker.publish([BUYER])
        assert await woken(*signals) == [True] * 3


async def test_only_those_whom_it_concerns_are_woken_and_whoever_reads_everything(pair):
    one, two = pair
    for bus in pair:
        buyer, seller, everything = bus.signal(BUYER), bus.signal(SELLER), bus.signal()
        one.publish([BUYER])
        assert await woken(buyer, everything) == [True] * 2
        assert not await seller.wait(0.1)
    many = [f"0x{n:040x}" for n in range(400)]
    signals = [two.signal(SELLER), two.signal(many[-1])]
    one.publish(many)
    # Too many to be named are all.
    assert await woken(*signals) == [True] * 2


async def test_last_of_many_publications_wakes_too(pair):
    one, two = pair
    for _ in range(200):
        one.publish([BUYER])
        await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    signal = two.signal()
    one.publish([BUYER])
    assert await signal.wait(10)


async def test_cut_connection_comes_back_and_wakes_whoever_may_have_missed_something(
    server: Server, pair
):
    one, two = pair
    signal = two.signal()
    await server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'parley bus'"
    )
    one.publish([BUYER])
    assert await signal.wait(10)
    # Both are there again once they hear each other.
    for speaker, listener in ((one, two), (two, one)):
        await heard(speaker, listener)


async def connected(server: Server) -> set[int]:
    """The backends of all buses."""
    connection = await asyncpg.connect(server.dsn())
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'parley bus'"
    )
    await connection.close()
    return {pid for (pid,) in rows}


async def test_what_is_said_while_a_listener_is_away_wakes_it_once_it_is_back(server: Server):
    one, two = bus_of(server), bus_of(server)
    await one.start()
    before = await connected(server)
    await two.start()
    (its,) = await connected(server) - before
    signal = two.signal()
    await server.execute(f"SELECT pg_terminate_backend({its})")
    # It is away, and what it cannot hear meanwhile may be something already.
    assert await signal.wait(5)
    signal = two.signal()
    one.publish([BUYER])
    assert await signal.wait(5)
    await one.close()
    await two.close()


async def test_what_a_cut_kept_from_being_said_is_said_once_the_speaker_is_back(
    pair, monkeypatch: pytest.MonkeyPatch
):
    one, two = pair
    say = one._say

    async def cut_off(connection: asyncpg.Connection) -> None:
        monkeypatch.undo()
        connection.terminate()
        await say(connection)

    monkeypatch.setattr(one, "_say", cut_off)
    signal = two.signal()
    one.publish([BUYER])
    assert await signal.wait(5)


async def heard(speaker: NotifyBus, listener: NotifyBus) -> None:
    for _ in range(50):
        signal = listener.signal()
        speaker.publish([BUYER])
        if await signal.wait(0.2):
            return
    pytest.fail("never heard")


async def test_bus_without_a_server_is_a_named_refusal():
    with pytest.raises(StoreUnavailable):
        await NotifyBus("postgresql://127.0.0.1:1/x", MemoryBus()).start()
