"""Agents: cards, and the keys that may speak for them.

Everything that an agent says about itself is one thread, named by its address.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.core.card import Card
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    AgentMissing,
    CardRefused,
    CardReplaced,
    MandateExpired,
    MandateRevoked,
    NotAParty,
)
from marketplace.core.identity import Delegation, Revocation
from marketplace.core.message import Message
from marketplace.core.values import ZERO_DIGEST, Address, Digest
from marketplace.core.words import Kind
from marketplace.ports.store import Entry, Store
from marketplace.services.archive import Archive
from marketplace.services.placement import Placement

MOST_WORDS = 1_000
ABOUT_AGENTS = (Kind.CARD, Kind.DELEGATION, Kind.REVOCATION)


@dataclass(frozen=True, slots=True)
class Standing:
    """What an agent has said about itself, as of now.

    Attributes:
        card: the entry of its current card, expired or not.
        delegations: entries of the delegations that hold.
    """

    card: Entry | None
    delegations: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Agents:
    """Who is who; open to anybody who can sign."""

    archive: Archive
    store: Store

    async def place(self, message: Message, now: int) -> Placement:
        """Where a card, a delegation or a revocation goes."""
        agent, others = _about(message)
        if message.signer != agent:
            raise NotAParty(message.signer, agent)
        said = await self.store.thread(agent)
        # A key that may write cards must not leave its principal without room to end it.
        most = 2 * MOST_WORDS if isinstance(message.body, Revocation) else MOST_WORDS
        if len(said) >= most:
            raise CardRefused("words", str(len(said)), f"at most {most} an agent")
        if isinstance(message.body, Card):
            _check_card(message.body, said, now)
        if isinstance(message.body, Delegation) and now >= message.body.expires_at:
            raise MandateExpired(message.body.expires_at, now)
        at = max(now, said[-1].record.received_at) if said else now
        return Placement(agent, len(said), (agent, *others), at)

    async def standing(self, agent: Address, now: int) -> Standing:
        """An agent's card and delegates; raises AgentMissing for one that never spoke."""
        said = await self.store.thread(agent)
        if not said:
            raise AgentMissing(agent)
        ended = {
            message.body.delegation
            for message in map(self.archive.message, said)
            if isinstance(message.body, Revocation)
        }
        holding = [
            entry
            for entry in said
            if (body := self.delegation(entry)) is not None
            and now < body.expires_at
            and entry.record.digest not in ended
        ]
        return Standing(_last_card(said), tuple(holding))

    def delegation(self, entry: Entry) -> Delegation | None:
        """The delegation that an entry holds."""
        body = self.archive.message(entry).body
        return body if isinstance(body, Delegation) else None

    async def revoked(self, domain: Domain, principal: Address, delegation: Digest) -> int | None:
        """When a delegation was revoked, by its principal or its delegate; None: it was not."""
        named = Revocation(principal, delegation).digest(domain)
        found = await self.store.find(Kind.REVOCATION, named, principal)
        return None if found is None else found.record.received_at

    async def check_mandate(self, message: Message, at: int) -> tuple[tuple[str, int], ...]:
        """Raise unless the delegation of a delegate's word holds at an instant.

        Returns the principal's thread and its length, which must stand still until the word
        is stored: a revocation must not slip in between.
        """
        if message.mandate is None:
            return ()
        message.mandate.check_time(at)
        if message.kind in ABOUT_AGENTS:
            # These are in the thread itself, whose next position they take.
            standing: tuple[tuple[str, int], ...] = ()
        else:
            standing = ((message.signer, len(await self.store.thread(message.signer))),)
        if message.kind is Kind.REVOCATION:
            return standing
        named = message.mandate.digest(message.domain)
        revoked_at = await self.revoked(message.domain, message.signer, named)
        if revoked_at is not None:
            raise MandateRevoked(named, revoked_at)
        return standing


def _about(message: Message) -> tuple[Address, tuple[Address, ...]]:
    match message.body:
        case Card() as card:
            return card.agent, ()
        case Delegation() as delegation:
            return delegation.principal, (delegation.delegate,)
        case Revocation() as revocation:
            return revocation.principal, ()
    raise TypeError(f"{message.kind} is not about an agent")


def _check_card(card: Card, said: Sequence[Entry], now: int) -> None:
    if now >= card.expires_at:
        raise CardRefused("expires_at", str(card.expires_at), f"later than {now}")
    current = _last_card(said)
    expected = current.record.digest if current else ZERO_DIGEST
    if card.replaces != expected:
        raise CardReplaced(card.replaces, expected)


def _last_card(said: Sequence[Entry]) -> Entry | None:
    return next((entry for entry in reversed(said) if entry.record.kind == Kind.CARD), None)
