"""A store in lists: the least that passes the conformance suite."""

from collections.abc import Mapping

from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.adapters.memory.webhooks import MemoryWebhooks
from marketplace.core.errors import SequenceTaken
from marketplace.ports.artifacts import Artifact
from marketplace.ports.index import Found, ListingRow, Search
from marketplace.ports.store import Entry, Record


class MemoryStore(MemoryJournal, MemoryWebhooks):
    """Nothing survives the process."""

    def __init__(self) -> None:
        MemoryJournal.__init__(self)
        MemoryWebhooks.__init__(self)
        self._entries: list[Entry] = []
        self._artifacts: dict[tuple[str, str], Artifact] = {}
        self._rows: dict[str, ListingRow] = {}
        self._due: dict[str, int] = {}

    async def append(self, record: Record) -> Entry:
        """Append, or return the entry of the same message."""
        known = await self.find(record.kind, record.digest, record.signer)
        if known is not None:
            return known
        for thread, expected in filter(None, ((record.thread, record.position), record.requires)):
            length = len(await self.thread(thread))
            if expected != length:
                raise SequenceTaken(expected, length)
        entry = Entry(len(self._entries), record)
        self._entries.append(entry)
        if record.listing:
            self._rows[record.thread] = record.listing
        if record.due_at is not None:
            self._due[record.thread] = record.due_at
        return entry

    async def find(self, kind: str, digest: str, signer: str) -> Entry | None:
        """The entry of a message; an empty signer matches any."""
        wanted = (kind, digest)
        return next(
            (
                entry
                for entry in self._entries
                if (entry.record.kind, entry.record.digest) == wanted
                and signer in ("", entry.record.signer)
            ),
            None,
        )

    async def thread(self, thread: str, start: int = 0) -> list[Entry]:
        """All entries of a thread."""
        return [entry for entry in self._entries if entry.record.thread == thread][start:]

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on."""
        told = (e for e in self._entries[start:] if not party or party in e.record.parties)
        return [entry for entry, _ in zip(told, range(limit), strict=False)]

    async def size(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    async def leaves(self) -> list[bytes]:
        """Every leaf hash."""
        return [entry.record.leaf_hash for entry in self._entries]

    async def due(self, now: int, limit: int) -> list[str]:
        """Overdue threads."""
        return [t for t, at in self._due.items() if 0 < at <= now][:limit]

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to let go."""

    async def check(self) -> None:
        """Nothing to check."""

    async def put_artifact(self, artifact: Artifact, most: int) -> bool:
        """Keep an artifact, once."""
        key = artifact.negotiation, artifact.digest
        kept = self._artifacts.values()
        mine = (artifact.negotiation, artifact.signer)
        others = sum((known.negotiation, known.signer) == mine for known in kept)
        if key not in self._artifacts and others >= most:
            return False
        self._artifacts.setdefault(key, artifact)
        return True

    async def artifact(self, negotiation: str, digest: str) -> Artifact | None:
        """The artifact, or None."""
        return self._artifacts.get((negotiation, digest))

    async def search(self, search: Search) -> list[Found]:
        """Interim."""
        rows = [
            r
            for r in self._rows.values()
            if search.now < r.expires_at
            and r.capacity >= search.units
            and search.kind in ("", r.kind)
            and search.seller in ("", r.seller)
            and search.text.casefold() in r.title.casefold()
        ]
        return [Found(r, 0, r.published_at) for r in rows][: search.limit]

    async def row(self, thread: str) -> ListingRow | None:
        """Interim."""
        return self._rows.get(thread)

    async def heard(self, thread: str, at: int) -> None:
        """Interim."""

    async def settled(self, counts: Mapping[str, int], block: int) -> None:
        """Interim."""

    async def settled_block(self) -> int:
        """Interim."""
        return -1
