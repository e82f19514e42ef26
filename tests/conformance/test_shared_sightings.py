"""Sightings by several workers on one database."""

import asyncio

import pytest
from market import DOMAIN, NOW, word
from postgres_server import Server
from witness import LOG_KEY, SetClock

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.bootstrap import build_services
from marketplace.core.entry import read
from marketplace.core.message import Domains
from marketplace.core.sighting import EVENT
from marketplace.ports.chain import DealEvent
from marketplace.services.access import Access
from marketplace.services.sightings import Sightings

pytestmark = pytest.mark.anyio

EVENTS = [DealEvent("Paid", word(f"{n}"), {"released": n}, NOW, n, word("t"), 0) for n in range(50)]


async def between(first: int, last: int) -> list[DealEvent]:
    await asyncio.sleep(0)
    return [event for event in EVENTS if first <= event.block <= last]


async def height() -> int:
    return 60


def worker(store: SqlStore) -> Sightings:
    clock = SetClock()
    services = build_services(Domains((DOMAIN,)), store, MemoryBus(), clock, Access(), LOG_KEY)
    log, escrow = services.messages.log, DOMAIN.verifying_contract
    return Sightings(DOMAIN.chain_id, escrow, store, log, clock, between, height, 2)


async def test_workers_of_one_database_log_each_event_once(server: Server):
    where = await server.emptied()
    async with open_store(where) as one, open_store(where) as two:
        workers = [worker(one), worker(two)]
        for _ in range(60):
            await asyncio.gather(*(each.run_once() for each in workers), return_exceptions=True)
        every = await one.entries(0, 1_000)
    assert {entry.record.kind for entry in every} == {EVENT}
    seen = [read(entry.record.leaf, b"").sighting for entry in every]
    assert [each.block for each in seen if each] == list(range(50))
