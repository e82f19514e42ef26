"""Whole commands as a user runs them, in processes of their own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARLEY = [sys.executable, "-m", "marketplace"]


def run(*words: str, cwd: Path, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run `parley` to its end."""
    return subprocess.run(
        [*PARLEY, *words], cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
    )


@contextmanager
def devnet(cwd: Path, *words: str) -> Iterator[dict[str, object]]:
    """`parley devnet` in a directory, until the block ends."""
    command = [*PARLEY, "devnet", "--json", "--with-parent", *words]
    child = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    assert child.stdin
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.stdin.close()
        assert child.wait(20) == 0
        child.stdout.close()
