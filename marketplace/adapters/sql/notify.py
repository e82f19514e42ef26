"""A bus between processes: NOTIFY, on a connection of its own."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Protocol

import asyncpg

from marketplace.adapters.sql.postgres import CONNECT_SECONDS, naming
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.bus import Bus, Signal

CHANNEL = "parley"
LONGEST_PAYLOAD = 7_000
# Seconds: between two wake-ups, which share what came meanwhile; until a silent connection is
# asked whether it is still there; until a lost one is tried again.
PAUSE, SILENCE, RETRY = 0.005, 15.0, 0.5

# A wake-up that is lost in a crash woke nobody who is still there.
SETTINGS = {"application_name": "parley bus", "synchronous_commit": "off"}


class LocalBus(Bus, Protocol):
    """The bus of one process."""

    def publish_all(self) -> None:
        """Wake every reader."""
        ...


class NotifyBus:
    """Wakes the readers of this process at once, and those of the others by the database.

    While the connection is lost, others are woken late: once it is back.
    """

    alone = False

    def __init__(self, dsn: str, local: LocalBus) -> None:
        self._dsn = dsn
        self._local = local
        self._parties: set[str] = set()
        self._unsaid = asyncio.Event()
        self._pid = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raises StoreUnavailable where the database does not answer."""
        if self._task is None:
            self._task = asyncio.create_task(self._serve(await self._connect()))

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def publish(self, parties: Iterable[str]) -> None:
        """Wake the readers of these parties, and those of everything."""
        named = list(parties)
        self._local.publish(named)
        self._parties.update(named)
        self._unsaid.set()

    def signal(self, party: str = "") -> Signal:
        """The next wake-up about a party, or about anything."""
        return self._local.signal(party)

    async def _serve(self, connection: asyncpg.Connection) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable), naming():
                await self._speak(connection)
            # What could not be said, and what could not be heard, both count as having been.
            self._local.publish_all()
            connection = await self._reconnect()
            self._local.publish_all()
            self._unsaid.set()

    async def _speak(self, connection: asyncpg.Connection) -> None:
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._unsaid.wait(), SILENCE)
                await self._say(connection)
                await asyncio.sleep(PAUSE)
        finally:
            connection.terminate()

    async def _say(self, connection: asyncpg.Connection) -> None:
        if not self._unsaid.is_set():
            await connection.execute("SELECT 1", timeout=CONNECT_SECONDS)
            return
        named, self._parties = " ".join(self._parties), set()
        self._unsaid.clear()
        # Too many to name are all: who is woken for nothing reads and sleeps again.
        told = named if len(named) <= LONGEST_PAYLOAD else ""
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, told, timeout=CONNECT_SECONDS)

    async def _reconnect(self) -> asyncpg.Connection:
        while True:
            await asyncio.sleep(RETRY)
            with contextlib.suppress(StoreUnavailable):
                return await self._connect()

    async def _connect(self) -> asyncpg.Connection:
        with naming():
            connection = await asyncpg.connect(
                self._dsn, timeout=CONNECT_SECONDS, server_settings=SETTINGS
            )
            # A connection that ends is noticed by speaking on it.
            connection.add_termination_listener(lambda _: self._unsaid.set())
            # Asked now: what was heard may be told after its connection has ended.
            self._pid = connection.get_server_pid()
            await connection.add_listener(CHANNEL, self._heard)
        return connection

    def _heard(self, _: asyncpg.Connection, sender: int, _channel: str, parties: str) -> None:
        # Its own readers were woken when it published.
        if sender == self._pid:
            return
        if parties:
            self._local.publish(parties.split())
        else:
            self._local.publish_all()
