"""The log in SQL, appended in groups that cost what one record does."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from marketplace.adapters.sql.erasure import erase
from marketplace.adapters.sql.listings import publish
from marketplace.adapters.sql.plan import LOG, Many, Plain, Plan, Query, Room, Row, Value
from marketplace.adapters.sql.tree import grow, hashes, leaves, tree_of
from marketplace.core.errors import SequenceTaken
from marketplace.core.merkle import Tree
from marketplace.core.tiles import Run
from marketplace.ports.store import Entry, Record

COLUMNS = "idx, kind, digest, signer, thread, position, parties, leaf, leaf_hash, body, received_at"

Verdict = Entry | SequenceTaken


class SqlLog(Room):
    """``ports.store.Store`` on a database."""

    async def append(self, record: Record) -> Entry:
        """Append durably, or return the entry of the same message."""
        return await self._database.append(record)

    async def find(self, kind: str, digest: str, signer: str) -> Entry | None:
        """The entry of a message; an empty signer matches any."""
        where, values = "kind = ? AND digest = ?", [kind, digest]
        if signer:
            where, values = f"{where} AND signer = ?", [*values, signer]
        found = await self._select(f"WHERE {where} ORDER BY idx LIMIT 1", *values)
        return found[0] if found else None

    async def named(self, kind: str, digests: Sequence[str]) -> dict[str, Entry]:
        """The first entry of each message of a kind, by its digest, of those that are there."""
        where = "kind = ? AND digest IN (SELECT t.value FROM {texts})"
        found = await self._select(f"WHERE {where} ORDER BY idx DESC", kind, digests)
        return {entry.record.digest: entry for entry in found}

    async def thread(self, thread: str, start: int = 0) -> list[Entry]:
        """The entries of a thread from a position on, in order."""
        clause = "WHERE thread = ? AND position >= ? ORDER BY position"
        return await self._select(clause, thread, start)

    async def last(self, thread: str) -> Entry | None:
        """The last entry of a thread."""
        found = await self._select("WHERE thread = ? ORDER BY position DESC LIMIT 1", thread)
        return found[0] if found else None

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on, in order; only those that concern a party, if named."""
        if not party:
            return await self._select("WHERE idx >= ? ORDER BY idx LIMIT ?", start, limit)
        clause = "JOIN told USING (idx) WHERE party = ? AND idx >= ? ORDER BY idx LIMIT ?"
        return await self._select(clause, party, start, limit)

    async def tree(self) -> Tree:
        """The tree over all leaves."""
        return await self._database.read(_tree())

    async def hashes(self, run: Run) -> list[bytes]:
        """Hashes of the tree's tiles, in order."""
        return await self._database.read(hashes(run))

    async def leaves(self, start: int, count: int) -> list[bytes]:
        """The leaves of so many entries from an index on, in order, without their bodies."""
        return await self._database.read(leaves(start, count))

    async def due(self, now: int, limit: int) -> list[str]:
        """Threads whose ``due_at`` has come, the longest overdue first."""
        return await self._database.read(_due(now, limit))

    async def erase(self, before: int, limit: int) -> int:
        """Empty the bodies of negotiations that are over, and drop their artifacts."""
        return await self._database.write(erase(before, limit))

    async def check(self) -> None:
        """Raise StoreUnavailable unless the store can be read and written."""
        await self._database.write(_check())

    async def _select(self, clause: str, *values: Value) -> list[Entry]:
        return await self._database.read(_select(clause, values))


def append(records: Sequence[Record]) -> Plan[list[Verdict]]:
    """Append records in order; each gets its entry, or the reason why it has none."""
    yield LOG
    known = yield from _known(records)
    lengths, tree = yield from _lengths(records)
    verdicts: list[Verdict] = []
    fresh: list[tuple[int, Record]] = []
    for record in records:
        verdict = known.get(_name(record)) or _refusal(record, lengths)
        if verdict is None:
            verdict = Entry(tree.size + len(fresh), _stored(record))
            known[_name(record)] = verdict
            lengths[record.thread] = record.position + 1
            fresh.append((verdict.index, record))
        verdicts.append(verdict)
    if not fresh:
        return verdicts
    yield from _write(fresh)
    growth = yield from grow(tree, [record.leaf_hash for _, record in fresh])
    new = {index for index, _ in fresh}
    return [
        replace(verdict, growth=growth)
        if isinstance(verdict, Entry) and verdict.index in new
        else verdict
        for verdict in verdicts
    ]


def _stored(record: Record) -> Record:
    if record.requires or record.listing is not None or record.due_at is not None:
        return replace(record, requires=(), listing=None, due_at=None)
    return record


def _known(records: Sequence[Record]) -> Plan[dict[tuple[str, str, str], Entry]]:
    where = "WHERE digest IN (SELECT t.value FROM {texts})"
    found = yield from _select(where, ([record.digest for record in records],))
    return {_name(entry.record): entry for entry in found}


def _lengths(records: Sequence[Record]) -> Plan[tuple[dict[str, int], Tree]]:
    threads = {record.thread for record in records}
    threads |= {thread for record in records for thread, _ in record.requires}
    # One row, however many threads there are.
    ((lengths, size, peaks),) = yield Query(
        "SELECT {object}(t.value,"
        " (SELECT coalesce(max(position) + 1, 0) FROM entries WHERE thread = t.value)),"
        " (SELECT size FROM tree), (SELECT peaks FROM tree) FROM {texts}",
        (sorted(threads),),
    )
    return msgspec.json.decode(lengths, type=dict[str, int]), tree_of(size, peaks)


def _refusal(record: Record, lengths: dict[str, int]) -> SequenceTaken | None:
    for thread, expected in ((record.thread, record.position), *record.requires):
        if expected != lengths[thread]:
            return SequenceTaken(expected, lengths[thread])
    return None


def _write(fresh: Sequence[tuple[int, Record]]) -> Plan[None]:
    yield Many(
        f"INSERT INTO entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        [_row(index, record) for index, record in fresh],
    )
    told = [(party, index) for index, record in fresh for party in set(record.parties)]
    yield Many("INSERT INTO told (party, idx) VALUES (?, ?)", told)
    due = {record.thread: record.due_at for _, record in fresh if record.due_at is not None}
    over = [(thread,) for thread, at in due.items() if at == 0]
    yield Many("DELETE FROM due WHERE thread = ?", over)
    yield Many(
        "INSERT INTO due (thread, due_at) VALUES (?, ?)"
        " ON CONFLICT (thread) DO UPDATE SET due_at = excluded.due_at",
        [(thread, at) for thread, at in due.items() if at],
    )
    # The last version of a thread is the one that counts, so it goes by the thread.
    rows = {record.listing.thread: (i, record.listing) for i, record in fresh if record.listing}
    yield from publish(list(rows.values()))


def _select(clause: str, values: tuple[Value, ...]) -> Plan[list[Entry]]:
    rows = yield Query(f"SELECT {COLUMNS} FROM entries {clause}", values)  # noqa: S608 constants only
    return [_entry(row) for row in rows]


def _tree() -> Plan[Tree]:
    ((size, peaks),) = yield Query("SELECT size, peaks FROM tree")
    return tree_of(size, peaks)


def _due(now: int, limit: int) -> Plan[list[str]]:
    sql = "SELECT thread FROM due WHERE due_at <= ? ORDER BY due_at, thread LIMIT ?"
    rows = yield Query(sql, (now, limit))
    return [thread for (thread,) in rows]


def _check() -> Plan[None]:
    yield Query(
        "INSERT INTO marks (name, value) VALUES ('checks', 1)"
        " ON CONFLICT (name) DO UPDATE SET value = marks.value + 1"
    )


def _name(record: Record) -> tuple[str, str, str]:
    return record.kind, record.digest, record.signer


def _row(index: int, record: Record) -> tuple[Plain, ...]:
    return (
        index,
        record.kind,
        record.digest,
        record.signer,
        record.thread,
        record.position,
        msgspec.json.encode(record.parties).decode(),
        record.leaf,
        record.leaf_hash,
        record.body,
        record.received_at,
    )


def _entry(row: Row) -> Entry:
    index, kind, digest, signer, thread, position, parties, leaf, leaf_hash, body, at = row
    told = tuple(msgspec.json.decode(parties))
    record = Record(kind, digest, signer, thread, position, told, leaf, leaf_hash, body, at)
    return Entry(index, record)
