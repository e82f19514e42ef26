"""A live network in this process: a chain, the contracts, a registry, funded parties.

The chain and the contracts are made once a session; a registry is cheap, and a test that
stops one makes its own. Every party has a key of its own, so that tests do not meet.
"""

import atexit
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from marketplace.adapters.evm.deploy import Deployer, Deployment
from marketplace.adapters.evm.devchain import start_chain
from marketplace.adapters.evm.factory import anchor_address
from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.store import MemoryStore
from marketplace.bootstrap import build_registry
from marketplace.core.agreement import Agreement
from marketplace.core.eip712 import Domain
from marketplace.hosting import listen
from marketplace.sdk import (
    Capacity,
    Client,
    Content,
    Issue,
    Limits,
    Listed,
    Mandate,
    OutcomeSpace,
    Rules,
    SettlementRules,
    Talk,
    Wallet,
)
from marketplace.sdk.signer import Signer
from marketplace.settings import RegistrySettings

CREDITS = 1_000_000
WINDOW = 60  # the shortest that the escrow takes: the chain's clock is moved through it
_NUMBERS = count(1)
# What the registries' tokens are signed with: the same after a restart.
SECRETS = Path(tempfile.mkdtemp(prefix="parley-secrets-"))
atexit.register(shutil.rmtree, SECRETS, ignore_errors=True)
OUTCOME = {"unit_price": 20, "quantity": 5, "delivery_window": WINDOW}


class SpyWallet:
    """A wallet that remembers which digests it signed."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self.address = wallet.address
        self.signed: list[str] = []

    def sign(self, digest: str) -> str:
        """Sign, and remember."""
        self.signed.append(digest)
        return self._wallet.sign(digest)

    def sign_transaction(self, transaction: dict[str, Any]) -> Any:  # noqa: ANN401 the wallet's own
        """Sign a transaction, which nobody counts."""
        return self._wallet.sign_transaction(transaction)


class RegistryHost:
    """A registry on a port of its own; what it stored survives a stop and a start.

    Args:
        domain: of the escrow.
        settings: what else it is told; ``public=True`` lets everybody read.
    """

    def __init__(
        self,
        domain: Domain,
        store: MemoryStore | None = None,
        **settings: Any,  # noqa: ANN401 any setting
    ) -> None:
        self.store = store or MemoryStore()
        self._socket = listen("127.0.0.1", 0)
        self._port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        settings.setdefault("anchor", anchor_address())
        self._settings = RegistrySettings(
            database="memory",
            chain_id=domain.chain_id,
            escrow=domain.verifying_contract,
            port=self._port,
            secret_file=SECRETS / "registry.secret",
            log_key_file=SECRETS / "registry.logkey",
            **settings,
        )
        self.start()

    def start(self) -> None:
        """Serve until stopped, with nothing in memory but the store."""
        bound = self._socket if self._socket.fileno() >= 0 else listen("127.0.0.1", self._port)
        config = uvicorn.Config(
            build_registry(self._settings, self.store, MemoryBus()),
            log_level="critical",
            timeout_graceful_shutdown=0,
        )
        self._server = uvicorn.Server(config)
        bound.listen()
        self._socket = bound
        self._thread = threading.Thread(target=self._server.run, args=([bound],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every connection, as a restart does."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


@dataclass
class Network:
    """Where everything is, and the deployer's hand for what only it can do."""

    rpc: str
    deployment: Deployment
    deployer: Deployer
    domain: Domain = field(init=False)

    def __post_init__(self) -> None:
        self.domain = Domain(self.deployment.chain_id, self.deployment.escrow)

    @property
    def token(self) -> str:
        """The credit token's address."""
        return self.deployment.token

    def wallet(self, credits_held: int = CREDITS) -> Wallet:
        """A new key with gas and credits."""
        wallet = Wallet.create()
        self.deployer.give_gas(wallet.address, 10**18)
        if credits_held:
            self.deployer.mint(self.token, wallet.address, credits_held)
        return wallet

    @cached_property
    def standing(self) -> tuple["SpyWallet", "SpyWallet"]:
        """A seller's and a buyer's wallet for tests that compare before and after only."""
        return SpyWallet(self.wallet()), SpyWallet(self.wallet())

    def limits(self, **changes: Any) -> Limits:  # noqa: ANN401 any limit
        """Wide limits, but for the changes."""
        wide = {"most_exposure": 10_000, "highest_unit_price": 100, "lowest_unit_price": 1}
        return Limits(self.token, **(wide | changes))

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 any JSON
        """A JSON-RPC call to the chain."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(self.rpc, json=call).json()["result"]

    def now(self) -> int:
        """The latest block's time."""
        latest = self.ask("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 the RPC's own
        return int(latest["timestamp"], 16)

    def pass_time(self, seconds: int) -> None:
        """Let the chain's clock go on; its next block says so."""
        self.ask("evm_increaseTime", seconds)
        self.ask("evm_mine")

    @contextmanager
    def rewound(self) -> Iterator[None]:
        """The chain goes back to where it was: for a test that moves its clock far."""
        snapshot = self.ask("evm_snapshot")
        yield
        self.ask("evm_revert", snapshot)

    def content(self, **rules: Any) -> Content:  # noqa: ANN401 any rule
        """A listing's content: prices 10 to 100, quantities 1 to 100, a bond of a tenth."""
        issues = (
            Issue("unit_price", 10, 100),
            Issue("quantity", 1, 100),
            Issue("delivery_window", WINDOW, 10 * WINDOW, WINDOW),
        )
        kept = {"bond_bps": 1_000, "review_window": WINDOW} | rules
        settlement = SettlementRules(self.token, **kept)
        # A title of its own: the same words of one seller in one second are one listing.
        title = f"Hours {next(_NUMBERS)}"
        return Content("compute", title, "hour", OutcomeSpace(issues), {}, settlement)


@dataclass
class Party:
    """A client, with its parts within a test's reach."""

    client: Client

    @property
    def address(self) -> str:
        """Its account."""
        return self.client.address

    @property
    def signer(self) -> Signer:
        """Its signer."""
        return self.client._means.signer

    @property
    def exposure(self) -> int:
        """What its signer counts as at risk now, after asking the chain."""
        return sum(self.client.exposure().values())

    def talk(self, negotiation: str) -> Talk:
        """Its side of a negotiation."""
        return self.client.talk(negotiation)


@dataclass
class Pair:
    """A seller with a listing, and a buyer who has invited it."""

    network: Network
    seller: Party
    buyer: Party
    listed: Listed
    buying: Talk
    selling: Talk

    def agree(self, **outcome: int) -> Agreement:
        """The seller proposes, the buyer accepts."""
        self.selling.offer({**OUTCOME, **outcome}, {})
        self.buying.sync()
        agreement = self.buying.accept()
        self.selling.sync()
        return agreement

    def balances(self) -> tuple[int, int]:
        """Credits of buyer and seller."""
        token = self.network.token
        return self.buyer.client.balance(token), self.seller.client.balance(token)


@dataclass
class Stage:
    """Makes the parties of one test at one registry, and closes what they opened."""

    network: Network
    url: str
    parties: list[Party] = field(default_factory=list)

    def party(
        self,
        wallet: Wallet | SpyWallet | None = None,
        url: str = "",
        capacity: Capacity | None = None,
        ledger: Path | None = None,
        mandate: Mandate | None = None,
        **limits: Any,  # noqa: ANN401 any limit
    ) -> Party:
        """A client with funds."""
        wallet, limited = wallet or self.network.wallet(), self.network.limits(**limits)
        rpc, mine = self.network.rpc, (wallet, limited, ledger, capacity, mandate)
        made = Party(Client(url or self.url, rpc, *mine))
        self.parties.append(made)
        return made

    def pair(
        self,
        rules: Rules | None = None,
        url: str = "",
        **settlement: Any,  # noqa: ANN401 any rule
    ) -> Pair:
        """The standing seller and buyer, their ledgers empty, and a talk that the buyer began.

        Both trust the arbiter that the listing's rules may name.

        Args:
            rules: of the invitation.
            url: the buyer's registry, where it is not the honest one.
            settlement: changes to the listing's rules.
        """
        sells, buys = self.network.standing
        trusted = (settlement["arbiter"],) if "arbiter" in settlement else ()
        seller = self.party(sells, trusted=trusted)
        buyer = self.party(buys, url, trusted=trusted)
        listed = seller.client.publish(self.network.content(**settlement))
        buying = buyer.client.invite(listed, rules=rules)
        return Pair(self.network, seller, buyer, listed, buying, seller.talk(buying.id))

    def close(self) -> None:
        """Close every client."""
        for made in self.parties:
            made.client.close()


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    """The chain and its contracts."""
    with start_chain("embedded") as chain:
        deployer = Deployer(chain.rpc_url, chain.keys[0])
        yield Network(chain.rpc_url, deployer.deploy(), deployer)


@pytest.fixture(scope="session")
def registry(network: Network) -> Iterator[str]:
    """An honest registry's URL."""
    host = RegistryHost(network.domain)
    yield host.url
    host.stop()


@pytest.fixture
def stage(network: Network, registry: str) -> Iterator[Stage]:
    """Parties at the honest registry."""
    made = Stage(network, registry)
    yield made
    made.close()
