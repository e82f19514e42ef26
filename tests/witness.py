"""A registry in this process, and its log as an auditor gets it."""

from dataclasses import dataclass, field

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
from stores import MemoryStores

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.api.services import Services
from marketplace.bootstrap import Stores, build_services
from marketplace.core.audit import LoggedEntry
from marketplace.core.merkle import root_hash
from marketplace.core.message import Domains, Message
from marketplace.core.negotiation import advance
from marketplace.core.terms import Terms
from marketplace.ports.store import Entry
from marketplace.services.access import Access

DOMAINS = Domains((DOMAIN,))


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

    store: Stores = field(default_factory=MemoryStores)
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.services: Services = build_services(
            DOMAINS, self.store, MemoryBus(), self.clock, Access(everybody=True)
        )

    async def take(self, *messages: Message) -> list[Entry]:
        """Submit in order."""
        submit = self.services.messages.submit
        return [await submit(message.to_json()) for message in messages]

    async def size(self) -> int:
        """How many entries there are."""
        return len(await self.store.leaves())

    async def published(self) -> tuple[list[LoggedEntry], str]:
        """The whole log and its root, as they are served."""
        entries = await self.store.entries(0, 1_000_000)
        served = [
            LoggedEntry(e.index, "0x" + e.record.leaf_hash.hex(), e.record.leaf, e.record.body)
            for e in entries
        ]
        return served, "0x" + root_hash(await self.store.leaves()).hex()


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
