"""One database's run: load, kill, recover, check; again and again."""

import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from postgres_server import Server

from crash.house import House
from crash.moments import KILLS, Kill, Scene, in_a_start, strike_all
from crash.parties import Party
from crash.raw import BrokenError
from crash.readers import Reader
from crash.rebuilt import check_rebuilt
from crash.registry import Registry
from crash.traffic import Talk
from crash.witness import Witness

PARTIES = 12
# Subscribers to everything, and to the last talks' parties.
EVERYTHING, MOST_READERS = 2, 48
# A wake-up that is lost is made good after 15 seconds: by then it counts as lost.
QUIET_SECONDS, CAUGHT_UP_SECONDS = 60.0, 12.0


@dataclass(frozen=True)
class Plan:
    """How many kills, how many of them while the database is being made, and for how long."""

    kills: int
    births: int
    seed: int
    seconds: float


@dataclass
class Run:
    """All clients of one registry, and the time of each recovery in seconds."""

    scene: Scene
    witness: Witness
    readers: list[Reader] = field(default_factory=list)
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    recoveries: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    starts: int = 0

    def follow(self, key: bytes | None) -> None:
        """A subscriber from now on."""
        reader = Reader(self.scene.house, key, lambda: not self.scene.registry.public)
        self.readers.append(reader)
        self.tasks[id(reader)] = asyncio.create_task(reader.run())

    def begun(self, talk: Talk) -> None:
        """Both parties of a new talk listen."""
        self.follow(talk.seller)
        self.follow(talk.buyer)

    def start(self) -> None:
        """Start the registry; every other time it tells strangers nothing."""
        self.starts += 1
        self.scene.registry.public = bool(self.starts % 2)
        self.scene.registry.start()

    async def kill(self, kill: Kill) -> None:
        """One kill, until there is an answer again."""
        await kill.wait(self.scene)
        began = time.monotonic()
        await kill.strike(self.scene)
        self.kinds[kill.name] += 1
        if kill.restarts:
            self.start()
        if not await self.scene.registry.ready():
            said = self.scene.registry.said()
            self.scene.house.blame("did not come back", kill.name, said[-400:])
            self.scene.registry.kill()
            self.start()
            await self.scene.registry.ready()
        self.recoveries.append(time.monotonic() - began)
        if kill.restarts:
            self.scene.start_seconds = self.recoveries[-1]

    async def check(self, parties: list[Party]) -> None:
        """In silence: what was promised, and what every subscriber was told."""
        house = self.scene.house
        await house.quiet(QUIET_SECONDS)
        with suppress(BrokenError):
            await asyncio.gather(*(party.repeat() for party in parties if not party.keyed))
        try:
            await self.witness.check(self.scene.registry.database)
        except BrokenError as error:
            house.blame("log cannot be read", error)
        await self._check_readers()

    async def _check_readers(self) -> None:
        deadline = time.monotonic() + CAUGHT_UP_SECONDS
        for reader in self.readers:
            expected = self._expected(reader)
            await reader.heard(len(expected), deadline - time.monotonic())
            # What came since the witness read, it does not know yet.
            if reader.told[: len(expected)] != expected:
                self.scene.house.blame("events differ", reader.party, _apart(reader.told, expected))
        self.scene.house.counts["streams checked"] += len(self.readers)
        self._let_go()

    def _expected(self, reader: Reader) -> list[tuple[int, int]]:
        if reader.key is None:
            return self.witness.everything
        return self.witness.told.get(reader.party, [])

    def _let_go(self) -> None:
        """Subscribers to finished talks leave; a few stay for all that may still come."""
        everything, others = self.readers[:EVERYTHING], self.readers[EVERYTHING:]
        old = others[:-MOST_READERS]
        for reader in old:
            self.tasks.pop(id(reader)).cancel()
        self.readers = everything + others[len(old) :]


def _apart(told: list[tuple[int, int]], expected: list[tuple[int, int]]) -> str:
    at = next(
        (n for n, (a, b) in enumerate(zip(told, expected, strict=False)) if a != b),
        min(len(told), len(expected)),
    )
    return f"{len(told)} told, {len(expected)} expected; at {at}: {told[at : at + 3]}"


@asynccontextmanager
async def opened(kind: str, seed: int) -> AsyncIterator[Run]:
    """A run on an empty database, before its first start."""
    with tempfile.TemporaryDirectory(prefix="parley-crash-") as name:
        directory, server = Path(name), Server() if kind == "postgresql" else None
        database = await server.create() if server else str(directory / "registry.sqlite")
        registry = Registry(directory, database, 2 if server else 1)
        house = House(registry.port)
        scene = Scene(house, registry, random.Random(seed), server)  # noqa: S311 a seed repeats it
        try:
            yield Run(scene, Witness(house))
        finally:
            registry.kill()
            if server:
                server.close()


async def go(kind: str, plan: Plan) -> dict[str, object]:
    """So many kills, or those for which there is time; what they came to."""
    until = time.monotonic() + plan.seconds
    async with opened(kind, plan.seed) as run:
        house = run.scene.house
        # The first kills meet a database that is being made.
        for _ in range(min(plan.births, plan.kills)):
            await run.kill(Kill("in a birth", in_a_start, strike_all))
        if not run.scene.registry.running:
            run.start()
        await run.scene.registry.ready()
        parties = [Party(house, n, PARTIES + 1, run.begun, n == 0) for n in range(PARTIES + 1)]
        for _ in range(EVERYTHING):
            run.follow(None)
        chances = [random.Random(plan.seed * 1000 + n) for n in range(len(parties))]  # noqa: S311 a seed repeats it
        speak = zip(parties, chances, strict=True)
        tasks = [asyncio.create_task(party.run(chance)) for party, chance in speak]
        try:
            await _kills(run, parties, plan.kills, until)
            await check_rebuilt(house, run.scene.registry.database)
        finally:
            await _end([*tasks, *run.tasks.values()])
        return report(run, kind, plan.seed)


async def _kills(run: Run, parties: list[Party], kills: int, until: float) -> None:
    table = KILLS["postgresql" if run.scene.server else "sqlite"]
    for number in range(kills - run.kinds.total()):
        if time.monotonic() >= until:
            break
        run.scene.house.gate.set()
        await run.kill(table[number % len(table)])
        await run.check(parties)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


def report(run: Run, kind: str, seed: int) -> dict[str, object]:
    """The run in figures, and the first violations."""
    counts, ordered = run.scene.house.counts, sorted(run.recoveries)
    said = run.scene.registry.said().splitlines() if run.scene.house.wrong else []
    return {
        "database": kind,
        "seed": seed,
        "kills": run.kinds.total(),
        "moments": dict(sorted(run.kinds.items())),
        "acknowledged": counts["acknowledged"],
        "entries": len(run.witness.leaves),
        "negotiations": len(run.witness.talks),
        "sent_again": counts["sent again"],
        "lost": counts["lost"],
        "doubled": counts["doubled"],
        "checkpoints_checked": counts["checkpoints checked"],
        "streams_resumed": counts["streams resumed"],
        "leases_waited_for": counts["RequestUnderWay"],
        "recovery_seconds": [round(statistics.median(ordered), 2), round(ordered[-1], 2)],
        "violations": len(run.scene.house.wrong),
        "wrong": [*run.scene.house.wrong[:20], *said],
    }
