"""``parley demo``: the main job in one command."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from agents.demo import cast
from agents.demo.deals import Done, run_deals
from agents.demo.network import audit, network
from agents.demo.show import Screen, details, table, verdict_line
from agents.demo.summary import summarise
from agents.faults import Fault
from marketplace.sdk import Devnet

Chain = Literal["auto", "anvil", "embedded"]


class DemoFailed(RuntimeError):
    """A party refused what another did; its own words follow."""


KINDS = tuple(errand.kind for errand in cast.errands())


def demo(
    chain: Annotated[Chain, typer.Option(help="auto takes Anvil where it is found.")] = "auto",
    directory: Annotated[Path, typer.Option("--dir", help="Keys, log, evidence.")] = Path(
        ".parley/demo"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on one line.")] = False,
) -> None:
    """A buyer and three sellers negotiate, sign and settle three deals; an auditor verifies."""
    began = time.monotonic()
    console = Console(stderr=as_json)
    with network(directory, chain, cast.PARTIES) as net:
        console.print(f"chain {net.rpc} ({net.chain}), registry {net.registry}", highlight=False)
        console.print("positions are units at a price a unit, and the time to deliver\n")
        with Screen(console, KINDS) as screen:
            done = _run(net, screen)
        with net.client(cast.BUYER, cast.buyer_limits(net.token)) as client:
            summaries = [summarise(client, one, directory) for one in done]
        verdict = audit(net)
    kept = all(one.expected.name == found.state for one, found in zip(done, summaries, strict=True))
    written = all(Path(found.evidence).is_file() for found in summaries)
    counted = verdict["checked"].get("deals") == len(done) and verdict["complete"]
    ok = kept and written and counted and verdict["ok"]
    report = {
        "ok": ok,
        "elapsed_s": round(time.monotonic() - began, 2),
        "chain": net.chain,
        "deals": [asdict(found) for found in summaries],
        "audit": {key: verdict[key] for key in ("ok", "checked", "findings")},
    }
    console.print(table(done, summaries))
    for one, found in zip(done, summaries, strict=True):
        console.print(details(one, found), highlight=False, soft_wrap=True)
    console.print(f"\n{verdict_line(verdict)}; {report['elapsed_s']} s in all", soft_wrap=True)
    if as_json:
        typer.echo(json.dumps(report))
    raise typer.Exit(0 if ok else 1)


def _run(net: Devnet, screen: Screen) -> list[Done]:
    try:
        return run_deals(net, screen.tell)
    except Fault as fault:
        raise DemoFailed(f"{type(fault).__name__}: {fault}") from fault
