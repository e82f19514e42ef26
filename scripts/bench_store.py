"""Appends per second and milliseconds per search, on an empty store.

``python scripts/bench_store.py WHERE [LISTINGS]``, where WHERE is a new file or an empty
PostgreSQL database, writes in it, and prints a line for each figure.
"""

import asyncio
import random
import statistics
import sys
import time
from dataclasses import replace

from marketplace.adapters.sql.store import SqlStore, open_store
from marketplace.core.merkle import leaf_hash
from marketplace.core.request import Comparison, Predicate
from marketplace.ports.index import ListingRow, Order, Search, Tally
from marketplace.ports.store import Record

NOW = 1_800_000_000
WORDS = [
    "gpu",
    "llama",
    "dataset",
    "render",
    "weather",
    "storage",
    "fast",
    "cheap",
    "spot",
    "reserved",
    "bulk",
    "daily",
]
KINDS = ("compute", "data", "storage", "inference")
APPENDS, ROUNDS, SELLERS = 10_000, 25, 2_000

EU = Predicate("region", Comparison.EQUAL, "eu")
MEMORY = Predicate("memory", Comparison.AT_LEAST, "32")
TYPICAL = Search(NOW, "compute", "", "rend", (EU, MEMORY), 500_000)
SEARCHES = {
    "typical, oldest": TYPICAL,
    "typical, cheapest": replace(TYPICAL, order=Order.CHEAPEST),
    "typical, reputation": replace(TYPICAL, order=Order.REPUTATION),
    "kind": Search(NOW, "compute"),
    "kind and fact": Search(NOW, "compute", where=(EU,)),
    "kind and other fact": Search(NOW, "data", where=(replace(EU, comparison=Comparison.UNEQUAL),)),
    "two words": Search(NOW, text="ll weat"),
    "rare word": Search(NOW, text="lot777"),
    "rare fact": Search(NOW, where=(Predicate("vendor", Comparison.EQUAL, "v7"),)),
    "integer alone": Search(NOW, where=(MEMORY,), order=Order.CHEAPEST),
    "low price": Search(NOW, highest_price=500),
    "common alone, rare together": Search(
        NOW, "compute", "", "spot rend", (Predicate("gpu", Comparison.EQUAL, "a100"),), 30_000
    ),
}


def record(number: int, thread: str, position: int, row: ListingRow | None = None) -> Record:
    """A record of about the size of an offer."""
    leaf, parties = (
        b'{"leaf":"%0512d"}' % number,
        (f"0x{number % 97:040x}", f"0x{number % 89:040x}"),
    )
    name = "listing" if row else "offer", f"0x{number:064x}", parties[0]
    received = leaf, leaf_hash(leaf), leaf * 2, NOW
    return Record(*name, thread, position, parties, *received, (), row, NOW + number % 1000)


def listing(number: int, chance: random.Random) -> ListingRow:
    """One of many."""
    attributes = {
        "region": chance.choice(("eu", "us", "asia", "africa")),
        "gpu": chance.choice(("a100", "h100", "l4", "t4", "mi300")),
        "memory": str(chance.choice((8, 16, 32, 64, 80, 128))),
        "vendor": f"v{chance.randrange(500)}",
    }
    thread, seller = f"0x{chance.getrandbits(256):064x}", f"0x{chance.randrange(SELLERS):040x}"
    title = " ".join((*chance.sample(WORDS, 4), f"lot{number}"))
    kind, price = chance.choice(KINDS), chance.randrange(10**6)
    facts = kind, title, "hour", attributes, price, 10**7, chance.randrange(1, 100)
    return ListingRow(thread, thread, seller, *facts, NOW + 10**6, 0, NOW + number)


async def appends(store: SqlStore, writers: int, count: int) -> float:
    """Appends per second of so many writers at once, each with a thread of its own."""
    numbers = iter(range(count))

    first = time.time_ns()  # so that no two runs write the same

    async def write(writer: int) -> None:
        for position, number in enumerate(numbers):
            await store.append(record(first + number, f"{first} {writer}", position))

    began = time.perf_counter()
    await asyncio.gather(*(write(writer) for writer in range(writers)))
    return count / (time.perf_counter() - began)


async def fill(store: SqlStore, count: int) -> None:
    """Publish listings, and count their sellers' deals."""
    chance = random.Random(1)  # noqa: S311 the same listings every time
    rows = [listing(number, chance) for number in range(count)]
    for start in range(0, count, 256):
        group = enumerate(rows[start : start + 256], 10**12 + start)
        await asyncio.gather(*(store.append(record(n, row.thread, 0, row)) for n, row in group))
    gained = {f"0x{seller:040x}": seller % 50 for seller in range(SELLERS)}
    await store.settled(Tally("escrow", -1, 1, gained, {}, ()))


async def search(store: SqlStore, wanted: Search) -> tuple[float, float]:
    """Median and slowest, in milliseconds, of a first page and of one further on."""
    took = []
    for _ in range(ROUNDS):
        for after in (None, wanted.after):
            began = time.perf_counter()
            found = await store.search(replace(wanted, after=after))
            took.append((time.perf_counter() - began) * 1000)
            if found:
                wanted = replace(wanted, after=(found[-1].key, found[-1].row.thread))
    return statistics.median(took), max(took)


async def main(where: str, count: int) -> None:
    """Print each figure."""
    async with open_store(where) as store:
        await appends(store, 64, APPENDS // 4)
        for writers, number in ((1, APPENDS // 20), (64, APPENDS), (256, APPENDS)):
            print(f"{writers} writers: {await appends(store, writers, number):,.0f} appends/s")
        await fill(store, count)
        for name, wanted in SEARCHES.items():
            median, slowest = await search(store, wanted)
            print(f"{name}: {median:.1f} ms, at most {slowest:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int((sys.argv[2:] or ["100000"])[0])))
