"""``parley serve``: a registry, in the foreground."""

import asyncio
import socket
from pathlib import Path
from typing import Annotated

import typer

from marketplace.adapters.evm.factory import anchor_address, escrow_address
from marketplace.adapters.sql.store import is_shared, open_store
from marketplace.bootstrap import prepare
from marketplace.commands.terminal import errors
from marketplace.hosting import PATIENCE_SECONDS, listen
from marketplace.hosting import serve as serve_registry
from marketplace.settings import RegistrySettings

Escrow = Annotated[
    str, typer.Option(help="The escrow's address: this version's own, the same on every chain.")
]
EscrowV1 = Annotated[str, typer.Option(help="Take version 1's messages too, of its escrow.")]
Database = Annotated[str, typer.Option(help="A SQLite file, or postgresql://…")]
Workers = Annotated[int, typer.Option(min=1, help="Processes; more than one on PostgreSQL.")]
OriginUrl = Annotated[str, typer.Option(help="The origin that clients and logins name it by.")]
SecretFile = Annotated[
    Path, typer.Option(help="What tokens are signed with; made if absent, shared by workers.")
]
LogKeyFile = Annotated[
    Path, typer.Option(help="What the log is signed with; made if absent, shared by workers.")
]
Anchor = Annotated[
    str, typer.Option(help="The contract that anchors the log: the same on every chain.")
]
AnchorKeyFile = Annotated[
    Path | None, typer.Option(help="A key that pays for anchoring the log; without, none is.")
]
LogOrigin = Annotated[str, typer.Option(help="The log's name: the origin without its scheme.")]
Auditors = Annotated[
    list[str] | None, typer.Option(help="An account that may read every negotiation.")
]
RetainDays = Annotated[
    int, typer.Option(min=0, help="Erase bodies so long after a negotiation's end; 0: never.")
]
GENUINE, GENUINE_ANCHOR = escrow_address(), anchor_address()
PrivateWebhooks = Annotated[
    bool, typer.Option(help="Let webhooks go to private networks, and over http.")
]


def serve(
    chain_id: Annotated[int, typer.Option(help="The chain of the escrow.")],
    escrow: Escrow = GENUINE,
    escrow_v1: EscrowV1 = "",
    database: Database = "parley.sqlite",
    workers: Workers = 1,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.")] = 8080,
    origin: OriginUrl = "",
    secret_file: SecretFile = Path("parley.secret"),
    log_origin: LogOrigin = "",
    log_key_file: LogKeyFile = Path("parley.logkey"),
    auditor: Auditors = None,
    public: Annotated[bool, typer.Option(help="Everybody may read every negotiation.")] = False,
    requests_per_second: Annotated[int, typer.Option(help="Of one address; 0: no limit.")] = 200,
    messages_per_second: Annotated[int, typer.Option(help="Under one key; 0: no limit.")] = 50,
    most_streams: Annotated[int, typer.Option(help="Open streams of one address.")] = 200,
    private_webhooks: PrivateWebhooks = False,
    rpc: Annotated[str, typer.Option(help="JSON-RPC URL to follow deals on.")] = "",
    anchor: Anchor = GENUINE_ANCHOR,
    anchor_key_file: AnchorKeyFile = None,
    anchor_entries: Annotated[int, typer.Option(help="So many do not wait to be anchored.")] = 1000,
    anchor_seconds: Annotated[int, typer.Option(help="Nor does one that waited so long.")] = 600,
    confirmations: Annotated[int, typer.Option(help="Blocks on top of a final one.")] = 12,
    retain_days: RetainDays = 0,
) -> None:
    """Run a registry for one escrow. It holds no party's key and no money."""
    told = dict(locals())
    bound = listen(host, port)
    told |= {"auditors": tuple(told.pop("auditor") or ()), "port": bound.getsockname()[1]}
    _serve(RegistrySettings(**told), bound)


def _serve(settings: RegistrySettings, bound: socket.socket) -> None:
    # Here what is wrong with a database is one line; in a worker it is a traceback in each.
    if is_shared(settings.database):
        asyncio.run(prepare(open_store(settings.database), PATIENCE_SECONDS))
    elif settings.workers == 1:  # several are refused, and then nothing has been made
        asyncio.run(prepare(open_store(settings.database), 0))
    errors.print(f"registry on http://{settings.host}:{settings.port} (its routes: /openapi.json)")
    serve_registry(settings, bound)
