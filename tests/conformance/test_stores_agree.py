"""The same appends, searches and counts give the same answers in every store."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres_server import Server
from records import BUYER, NOW, OTHER, SELLER, AnyStore, listing, record

from marketplace.adapters.memory.store import MemoryStore
from marketplace.adapters.sql import search as sql
from marketplace.adapters.sql.store import open_store
from marketplace.core.errors import SequenceTaken
from marketplace.core.request import Comparison, Predicate
from marketplace.ports.index import ListingRow, Order, Search, Tally
from marketplace.ports.store import Record

# Few values, so that they meet; hostile ones among them.
WORDS = st.sampled_from(
    ["gpu", "GPU", "Straße", "strasse", "a-b", "İx", "80", "-5", "' OR 1", "%_"]
)
VALUES = WORDS | st.sampled_from(["0", "7", "007", str(10**77), str(-(10**77)), "9" * 79, ""])
NAMES = st.sampled_from(["memory", "region", "ä b", '"', ""])
SMALL = st.integers(0, 4)
PRICES = st.sampled_from([0, 1, 9, 10, 11, (1 << 64) - 1, 1 << 64, (1 << 96) - 1])
TIMES = st.integers(NOW, NOW + 20)
SELLERS = st.sampled_from([BUYER, SELLER, OTHER])
KINDS = st.sampled_from(["compute", "data"])

ROWS = st.builds(
    ListingRow,
    thread=st.sampled_from("abcdef"),
    digest=WORDS,
    seller=SELLERS,
    kind=KINDS,
    title=st.lists(WORDS, max_size=3).map(" ".join),
    unit=WORDS,
    attributes=st.dictionaries(NAMES, VALUES, max_size=3),
    lowest_price=PRICES,
    highest_price=PRICES,
    capacity=SMALL,
    expires_at=TIMES,
    heartbeat=st.sampled_from([0, 3]),
    published_at=TIMES,
)
PREDICATES = st.builds(Predicate, NAMES, st.sampled_from(Comparison), VALUES)
SEARCHES = st.builds(
    Search,
    now=TIMES,
    kind=st.just("") | KINDS,
    seller=st.just("") | SELLERS,
    text=st.just("") | st.lists(WORDS, max_size=2).map(" ".join),
    where=st.lists(PREDICATES, max_size=2).map(tuple),
    highest_price=st.none() | PRICES,
    units=SMALL,
    least_settled=SMALL,
    order=st.sampled_from(Order),
    after=st.none() | st.tuples(PRICES | TIMES | st.integers(-4, 4), st.sampled_from("abcdef")),
    limit=st.sampled_from([0, 1, 2, 100]),
)


@dataclass(frozen=True)
class Append:
    """Records at once: some that fit, some twice, some that do not."""

    records: tuple[Record, ...]


def message(number: int, thread: str, position: int, due: int | None, needs: int | None) -> Record:
    requires = () if needs is None else (("a", needs),)
    plain = record(f"m{number}", thread, position)
    return replace(plain, due_at=due, requires=requires, parties=(SELLER, OTHER)[: number % 3])


MESSAGES = st.builds(
    message, SMALL, st.sampled_from("abc"), SMALL, st.none() | SMALL, st.none() | SMALL
)
LISTINGS = st.builds(listing, ROWS, SMALL)
APPENDS = st.lists(MESSAGES | LISTINGS, max_size=12).map(tuple).map(Append)
HEARD = st.tuples(st.sampled_from("abcdef"), TIMES)
DEALS = st.sampled_from("uvw")
TALLIES = st.builds(
    Tally,
    escrow=st.sampled_from(["this", "that"]),
    since=st.just(-1) | SMALL,
    until=SMALL,
    gained=st.dictionaries(SELLERS, SMALL),
    opened=st.dictionaries(DEALS, SELLERS),
    ended=st.lists(DEALS, max_size=2),
)
STEPS = st.lists(APPENDS | HEARD | TALLIES, max_size=10)


async def act(store: AnyStore, step: object) -> list[object]:
    match step:
        case Append(records):
            outcomes = await asyncio.gather(*map(store.append, records), return_exceptions=True)
            return [told(outcome) for outcome in outcomes]
        case (str(thread), int(at)):
            await store.heard(thread, at)
        case Tally():
            return [await store.settled(step)]
    return []


def told(outcome: object) -> object:
    return outcome.values if isinstance(outcome, SequenceTaken) else outcome


async def seen(store: AnyStore, searches: list[Search]) -> list[object]:
    return [
        *[await store.search(search) for search in searches],
        *[await store.row(thread) for thread in "abcdef"],
        *[await store.thread(thread, 1) for thread in "abc"],
        await store.entries(0, 100),
        *[await store.entries(1, 3, party) for party in (SELLER, OTHER)],
        *[await store.due(now, 2) for now in range(5)],
        *[await store.settled_block(escrow) for escrow in ("this", "that")],
        await store.open_deals(list("uvw")),
    ]


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    lengths = sql.STRETCH, sql.STRETCHES, sql.FEW
    with asyncio.Runner() as loop:
        yield loop
    sql.STRETCH, sql.STRETCHES, sql.FEW = lengths


# Lengths at which few listings are walked past, counted as few, or neither.
LENGTHS = st.tuples(
    st.sampled_from([1, 2, 1000]), st.sampled_from([1, 50]), st.sampled_from([0, 2])
)


@given(steps=STEPS, searches=st.lists(SEARCHES, max_size=6), lengths=LENGTHS)
@settings(max_examples=60)
def test_memory_sqlite_and_postgresql_agree(
    server: Server, runner: asyncio.Runner, steps: list[object], searches: list[Search], lengths
):
    sql.STRETCH, sql.STRETCHES, sql.FEW = lengths

    async def compare() -> None:
        with TemporaryDirectory() as folder:
            stores = [open_store(Path(folder) / "db"), open_store(await server.emptied())]
            async with stores[0], stores[1]:
                await agree([MemoryStore(), *stores], steps, searches)

    runner.run(compare())


async def agree(stores: list[AnyStore], steps: list[object], searches: list[Search]) -> None:
    for step in steps:
        oracle, *others = [await act(store, step) for store in stores]
        assert others == [oracle] * 2
    oracle, *others = [await seen(store, searches) for store in stores]
    for other in others:
        assert other == oracle
