"""``parley audit``: a registry's whole log against the chain."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from marketplace.commands.terminal import Json, errors, plain
from marketplace.core.report import Report
from marketplace.sdk.auditing import How, audit_market
from marketplace.sdk.decisions import read_decisions
from marketplace.sdk.remembered import Memory
from marketplace.sdk.wallet import Wallet

LAST = "last"


def audit(
    rpc: Annotated[
        list[str],
        typer.Option(
            help="JSON-RPC URL of a node that you believe; given twice: both are compared."
        ),
    ],
    log: Annotated[str, typer.Option(help="The registry's URL; it is believed in nothing.")],
    key: Annotated[
        Path | None, typer.Option(help="A key file to log in with, to read what it may read.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Where tiles and the last checkpoint are kept between audits."),
    ] = None,
    since: Annotated[
        str, typer.Option(help="Up to this size, or `last`, rely on earlier audits' signatures.")
    ] = "",
    vkey: Annotated[str, typer.Option(help="The log's note key, if you know it.")] = "",
    log_key: Annotated[str, typer.Option(help="The address of its other key, the same.")] = "",
    decisions: Annotated[
        list[Path] | None,
        typer.Option(
            help="A ledger or decisions handed over: judged, and the log held against them."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a registry's whole log against the escrow; exit status 0 only if all holds."""
    memory = Memory.below(state or _default_state(), log)
    with _bar(shown=not as_json and errors.is_terminal) as progress:
        record = [each for path in decisions or () for each in read_decisions(path)]
        how = How(memory, _size(since), vkey, log_key, progress, record)
        report = audit_market(rpc, log, Wallet.load(key) if key else None, how)
    if as_json:
        typer.echo(json.dumps(report.to_json()))
    else:
        _show(report)
    raise typer.Exit(0 if report.ok else 1)


def _default_state() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "parley/audit"


def _size(since: str) -> int | None:
    if not since:
        return None
    if since == LAST:
        # However large it was: no audit relies on more than was audited.
        return 1 << 62
    if not since.isdecimal():
        raise typer.BadParameter(f"{since!r} is neither a size nor `{LAST}`")
    return int(since)


@contextmanager
def _bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    columns = TextColumn("entries"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not shown) as progress:
        task = progress.add_task("entries", total=None)
        yield lambda done, size: progress.update(task, completed=done, total=size)


def _show(report: Report) -> None:
    console = Console()
    counted = ", ".join(f"{count} {what}" for what, count in report.checked.items())
    console.print(f"checked {counted}")
    if report.since:
        console.print(f"signatures of entries below {report.since}: as audited before")
    if report.opened:
        rights = Counter(how.right.value for how in report.opened.values())
        told = ", ".join(f"{count} {right}" for right, count in sorted(rights.items()))
        console.print(f"negotiations by the right to read them: {told}")
    if report.unanchored is not None:
        console.print(
            f"{report.unanchored} entries above the last anchor: "
            "only who holds a receipt can detect their rewriting"
        )
    for label, named in _information(report):
        if named:
            console.print(f"{label}: {', '.join(named)}", highlight=False, soft_wrap=True)
    _show_findings(console, report)
    console.print(_verdict(report))


def _information(report: Report) -> tuple[tuple[str, list[str]], ...]:
    return (
        ("agreed and not opened", report.unopened),
        ("opened and not in the log", report.unlogged),
        ("opened by what a negotiation's log does not have", list(report.linked)),
        ("opened from another signed offer than the agreement", report.superseded),
        ("paid on a voucher or a settlement, which no event shows", report.unproved),
        ("opened on terms that only its parties can read", report.confidential),
        ("not shown to this reader, so that no rule was asked", sorted(report.unread)),
        ("offered under seal, so that only its parties can read it", sorted(report.sealed)),
        ("handed in after it was said, at times of the parties' own", sorted(report.unwitnessed)),
        ("events of blocks that the node has not yet, by entry", [*map(str, report.ahead)]),
    )


def _show_findings(console: Console, report: Report) -> None:
    if report.findings:
        table = Table("what", "where", "exactly", title="findings")
        for finding in report.findings:
            # As text: what a registry says must not draw on an auditor's terminal.
            table.add_row(*(Text(plain(word)) for word in astuple(finding)))
        console.print(table)
    for shown in report.evidence:
        console.print(f"{shown.kind}: two checkpoints that this log signed; keep both")
        for signed in (shown.earlier, shown.later):
            lines = "\n".join(map(plain, signed.note.splitlines()))
            console.print(Text(lines), soft_wrap=True)


def _verdict(report: Report) -> str:
    if not report.ok:
        return "[bold red]NOT OK[/]"
    if report.complete:
        return "[bold green]OK[/]"
    return "[bold yellow]OK for what was shown[/]; not judged, or not wholly: see above"
