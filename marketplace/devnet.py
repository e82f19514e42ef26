"""A development network in one process: chain, contracts, keys, registry.

Everything talks to the chain by its RPC URL and to the registry by its own; nothing
here is known to the agents but what ``devnet.json`` says.
"""

import fcntl
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import uvicorn

from marketplace.adapters.evm.deploy import Deployer, Deployment
from marketplace.adapters.evm.devchain import DevChain, start_chain
from marketplace.adapters.evm.factory import anchor_address
from marketplace.hosting import build_server, listen
from marketplace.sdk.devnet import Devnet
from marketplace.sdk.wallet import Wallet
from marketplace.settings import DEV_TOKENS, DEV_WEI, DevnetSettings, RegistrySettings

# Who pays for anchoring; no party of the market.
OPERATOR = "operator.key"


@contextmanager
def devnet(settings: DevnetSettings) -> Iterator[tuple[Devnet, uvicorn.Server, socket.socket]]:
    """A network that is ready but for its registry, which runs when the caller runs its server.

    The directory is made anew: keys, ledgers and logs of an earlier chain mean nothing here.
    """
    with (
        _only(settings.directory),
        start_chain(settings.chain, settings.port and settings.port + 1) as chain,
    ):
        # Once the chain stands: what an earlier network left is not lost to one that never came up.
        fresh(settings.directory)
        bound = listen("127.0.0.1", settings.port)
        port = bound.getsockname()[1]
        deployment, keys = _populate(chain, settings)
        server = build_server(_settings(settings.directory, deployment, port, chain.rpc_url))
        network = Devnet(
            rpc=chain.rpc_url,
            registry=f"http://127.0.0.1:{port}",
            chain=chain.kind,
            escrow=deployment.escrow,
            token=deployment.token,
            keys=keys,
        )
        described = settings.directory / "devnet.json"
        described.write_text(json.dumps(asdict(network), indent=2) + "\n")
        try:
            yield network, server, bound
        finally:
            bound.close()


def _settings(directory: Path, deployment: Deployment, port: int, rpc_url: str) -> RegistrySettings:
    return RegistrySettings(
        database=str(directory / "registry.sqlite"),
        chain_id=deployment.chain_id,
        escrow=deployment.escrow,
        port=port,
        secret_file=directory / "registry.secret",
        log_key_file=directory / "registry.logkey",
        public=True,
        private_webhooks=True,
        rpc=rpc_url,
        anchor=anchor_address(),
        anchor_key_file=directory / OPERATOR,
        anchor_entries=1,
        confirmations=0,
    )


@contextmanager
def _only(directory: Path) -> Iterator[None]:
    """One network a directory: a second would take the first one's keys away."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f"{directory.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = f"a devnet is running in {directory}; use it, or name another --dir"
            raise BlockingIOError(told) from None
        yield


def fresh(directory: Path) -> None:
    """An empty directory that only its owner can read; only one of ours is ever emptied."""
    if directory.exists() and any(directory.iterdir()):
        if not (directory / "devnet.json").exists():
            raise FileExistsError(f"{directory} is not empty and no devnet's; name another --dir")
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)


def _populate(chain: DevChain, settings: DevnetSettings) -> tuple[Deployment, dict[str, str]]:
    deployer = Deployer(chain.rpc_url, chain.keys[0])
    deployment = deployer.deploy()
    keys = {}
    for party in settings.parties:
        wallet, path = Wallet.create(), settings.directory / f"{party}.key"
        wallet.save(path)
        deployer.give_gas(wallet.address, DEV_WEI)
        deployer.mint(deployment.token, wallet.address, DEV_TOKENS)
        keys[party] = str(path.resolve())
    operator = Wallet.create()
    operator.save(settings.directory / OPERATOR)
    deployer.give_gas(operator.address, DEV_WEI)
    return deployment, keys
