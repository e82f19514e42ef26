"""The default store: one SQLite file, WAL, ``synchronous=FULL``."""

import sqlite3
from pathlib import Path

from marketplace.adapters.sql.writer import GroupWriter
from marketplace.core.errors import SequenceTaken, StoreUnavailable
from marketplace.ports.artifacts import Artifact
from marketplace.ports.store import Entry, Record

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    idx INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    signer TEXT NOT NULL,
    thread TEXT NOT NULL,
    position INTEGER NOT NULL,
    party_a TEXT NOT NULL,
    party_b TEXT NOT NULL,
    data BLOB NOT NULL,
    leaf_hash BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (kind, digest, signer),
    UNIQUE (thread, position)
) STRICT;
CREATE INDEX IF NOT EXISTS entries_party_a ON entries (party_a, idx);
CREATE INDEX IF NOT EXISTS entries_party_b ON entries (party_b, idx);
CREATE TABLE IF NOT EXISTS artifacts (
    negotiation TEXT NOT NULL,
    digest TEXT NOT NULL,
    signer TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (negotiation, digest)
) STRICT;
"""

COLUMNS = (
    "idx, kind, digest, signer, thread, position, party_a, party_b, data, leaf_hash, received_at"
)
Row = tuple[int, str, str, str, str, int, str, str, bytes, bytes, int]


class SqliteStore:
    """One process, one writer thread; see ``writer`` for durability."""

    def __init__(self, path: Path) -> None:
        self._writer = GroupWriter(_connect(path))

    def close(self) -> None:
        """Finish what was queued and close the file."""
        self._writer.close()

    async def append(self, record: Record) -> Entry:
        """Append durably, or return the entry of the same message."""
        return await self._writer.run(lambda connection: _append(connection, record))

    async def find(self, kind: str, digest: str, signer: str) -> Entry | None:
        """The entry of a message; an empty signer matches any."""
        where = "kind = ? AND digest = ? AND ? IN ('', signer) ORDER BY idx LIMIT 1"
        found = await self._select(where, kind, digest, signer)
        return found[0] if found else None

    async def thread(self, thread: str) -> list[Entry]:
        """All entries of a thread, in order."""
        return await self._select("thread = ? ORDER BY position", thread)

    async def heads(self, kind: str) -> list[Entry]:
        """The last entry of each thread of a kind, oldest first."""
        last = "SELECT max(idx) FROM entries WHERE kind = ? GROUP BY thread"
        return await self._select(f"idx IN ({last}) ORDER BY idx", kind)

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on."""
        if not party:
            return await self._select("idx >= ? ORDER BY idx LIMIT ?", start, limit)
        where = "idx >= ? AND (party_a = ? OR party_b = ?) ORDER BY idx LIMIT ?"
        return await self._select(where, start, party, party, limit)

    async def leaves(self) -> list[bytes]:
        """Every leaf hash, in order."""
        query = "SELECT leaf_hash FROM entries ORDER BY idx"
        return await self._writer.run(lambda c: [row[0] for row in c.execute(query)])

    async def put_artifact(self, artifact: Artifact, most: int) -> bool:
        """Keep an artifact, once."""
        return await self._writer.run(lambda connection: _put(connection, artifact, most))

    async def artifact(self, negotiation: str, digest: str) -> Artifact | None:
        """The artifact, or None."""
        query = "SELECT signer, data FROM artifacts WHERE negotiation = ? AND digest = ?"
        values = (negotiation, digest)
        row = await self._writer.run(lambda c: c.execute(query, values).fetchone())
        return Artifact(negotiation, digest, row[0], row[1]) if row else None

    async def _select(self, where: str, *values: str | int) -> list[Entry]:
        query = f"SELECT {COLUMNS} FROM entries WHERE {where}"  # noqa: S608 constant clauses only
        return await self._writer.run(lambda c: [_entry(row) for row in c.execute(query, values)])


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # isolation_level None: the writer says BEGIN and COMMIT itself, in its own thread.
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(SCHEMA)
    except sqlite3.Error as error:
        raise StoreUnavailable("sqlite", str(error)) from None
    return connection


def _append(connection: sqlite3.Connection, record: Record) -> Entry:
    known = connection.execute(
        f"SELECT {COLUMNS} FROM entries WHERE kind = ? AND digest = ? AND signer = ?",  # noqa: S608
        (record.kind, record.digest, record.signer),
    ).fetchone()
    if known is not None:
        return _entry(known)
    for thread, expected in filter(None, ((record.thread, record.position), record.requires)):
        count = "SELECT count(*) FROM entries WHERE thread = ?"
        (length,) = connection.execute(count, (thread,)).fetchone()
        if expected != length:
            raise SequenceTaken(expected, length)
    (index,) = connection.execute("SELECT coalesce(max(idx) + 1, 0) FROM entries").fetchone()
    values = (
        index,
        record.kind,
        record.digest,
        record.signer,
        record.thread,
        record.position,
        *record.parties,
        record.data,
        record.leaf_hash,
        record.received_at,
    )
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO entries ({COLUMNS}) VALUES ({marks})", values)  # noqa: S608
    return Entry(index, record)


def _put(connection: sqlite3.Connection, artifact: Artifact, most: int) -> bool:
    others = "SELECT count(*) FROM artifacts WHERE negotiation = ? AND digest <> ? AND signer = ?"
    key = (artifact.negotiation, artifact.digest)
    (count,) = connection.execute(others, (*key, artifact.signer)).fetchone()
    if count >= most:
        return False
    connection.execute(
        "INSERT OR IGNORE INTO artifacts (negotiation, digest, signer, data) VALUES (?, ?, ?, ?)",
        (*key, artifact.signer, artifact.data),
    )
    return True


def _entry(row: Row) -> Entry:
    index, kind, digest, signer, thread, position, a, b, data, leaf, received_at = row
    record = Record(kind, digest, signer, thread, position, (a, b), data, leaf, received_at)
    return Entry(index, record)
