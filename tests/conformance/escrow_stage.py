"""An escrow on an embedded chain, funded parties, and its clock in the test's hands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from market import BUYER, SELLER, STRANGER, Party

from marketplace.adapters.evm.account import EvmAccount
from marketplace.adapters.evm.batch import EvmBatch
from marketplace.adapters.evm.deploy import Deployer
from marketplace.adapters.evm.devchain import start_chain
from marketplace.adapters.evm.encoding import struct_tuple
from marketplace.adapters.evm.escrow import EvmEscrow
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.evm.view import EvmView, naming
from marketplace.core.agreement import Agreement
from marketplace.core.outcome import Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST
from marketplace.sdk.wallet import Wallet

TOKENS = 10**18
SPENT_NONCE = 5
ARBITER, BOUND, POOR = Party("arbiter"), Party("bound"), Party("poor")
BOUND_TOKENS = 1_000


@dataclass(frozen=True)
class Stage:
    """Where both machines are compared."""

    rpc: str
    view: EvmView
    token: str
    credits: str
    hands: dict[str, Hand]

    def escrow(self, by: str) -> EvmEscrow:
        """A party's hand on deals."""
        return EvmEscrow(self.hands[by])

    def account(self, by: str) -> EvmAccount:
        """A party's hand on its own account."""
        return EvmAccount(self.hands[by])

    def batch(self, by: str) -> EvmBatch:
        """A party's hand on many deals."""
        return EvmBatch(self.hands[by])

    def at(self, instant: int) -> int:
        """Let the last and the next block be at this instant; time does not go back."""
        after = max(instant, self.view.now())
        # The last, as calls and gas estimates see its time; the next, as a transaction is in it.
        self._rpc("evm_setNextBlockTimestamp", after)
        self._rpc("evm_mine")
        self._rpc("evm_setNextBlockTimestamp", after)
        return after

    def digest_if_feasible(self, terms: Terms) -> str:
        """What the contract's own view says of terms; raises its named error."""
        with naming("feasible", self.rpc):
            digest: bytes = self.view.escrow.functions.feasible(struct_tuple(terms)).call()
        return "0x" + digest.hex()

    def agreement(self, terms: Terms) -> Agreement:
        """Both signatures; the subject plays no part on chain."""
        digest = terms.digest(self.view.domain)
        about = Subject(ZERO_DIGEST, {}, {}, ZERO_DIGEST)
        return Agreement(digest, digest, terms, about, BUYER.sign(digest), SELLER.sign(digest))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside has not happened afterwards."""
        snapshot = self.remember()
        try:
            yield
        finally:
            self.forget(snapshot)

    def remember(self) -> object:
        """A snapshot of the chain."""
        return self._rpc("evm_snapshot")

    def forget(self, snapshot: object) -> None:
        """Undo everything since a snapshot."""
        self._rpc("evm_revert", snapshot)

    def _rpc(self, method: str, *arguments: object) -> object:
        return self.view.web3.provider.make_request(method, list(arguments))["result"]


@contextmanager
def staged() -> Iterator[Stage]:
    """A chain with an escrow, a token, credits to sell, and parties who can pay.

    ``POOR`` cannot; ``BOUND`` is bound with ``BOUND_TOKENS`` inside.
    """
    with start_chain("embedded") as chain:
        deployer = Deployer(chain.rpc_url, chain.keys[0])
        deployment, goods = deployer.deploy(), deployer.deploy().token
        view = EvmView(chain.rpc_url, deployment.escrow)
        stage = Stage(chain.rpc_url, view, deployment.token, goods, {})
        for party in (BUYER, SELLER, STRANGER, ARBITER, BOUND):
            deployer.give_gas(party.address, 10**20)
            deployer.mint(deployment.token, party.address, TOKENS)
            stage.hands[party.address] = Hand(view, chain.rpc_url, Wallet(party.key))
        for party in (BUYER, SELLER, BOUND):
            stage.escrow(party.address).allow(deployment.token, TOKENS)
            stage.account(party.address).cancel(SPENT_NONCE)
        deployer.mint(goods, SELLER.address, TOKENS)
        stage.escrow(SELLER.address).allow(goods, TOKENS)
        stage.account(BOUND.address).deposit(deployment.token, BOUND_TOKENS)
        yield stage
