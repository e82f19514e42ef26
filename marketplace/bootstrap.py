"""Wiring: the only module that knows every part; it decides nothing."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.sqlite import SqliteStore
from marketplace.adapters.system import SystemClock
from marketplace.api.app import create_app
from marketplace.api.routes import Services
from marketplace.core.eip712 import Domain
from marketplace.core.values import address
from marketplace.ports.bus import Bus
from marketplace.ports.clock import Clock
from marketplace.ports.store import Store
from marketplace.services.artifacts import Artifacts
from marketplace.services.feed import Feed
from marketplace.services.listings import Listings
from marketplace.services.messages import Messages
from marketplace.services.negotiations import Negotiations
from marketplace.settings import RegistrySettings

# Open event streams end with the server instead of holding it.
SHUTDOWN_SECONDS = 2


def build_services(domain: Domain, store: Store, bus: Bus, clock: Clock) -> Services:
    """The registry's use cases over its adapters."""
    listings = Listings(domain, store)
    negotiations = Negotiations(domain, store, listings)
    return Services(
        domain=domain,
        clock=clock,
        store=store,
        messages=Messages(domain, store, bus, clock, listings, negotiations),
        listings=listings,
        negotiations=negotiations,
        artifacts=Artifacts(domain, store, negotiations),
        feed=Feed(store, bus),
    )


def build_registry(settings: RegistrySettings) -> FastAPI:
    """A registry on SQLite; the store closes with the application."""
    domain = Domain(settings.chain_id, address(settings.escrow, "escrow"))
    store = SqliteStore(settings.database)
    app = create_app(build_services(domain, store, MemoryBus(), SystemClock()))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app.router.lifespan_context = lifespan
    return app


def listen(host: str, port: int) -> socket.socket:
    """A bound socket: its port is known before the server runs on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio does not switch Nagle's algorithm off and each answer
    # on a kept connection waits for tens of milliseconds.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def build_server(settings: RegistrySettings) -> uvicorn.Server:
    """The registry's HTTP server, not yet running."""
    config = uvicorn.Config(
        build_registry(settings),
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)
