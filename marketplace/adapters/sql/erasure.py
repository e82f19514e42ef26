"""Erasing in SQL: once through the log, behind those who write it."""

from marketplace.adapters.sql.plan import Hold, Plan, Query
from marketplace.core.entry import ERASABLE

MARK = "erased"


def erase(before: int, limit: int) -> Plan[int]:
    """Go on from where the last one stopped; returns where this one did."""
    yield Hold(MARK)
    marked = yield Query("SELECT value FROM marks WHERE name = ?", (MARK,))
    start = marked[0][0] if marked else 0
    rows = yield Query(
        "SELECT idx, kind, thread, received_at,"
        " EXISTS (SELECT 1 FROM entries AS e"
        " WHERE e.thread = entries.thread AND e.position > entries.position)"
        " OR EXISTS (SELECT 1 FROM due WHERE due.thread = entries.thread)"
        " FROM entries WHERE idx >= ? ORDER BY idx LIMIT ?",
        (start, limit),
    )
    over: list[str] = []
    for _, kind, thread, received_at, goes_on in rows:
        if received_at >= before:
            break
        start += 1
        if kind in ERASABLE and not goes_on:
            over.append(thread)
    if over:
        yield Query(
            "UPDATE entries SET body = CAST('' AS {blob})"
            " WHERE thread IN (SELECT t.value FROM {texts})",
            (over,),
        )
        yield Query(
            "DELETE FROM artifacts WHERE negotiation IN (SELECT t.value FROM {texts})", (over,)
        )
    yield Query(
        "INSERT INTO marks (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (MARK, start),
    )
    return int(start)
