"""Wiring: the only module that knows every part; it decides nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from fastapi import FastAPI

from marketplace.adapters.http.poster import Poster
from marketplace.adapters.system import SystemClock, random_below, random_bytes32, read_secret
from marketplace.api.app import create_app
from marketplace.api.limits import Limits
from marketplace.api.services import Services
from marketplace.core.checkpoint import LogKey, log_domain
from marketplace.core.destination import Reach, anywhere
from marketplace.core.eip712 import Domain
from marketplace.core.errors import ChainUnavailable
from marketplace.core.login import Origin, Site
from marketplace.core.merkle import Proof
from marketplace.core.message import Domains
from marketplace.core.signature import Signature
from marketplace.core.values import Address, Digest, Json, address
from marketplace.ports.anchor import AnchorFacts
from marketplace.ports.artifacts import ArtifactStore
from marketplace.ports.bus import Bus
from marketplace.ports.chain import DealEvent
from marketplace.ports.clock import Clock
from marketplace.ports.index import ListingIndex
from marketplace.ports.journal import Journal
from marketplace.ports.store import Entry, Store
from marketplace.ports.webhooks import WebhookStore
from marketplace.services.access import Access
from marketplace.services.agents import Agents
from marketplace.services.anchoring import Anchoring, Bring
from marketplace.services.archive import Archive
from marketplace.services.artifacts import Artifacts
from marketplace.services.chores import Chore, persist
from marketplace.services.courier import Courier
from marketplace.services.deliveries import Deliveries
from marketplace.services.erasure import Erasure
from marketplace.services.feed import Feed
from marketplace.services.listings import Listings
from marketplace.services.log import Log
from marketplace.services.logins import Logins
from marketplace.services.messages import Messages, Rooms
from marketplace.services.negotiations import Negotiations
from marketplace.services.rates import Rates
from marketplace.services.receipts import Receipts
from marketplace.services.recent import Recent
from marketplace.services.reputation import Reputation
from marketplace.services.requests import Requests
from marketplace.services.sightings import Sightings
from marketplace.services.timers import Timers
from marketplace.services.tokens import Tokens
from marketplace.services.transcripts import Transcripts
from marketplace.services.webhooks import Webhooks
from marketplace.settings import RegistrySettings

if TYPE_CHECKING:
    from marketplace.adapters.evm.view import EvmView

# An idle peer has saved up so many seconds' worth of requests.
BURST_SECONDS = 10
TIMER_SECONDS = 1.0
SWEEP_SECONDS = 60.0
REPUTATION_SECONDS = 15.0
ANCHOR_SECONDS = 5.0
SIGHTING_SECONDS = 5.0
DAY_SECONDS = 24 * 3600

_log = logging.getLogger(__name__)


class Stores(Store, ListingIndex, ArtifactStore, Journal, WebhookStore, Protocol):
    """All that a registry remembers, in one place."""

    async def start(self) -> None:
        """Open the database and bring it up to date."""
        ...

    async def close(self) -> None:
        """Finish what was begun, and let go of the database."""
        ...


class LivingBus(Bus, Protocol):
    """A bus that may have a connection of its own."""

    async def start(self) -> None:
        """Begin to listen."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


def build_services(  # noqa: PLR0913, PLR0917 what a registry is made of
    domains: Domains, stores: Stores, bus: Bus, clock: Clock, access: Access, key: LogKey
) -> Services:
    """The registry's use cases over its adapters."""
    archive, recent = Archive(domains, stores), Recent(bus.alone)
    log = Log(stores, recent, bus)
    agents = Agents(archive, stores)
    listings = Listings(archive, stores, stores)
    requests = Requests(archive, stores, listings)
    negotiations = Negotiations(archive, stores, listings)
    rooms = Rooms(agents, listings, requests, negotiations)
    return Services(
        domains=domains,
        clock=clock,
        store=stores,
        journal=stores,
        archive=archive,
        access=access,
        messages=Messages(
            domains=domains,
            store=stores,
            log=log,
            archive=archive,
            clock=clock,
            rooms=rooms,
            random_bytes32=random_bytes32,
        ),
        agents=agents,
        listings=listings,
        requests=requests,
        transcripts=Transcripts(
            domains, archive, stores, log, clock, agents, listings, random_bytes32
        ),
        negotiations=negotiations,
        artifacts=Artifacts(stores, negotiations),
        feed=Feed(stores, recent, bus),
        receipts=Receipts(key, stores),
    )


def build_origin(settings: RegistrySettings) -> Origin:
    """Under which address it is known."""
    return Origin.parse(settings.origin or f"http://{settings.host}:{settings.port}")


def build_log_key(settings: RegistrySettings) -> LogKey:
    """The keys that sign the log, and the log's name."""
    name = settings.log_origin or build_origin(settings).authority
    domain = log_domain(settings.chain_id, address(settings.anchor, "anchor"))
    return LogKey(name, domain, read_secret(settings.log_key_file))


def build_logins(settings: RegistrySettings, services: Services, secret: bytes) -> Logins:
    """Who may log in, and with which secret their tokens are signed."""
    origin = build_origin(settings)
    domain, agents = services.domains.preferred, services.agents

    async def revoked(principal: Address, delegation: Digest) -> bool:
        return await agents.revoked(domain, principal, delegation) is not None

    tokens = Tokens(origin, (secret,), settings.token_seconds)
    return Logins(Site(origin, domain), tokens, services.journal, revoked, random_bytes32)


def build_courier(settings: RegistrySettings, services: Services) -> tuple[Courier, Reach]:
    """The way out to webhooks, and how far it goes."""
    reach = Reach(plain=True, permits=anywhere) if settings.private_webhooks else Reach()

    def shown(entry: Entry) -> Json:
        # Only what concerns the subscriber comes this way, so it is the subscriber's to read.
        view: Json = services.archive.view(entry, readable=True).model_dump()
        return view

    return Courier(Poster(reach), services.clock, shown), reach


def build_limits(settings: RegistrySettings) -> Limits:
    """How often one peer may ask."""
    addresses, keys = settings.requests_per_second, settings.messages_per_second
    return Limits(
        addresses=Rates(addresses, addresses * BURST_SECONDS),
        keys=Rates(keys, keys * BURST_SECONDS),
        most_streams=settings.most_streams,
    )


def build_domains(settings: RegistrySettings) -> Domains:
    """The present version's domain first, then the older one's if it is taken."""
    present = Domain(settings.chain_id, address(settings.escrow, "escrow"))
    if not settings.escrow_v1:
        return Domains((present,))
    older = replace(
        present, version="1", verifying_contract=address(settings.escrow_v1, "escrow_v1")
    )
    return Domains((present, older))


def build_app(
    settings: RegistrySettings, services: Services, stores: Stores, secret: bytes
) -> FastAPI:
    """The application over ready services; nothing of it runs by itself."""
    courier, reach = build_courier(settings, services)
    webhooks = Webhooks(stores, stores, courier, reach, random_bytes32)
    logins = build_logins(settings, services, secret)
    return create_app(services, logins, webhooks, build_limits(settings))


def build_access(settings: RegistrySettings) -> Access:
    """Whom the operator lets read."""
    auditors = frozenset(address(one, "auditor") for one in settings.auditors)
    return Access(auditors, everybody=settings.public)


async def prepare(stores: Stores, patience: float) -> None:
    """Open the database and bring it up to date, before a server that could fail runs on it."""
    await persist(stores.start, patience, _tell)
    await stores.close()


def _tell(reason: str, seconds: float) -> None:
    told = "waiting for the database, %.0f s more: %s; check that its server runs there"
    _log.warning(told, seconds, reason)


def build_registry(
    settings: RegistrySettings, stores: Stores, bus: LivingBus, patience: float = 0.0
) -> FastAPI:
    """A registry; its store and bus open and close with the application.

    Where they do not answer, they are asked again for so many seconds.
    """
    clock = SystemClock()
    domains, access = build_domains(settings), build_access(settings)
    secret = read_secret(settings.secret_file)
    services = build_services(domains, stores, bus, clock, access, build_log_key(settings))
    app = build_app(settings, services, stores, secret)
    courier, _ = build_courier(settings, services)
    deliveries = Deliveries(stores, stores, courier, clock, random_below)

    chores = build_chores(settings, services, stores)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await persist(stores.start, patience, _tell)
        await services.listings.index_logged()
        await persist(bus.start, patience, _tell)
        await asyncio.gather(*(chore.begin() for chore in chores))
        running = [asyncio.create_task(chore.repeat()) for chore in chores]
        running.append(asyncio.create_task(deliveries.run(bus)))
        yield
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await bus.close()
        await stores.close()

    app.router.lifespan_context = lifespan
    return app


def build_chores(settings: RegistrySettings, services: Services, stores: Stores) -> list[Chore]:
    """What the registry does without being asked."""
    clock = services.clock
    timers = Timers(stores, services.messages.log, clock, services.negotiations)

    async def sweep() -> int:
        return await stores.sweep(clock.now())

    chores = [Chore(timers.run_once, TIMER_SECONDS), Chore(sweep, SWEEP_SECONDS)]
    if settings.retain_days:
        erasure = Erasure(
            stores,
            services.archive,
            services.feed.recent,
            services.negotiations,
            clock,
            settings.retain_days * DAY_SECONDS,
        )
        chores.append(Chore(erasure.run_once, SWEEP_SECONDS))
    if settings.rpc:
        chores += build_followers(settings, services, stores)
    return chores


def build_followers(settings: RegistrySettings, services: Services, stores: Stores) -> list[Chore]:
    """What follows the chain."""
    # Reading web3 takes as long as all the rest: who follows no chain does not wait for it.
    from marketplace.adapters.evm.view import EvmView  # noqa: PLC0415

    escrow = address(settings.escrow, "escrow")
    view: list[EvmView] = []

    def seen() -> EvmView:
        # Connected when it is first asked: a registry starts without its chain.
        if not view:
            found = EvmView(settings.rpc, escrow)
            # Escrow and anchor have the same addresses on every chain.
            if found.domain.chain_id != settings.chain_id:
                told = f"chain {found.domain.chain_id}, not {settings.chain_id}"
                raise ChainUnavailable(settings.rpc, told)
            view.append(found)
        return view[0]

    async def events(first: int, last: int) -> list[DealEvent]:
        return await asyncio.to_thread(lambda: seen().events(first, last))

    async def height() -> int:
        return await asyncio.to_thread(lambda: seen().height())

    deep = settings.confirmations
    named = f"{escrow} on chain {settings.chain_id}"
    reputation = Reputation(named, stores, events, height, deep)
    log, clock = services.messages.log, services.clock
    sightings = Sightings(settings.chain_id, escrow, stores, log, clock, events, height, deep)
    anchoring = build_anchoring(settings, services, seen)
    return [
        Chore(reputation.run_once, REPUTATION_SECONDS),
        Chore(sightings.run_once, SIGHTING_SECONDS),
        Chore(anchoring.run_once, ANCHOR_SECONDS, anchoring.check),
    ]


def build_anchoring(
    settings: RegistrySettings, services: Services, escrow: "Callable[[], EvmView]"
) -> Anchoring:
    """What holds the log against the contract, and brings it checkpoints where it has a key."""
    from marketplace.adapters.evm.anchor import EvmAnchor, EvmAnchorView  # noqa: PLC0415 as above
    from marketplace.adapters.evm.hand import Hand  # noqa: PLC0415 the same
    from marketplace.sdk.wallet import Wallet  # noqa: PLC0415 the same

    name = services.receipts.key.name

    async def facts() -> AnchorFacts:
        def asked() -> AnchorFacts:
            escrow()  # of this chain, or no facts
            return EvmAnchorView(settings.rpc, name.key, name.origin).facts()

        return await asyncio.to_thread(asked)

    def brings(payer: Wallet) -> Bring:
        async def bring(size: int, root: bytes, proof: Proof, signature: Signature) -> Digest:
            def sent() -> Digest:
                hand = Hand(escrow(), settings.rpc, payer)
                return EvmAnchor(hand, name.key, name.origin).anchor(size, root, proof, signature)

            return await asyncio.to_thread(sent)

        return bring

    key = settings.anchor_key_file
    return Anchoring(
        store=services.store,
        receipts=services.receipts,
        log=services.messages.log,
        clock=services.clock,
        facts=facts,
        bring=brings(Wallet.load(key)) if key else None,
        entries=settings.anchor_entries,
        seconds=settings.anchor_seconds,
    )
