"""A development chain behind a URL: Anvil, or py-evm in this process.

    with start_chain("auto") as chain:
        client = Web3(Web3.HTTPProvider(chain.rpc_url))

Both kinds have chain id 31337, the same ten funded accounts, the rules of the Prague fork, one
transaction a block, and the same calls for moving time. Their keys are public knowledge.
"""

import importlib
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from eth_account.hdaccount import seed_from_mnemonic
from eth_account.hdaccount.deterministic import HDPath
from eth_keys.datatypes import PrivateKey

from marketplace.adapters.evm.anvil import AnvilMissingError, find_anvil, start_anvil
from marketplace.adapters.evm.embedded import CHAIN_ID

_MNEMONIC = "test test test test test test test test test test test junk"
_ACCOUNTS = 10

Kind = Literal["anvil", "embedded"]


class EmbeddedChainMissingError(RuntimeError):
    """py-evm is not installed."""

    def __init__(self, missing: str | None) -> None:
        super().__init__(
            f"the embedded chain needs the Python package {missing!r}, which is not installed. "
            "Run `pip install 'parley[embedded]'`, or use Anvil."
        )


class DevChain:
    """A running chain. Ends with `close()`, with its `with` block, or with the interpreter."""

    def __init__(self, kind: Kind, rpc_url: str, stop: Callable[[], None]) -> None:
        self.kind = kind
        self.rpc_url = rpc_url
        self.chain_id = CHAIN_ID
        # A finalizer, so that an Anvil whose owner forgot it still ends with this process.
        self._stop = weakref.finalize(self, stop)

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The private keys, 32 bytes each, of the accounts that own 10,000 ether."""
        return _keys()

    def close(self) -> None:
        """Free the port and end the process; a second call does nothing."""
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DevChain(kind={self.kind!r}, rpc_url={self.rpc_url!r})"


def start_chain(kind: Literal["auto", "anvil", "embedded"], port: int = 0) -> DevChain:
    """Start a chain on 127.0.0.1 and wait until it answers.

    Args:
        kind: "auto" takes Anvil where it is found, else the embedded chain.
        port: TCP port, 0 for a free one.

    Raises:
        AnvilMissingError: Anvil was asked for, or PARLEY_ANVIL names none.
        AnvilFailedError: Anvil did not come up.
        EmbeddedChainMissingError: py-evm is not installed.
        OSError: the embedded chain's port is taken.
    """
    if kind == "embedded":
        return _start_embedded(port)
    try:
        binary = find_anvil(os.environ, Path.cwd())
    except AnvilMissingError:
        # Who names a binary wants that one, so a wrong name is an error under "auto" as well.
        if kind == "anvil" or "PARLEY_ANVIL" in os.environ:
            raise
        return _start_embedded(port)
    anvil = start_anvil(binary, port, CHAIN_ID, _MNEMONIC)
    return DevChain("anvil", anvil.url, anvil.close)


def _start_embedded(port: int) -> DevChain:
    try:
        # Imported here as py-evm is an optional extra and takes most of a second.
        node = importlib.import_module("marketplace.adapters.evm.embedded.node")
    except ModuleNotFoundError as error:
        raise EmbeddedChainMissingError(error.name) from error
    funded = [PrivateKey(key).public_key.to_canonical_address() for key in _keys()]
    server = node.serve(port, funded)
    return DevChain("embedded", server.url, server.close)


def _keys() -> tuple[bytes, ...]:
    """Derived as wallets do (BIP-39, BIP-44), so that every tool knows these accounts."""
    seed = seed_from_mnemonic(_MNEMONIC, "")
    return tuple(HDPath(f"m/44'/60'/0'/0/{n}").derive(seed) for n in range(_ACCOUNTS))
