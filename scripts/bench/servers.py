"""Server processes under measurement: started, watched, stopped."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
READY_SECONDS = 30
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Serving:
    """A server process and where it listens."""

    pid: int
    port: int

    @property
    def cpu(self) -> float:
        """Seconds of processor time of the process and its children so far."""
        return sum(_stat(pid) for pid in _family(self.pid))

    @property
    def resident(self) -> int:
        """Bytes of memory of the process and its children now."""
        return sum(_resident(pid) for pid in _family(self.pid))


@contextmanager
def noop() -> Iterator[Serving]:
    """The yardstick."""
    with _started([sys.executable, str(ROOT / "scripts/bench/noop.py"), "0"]) as process:
        served = Serving(process.pid, int(_line(process.stdout)))
        _await_ready(served.port, "/docs")
        yield served


@contextmanager
def registry(database: str, chain_id: int, escrow: str, workers: int = 1) -> Iterator[Serving]:
    """`parley serve`, as an operator runs it, without its limits on how often one may ask."""
    command = [sys.executable, "-m", "marketplace", "serve", "--public"]
    command += ["--chain-id", str(chain_id), "--escrow", escrow, "--database", database]
    command += ["--workers", str(workers), "--port", "0", "--most-streams", "0"]
    command += ["--requests-per-second", "0", "--messages-per-second", "0"]
    with _started(command, cwd=Path(database).parent if "://" not in database else None) as process:
        found = re.search(r"http://[^:]+:(\d+)", _line(process.stderr))
        if found is None:
            raise RuntimeError("the registry did not start")
        served = Serving(process.pid, int(found[1]))
        _await_ready(served.port)
        yield served


@contextmanager
def _started(command: list[str], cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=cwd or ROOT, env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _line(stream: object) -> str:
    return stream.readline().decode()  # type: ignore[attr-defined]  # a pipe


def _await_ready(port: int, path: str = "/readyz") -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}"):
            return
        time.sleep(0.05)
    raise RuntimeError("the registry is not ready")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    with suppress(OSError):
        return [
            pid,
            *(each for child in children.read_text().split() for each in _family(int(child))),
        ]
    return [pid]


def _stat(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS
    return 0.0


def _resident(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0
