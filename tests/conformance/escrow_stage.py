"""An escrow on an embedded chain, funded parties, and its clock in the test's hands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from market import BUYER, SELLER, STRANGER, Party

from marketplace.adapters.evm.deploy import Deployer
from marketplace.adapters.evm.devchain import start_chain
from marketplace.adapters.evm.escrow import EvmEscrow
from marketplace.adapters.evm.view import EvmView, naming, terms_tuple
from marketplace.core.agreement import Agreement
from marketplace.core.outcome import Subject
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST
from marketplace.sdk.wallet import Wallet

TOKENS = 10**18
SPENT_NONCE = 5
POOR = Party("poor")


@dataclass(frozen=True)
class Stage:
    """Where both machines are compared."""

    rpc: str
    view: EvmView
    token: str
    hands: dict[str, EvmEscrow]

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
            digest: bytes = self.view.escrow.functions.feasible(terms_tuple(terms)).call()
        return "0x" + digest.hex()

    def balances(self, *accounts: str) -> list[int]:
        """Of the token, in base units."""
        return [self.view.balance(self.token, account) for account in accounts]

    def agreement(self, terms: Terms) -> Agreement:
        """Both signatures; the subject plays no part on chain."""
        digest = terms.digest(self.view.domain)
        about = Subject(ZERO_DIGEST, {}, {}, ZERO_DIGEST)
        return Agreement(digest, digest, terms, about, BUYER.sign(digest), SELLER.sign(digest))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever happens inside has not happened afterwards."""
        snapshot = self._rpc("evm_snapshot")
        try:
            yield
        finally:
            self._rpc("evm_revert", snapshot)

    def _rpc(self, method: str, *arguments: object) -> object:
        return self.view.web3.provider.make_request(method, list(arguments))["result"]


@contextmanager
def staged() -> Iterator[Stage]:
    """A chain with an escrow, a token, and three parties who can pay; ``POOR`` cannot."""
    with start_chain("embedded") as chain:
        deployer = Deployer(chain.rpc_url, chain.keys[0])
        deployment = deployer.deploy()
        view = EvmView(chain.rpc_url, deployment.escrow)
        hands = {}
        for party in (BUYER, SELLER, STRANGER):
            deployer.give_gas(party.address, 10**20)
            deployer.mint(deployment.token, party.address, TOKENS)
            hands[party.address] = EvmEscrow(view, chain.rpc_url, Wallet(party.key))
        for party in (BUYER, SELLER):
            hands[party.address].allow(deployment.token, TOKENS)
            hands[party.address].cancel(SPENT_NONCE)
        yield Stage(chain.rpc_url, view, deployment.token, hands)
