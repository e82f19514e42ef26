"""Agents on their own: an inbox each on the tests' network, and no registry."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from live import OUTCOME, Network, RegistryHost, network

from marketplace.adapters.system import SystemClock
from marketplace.core.card import Card, CardContent
from marketplace.core.message import Message
from marketplace.core.values import ZERO_DIGEST
from marketplace.core.words import Kind
from marketplace.sdk import Client, Direct, Place, Rules, Talk, Wallet

__all__ = ["OUTCOME", "network"]


@dataclass
class Skewed:
    """The system's clock, and how wrong this one is, in seconds."""

    wrong: int = 0

    def now(self) -> int:
        """Integer seconds UTC."""
        return SystemClock().now() + self.wrong


@dataclass
class Agent:
    """One side: its inbox and its client."""

    wallet: Wallet
    direct: Direct
    client: Client

    @property
    def address(self) -> str:
        """Its account."""
        return self.wallet.address


def introduce(client: Client, wallet: Wallet, endpoint: str = "") -> None:
    """Publish a card with the client's encryption key."""
    domain, now = client._means.signer.domain, SystemClock().now()
    content = CardContent("agent", endpoint, (), (client.encryption_key(),))
    card = Card(wallet.address, content.digest, ZERO_DIGEST, now + 60 * 24 * 3600)
    digest = card.digest(domain)
    signature = wallet.sign(digest)
    said = Message(domain, Kind.CARD, None, wallet.address, digest, signature, card, content)
    client._registry.submit(said.to_json())


@dataclass
class Street:
    """Makes agents, and closes what they opened."""

    network: Network
    agents: list[Agent] = field(default_factory=list)

    def agent(self, wrong: int = 0, **place: Any) -> Agent:  # noqa: ANN401 any part of a Place
        """One with funds, an inbox and a client."""
        wallet = place.pop("wallet", None) or self.network.wallet()
        # The parties of a test live on loopback, which no stranger's card may name by itself.
        where = Place(**({"near": True} | place))
        direct = Direct(wallet, self.network.domain, where, Skewed(wrong))
        client = Client(direct, self.network.rpc, wallet, self.network.limits())
        made = Agent(wallet, direct, client)
        self.agents.append(made)
        return made

    def close(self) -> None:
        """Close every client; it closes its inbox."""
        for made in self.agents:
            made.client.close()


def begun(street: Street, rules: Rules | None = None) -> tuple[Agent, Agent, Talk, Talk]:
    """A seller with a listing, a buyer who has invited it, and the talk on both sides."""
    seller, buyer = street.agent(), street.agent()
    listed = seller.client.publish(street.network.content())
    buyer.direct.meet(seller.direct.url)
    buying = buyer.client.invite(listed, rules=rules)
    return seller, buyer, buying, seller.client.talk(buying.id)


def envelopes(agent: Agent, negotiation: str) -> list[object]:
    """What an agent's book has of a negotiation."""
    return [line["message"] for line in agent.direct.transcript(negotiation)]


@pytest.fixture
def street(network: Network) -> Iterator[Street]:
    """Agents of one test."""
    made = Street(network)
    yield made
    made.close()


@pytest.fixture
def witness(network: Network) -> Iterator[RegistryHost]:
    """A registry that shows everybody everything."""
    made = RegistryHost(network.domain, public=True)
    yield made
    made.stop()
