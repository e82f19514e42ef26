"""The log in lists."""

from collections.abc import Sequence
from dataclasses import replace

from marketplace.core.entry import ERASABLE
from marketplace.core.errors import SequenceTaken
from marketplace.core.merkle import Node, Tree
from marketplace.core.tiles import HEIGHT, Run
from marketplace.ports.index import ListingRow
from marketplace.ports.store import Entry, Record


class MemoryLog:
    """``ports.store.Store``; nothing survives the process."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Entry] = []
        self._due: dict[str, int] = {}
        self._erased = 0
        self._tree = Tree()
        self._nodes: dict[Node, bytes] = {}

    async def append(self, record: Record) -> Entry:
        """Append, or return the entry of the same message."""
        known = await self.find(record.kind, record.digest, record.signer)
        if known is not None:
            return known
        for thread, expected in ((record.thread, record.position), *record.requires):
            length = len(await self.thread(thread))
            if expected != length:
                raise SequenceTaken(expected, length)
        stored = replace(record, requires=(), listing=None, due_at=None)
        growth = self._tree.grown([record.leaf_hash])
        entry = Entry(self._tree.size, stored)
        self._tree = growth.tree
        self._nodes |= growth.nodes
        self._entries.append(entry)
        if record.due_at is not None:
            self._due[record.thread] = record.due_at
        if record.listing is not None:
            self._publish(record.listing)
        return replace(entry, growth=growth)

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

    async def named(self, kind: str, digests: Sequence[str]) -> dict[str, Entry]:
        """The first entry of each message of a kind, by its digest, of those that are there."""
        found = {digest: await self.find(kind, digest, "") for digest in digests}
        return {digest: entry for digest, entry in found.items() if entry is not None}

    async def thread(self, thread: str, start: int = 0) -> list[Entry]:
        """The entries of a thread from a position on."""
        told = (entry for entry in self._entries if entry.record.thread == thread)
        return [entry for entry in told if entry.record.position >= start]

    async def last(self, thread: str) -> Entry | None:
        """The last entry of a thread."""
        told = await self.thread(thread)
        return told[-1] if told else None

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on."""
        told = (e for e in self._entries[start:] if not party or party in e.record.parties)
        return [entry for entry, _ in zip(told, range(limit), strict=False)]

    async def tree(self) -> Tree:
        """The tree over all leaves."""
        return self._tree

    async def hashes(self, run: Run) -> list[bytes]:
        """Hashes of the tree's tiles, in order."""
        height = run.level * HEIGHT
        until = min(run.start + run.count, self._tree.size >> height)
        return [self._nodes[height, place] for place in range(run.start, until)]

    async def leaves(self, start: int, count: int) -> list[bytes]:
        """The leaves of so many entries from an index on, in order, without their bodies."""
        return [entry.record.leaf for entry in self._entries[start : start + count]]

    async def due(self, now: int, limit: int) -> list[str]:
        """Threads whose ``due_at`` has come, the longest overdue first."""
        come = sorted((at, thread) for thread, at in self._due.items() if 0 < at <= now)
        return [thread for _, thread in come[:limit]]

    async def erase(self, before: int, limit: int) -> int:
        """Empty the bodies of negotiations that are over, and drop their artifacts."""
        for entry in self._entries[self._erased : self._erased + limit]:
            record = entry.record
            if record.received_at >= before:
                break
            self._erased += 1
            over = await self.last(record.thread) == entry and not self._due.get(record.thread)
            if over and record.kind in ERASABLE:
                self._forget(record.thread)
        return self._erased

    async def check(self) -> None:
        """Memory is always there."""

    def _forget(self, thread: str) -> None:
        for place, entry in enumerate(self._entries):
            if entry.record.thread == thread:
                self._entries[place] = Entry(entry.index, replace(entry.record, body=b""))
        self._drop(thread)

    def _drop(self, negotiation: str) -> None:
        """A negotiation's artifacts, where they are kept too."""

    def _publish(self, listing: ListingRow) -> None:
        """What is derived from the log, where there is an index too."""
