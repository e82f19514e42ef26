"""The index of listings in SQL, written in the commit that appends."""

import json
from collections.abc import Sequence

from marketplace.adapters.sql.plan import LOG, Many, Plain, Plan, Query, Room
from marketplace.adapters.sql.search import COLUMNS, listing, search
from marketplace.adapters.sql.terms import numbers, sortable, terms
from marketplace.ports.index import Found, ListingRow, Search, Tally

# How many of the listings that are over each published one takes out of the way, and how many
# seconds after their end: a search's clock may be behind the publisher's.
OVER_AT_ONCE = 16
OVER_FOR = 24 * 3600

PUBLISH = f"""
INSERT INTO listings ({COLUMNS}, id, heard_at, live, terms, rank)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    -coalesce((SELECT settled FROM sellers WHERE sellers.seller = ?), 0))
ON CONFLICT (thread) DO UPDATE SET
    digest = excluded.digest, seller = excluded.seller, kind = excluded.kind,
    title = excluded.title, unit = excluded.unit, attributes = excluded.attributes,
    lowest_price = excluded.lowest_price, highest_price = excluded.highest_price,
    capacity = excluded.capacity, expires_at = excluded.expires_at,
    heartbeat = excluded.heartbeat, published_at = excluded.published_at,
    id = excluded.id, live = excluded.live, terms = excluded.terms, rank = excluded.rank,
    heard_at = CASE WHEN listings.heard_at > excluded.heard_at
        THEN listings.heard_at ELSE excluded.heard_at END
"""  # noqa: S608 constants only


class SqlIndex(Room):
    """``ports.index.ListingIndex`` on a database."""

    async def search(self, search_: Search) -> list[Found]:
        """Rows that match, in the search's order."""
        return await self._database.read(search(search_))

    async def row(self, thread: str) -> ListingRow | None:
        """The current row of a listing, whatever its state."""
        return await self._database.read(_current(thread))

    async def unindexed(self) -> list[str]:
        """Threads of listings that an earlier version logged and that have no row yet."""
        return await self._database.read(_unindexed())

    async def fill(self, rows: Sequence[tuple[int, ListingRow]]) -> None:
        """Give unindexed listings their rows, each with its entry's index."""
        await self._database.write(_fill(rows))

    async def heard(self, thread: str, at: int) -> None:
        """Its seller is there: the listing is alive for another heartbeat."""
        await self._database.write(_heard(thread, at))

    async def settled(self, tally: Tally) -> bool:
        """Add a tally, whole and durably; False where another one was added first."""
        return await self._database.write(_settled(tally))

    async def settled_block(self, escrow: str) -> int:
        """The block up to which an escrow's deals were counted; -1 before the first."""
        return await self._database.read(_settled_block(escrow))

    async def open_deals(self, deals: Sequence[str]) -> dict[str, str]:
        """Sellers of those of the deals that are open, as far as they were counted."""
        return await self._database.read(_open_deals(deals))


def publish(rows: Sequence[tuple[int, ListingRow]]) -> Plan[None]:
    """Put rows in place of their threads' earlier ones; each comes with its entry's index."""
    if not rows:
        return
    threads = [row.thread for _, row in rows]
    earlier = yield Query(
        "SELECT id FROM listings WHERE thread IN (SELECT t.value FROM {texts})", (threads,)
    )
    ended = max(row.published_at for _, row in rows) - OVER_FOR
    over = yield Query(
        "SELECT id FROM listings WHERE live = 1 AND expires_at <= ? ORDER BY expires_at LIMIT ?",
        (ended, OVER_AT_ONCE * len(rows)),
    )
    yield from _withdraw([identity for (identity,) in (*earlier, *over)])
    yield Many(PUBLISH, [_columns(index, row) for index, row in rows])
    # What is closed is never searched for.
    live = [(index, row) for index, row in rows if row.capacity > 0]
    yield Many(
        "INSERT INTO listing_terms (rowid, terms) VALUES (?, {terms})",
        [(index, terms(row)) for index, row in live],
    )
    yield Many(
        "INSERT INTO listing_numbers (id, name, number) VALUES (?, ?, ?)",
        [(index, name, spelled) for index, row in live for name, spelled in numbers(row)],
    )


def _unindexed() -> Plan[list[str]]:
    rows = yield Query("SELECT thread FROM unindexed ORDER BY thread")
    return [thread for (thread,) in rows]


def _fill(rows: Sequence[tuple[int, ListingRow]]) -> Plan[None]:
    # Whoever has published since has a row, which is newer than what was read before.
    yield LOG
    named, threads = "thread IN (SELECT t.value FROM {texts})", [row.thread for _, row in rows]
    present = yield Query(f"SELECT thread FROM listings WHERE {named}", (threads,))  # noqa: S608
    known = {thread for (thread,) in present}
    yield from publish([(index, row) for index, row in rows if row.thread not in known])
    yield Query(f"DELETE FROM unindexed WHERE {named}", (threads,))  # noqa: S608 constants only


def _withdraw(identities: list[int]) -> Plan[None]:
    if not identities:
        return
    chosen = "IN (SELECT t.value FROM {integers})"
    yield Query(f"UPDATE listings SET live = 0 WHERE id {chosen}", (identities,))  # noqa: S608
    yield Query(f"DELETE FROM listing_terms WHERE rowid {chosen}", (identities,))  # noqa: S608
    yield Query(f"DELETE FROM listing_numbers WHERE id {chosen}", (identities,))  # noqa: S608


def _columns(index: int, row: ListingRow) -> tuple[Plain, ...]:
    return (
        row.thread,
        row.digest,
        row.seller,
        row.kind,
        row.title,
        row.unit,
        json.dumps(dict(row.attributes)),
        sortable(row.lowest_price),
        sortable(row.highest_price),
        row.capacity,
        row.expires_at,
        row.heartbeat,
        row.published_at,
        index,
        row.published_at,
        int(row.capacity > 0),
        terms(row),
        row.seller,
    )


def _current(thread: str) -> Plan[ListingRow | None]:
    sql = f"SELECT {COLUMNS} FROM listings WHERE thread = ?"  # noqa: S608 constants only
    rows = yield Query(sql, (thread,))
    return listing(rows[0]) if rows else None


def _heard(thread: str, at: int) -> Plan[None]:
    yield Query(
        "UPDATE listings SET heard_at = ? WHERE thread = ? AND heard_at < ?", (at, thread, at)
    )


def _settled(tally: Tally) -> Plan[bool]:
    # A listing that is published takes its seller's count; of two tallies one is first.
    yield LOG
    if (yield from _settled_block(tally.escrow)) != tally.since:
        return False
    yield Many(
        "INSERT INTO sellers (seller, settled) VALUES (?, ?) ON CONFLICT (seller) DO UPDATE"
        " SET settled = sellers.settled + excluded.settled",
        sorted(tally.gained.items()),
    )
    yield Query(
        "UPDATE listings SET rank ="
        " -(SELECT settled FROM sellers WHERE sellers.seller = listings.seller)"
        " WHERE seller IN (SELECT t.value FROM {texts})",
        (sorted(tally.gained),),
    )
    yield Many(
        "INSERT INTO open_deals (deal, seller) VALUES (?, ?)"
        " ON CONFLICT (deal) DO UPDATE SET seller = excluded.seller",
        sorted(tally.opened.items()),
    )
    yield Query(
        "DELETE FROM open_deals WHERE deal IN (SELECT t.value FROM {texts})", (tally.ended,)
    )
    yield Query(
        "INSERT INTO marks (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_mark(tally.escrow), tally.until),
    )
    return True


def _settled_block(escrow: str) -> Plan[int]:
    rows = yield Query("SELECT value FROM marks WHERE name = ?", (_mark(escrow),))
    return rows[0][0] if rows else -1


def _mark(escrow: str) -> str:
    return f"settled block of {escrow}"


def _open_deals(deals: Sequence[str]) -> Plan[dict[str, str]]:
    rows = yield Query(
        "SELECT deal, seller FROM open_deals WHERE deal IN (SELECT t.value FROM {texts})", (deals,)
    )
    return dict(map(tuple, rows))
