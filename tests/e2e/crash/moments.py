"""When to kill, and whom."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from postgres_server import Server

from crash.house import House
from crash.registry import Registry
from crash.tables import read

# Acknowledgements, and then seconds at most.
LEAST_LOAD, LONGEST_LOAD = 25, 1.2
# A moment that does not come is any other one.
PATIENCE = 8.0
AWAY_SECONDS = 1.0
POLL_SECONDS = 0.0005
BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'parley%'"
    " AND datname = current_database() ORDER BY pid"
)


@dataclass
class Scene:
    """All that a kill may ask for; ``start_seconds`` is how long the last start took."""

    house: House
    registry: Registry
    chance: random.Random
    server: Server | None
    start_seconds: float = 0.0


Act = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Kill:
    """One way to die.

    Attributes:
        name: in the table.
        wait: returns at the moment.
        strike: kills.
        restarts: whether whoever kills must start the registry again.
    """

    name: str
    wait: Act
    strike: Act
    restarts: bool = True


async def under_load(scene: Scene) -> None:
    """Any moment, once there is load."""
    counts = scene.house.counts
    enough = counts["acknowledged"] + LEAST_LOAD
    await _until(_is(lambda: counts["acknowledged"] >= enough))
    await asyncio.sleep(scene.chance.uniform(0, LONGEST_LOAD))


async def in_a_group(scene: Scene) -> None:
    """Just after an acknowledgement, while the next group is on its way."""
    counts = scene.house.counts
    enough = counts["acknowledged"] + scene.chance.randint(1, 60)
    await _until(_is(lambda: counts["acknowledged"] >= enough))
    await asyncio.sleep(scene.chance.uniform(0, 0.004))


async def in_the_journal(scene: Scene) -> None:
    """Just after so many bytes were written to SQLite's write-ahead log."""
    journal = Path(scene.registry.database + "-wal")
    await under_load(scene)
    begun = _stamp(journal)
    await _until(_is(lambda: _stamp(journal) != begun))


async def in_a_checkpoint(scene: Scene) -> None:
    """Just after SQLite began to write its log into the file."""
    file = Path(scene.registry.database)
    begun = _stamp(file)
    await _until(_is(lambda: _stamp(file) != begun))


async def in_postgres_checkpoint(scene: Scene) -> None:
    """While PostgreSQL writes all that it has in memory."""
    await under_load(scene)

    async def checkpoint() -> None:
        connection = await asyncpg.connect(scene.registry.database)
        await connection.execute("CHECKPOINT")

    task = asyncio.create_task(checkpoint())
    await asyncio.sleep(scene.chance.uniform(0.005, 0.05))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())


async def in_a_start(scene: Scene) -> None:
    """While it starts after another kill: it has just touched its database."""
    if scene.registry.running:
        await under_load(scene)
    scene.registry.kill()
    begun = await _touched(scene)
    scene.registry.start()

    async def come() -> bool:
        return await _touched(scene) != begun

    await _until(come)
    await asyncio.sleep(scene.chance.choice((0, 0.002, 0.01, 0.3)))


async def strike_all(scene: Scene) -> None:
    """The registry, with all its workers."""
    scene.registry.kill()


async def strike_worker(scene: Scene) -> None:
    """One worker; its supervisor replaces it."""
    crew = scene.registry.crew()
    if crew:
        _kill(scene.chance.choice(crew))


async def strike_server(scene: Scene) -> None:
    """PostgreSQL with all its processes, under a registry that lives on."""
    assert scene.server
    scene.server.kill()
    await asyncio.sleep(scene.chance.uniform(0, 0.5))
    await asyncio.to_thread(scene.server.restart)


async def strike_server_and_worker(scene: Scene) -> None:
    """Both: the worker's successor starts while the database is away."""
    assert scene.server
    scene.server.kill()
    crew = set(scene.registry.crew())
    await strike_worker(scene)
    await _until(_is(lambda: not crew >= set(scene.registry.crew())))
    # Long enough for it to find out.
    await asyncio.sleep(AWAY_SECONDS + scene.start_seconds)
    await asyncio.to_thread(scene.server.restart)


async def strike_backend(scene: Scene) -> None:
    """One process of PostgreSQL: the server ends all others and recovers by itself."""
    rows = (await read(scene.registry.database, BACKENDS))[0]
    _kill(scene.chance.choice(rows)[0])


KILLS: dict[str, tuple[Kill, ...]] = {
    "sqlite": (
        Kill("under load", under_load, strike_all),
        Kill("in a group", in_a_group, strike_all),
        Kill("in the journal", in_the_journal, strike_all),
        Kill("in a checkpoint", in_a_checkpoint, strike_all),
        Kill("in a start", in_a_start, strike_all),
    ),
    "postgresql": (
        Kill("a worker", in_a_group, strike_worker, restarts=False),
        Kill("the server", under_load, strike_server, restarts=False),
        Kill("in a group", in_a_group, strike_all),
        Kill("a backend", in_a_group, strike_backend, restarts=False),
        Kill("under load", under_load, strike_all),
        Kill("server and worker", under_load, strike_server_and_worker, restarts=False),
        Kill("in a checkpoint", in_postgres_checkpoint, strike_server, restarts=False),
        Kill("in a start", in_a_start, strike_all),
    ),
}


async def _until(come: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE
    # What is waited for happens in other processes.
    while not await come() and time.monotonic() < deadline:  # noqa: ASYNC110 no event tells
        await asyncio.sleep(POLL_SECONDS)


def _is(true: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def asked() -> bool:
        return true()

    return asked


async def _touched(scene: Scene) -> object:
    if scene.server:
        return (await read(scene.registry.database, BACKENDS))[0]
    return [_stamp(Path(scene.registry.database + end)) for end in ("", "-wal", "-shm")]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        told = path.stat()
    except OSError:
        return 0, 0
    return told.st_mtime_ns, told.st_size


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
