"""A development network as ``parley devnet`` wrote it down."""

import json
from dataclasses import dataclass
from pathlib import Path

from marketplace.core.capacity import Capacity
from marketplace.core.errors import DevnetMissing
from marketplace.core.guardrails import Limits
from marketplace.core.values import Address
from marketplace.sdk.client import Client
from marketplace.sdk.wallet import Wallet

DEVNET_FILE = Path(".parley/devnet/devnet.json")


@dataclass(frozen=True, slots=True)
class Devnet:
    """Where a development network's parts are.

    Attributes:
        rpc: the chain's JSON-RPC URL.
        registry: the registry's URL.
        chain: anvil or embedded.
        escrow: the escrow's address.
        token: the credit token's address.
        keys: key file of each party.
    """

    rpc: str
    registry: str
    chain: str
    escrow: Address
    token: Address
    keys: dict[str, str]

    @classmethod
    def load(cls, path: Path | str = DEVNET_FILE) -> "Devnet":
        """Read what ``parley devnet`` wrote; raises DevnetMissing."""
        try:
            return cls(**json.loads(Path(path).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DevnetMissing(str(path), type(error).__name__) from None

    def client(self, party: str, limits: Limits, capacity: Capacity | None = None) -> Client:
        """A client for one of the parties, with its ledger beside its key."""
        key = Path(self.keys[party])
        ledger = key.with_suffix(".ledger")
        return Client(self.registry, self.rpc, Wallet.load(key), limits, ledger, capacity)
