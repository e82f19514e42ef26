"""A bus between processes: NOTIFY, on a connection of its own."""

import asyncio
import contextlib

import asyncpg

from marketplace.adapters.sql.postgres import CONNECT_SECONDS, naming
from marketplace.core.errors import StoreUnavailable

CHANNEL = "parley"
# Seconds: between two wake-ups, which share what came meanwhile; until a silent connection is
# asked whether it is still there; until a lost one is tried again.
PAUSE, SILENCE, RETRY = 0.005, 15.0, 0.5

# A wake-up that is lost in a crash woke nobody who is still there.
SETTINGS = {"application_name": "parley bus", "synchronous_commit": "off"}


class NotifySignal:
    """One asyncio event, bounded in time."""

    def __init__(self, event: asyncio.Event) -> None:
        self._event = event

    async def wait(self, seconds: float) -> bool:
        """True once published, False after the time has passed."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return False
        return True


class NotifyBus:
    """Wakes the readers of this process at once, and those of the others by the database.

    While the connection is lost, others are woken late: once it is back.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._event = asyncio.Event()
        self._unsaid = asyncio.Event()
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

    def publish(self) -> None:
        """Wake every reader."""
        self._wake()
        self._unsaid.set()

    def signal(self) -> NotifySignal:
        """The next wake-up."""
        return NotifySignal(self._event)

    def _wake(self) -> None:
        woken, self._event = self._event, asyncio.Event()
        woken.set()

    async def _serve(self, connection: asyncpg.Connection) -> None:
        while True:
            with contextlib.suppress(StoreUnavailable), naming():
                await self._speak(connection)
            # What could not be said, and what could not be heard, both count as having been.
            self._wake()
            connection = await self._reconnect()
            self._wake()
            self._unsaid.set()

    async def _speak(self, connection: asyncpg.Connection) -> None:
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._unsaid.wait(), SILENCE)
                told = f"NOTIFY {CHANNEL}" if self._unsaid.is_set() else "SELECT 1"
                self._unsaid.clear()
                await connection.execute(told, timeout=CONNECT_SECONDS)
                await asyncio.sleep(PAUSE)
        finally:
            connection.terminate()

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
            await connection.add_listener(CHANNEL, self._heard)
        return connection

    def _heard(self, connection: asyncpg.Connection, sender: int, *_: object) -> None:
        # Its own readers were woken when it published.
        if sender != connection.get_server_pid():
            self._wake()
