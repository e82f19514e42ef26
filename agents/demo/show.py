"""What a person sees: a line a deal while it runs, a table at the end."""

import os
import threading
from collections.abc import Sequence
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from agents.demo.deals import Done
from agents.demo.network import Verdict
from agents.demo.summary import Summary
from marketplace.sdk import Outcome


class Screen:
    """A spinner line a deal on a terminal; plain lines elsewhere."""

    def __init__(self, console: Console, kinds: Sequence[str]) -> None:
        self._console = console
        self._lock = threading.Lock()
        columns = SpinnerColumn(), TextColumn("{task.fields[kind]:<12}"), TimeElapsedColumn()
        self._progress = Progress(*columns, TextColumn("{task.description}"), console=console)
        self._tasks = {
            kind: self._progress.add_task("waits for a listing", kind=kind, total=None)
            for kind in kinds
        }

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._progress.stop()

    def tell(self, kind: str, words: str) -> None:
        """Something happened in a deal."""
        with self._lock:
            if self._console.is_terminal:
                self._progress.update(self._tasks[kind], description=words)
            else:
                self._console.print(f"{kind:<12} {words}", highlight=False)


def table(done: Sequence[Done], summaries: Sequence[Summary]) -> Table:
    """Each deal, from the opening positions to the money; fits 80 columns."""
    shown = Table(title="what was agreed, and what came of it", box=SIMPLE_HEAD)
    for column in ("deal", "first ask", "first bid", "agreed", "settled"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("gas", justify="right", no_wrap=True)
    for one, summary in zip(done, summaries, strict=True):
        offers = one.talk.negotiation.offers
        shown.add_row(
            f"{summary.kind}\n{summary.state}",
            _outcome(offers[0].subject.outcome),
            _outcome(offers[1].subject.outcome) if len(offers) > 1 else "accepted",
            f"{_outcome(one.deal.agreement.subject.outcome)}\nround {summary.rounds}",
            f"price {summary.price:,}\npaid {summary.paid:,}",
            f"{summary.gas:,}",
        )
    return shown


def details(done: Done, summary: Summary) -> str:
    """Who dealt with whom, and where the evidence is."""
    terms = done.deal.agreement.terms
    file = os.path.relpath(summary.evidence)
    return (
        f"{summary.kind:<12} buyer {terms.buyer}\n{'':<12} seller {terms.seller}\n{'':<12} {file}"
    )


def verdict_line(verdict: Verdict) -> str:
    """The auditor's word, and each thing that does not hold."""
    if verdict["ok"]:
        counted = ", ".join(f"{count} {what}" for what, count in verdict["checked"].items())
        return f"[bold green]audit OK[/]: {counted}"
    return f"[bold red]audit NOT OK[/]: {verdict['findings']}"


def _outcome(outcome: Outcome) -> str:
    minutes = outcome["delivery_window"] // 60
    return f"{outcome['quantity']} at {outcome['unit_price']}\n{minutes} min"
