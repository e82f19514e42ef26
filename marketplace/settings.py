"""Settings: what a running registry or devnet is told, in one place."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from marketplace.core.values import ZERO_ADDRESS

Chain = Literal["auto", "anvil", "embedded"]

DEV_TOKENS = 1_000_000_000_000
DEV_WEI = 10**20


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """What a registry needs.

    Attributes:
        database: a SQLite file, or a URL ``postgresql://…``.
        chain_id: the chain whose escrows the messages name.
        escrow: the address of this version's escrow.
        escrow_v1: the address of version 1's, if its messages are taken too.
        host: where to listen; loopback unless told otherwise.
        port: TCP port.
        workers: processes; more than one takes PostgreSQL.
        origin: the URL's origin as clients write it, which their logins name; empty: host
            and port.
        secret_file: what tokens are signed with; made where it is not there.
        log_origin: the log's name; empty: the origin without its scheme.
        log_key_file: what the log's checkpoints are signed with; made where it is not there.
            Whoever has it can sign another history: a log whose key is lost or told ends.
        anchor: the contract that anchors checkpoints.
        anchor_key_file: whose account pays for that; None: nothing is anchored from here.
        anchor_entries: so many entries do not wait to be anchored.
        anchor_seconds: nor does one that has waited so long.
        token_seconds: how long a login lasts.
        auditors: accounts that may read every negotiation.
        public: whether everybody may; for development.
        requests_per_second: of one network address; 0: no limit.
        messages_per_second: under one signer's key; 0: no limit.
        most_streams: open event streams of one address; 0: no limit.
        private_webhooks: whether webhooks may be posted to private networks over http.
        rpc: a JSON-RPC URL from which deals are followed: their events are logged, settled ones
            counted; empty: none are.
        retain_days: after so many days from its last word a negotiation's bodies and artifacts
            are erased; 0: never.
        confirmations: blocks on top of one that is taken for final.
    """

    database: str
    chain_id: int
    escrow: str
    escrow_v1: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    origin: str = ""
    secret_file: Path = Path("parley.secret")
    log_origin: str = ""
    log_key_file: Path = Path("parley.logkey")
    anchor: str = ZERO_ADDRESS
    anchor_key_file: Path | None = None
    anchor_entries: int = 1_000
    anchor_seconds: int = 600
    token_seconds: int = 900
    auditors: tuple[str, ...] = ()
    public: bool = False
    requests_per_second: int = 0
    messages_per_second: int = 0
    most_streams: int = 0
    private_webhooks: bool = False
    rpc: str = ""
    retain_days: int = 0
    confirmations: int = 12


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
