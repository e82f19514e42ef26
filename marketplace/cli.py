"""The ``parley`` command."""

import asyncio
import json
import signal
import socket
import sys
import threading
from dataclasses import asdict, astuple
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.table import Table
from rich.text import Text

from marketplace.adapters.evm.factory import escrow_address
from marketplace.adapters.sql.store import is_shared, open_store
from marketplace.bootstrap import prepare
from marketplace.core.audit import Report
from marketplace.core.errors import ParleyError
from marketplace.devnet import devnet as start_devnet
from marketplace.hosting import PATIENCE_SECONDS, listen
from marketplace.hosting import serve as serve_registry
from marketplace.sdk.auditing import audit_market
from marketplace.sdk.wallet import Wallet
from marketplace.settings import Chain, DevnetSettings, RegistrySettings

app = typer.Typer(
    help="Parley: agents that do not trust each other agree on terms and have them settled.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
errors = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object on one line instead.")]
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
Auditors = Annotated[
    list[str] | None, typer.Option(help="An account that may read every negotiation.")
]
GENUINE = escrow_address()
PrivateWebhooks = Annotated[
    bool, typer.Option(help="Let webhooks go to private networks, and over http.")
]


@app.command()
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
    auditor: Auditors = None,
    public: Annotated[bool, typer.Option(help="Everybody may read every negotiation.")] = False,
    requests_per_second: Annotated[int, typer.Option(help="Of one address; 0: no limit.")] = 200,
    messages_per_second: Annotated[int, typer.Option(help="Under one key; 0: no limit.")] = 50,
    most_streams: Annotated[int, typer.Option(help="Open streams of one address.")] = 200,
    private_webhooks: PrivateWebhooks = False,
    rpc: Annotated[str, typer.Option(help="JSON-RPC URL to count settled deals from.")] = "",
) -> None:
    """Run a registry for one escrow. It holds no party's key and no money."""
    bound = listen(host, port)
    settings = RegistrySettings(
        database=database,
        chain_id=chain_id,
        escrow=escrow,
        escrow_v1=escrow_v1,
        host=host,
        port=bound.getsockname()[1],
        workers=workers,
        origin=origin,
        secret_file=secret_file,
        auditors=tuple(auditor or ()),
        public=public,
        requests_per_second=requests_per_second,
        messages_per_second=messages_per_second,
        most_streams=most_streams,
        private_webhooks=private_webhooks,
        rpc=rpc,
    )
    _serve(settings, bound)


@app.command()
def devnet(
    directory: Annotated[Path, typer.Option("--dir", help="Keys, database, devnet.json.")] = Path(
        ".parley/devnet"
    ),
    chain: Annotated[Chain, typer.Option(help="auto takes Anvil where it is found.")] = "auto",
    port: Annotated[int, typer.Option(help="The registry's TCP port; 0 takes a free one.")] = 0,
    party: Annotated[list[str] | None, typer.Option(help="A wallet to make and fund.")] = None,
    with_parent: Annotated[bool, typer.Option(help="End when standard input closes.")] = False,
    as_json: Json = False,
) -> None:
    """Run a chain with our contracts, funded keys and a registry, on loopback."""
    # An ordinary exit, so that the chain's process ends with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parties = tuple(party or ("buyer", "seller"))
    settings = DevnetSettings(directory, chain, port, parties)
    with start_devnet(settings) as (network, server, bound):
        if with_parent:
            threading.Thread(target=_stop_at_eof, args=[server], daemon=True).start()
        if as_json:
            typer.echo(json.dumps(asdict(network)))
        else:
            errors.print(f"chain     {network.rpc} ({network.chain})")
            errors.print(f"registry  {network.registry} (API at /docs)")
            errors.print(f"escrow    {network.escrow}\ntoken     {network.token}")
            for name, path in network.keys.items():
                errors.print(f"key       {name}: {path}", soft_wrap=True)
            command = f"{sys.argv[0]} audit --rpc {network.rpc} --log {network.registry}"
            errors.print(f"audit     {command}", soft_wrap=True)
            errors.print(f"described in {directory}/devnet.json; Ctrl-C ends it")
        server.run(sockets=[bound])


@app.command()
def audit(
    rpc: Annotated[str, typer.Option(help="JSON-RPC URL of a node that you believe.")],
    log: Annotated[str, typer.Option(help="The registry's URL; it is believed in nothing.")],
    key: Annotated[
        Path | None, typer.Option(help="A key file to log in with, to read what it may read.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a registry's whole log against the escrow; exit status 0 only if all holds."""
    report = audit_market(rpc, log, Wallet.load(key) if key else None)
    if as_json:
        typer.echo(json.dumps(report_json(report)))
    else:
        _show(report)
    raise typer.Exit(0 if report.ok else 1)


def _serve(settings: RegistrySettings, bound: socket.socket) -> None:
    # Here what is wrong with a database is one line; in a worker it is a traceback in each.
    if is_shared(settings.database):
        asyncio.run(prepare(open_store(settings.database), PATIENCE_SECONDS))
    elif settings.workers == 1:  # several are refused, and then nothing has been made
        asyncio.run(prepare(open_store(settings.database), 0))
    errors.print(f"registry on http://{settings.host}:{settings.port} (API at /docs)")
    serve_registry(settings, bound)


def report_json(report: Report) -> dict[str, object]:
    """An audit's outcome with stable keys."""
    return {
        "ok": report.ok,
        "checked": report.checked,
        "findings": [asdict(finding) for finding in report.findings],
        "unopened": report.unopened,
        "unlogged": report.unlogged,
        "linked": report.linked,
        "superseded": report.superseded,
        "unproved": report.unproved,
        "unread": sorted(report.unread),
        "confidential": report.confidential,
        "unwitnessed": sorted(report.unwitnessed),
        "complete": report.complete,
    }


def main() -> None:
    """Run the command; a named error is one line and exit status 2, never a traceback."""
    for extra in entry_points(group="parley.commands"):
        app.command(extra.name)(extra.load())
    try:
        app()
    except (ParleyError, OSError, RuntimeError) as error:
        errors.print(Text.assemble(("refused ", "bold red"), plain(str(error))), soft_wrap=True)
        sys.exit(2)


def _show(report: Report) -> None:
    console = Console()
    counted = ", ".join(f"{count} {what}" for what, count in report.checked.items())
    console.print(f"checked {counted}")
    for label, deals in (
        ("agreed and not opened", report.unopened),
        ("opened and not in the log", report.unlogged),
        ("opened by what a negotiation's log does not have", list(report.linked)),
        ("opened from another signed offer than the agreement", report.superseded),
        ("paid on a voucher or a settlement, which no event shows", report.unproved),
        ("opened on terms that only its parties can read", report.confidential),
        ("not shown to this reader, so that no rule was asked", sorted(report.unread)),
        ("handed in after it was said, at times of the parties' own", sorted(report.unwitnessed)),
    ):
        if deals:
            console.print(f"{label}: {', '.join(deals)}", highlight=False, soft_wrap=True)
    if report.findings:
        table = Table("what", "where", "exactly", title="findings")
        for finding in report.findings:
            # As text: what a registry says must not draw on an auditor's terminal.
            table.add_row(*(Text(plain(word)) for word in astuple(finding)))
        console.print(table)
    console.print(_verdict(report))


def plain(words: str) -> str:
    """Words without control characters."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in words)


def _verdict(report: Report) -> str:
    if not report.ok:
        return "[bold red]NOT OK[/]"
    if report.complete:
        return "[bold green]OK[/]"
    return "[bold yellow]OK for what was shown[/]; not judged, or not wholly: see above"


def _stop_at_eof(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True
