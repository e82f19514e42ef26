"""A registry in this process, and its log as an auditor gets it."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    accept,
    content,
    invite,
    listing,
    offer,
    proposed,
    subject,
    talk,
    withdraw,
)

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.api.services import Services
from marketplace.bootstrap import Stores, build_app, build_services
from marketplace.core.audit import LoggedEntry
from marketplace.core.checkpoint import LogKey, log_domain
from marketplace.core.message import Domains, Message
from marketplace.core.negotiation import advance
from marketplace.core.terms import Terms
from marketplace.core.values import keccak
from marketplace.ports.store import Entry
from marketplace.services.access import Access
from marketplace.settings import RegistrySettings

DOMAINS = Domains((DOMAIN,))
LOG_KEY = LogKey(
    "registry.example",
    log_domain(DOMAIN.chain_id, "0x" + "a7" * 20),
    keccak(b"the log's secret of the tests"),
)


@dataclass
class SetClock:
    """The time that a test says it is."""

    at: int = NOW

    def now(self) -> int:
        """Integer seconds UTC."""
        return self.at


@dataclass
class Witness:
    """The registry's use cases, with the store and the clock in the test's hands."""

    store: Stores = field(default_factory=MemoryStore)
    clock: SetClock = field(default_factory=SetClock)
    access: Access = field(default_factory=lambda: Access(everybody=True))
    domains: Domains = DOMAINS

    def __post_init__(self) -> None:
        self.services: Services = build_services(
            self.domains, self.store, MemoryBus(), self.clock, self.access, LOG_KEY
        )

    def app(self, **settings: Any) -> FastAPI:  # noqa: ANN401 any setting
        """The registry over HTTP, with these services."""
        told = RegistrySettings("", DOMAIN.chain_id, DOMAIN.verifying_contract, **settings)
        return build_app(told, self.services, self.store, keccak(b"a secret of the tests"))

    async def take(self, *messages: Message) -> list[Entry]:
        """Submit in order."""
        taking = self.services.messages
        return [await taking.submit(taking.prove(message.to_json())) for message in messages]

    async def size(self) -> int:
        """How many entries there are."""
        return (await self.store.tree()).size

    async def published(self) -> tuple[list[LoggedEntry], str]:
        """The whole log and its root, as they are served."""
        entries = await self.store.entries(0, 1_000_000)
        served = [
            LoggedEntry(e.index, "0x" + e.record.leaf_hash.hex(), e.record.leaf, e.record.body)
            for e in entries
        ]
        return served, "0x" + (await self.store.tree()).root.hex()


def agreed_words(listed: Message) -> list[Message]:
    """A negotiation on a listing, from its invitation to the agreement, in four words."""
    on = talk(listed)
    first = proposed(on)
    counter = offer(first, BUYER, subject(first, unit_price=90))
    head = advance(first, counter, NOW)
    return [invite(listed), offer(on, SELLER), counter, accept(head, SELLER)]


async def honest_log() -> tuple[list[LoggedEntry], str, Terms]:
    """A log of eight words, its root, and the terms that were agreed in it.

    In order: a listing, an agreed negotiation of four words, the listing's replacement, and
    a negotiation on that one whose buyer leaves at once.
    """
    old = listing()
    new = listing(what=content(title="Hours of a larger machine"), replaces=old.digest)
    words = agreed_words(old)
    left = talk(new, buyer_nonce=2)
    witness = Witness()
    await witness.take(old, *words, new, invite(new, buyer_nonce=2), withdraw(left, BUYER))
    agreed = words[2].body
    assert isinstance(agreed, Terms)
    entries, root = await witness.published()
    return entries, root, agreed
