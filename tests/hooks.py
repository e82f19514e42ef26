"""Webhooks over a log in memory and real calls on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from receivers import LOOPBACK, HandClock, Log, shown

from marketplace.adapters.http.poster import Poster
from marketplace.adapters.memory.webhooks import MemoryWebhooks
from marketplace.adapters.system import random_bytes32
from marketplace.ports.outbound import Outbound
from marketplace.services.courier import Courier
from marketplace.services.deliveries import Deliveries
from marketplace.services.webhooks import Webhooks


def never(_: int) -> int:
    """No jitter: the least of what is drawn."""
    return 0


@dataclass
class Stage:
    log: Log
    clock: HandClock
    store: MemoryWebhooks
    webhooks: Webhooks
    deliveries: Deliveries


def stage(outbound: Outbound, store: MemoryWebhooks | None = None) -> Stage:
    log, clock, store = Log(), HandClock(), store or MemoryWebhooks()
    courier = Courier(outbound, clock, shown)
    webhooks = Webhooks(log, store, courier, LOOPBACK, random_bytes32)
    return Stage(log, clock, store, webhooks, Deliveries(log, store, courier, clock, never))


@asynccontextmanager
async def posting() -> AsyncIterator[Stage]:
    poster = Poster(LOOPBACK, seconds=0.5)
    try:
        yield stage(poster)
    finally:
        await poster.close()
