"""Wiring: the only module that knows every part; it decides nothing."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import uvicorn
from fastapi import FastAPI

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.sqlite import SqliteStore
from marketplace.adapters.system import SystemClock, random_bytes32
from marketplace.api.app import create_app
from marketplace.api.services import Services
from marketplace.core.eip712 import Domain
from marketplace.core.login import Origin, Site
from marketplace.core.message import Domains
from marketplace.core.values import Address, Digest, address
from marketplace.ports.artifacts import ArtifactStore
from marketplace.ports.bus import Bus
from marketplace.ports.clock import Clock
from marketplace.ports.index import ListingIndex
from marketplace.ports.journal import Journal
from marketplace.ports.store import Store
from marketplace.services.access import Access
from marketplace.services.agents import Agents
from marketplace.services.archive import Archive
from marketplace.services.artifacts import Artifacts
from marketplace.services.feed import Feed
from marketplace.services.listings import Listings
from marketplace.services.logins import Logins
from marketplace.services.messages import Messages, Rooms
from marketplace.services.negotiations import Negotiations
from marketplace.services.requests import Requests
from marketplace.services.tokens import Tokens
from marketplace.settings import RegistrySettings

# Open event streams end with the server instead of holding it.
SHUTDOWN_SECONDS = 2


class Stores(Store, ListingIndex, ArtifactStore, Journal, Protocol):
    """All that a registry remembers, in one place."""


def build_services(
    domains: Domains, stores: Stores, bus: Bus, clock: Clock, access: Access
) -> Services:
    """The registry's use cases over its adapters."""
    archive = Archive(domains, stores)
    agents = Agents(archive, stores)
    listings = Listings(archive, stores, stores)
    requests = Requests(archive, stores, listings)
    negotiations = Negotiations(archive, stores, listings)
    rooms = Rooms(agents, listings, requests, negotiations)
    return Services(
        domains=domains,
        clock=clock,
        store=stores,
        archive=archive,
        access=access,
        messages=Messages(domains, stores, bus, clock, rooms, random_bytes32),
        agents=agents,
        listings=listings,
        requests=requests,
        negotiations=negotiations,
        artifacts=Artifacts(stores, negotiations),
        feed=Feed(stores, bus),
    )


def build_logins(settings: RegistrySettings, services: Services, journal: Journal) -> Logins:
    """Who may log in, and with which secret their tokens are signed."""
    origin = Origin.parse(settings.origin or f"http://{settings.host}:{settings.port}")
    domain = services.domains.preferred
    agents = services.agents

    async def revoked(principal: Address, delegation: Digest) -> bool:
        return await agents.revoked(domain, principal, delegation) is not None

    tokens = Tokens(origin, (settings.secret,), settings.token_seconds)
    return Logins(Site(origin, domain), tokens, journal, revoked, random_bytes32)


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
