"""Settings: what a running registry or devnet is told, in one place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Chain = Literal["auto", "anvil", "embedded"]

DEV_TOKENS = 1_000_000_000_000
DEV_WEI = 10**20


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What a registry needs.

    Attributes:
        database: the SQLite file.
        chain_id: the chain whose escrow the messages name.
        escrow: the escrow's address.
        host: where to listen; loopback unless told otherwise.
        port: TCP port.
    """

    database: Path
    chain_id: int
    escrow: str
    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True, slots=True)
class DevnetSettings:
    """What a development network is made of.

    Attributes:
        directory: where keys, the database and ``devnet.json`` are written.
        chain: auto, anvil or embedded.
        port: the registry's TCP port, 0 for a free one.
        parties: whom to make and fund a wallet for.
    """

    directory: Path
    chain: Chain = "auto"
    port: int = 0
    parties: tuple[str, ...] = ("buyer", "seller")
