"""One search as SQL: what is common is walked, what is rare looked up.

A first stretch of the index that has the order is walked. Where it gives enough rows, that is
all; where it promises that some more will, the walk goes on. Else few match, and the
listings of the first condition that few fulfil are looked up. Only where each condition
alone is common, and all together are not, the walk goes to the end.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from marketplace.adapters.sql.plan import Match, Plan, Query, Row, Snapshot, Value
from marketplace.adapters.sql.terms import match, number, sortable
from marketplace.core.request import Comparison, Predicate
from marketplace.ports.index import Found, ListingRow, Order, Search
from marketplace.ports.matching import whole

COLUMNS = (
    "thread, digest, seller, kind, title, unit, attributes, lowest_price, highest_price,"
    " capacity, expires_at, heartbeat, published_at"
)
SELECT = f"SELECT {COLUMNS}, rank FROM listings"  # noqa: S608 constants only
KEYS = {
    Order.OLDEST: "published_at",
    Order.CHEAPEST: "lowest_price",
    Order.REPUTATION: "rank",
}
SIZES = {Comparison.AT_LEAST: ">=", Comparison.AT_MOST: "<="}
# Rows of a stretch, how many stretches it may take to go on, and what is few.
STRETCH, STRETCHES, FEW = 1_000, 10, 2_000
# The widest integer of both databases; a cursor beyond it stands at the end.
WIDEST = (1 << 63) - 1


@dataclass
class Clauses:
    """Conditions that all hold, and their values in the same order."""

    sql: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def add(self, sql: str, *values: Value) -> None:
        """One more."""
        self.sql.append(sql)
        self.values.extend(values)

    def query(self, select: str, order: str, limit: int, offset: int = 0) -> Query:
        """The rows for which all hold."""
        sql = f"{select} WHERE {' AND '.join(self.sql)}{order} LIMIT ? OFFSET ?"
        return Query(sql, (*self.values, max(0, limit), offset))


def search(wanted: Search) -> Plan[list[Found]]:
    """Rows that match, in the search's order."""
    if any(whole(compared.value) is None for compared in _compared(wanted)):
        return []
    yield Snapshot()
    clauses, order = _conditions(wanted), f" ORDER BY {KEYS[wanted.order]}, thread"
    rows, end = yield from _stretch(wanted, order)
    missing = wanted.limit - len(rows)
    if end is not None and missing > 0:
        clauses.add(f"({KEYS[wanted.order]}, thread) >= (?, ?)", *end)
        rare = len(rows) * STRETCHES < wanted.limit
        few = (yield from _few(wanted)) if rare else None
        if few is not None:
            clauses.add("id IN (SELECT t.value FROM {integers})", few)
        more = yield clauses.query(SELECT, order, missing)
        rows = [*rows, *more]
    return [_found(row, wanted.order) for row in rows]


def listing(row: Row) -> ListingRow:
    """A row of ``COLUMNS``."""
    thread, digest, seller, kind, title, unit, attributes, lowest, highest, *rest = row
    facts, prices = json.loads(attributes), (number(lowest), number(highest))
    return ListingRow(thread, digest, seller, kind, title, unit, facts, *prices, *rest)


def _stretch(wanted: Search, order: str) -> Plan[tuple[Sequence[Row], Row | None]]:
    """What a stretch of the walk has, and the place where it ends; None: that was all."""
    clauses, key = _conditions(wanted), KEYS[wanted.order]
    ends = yield _ranged(wanted).query(f"SELECT {key}, thread FROM listings", order, 1, STRETCH)  # noqa: S608
    for end in ends:
        clauses.add(f"({key}, thread) < (?, ?)", *end)
    rows = yield clauses.query(SELECT, order, wanted.limit)
    return rows, ends[0] if ends else None


def _few(wanted: Search) -> Plan[list[int] | None]:
    """The listings of the first condition that few fulfil; None where each is common."""
    for source in _sources(wanted):
        rows = yield source
        if len(rows) <= FEW:
            return [identity for (identity,) in rows]
    return None


def _sources(wanted: Search) -> list[Query]:
    terms = match(wanted)
    sources = [_matching(Match(terms.must, (), terms.never))] if terms.must else []
    for name, sign, value in _sizes(wanted):
        sql = f"SELECT id FROM listing_numbers WHERE name = ? AND number {sign} ? LIMIT ?"  # noqa: S608
        sources.append(Query(sql, (name, value, FEW + 1)))
    for column, bound in _bounds(wanted):
        clauses = Clauses(["live = 1"])
        if wanted.kind:
            clauses.add("kind = ?", wanted.kind)
        clauses.add(f"{column} <= ?", bound)
        sources.append(clauses.query("SELECT id FROM listings", "", FEW + 1))
    # The last, as all that begins with a common syllable is read before the first is found.
    return sources + ([_matching(terms)] if terms.begun else [])


def _matching(terms: Match) -> Query:
    return Query("SELECT rowid FROM listing_terms WHERE {match} LIMIT ?", (terms, FEW + 1))


def _ranged(wanted: Search) -> Clauses:
    """What an index that has the order answers by itself."""
    clauses = Clauses(["live = 1"])
    if wanted.kind:
        clauses.add("kind = ?", wanted.kind)
    if wanted.after is not None:
        clauses.add(f"({KEYS[wanted.order]}, thread) > (?, ?)", *_place(wanted))
    return clauses


def _conditions(wanted: Search) -> Clauses:
    clauses = _ranged(wanted)
    clauses.add(f"{_walked('expires_at', wanted)} > ?", wanted.now)
    clauses.add("(heartbeat = 0 OR heard_at + heartbeat > ?)", wanted.now)
    clauses.add("capacity >= ?", max(1, wanted.units))
    if wanted.seller:
        clauses.add("seller = ?", wanted.seller)
    for column, bound in _bounds(wanted):
        clauses.add(f"{_walked(column, wanted)} <= ?", bound)
    # Kind and seller are there in plain.
    terms = match(replace(wanted, kind="", seller=""))
    for term in (*(f" {term} " for term in terms.must), *(f" {term}" for term in terms.begun)):
        clauses.add("{within}(terms, ?) > 0", term)
    for term in terms.never:
        clauses.add("{within}(terms, ?) = 0", f" {term} ")
    for name, sign, size in _sizes(wanted):
        same = "SELECT 1 FROM listing_numbers n WHERE n.id = listings.id AND n.name = ?"
        clauses.add(f"EXISTS ({same} AND n.number {sign} ?)", name, size)
    return clauses


def _walked(column: str, wanted: Search) -> str:
    # An index of its own would answer a condition on the column, but in another order.
    return column if column == KEYS[wanted.order] else f"coalesce({column}, {column})"


def _compared(wanted: Search) -> list[Predicate]:
    return [p for p in wanted.where if p.comparison in SIZES]


def _sizes(wanted: Search) -> list[tuple[str, str, str]]:
    values = [(p, whole(p.value)) for p in _compared(wanted)]
    return [(p.name, SIZES[p.comparison], sortable(v)) for p, v in values if v is not None]


def _bounds(wanted: Search) -> list[tuple[str, Value]]:
    bounds: list[tuple[str, Value]] = []
    if wanted.highest_price is not None:
        bounds.append(("lowest_price", sortable(wanted.highest_price)))
    if wanted.least_settled > 0:
        bounds.append(("rank", -wanted.least_settled))
    return bounds


def _place(wanted: Search) -> tuple[Value, str]:
    key, thread = wanted.after or (0, "")
    if wanted.order is Order.CHEAPEST:
        return sortable(key), thread
    return max(-WIDEST, min(key, WIDEST)), thread


def _found(row: Row, order: Order) -> Found:
    *columns, rank = row
    found = listing(columns)
    keys = {
        Order.OLDEST: found.published_at,
        Order.CHEAPEST: found.lowest_price,
        Order.REPUTATION: rank,
    }
    return Found(found, -rank, keys[order])
