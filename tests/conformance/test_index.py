"""What every index of listings owes its searchers: one suite, every adapter."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from records import NOW, OTHER, SELLER, AnyStore, listing, row

from marketplace.core.errors import SequenceTaken
from marketplace.core.request import Comparison, Predicate
from marketplace.ports.index import ListingRow, Order, Search, Tally

pytestmark = pytest.mark.anyio

HUGE = 10**77


async def publish(store: AnyStore, *rows: ListingRow) -> None:
    for shown in rows:
        await store.append(listing(shown, len(await store.thread(shown.thread))))


async def found(store: AnyStore, **wanted: object) -> list[str]:
    return [each.row.thread for each in await store.search(Search(**{"now": NOW, **wanted}))]


def tally(
    since: int,
    until: int,
    gained: Mapping[str, int],
    opened: Mapping[str, str] | None = None,
    ended: Sequence[str] = (),
) -> Tally:
    return Tally("escrow", since, until, gained, opened or {}, ended)


def is_(name: str, sign: str, value: str) -> tuple[Predicate, ...]:
    return (Predicate(name, Comparison(sign), value),)


async def test_empty_index_has_nothing(store: AnyStore):
    assert await found(store) == []
    assert await store.row("lot") is None
    assert await store.settled_block("escrow") == -1


async def test_row_is_read_back_whole_and_found(store: AnyStore):
    shown = row("lot", attributes={"ä": "ß", "n": "-5", "": "\n"}, lowest_price=1 << 95)
    await publish(store, shown)
    assert await store.row("lot") == shown
    (only,) = await store.search(Search(now=NOW))
    assert (only.row, only.settled, only.key) == (shown, 0, NOW)


async def test_later_version_takes_the_place_of_the_earlier_one(store: AnyStore):
    await publish(store, row("lot", title="old words", attributes={"old": "1"}))
    later = row("lot", title="new words", attributes={"new": "2"}, published_at=NOW + 1)
    await publish(store, later)
    assert await store.row("lot") == later
    assert await found(store) == ["lot"]
    assert await found(store, text="old") == []
    assert await found(store, where=is_("old", ">=", "0")) == []
    assert await found(store, text="new", where=is_("new", ">=", "2")) == ["lot"]


async def test_refused_version_leaves_the_row(store: AnyStore):
    await publish(store, row("lot"))
    with pytest.raises(SequenceTaken):
        await store.append(replace(listing(row("lot", title="lost")), digest="other"))
    assert await store.row("lot") == row("lot")


async def test_closed_version_is_kept_and_not_found_until_it_opens_again(store: AnyStore):
    await publish(store, row("lot"), row("lot", capacity=0))
    assert await found(store) == []
    shut = await store.row("lot")
    assert shut is not None
    assert shut.capacity == 0
    await publish(store, row("lot"))
    assert await found(store, text="fast") == ["lot"]


async def test_listing_ends_at_its_expiry(store: AnyStore):
    await publish(store, row("lot"))
    assert await found(store, now=NOW + 999) == ["lot"]
    assert await found(store, now=NOW + 1000) == []


async def test_listing_is_dead_a_heartbeat_after_it_was_last_heard(store: AnyStore):
    await publish(store, row("lot", heartbeat=10))
    assert await found(store, now=NOW + 9) == ["lot"]
    assert await found(store, now=NOW + 10) == []
    await store.heard("lot", NOW + 50)
    await store.heard("lot", NOW + 20)
    await store.heard("none", NOW + 50)
    assert await found(store, now=NOW + 59) == ["lot"]
    assert await found(store, now=NOW + 60) == []


async def test_version_is_a_heartbeat_and_does_not_forget_a_later_one(store: AnyStore):
    await publish(store, row("lot", heartbeat=10))
    await store.heard("lot", NOW + 50)
    await publish(store, row("lot", heartbeat=10, published_at=NOW + 20))
    assert await found(store, now=NOW + 59) == ["lot"]
    await publish(store, row("lot", heartbeat=10, published_at=NOW + 70))
    assert await found(store, now=NOW + 79) == ["lot"]
    assert await found(store, now=NOW + 80) == []


async def test_listings_long_over_make_room_and_those_alive_stay(store: AnyStore):
    await publish(store, *(row(f"old {n}") for n in range(20)))
    day = NOW + 25 * 3600
    await publish(store, row("new", expires_at=2 * day, published_at=day))
    await publish(store, row("newer", expires_at=2 * day, published_at=day + 1))
    assert await found(store, now=day) == ["new", "newer"]
    assert await store.row("old 3") == row("old 3")
    await publish(store, row("old 3", expires_at=2 * day, published_at=day + 2))
    assert await found(store, now=day, text="gpu") == ["new", "newer", "old 3"]


async def test_kind_seller_price_and_units_are_bounds(store: AnyStore):
    await publish(
        store,
        row("plain"),
        row("data", kind="data"),
        row("other", seller=OTHER),
        row("dear", lowest_price=101),
        row("small", capacity=4),
    )
    everything = {"kind": "compute", "seller": SELLER, "highest_price": 100, "units": 5}
    assert await found(store, **everything) == ["plain"]
    assert await found(store, kind="comput") == await found(store, seller="0xsell") == []
    assert len(await found(store, units=0)) == 5


@pytest.mark.parametrize("text", ["gpu", "GP hou", "FAST", "eu", "REG", "mem 80", " , ", "straße"])
async def test_each_word_begins_a_word_of_title_or_attributes_in_any_case(
    store: AnyStore, text: str
):
    await publish(store, row("lot", title="Fast GPU-hours STRASSE"))
    assert await found(store, text=text) == ["lot"]


@pytest.mark.parametrize("text", ["pu", "gpux", "fast slow", "ours", "g p u", "a*", '"', "fast'"])
async def test_what_begins_no_word_is_not_found(store: AnyStore, text: str):
    await publish(store, row("lot"))
    wanted = [] if text not in {'"', "fast'"} else ["lot"]
    assert await found(store, text=text) == wanted


@pytest.mark.parametrize(
    ("sign", "value", "there"),
    [
        ("=", "80", True),
        ("=", "080", False),
        ("!=", "80", False),
        ("!=", "8", True),
        (">=", "80", True),
        (">=", "81", False),
        (">=", "9", True),
        (">=", "-81", True),
        ("<=", "80", True),
        ("<=", "79", False),
        ("<=", "100", True),
        ("<=", str(HUGE), True),
        (">=", "eighty", False),
        ("<=", "", False),
        ("<=", "080", False),
        ("<=", "1" * 79, False),
        ("<=", "٩٩", False),
    ],
)
async def test_predicate_compares_text_or_integers(store: AnyStore, sign: str, value: str, there):
    await publish(store, row("lot"), row("none", attributes={"memory ": "80"}))
    assert await found(store, where=is_("memory", sign, value)) == ["lot"] * there


@pytest.mark.parametrize("number", [-HUGE, -100, -99, -10, -9, -1, 0, 1, 9, 10, 1 << 64, HUGE])
async def test_integers_of_any_size_compare_as_integers(store: AnyStore, number: int):
    await publish(store, row("lot", attributes={"n": str(number)}))
    for beside in (-1, 0, 1):
        at_least = await found(store, where=is_("n", ">=", str(number + beside)))
        at_most = await found(store, where=is_("n", "<=", str(number + beside)))
        assert (at_least, at_most) == (["lot"] * (beside <= 0), ["lot"] * (beside >= 0))


async def test_all_predicates_hold_together(store: AnyStore):
    await publish(store, row("lot"), row("us", attributes={"region": "us", "memory": "80"}))
    both = (*is_("memory", ">=", "80"), *is_("memory", "<=", "80"), *is_("region", "!=", "us"))
    assert await found(store, where=both) == ["lot"]


async def test_orders_go_by_their_key_and_then_by_the_thread(store: AnyStore):
    await publish(
        store,
        row("d", lowest_price=9, published_at=NOW + 2),
        row("c", lowest_price=9),
        row("b", lowest_price=1 << 90, published_at=NOW + 1, seller=OTHER),
        row("a", lowest_price=10, published_at=NOW + 1),
    )
    await store.settled(tally(-1, 1, {OTHER: 3}))
    assert await found(store) == ["c", "a", "b", "d"]
    assert await found(store, order=Order.CHEAPEST) == ["c", "d", "a", "b"]
    assert await found(store, order=Order.REPUTATION) == ["b", "a", "c", "d"]


@pytest.mark.parametrize("order", Order)
async def test_cursors_walk_every_row_once(store: AnyStore, order: Order):
    rows = [row(f"{n}", lowest_price=n % 3, published_at=NOW + n % 2) for n in range(11)]
    await publish(store, *rows)
    seen: list[str] = []
    after = None
    # Four pages hold them all; a cursor that stands still is not walked for ever.
    for _ in range(4):
        page = await store.search(Search(now=NOW, order=order, after=after, limit=3))
        seen += [each.row.thread for each in page]
        after = page[-1].key, page[-1].row.thread
    assert await store.search(Search(now=NOW, order=order, after=after, limit=3)) == []
    assert sorted(seen) == sorted(shown.thread for shown in rows)
    assert seen == await found(store, order=order)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("key", [10**100, -(10**100), 1 << 63, -(1 << 63)])
async def test_cursor_far_out_is_before_or_behind_everything(
    store: AnyStore, order: Order, key: int
):
    await publish(store, row("lot"))
    assert await found(store, order=order, after=(key, "")) == ["lot"] * (key < 0)


async def test_tallies_add_up_for_those_who_are_named(store: AnyStore):
    await publish(store, row("mine"), row("other", seller=OTHER))
    assert await store.settled(tally(-1, 10, {SELLER: 5, OTHER: 7}))
    assert await store.settled(tally(10, 11, {SELLER: 1}))
    assert await store.settled_block("escrow") == 11
    assert await found(store, least_settled=6) == ["mine", "other"]
    assert await found(store, least_settled=7) == ["other"]
    keys = [(f.settled, f.key) for f in await store.search(Search(NOW, order=Order.REPUTATION))]
    assert keys == [(7, -7), (6, -6)]


async def test_tally_from_elsewhere_than_where_the_counting_stands_adds_nothing(store: AnyStore):
    await publish(store, row("mine"))
    assert await store.settled(tally(-1, 10, {SELLER: 5}, {"deal": SELLER}))
    for since in (-1, 9, 11):
        assert not await store.settled(tally(since, 12, {SELLER: 1}, {"more": OTHER}, ["deal"]))
    assert await store.settled_block("escrow") == 10
    assert await store.open_deals(["deal", "more"]) == {"deal": SELLER}
    assert [one.settled for one in await store.search(Search(NOW))] == [5]


async def test_of_tallies_at_once_one_is_added(store: AnyStore):
    await publish(store, row("mine"))
    taken = await asyncio.gather(*(store.settled(tally(-1, 3, {SELLER: 1})) for _ in range(8)))
    assert sorted(taken) == [False] * 7 + [True]
    assert [one.settled for one in await store.search(Search(NOW))] == [1]


async def test_escrows_are_counted_each_by_itself_and_sellers_over_all(store: AnyStore):
    await publish(store, row("mine"))
    assert await store.settled(tally(-1, 10, {SELLER: 5}))
    assert await store.settled(replace(tally(-1, 3, {SELLER: 2}), escrow="other"))
    assert [await store.settled_block(name) for name in ("escrow", "other", "none")] == [10, 3, -1]
    assert [one.settled for one in await store.search(Search(NOW))] == [7]


async def test_open_deals_are_kept_until_they_end(store: AnyStore):
    assert await store.settled(tally(-1, 1, {}, {"a": SELLER, "b": OTHER}))
    assert await store.settled(tally(1, 2, {}, {"c": OTHER}, ["a", "none"]))
    assert await store.open_deals(["a", "b", "c", "none"]) == {"b": OTHER, "c": OTHER}
    assert await store.open_deals([]) == {}


async def test_listing_published_later_has_its_sellers_count(store: AnyStore):
    await store.settled(tally(-1, 10, {SELLER: 5}))
    await publish(store, row("lot"))
    assert await found(store, least_settled=5) == ["lot"]


async def test_counts_of_many_sellers_are_all_taken(store: AnyStore):
    await publish(store, row("lot", seller="0x249"))
    await store.settled(tally(-1, 3, {f"0x{n}": n for n in range(250)}))
    assert await found(store, least_settled=249) == ["lot"]
    assert await store.settled_block("escrow") == 3


async def test_nothing_is_found_where_nothing_is_wanted(store: AnyStore):
    await publish(store, row("lot"))
    assert await found(store, limit=0) == []
