"""The journal in SQL."""

from marketplace.adapters.sql.plan import Plan, Query, Room
from marketplace.ports.journal import Answer, Request, Standing

# One statement, so that of two who begin at once one has the row and the other sees it.
BEGIN = """
INSERT INTO requests (caller, key, body_digest, lease_until, expires_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (caller, key) DO UPDATE SET
    body_digest = excluded.body_digest, lease_until = excluded.lease_until,
    expires_at = excluded.expires_at, status = NULL, media_type = NULL, body = NULL
WHERE requests.expires_at <= ? OR (
    requests.status IS NULL AND requests.lease_until <= ?
    AND requests.body_digest = excluded.body_digest)
RETURNING 1
"""


class SqlJournal(Room):
    """``ports.journal.Journal`` on a database."""

    async def begin(self, request: Request, now: int) -> tuple[Standing, Answer | None]:
        """Take the request, or say what became of it; an answer comes with DONE alone."""
        return await self._database.write(_begin(request, now))

    async def finish(self, request: Request, answer: Answer | None) -> None:
        """Keep the answer; None lets the request go, so that it can be begun anew."""
        await self._database.write(_finish(request, answer))

    async def burn(self, word: str, expires_at: int) -> bool:
        """Use a word up; False where it was used before."""
        return await self._database.write(_burn(word, expires_at))

    async def sweep(self, now: int) -> int:
        """Forget what has expired; returns how many."""
        return await self._database.write(_sweep(now))


def _begin(request: Request, now: int) -> Plan[tuple[Standing, Answer | None]]:
    named = request.caller, request.key
    times = request.lease_until, request.expires_at
    taken = yield Query(BEGIN, (*named, request.body_digest, *times, now, now))
    if taken:
        return Standing.BEGUN, None
    rows = yield Query(
        "SELECT body_digest, status, media_type, body FROM requests WHERE caller = ? AND key = ?",
        named,
    )
    # Whoever had it may have let it go since the first statement.
    for body_digest, status, media_type, body in rows:
        if body_digest != request.body_digest:
            return Standing.CHANGED, None
        if status is not None:
            return Standing.DONE, Answer(status, media_type, body)
    return Standing.IN_PROGRESS, None


def _finish(request: Request, answer: Answer | None) -> Plan[None]:
    # The lease is part of the name: who lost it has no say any more.
    mine = "WHERE caller = ? AND key = ? AND body_digest = ? AND lease_until = ? AND status IS NULL"
    values = request.caller, request.key, request.body_digest, request.lease_until
    if answer is None:
        yield Query(f"DELETE FROM requests {mine}", values)  # noqa: S608 constants only
        return
    yield Query(
        f"UPDATE requests SET status = ?, media_type = ?, body = ? {mine}",  # noqa: S608
        (answer.status, answer.media_type, answer.body, *values),
    )


def _burn(word: str, expires_at: int) -> Plan[bool]:
    rows = yield Query(
        "INSERT INTO burnt (word, expires_at) VALUES (?, ?)"
        " ON CONFLICT (word) DO NOTHING RETURNING 1",
        (word, expires_at),
    )
    return bool(rows)


def _sweep(now: int) -> Plan[int]:
    requests = yield Query("DELETE FROM requests WHERE expires_at <= ? RETURNING 1", (now,))
    words = yield Query("DELETE FROM burnt WHERE expires_at <= ? RETURNING 1", (now,))
    return len(requests) + len(words)
