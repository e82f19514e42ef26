"""The registry under test: the real command, in processes that can be killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from crash.raw import HERE, BrokenError, Connection
from crash.traffic import DOMAIN

ROOT = Path(__file__).parents[3]
READY_SECONDS = 90
LIMITS = ("--requests-per-second", "--messages-per-second", "--most-streams")


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


class Registry:
    """`parley serve` on one port and one database, alive or dead."""

    def __init__(self, directory: Path, database: str, workers: int) -> None:
        self.port, self.database, self.workers = free_port(), database, workers
        self.public = True
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, not waiting until it answers."""
        words = ["--chain-id", str(DOMAIN.chain_id), "--escrow", DOMAIN.verifying_contract]
        words += ["--database", self.database, "--port", str(self.port)]
        words += ["--workers", str(self.workers), "--private-webhooks"]
        words += ["--secret-file", str(self._directory / "secret")]
        words += [word for limit in LIMITS for word in (limit, "0")]
        words += ["--public"] if self.public else []
        with (self._directory / "registry.txt").open("ab") as told:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "marketplace", "serve", *words],
                cwd=self._directory,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )

    async def ready(self) -> bool:
        """Wait until it takes traffic; False where it has ended or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while self.running and time.monotonic() < deadline:
            connection = Connection(self.port)
            with suppress(BrokenError):
                if (await connection.ask("GET", "/readyz")).status == 204:
                    return True
            connection.close()
            await asyncio.sleep(0.02)
        return False

    @property
    def running(self) -> bool:
        """Whether the process, or what supervises the workers, lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9` to it and all its workers."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def crew(self) -> list[int]:
        """The workers' process ids."""
        assert self._process is not None
        children = f"/proc/{self._process.pid}/task/{self._process.pid}/children"
        pids = map(int, Path(children).read_text().split())
        return [pid for pid in pids if b"spawn_main" in _command(pid)]

    def said(self) -> str:
        """The end of what it printed."""
        return (self._directory / "registry.txt").read_text(errors="replace")[-2000:]


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
