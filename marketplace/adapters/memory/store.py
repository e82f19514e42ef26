"""A store in lists: the least that passes the conformance suite."""

from marketplace.core.errors import SequenceTaken
from marketplace.ports.store import Artifact, Entry, Record


class MemoryStore:
    """Nothing survives the process."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._artifacts: dict[tuple[str, str], Artifact] = {}

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

    async def thread(self, thread: str) -> list[Entry]:
        """All entries of a thread."""
        return [entry for entry in self._entries if entry.record.thread == thread]

    async def heads(self, kind: str) -> list[Entry]:
        """The last entry of each thread of a kind."""
        last = {e.record.thread: e for e in self._entries if e.record.kind == kind}
        return sorted(last.values(), key=lambda entry: entry.index)

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on."""
        told = (e for e in self._entries[start:] if not party or party in e.record.parties)
        return [entry for entry, _ in zip(told, range(limit), strict=False)]

    async def leaves(self) -> list[bytes]:
        """Every leaf hash."""
        return [entry.record.leaf_hash for entry in self._entries]

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
