"""The foreign judges: each is started once for a list of cases, and says what it thinks of each.

``go`` is golang.org/x/mod/sumdb, with which Go reads its own checksum database; ``sigstore``
is @sigstore/verify, with which npm checks where its packages come from. Neither is ours, and
neither is skipped: where one is not there, every test that asks it fails.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GO = ROOT / ".toolchain" / "logcheck"
SIGSTORE = ROOT / "node_modules" / "@sigstore" / "verify"

Case = dict[str, Any]
Verdict = dict[str, Any]


def go(cases: Sequence[Case]) -> list[Verdict]:
    """What Go says; see tests/foreign/logcheck for the cases."""
    assert GO.exists(), "Go's judge is not built: make foreign"
    return _ask([str(GO)], cases)


def sigstore(cases: Sequence[Case]) -> list[Verdict]:
    """What Sigstore says of inclusion in the tree of a checkpoint."""
    assert SIGSTORE.exists(), "Sigstore's judge is not installed: make install"
    return _ask(["node", str(Path(__file__).with_name("sigstore.cjs"))], cases)


def accepted(verdicts: Sequence[Verdict]) -> list[bool]:
    """Which cases were accepted."""
    return [verdict["ok"] for verdict in verdicts]


def _ask(command: list[str], cases: Sequence[Case]) -> list[Verdict]:
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(cases)
    return verdicts
