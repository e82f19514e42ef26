"""Agents on their own: a chain and the contracts, an inbox each, and no registry."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from marketplace.adapters.evm.deploy import Deployer, Deployment
from marketplace.adapters.evm.devchain import start_chain
from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.adapters.memory.store import MemoryStore
from marketplace.adapters.memory.webhooks import MemoryWebhooks
from marketplace.adapters.system import SystemClock
from marketplace.bootstrap import build_registry
from marketplace.core.card import Card, CardContent
from marketplace.core.message import Message
from marketplace.core.values import ZERO_DIGEST
from marketplace.core.words import Kind
from marketplace.sdk import (
    Client,
    Content,
    Direct,
    Domain,
    Issue,
    Limits,
    OutcomeSpace,
    Place,
    Rules,
    SettlementRules,
    Talk,
    Wallet,
)
from marketplace.settings import RegistrySettings

CREDITS = 1_000_000
OUTCOME = {"unit_price": 20, "quantity": 5, "delivery_window": 60}
_NUMBERS = count(1)


@dataclass
class Skewed:
    """The system's clock, and how wrong this one is, in seconds."""

    wrong: int = 0

    def now(self) -> int:
        """Integer seconds UTC."""
        return SystemClock().now() + self.wrong


@dataclass
class Chain:
    """The chain, its contracts, and the hand that gives gas and credits."""

    rpc: str
    deployment: Deployment
    deployer: Deployer
    domain: Domain = field(init=False)

    def __post_init__(self) -> None:
        self.domain = Domain(self.deployment.chain_id, self.deployment.escrow)

    def wallet(self, credits_held: int = CREDITS) -> Wallet:
        """A new key with gas and credits."""
        wallet = Wallet.create()
        self.deployer.give_gas(wallet.address, 10**18)
        self.deployer.mint(self.deployment.token, wallet.address, credits_held)
        return wallet

    def limits(self) -> Limits:
        """Wide ones."""
        return Limits(
            self.deployment.token, most_exposure=10_000, highest_unit_price=100, lowest_unit_price=1
        )

    def content(self, **rules: Any) -> Content:  # noqa: ANN401 any rule
        """A listing's content: prices 10 to 100, quantities 1 to 100, a bond of a tenth."""
        issues = (
            Issue("unit_price", 10, 100),
            Issue("quantity", 1, 100),
            Issue("delivery_window", 60, 600, 60),
        )
        settlement = SettlementRules(
            self.deployment.token, **({"bond_bps": 1_000, "review_window": 60} | rules)
        )
        title = f"Hours {next(_NUMBERS)}"
        return Content("compute", title, "hour", OutcomeSpace(issues), {}, settlement)

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 any JSON
        """A JSON-RPC call."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(self.rpc, json=call).json()["result"]


class Memory(MemoryStore, MemoryJournal, MemoryWebhooks):
    """All that a registry remembers."""

    def __init__(self) -> None:
        MemoryStore.__init__(self)
        MemoryJournal.__init__(self)
        MemoryWebhooks.__init__(self)

    async def start(self) -> None:
        """Nothing to open."""

    close = start


class Bus(MemoryBus):
    """Of one process."""

    async def start(self) -> None:
        """Nothing to connect."""

    close = start


class Registry:
    """A registry in a thread, its store within a test's reach."""

    def __init__(self, domain: Domain, secrets: Path, *, public: bool = False) -> None:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        self.store = Memory()
        settings = RegistrySettings(
            database="memory",
            chain_id=domain.chain_id,
            escrow=domain.verifying_contract,
            origin=self.url,
            secret_file=secrets / "registry.secret",
            public=public,
        )
        app = build_registry(settings, self.store, Bus())
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=0)
        )
        run = self._server.run
        self._thread = threading.Thread(target=run, args=([bound],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join()


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

    chain: Chain
    agents: list[Agent] = field(default_factory=list)

    def agent(self, wrong: int = 0, **place: Any) -> Agent:  # noqa: ANN401 any part of a Place
        """One with funds, an inbox and a client."""
        wallet = place.pop("wallet", None) or self.chain.wallet()
        # The parties of a test live on loopback, which no stranger's card may name by itself.
        where = Place(**({"near": True} | place))
        direct = Direct(wallet, self.chain.domain, where, Skewed(wrong))
        client = Client(direct, self.chain.rpc, wallet, self.chain.limits())
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
    listed = seller.client.publish(street.chain.content())
    buyer.direct.meet(seller.direct.url)
    buying = buyer.client.invite(listed, rules=rules)
    return seller, buyer, buying, seller.client.talk(buying.id)


def envelopes(agent: Agent, negotiation: str) -> list[object]:
    """What an agent's book has of a negotiation."""
    return [line["message"] for line in agent.direct.transcript(negotiation)]


@pytest.fixture(scope="session")
def chain() -> Iterator[Chain]:
    """The chain and its contracts."""
    with start_chain("embedded") as started:
        deployer = Deployer(started.rpc_url, started.keys[0])
        yield Chain(started.rpc_url, deployer.deploy(), deployer)


@pytest.fixture
def street(chain: Chain) -> Iterator[Street]:
    """Agents of one test."""
    made = Street(chain)
    yield made
    made.close()


@pytest.fixture
def witness(chain: Chain, tmp_path: Path) -> Iterator[Registry]:
    """A registry that shows everybody everything."""
    made = Registry(chain.domain, tmp_path, public=True)
    yield made
    made.stop()
