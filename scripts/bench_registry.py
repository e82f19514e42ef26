"""How fast the registry takes offers, beside a route that does nothing.

``python scripts/bench_registry.py`` measures in rounds, each with the yardstick first, and
writes docs/benchmarks/registry.json. An accepted offer is one that was proved, judged by
the machine, logged with its leaf, made durable and told to a live subscriber of its
negotiation. ``--quick`` does one small round and writes nothing.
"""

import argparse
import asyncio
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bench_store
import httpx
import uvloop
from bench.load import Measured, post_all
from bench.servers import Serving, noop, registry
from bench.words import Hand, Talk, address_of, key_of
from bench_store import record

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.store import open_store
from marketplace.adapters.system import SystemClock
from marketplace.bootstrap import build_services
from marketplace.core.checkpoint import LogKey, log_domain
from marketplace.core.eip712 import Domain
from marketplace.core.message import Domains
from marketplace.core.values import ZERO_ADDRESS
from marketplace.services.access import Access

ROOT = Path(__file__).parent.parent
WRITTEN = ROOT / "docs/benchmarks/registry.json"
DOMAIN = Domain(31337, "0x" + "e5" * 20)
SEARCHES = 60
LISTINGS = 100_000
CHANCE = random.Random(1)  # noqa: S311 the same listings every time
# A kind, a fact, an integer, a word and a price; the page of a hundred is the default.
TYPICAL: dict[str, Any] = {
    "kind": "compute",
    "text": "rend",
    "where": ["region=eu", "memory>=32"],
    "highest_price": "500000",
    "limit": 100,
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    agents: int
    offers: int
    rounds: int
    growth: tuple[int, ...]


WHOLE = Size(128, 40, 5, (1_000, 10_000, 100_000, 1_000_000))
QUICK = Size(16, 10, 1, (1_000,))


@dataclass(frozen=True, slots=True)
class Figures:
    """One load on one server."""

    rate: float
    cpu_us: float
    p50_ms: float
    p99_ms: float

    @classmethod
    def of(cls, load: Measured, cpu: float) -> "Figures":
        """A load and the processor time that it cost the server."""
        count = len(load.seconds)
        quantiles = (load.quantile(part) * 1000 for part in (0.5, 0.99))
        return cls(load.rate, cpu / count * 1e6, *quantiles)


def main() -> int:
    """Measure and write; the exit status is 0 where everything was answered as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small round; write nothing")
    parser.add_argument("--rounds", type=int, default=WHOLE.rounds)
    parser.add_argument("--largest", type=int, default=WHOLE.growth[-1], help="entries, at most")
    asked = parser.parse_args()
    grown_to = tuple(events for events in WHOLE.growth if events <= asked.largest)
    size = QUICK if asked.quick else replace(WHOLE, rounds=asked.rounds, growth=grown_to)
    figures = measured(size)
    print(json.dumps(figures, indent=2))
    if not asked.quick:
        WRITTEN.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measured(size: Size) -> dict[str, object]:
    """All figures, by the names of docs/benchmarks.md."""
    with database() as postgres:
        rounds = [one_round(size, number, postgres) for number in range(size.rounds)]
    idle, sqlite, shared = (list(each) for each in zip(*rounds, strict=True))
    return {
        "noop_rps": middle([one.rate for one in idle]),
        "sqlite_ratio": spread([a.rate / b.rate for a, b in zip(sqlite, idle, strict=True)]),
        "postgres2_ratio": spread([a.rate / b.rate for a, b in zip(shared, idle, strict=True)]),
        "cpu_ratio": spread([a.cpu_us / b.cpu_us for a, b in zip(sqlite, idle, strict=True)]),
        "verify_speedup": json.loads((ROOT / "docs/benchmarks/signature.json").read_text())[
            "speedup"
        ],
        "p50_ms": middle([one.p50_ms for one in sqlite]),
        "p99_ms": middle([one.p99_ms for one in sqlite]),
        "noop_p50_ms": middle([one.p50_ms for one in idle]),
        "noop_p99_ms": middle([one.p99_ms for one in idle]),
        "search_p50_ms": None if size is QUICK else searches(),
        "growth": [grown(events, size) for events in size.growth],
        "agents": size.agents,
        "offers_each": size.offers,
        "rounds": size.rounds,
        "python": platform.python_version(),
    }


def one_round(size: Size, number: int, postgres: str) -> tuple[Figures, Figures, Figures]:
    """The yardstick, SQLite with one worker, PostgreSQL with two, with the same bodies."""
    hand = Hand(DOMAIN, SystemClock().now())
    first = number * size.agents
    talks = [hand.talk(first + each, size.offers) for each in range(size.agents)]
    with noop() as serving:
        idle = loaded(serving, "/noop", talks)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(f"{folder}/registry.sqlite") as serving,
    ):
        sqlite = negotiated(serving, talks)
    with served(postgres, workers=2) as serving:
        shared = negotiated(serving, talks)
    return idle, sqlite, shared


def served(where: str, workers: int = 1):  # noqa: ANN201 the context manager of servers
    """The registry over a database."""
    return registry(where, DOMAIN.chain_id, DOMAIN.verifying_contract, workers)


def loaded(serving: Serving, path: str, talks: list[Talk]) -> Figures:
    """Every talk's offers, all agents at once."""
    before = serving.cpu
    bodies = [talk.offers for talk in talks]
    load = uvloop.run(post_all(serving.port, path, bodies, 201))
    return Figures.of(load, serving.cpu - before)


def negotiated(serving: Serving, talks: list[Talk]) -> Figures:
    """The same at a registry, with a subscriber that is told every offer."""
    uvloop.run(post_all(serving.port, "/v1/messages", [talk.setting for talk in talks], 201))
    with listening(serving.port, talks) as told:
        figures = loaded(serving, "/v1/messages", talks)
        if int(told()) != sum(len(talk.offers) for talk in talks):
            raise RuntimeError("a subscriber was not told everything")
    return figures


@contextmanager
def listening(port: int, talks: list[Talk]) -> Iterator[object]:
    """A live subscriber of each negotiation: its buyer."""
    parties = [address_of(talk.buyer) for talk in talks]
    command = [sys.executable, str(ROOT / "scripts/bench/listeners.py"), str(port)]
    command += [str(len(talks[0].offers)), *parties]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 a pipe was asked for
        if process.stdout.readline() != "listening\n":
            raise RuntimeError("the subscribers did not start")
        # Their requests have been sent; the first answers show that they were taken.
        time.sleep(0.5)
        yield process.stdout.readline
        process.kill()


def searches() -> float:
    """Median milliseconds of a typical search over HTTP, of 10^5 listings on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        where = f"{folder}/listings.sqlite"
        uvloop.run(stocked(where))
        with served(where) as serving, httpx.Client() as client:
            url = f"http://127.0.0.1:{serving.port}/v1/listings"
            return middle([asked(client, url) for _ in range(SEARCHES)][SEARCHES // 4 :])


def asked(client: httpx.Client, url: str) -> float:
    """Milliseconds of one search, which finds a whole page."""
    began = time.perf_counter()
    found = client.get(url, params=TYPICAL)
    took = (time.perf_counter() - began) * 1000
    if len(found.raise_for_status().json()["listings"]) != TYPICAL["limit"]:
        raise RuntimeError("the search did not find a page")
    return took


async def stocked(where: str) -> None:
    """10^5 listings, taken as the registry takes them."""
    clock, hand = SystemClock(), Hand(DOMAIN, SystemClock().now())
    async with open_store(where) as store:
        access, key = (
            Access(),
            LogKey("bench", log_domain(DOMAIN.chain_id, ZERO_ADDRESS), bytes(32)),
        )
        services = build_services(Domains((DOMAIN,)), store, MemoryBus(), clock, access, key)
        taken = services.messages
        for start in range(0, LISTINGS, 500):
            rows = (bench_store.listing(n, CHANCE) for n in range(start, start + 500))
            said = [
                hand.listing(
                    key_of(row.seller), row.title, row.kind, row.attributes, row.lowest_price + 1
                )
                for row in rows
            ]
            await asyncio.gather(*(taken.submit(each) for each in said))


def grown(events: int, size: Size) -> dict[str, float]:
    """Offers at a registry that has so many entries already, and what it takes."""
    hand = Hand(DOMAIN, SystemClock().now())
    talks = [hand.talk(10**6 + each, size.offers // 4 + 1) for each in range(size.agents)]
    with tempfile.TemporaryDirectory() as folder:
        where = f"{folder}/registry.sqlite"
        asyncio.run(grow(where, events))
        began = time.perf_counter()
        with served(where) as serving:
            started = time.perf_counter() - began
            figures = negotiated(serving, talks)
            return {
                "events": events,
                "offers_per_second": round(figures.rate, 1),
                "p50_ms": round(figures.p50_ms, 2),
                "p99_ms": round(figures.p99_ms, 2),
                "memory_mb": round(serving.resident / 2**20, 1),
                "start_seconds": round(started, 2),
            }


async def grow(where: str, events: int) -> None:
    """Entries of negotiations that nobody follows any more, a hundred each."""
    async with open_store(where) as store:
        for start in range(0, events, 25_600):
            stop = min(events, start + 25_600)
            threads = range(start // 100, -(-stop // 100))
            for slot in range(100):
                group = [record(t * 100 + slot, f"old {t}", slot) for t in threads]
                await asyncio.gather(*(store.append(one) for one in group))


@contextmanager
def database() -> Iterator[str]:
    """An empty database of a PostgreSQL of our own, which flushes what it commits."""
    sys.path.insert(0, str(ROOT / "tests"))
    from postgres_server import Server  # noqa: PLC0415 the tests' own

    server = Server()
    try:
        asyncio.run(server.execute("ALTER SYSTEM SET fsync = on"))
        asyncio.run(server.execute("SELECT pg_reload_conf()"))
        yield asyncio.run(server.create())
    finally:
        server.close()


def middle(values: list[float]) -> float:
    """The median."""
    return round(statistics.median(values), 3)


def spread(values: list[float]) -> dict[str, float]:
    """Median, lowest and highest."""
    return {"median": middle(values), "min": round(min(values), 3), "max": round(max(values), 3)}


if __name__ == "__main__":
    sys.exit(main())
