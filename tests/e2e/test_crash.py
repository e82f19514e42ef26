"""Kills under load, the short form: what was acknowledged is there, and everybody goes on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOUND = [ROOT, ROOT / "tests", ROOT / "tests" / "e2e", ROOT / "scripts"]
# Of a start each, on a machine that does other things too.
SECONDS = 600
KILLS = 4


def crash(database: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crash", "--database", database]
    return subprocess.run(
        [*command, "--kills", str(KILLS), "--births", "1", "--seed", "7"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOUND))},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_killed_registry_keeps_every_promise_and_every_subscriber_goes_on(database: str):
    ran = crash(database)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    (told,) = json.loads(ran.stdout.splitlines()[-1])
    assert told["kills"] == KILLS
    assert told["violations"] == told["lost"] == told["doubled"] == 0
    # It was under load, and somebody was listening when it died.
    assert told["acknowledged"] > 50
    assert told["checkpoints_checked"] >= told["acknowledged"]
    assert told["streams_resumed"] > 10
