"""The bus in memory remembers who waits, and nobody else."""

import asyncio

import pytest

from marketplace.adapters.memory.bus import MemoryBus

pytestmark = pytest.mark.anyio


async def test_bus_forgets_parties_whose_readers_have_gone():
    bus = MemoryBus()
    for number in range(1_000):
        await bus.signal(f"party {number}").wait(0)
    assert len(bus._bells) == 0


async def test_readers_of_one_party_wait_on_one_event_and_all_are_woken():
    bus = MemoryBus()
    signals = [bus.signal("party") for _ in range(3)]
    assert len(bus._bells) == 1
    waiting = asyncio.gather(*(signal.wait(5) for signal in signals))
    await asyncio.sleep(0)
    bus.publish(["party"])
    assert await waiting == [True] * 3
