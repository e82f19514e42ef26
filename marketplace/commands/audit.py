"""``parley audit``: a registry's whole log against the escrow."""

import json
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from marketplace.commands.terminal import Json, plain
from marketplace.core.audit import Report
from marketplace.sdk.auditing import audit_market
from marketplace.sdk.wallet import Wallet


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


def _verdict(report: Report) -> str:
    if not report.ok:
        return "[bold red]NOT OK[/]"
    if report.complete:
        return "[bold green]OK[/]"
    return "[bold yellow]OK for what was shown[/]; not judged, or not wholly: see above"
