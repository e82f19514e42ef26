"""The demo's network and auditor: other processes, known by their URLs."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

import httpx

from marketplace.sdk import Devnet

STOP_SECONDS = 10


@contextmanager
def network(directory: Path, chain: str, parties: tuple[str, ...]) -> Iterator[Devnet]:
    """`parley devnet` as a child that ends with this process, whatever happens to it."""
    command = [sys.executable, "-m", "marketplace", "devnet", "--json", "--with-parent"]
    command += ["--dir", str(directory), "--chain", chain]
    command += [word for party in parties for word in ("--party", party)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 our own command
    try:
        described = child.stdout.readline() if child.stdout else b""
        if not described:
            # It has said why on standard error, in one line that needs no second.
            sys.exit(child.wait())
        yield Devnet(**json.loads(described))
    finally:
        if child.stdin:
            child.stdin.close()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def move_time(net: Devnet, to: int) -> None:
    """Let the development chain's clock reach an instant: what only time does, time must do."""
    now = int(_ask(net, "eth_getBlockByNumber", ["latest", False])["timestamp"], 16)
    _ask(net, "evm_increaseTime", [max(0, to - now)])
    _ask(net, "evm_mine", [])


class Verdict(TypedDict):
    """What `parley audit --json` says; `complete` when no deal was left unjudged."""

    ok: bool
    complete: bool
    checked: dict[str, int]
    findings: list[dict[str, str]]


def audit(net: Devnet) -> Verdict:
    """`parley audit` as a process of its own, given two URLs and nothing else."""
    command = [sys.executable, "-m", "marketplace", "audit", "--json"]
    command += ["--rpc", net.rpc, "--log", net.registry]
    # A network that ends with the demo leaves nothing to be remembered.
    with tempfile.TemporaryDirectory(prefix="parley-audit-") as state:
        command += ["--state", state]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 our own
    if not ended.stdout:
        finding = {"kind": "audit", "where": net.registry, "what": ended.stderr.strip()}
        return Verdict(ok=False, complete=False, checked={}, findings=[finding])
    report = json.loads(ended.stdout)
    return Verdict(
        ok=report["ok"],
        complete=report["complete"],
        checked=report["checked"],
        findings=report["findings"],
    )


def _ask(net: Devnet, method: str, params: list[str | int | bool]) -> Any:  # noqa: ANN401 any JSON
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(net.rpc, json=call).raise_for_status().json()["result"]
