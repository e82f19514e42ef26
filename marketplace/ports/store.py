"""The log port: one append-only log, durable before it answers.

Entries belong to threads: a negotiation is a thread of messages, a listing is a thread
of its versions, an agent's card a thread of cards and keys. (thread, position) is unique,
so two writers cannot both be next, and (kind, digest, signer) is unique, so nothing is
stored twice. What is derived from the log and searched (``ports.index``) changes in the
same commit, and so does the Merkle tree over its leaves: whoever appends next, in whichever
process, goes on from the tree that the last commit left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from marketplace.core.merkle import Growth, Tree
from marketplace.core.tiles import Run
from marketplace.ports.index import ListingRow


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be appended.

    Attributes:
        kind: the message's kind.
        digest: the message's digest.
        signer: who signed it.
        thread: the negotiation's id, the digest of a listing's first version, an agent.
        position: its place in the thread, from 0 without gaps.
        parties: who is told of it.
        leaf: the canonical bytes that the log hashes and shows to everybody.
        leaf_hash: RFC 6962 leaf hash of the leaf.
        body: the canonical bytes that the leaf commits to, for those whom they concern;
            empty where the leaf says all.
        received_at: the registry's receipt time, which is also inside the leaf.
        requires: threads and the lengths that they must still have; what was true of other
            threads when this record was made is then true when it is appended.
        listing: the row by which a listing is found from now on, in place of its thread's
            earlier one.
        due_at: when silence will end the thread; 0 where it ends no more; None where this
            record changes nothing about that.
    """

    kind: str
    digest: str
    signer: str
    thread: str
    position: int
    parties: tuple[str, ...]
    leaf: bytes
    leaf_hash: bytes
    body: bytes
    received_at: int
    requires: tuple[tuple[str, int], ...] = ()
    listing: ListingRow | None = None
    due_at: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its index in the log, from 0 without gaps.

    Attributes:
        index: its place.
        record: what was stored.
        growth: of what has just been appended, how the tree grew by it and by what came with
            it, from which its proof follows; None of what is read.
    """

    index: int
    record: Record
    growth: Growth | None = field(default=None, compare=False, repr=False)

    def is_of(self, record: Record) -> bool:
        """Whether this record became the entry, and not the same message before it.

        What they carry differs by its salt, and what carries nothing by when it was received.
        """
        return (self.record.leaf, self.record.position) == (record.leaf, record.position)


class Store(Protocol):
    """Durable memory. When ``append`` returns, the entry survives a crash."""

    async def append(self, record: Record) -> Entry:
        """Append, or return the entry that has the record's (kind, digest, signer).

        What an entry carries back beside its bytes is what was stored: ``requires`` is empty,
        ``listing`` and ``due_at`` are None on what is read.

        Raises:
            SequenceTaken: another record has the thread's position, or the required thread
                has another length.
            StoreUnavailable: nothing was written; try again later.
        """
        ...

    async def find(self, kind: str, digest: str, signer: str) -> Entry | None:
        """The entry of a message; an empty signer matches any."""
        ...

    async def named(self, kind: str, digests: Sequence[str]) -> dict[str, Entry]:
        """The first entry of each message of a kind, by its digest, of those that are there."""
        ...

    async def thread(self, thread: str, start: int = 0) -> list[Entry]:
        """The entries of a thread from a position on, in order."""
        ...

    async def last(self, thread: str) -> Entry | None:
        """The last entry of a thread."""
        ...

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on, in order; only those that concern a party, if named."""
        ...

    async def tree(self) -> Tree:
        """The tree over all leaves; its size is how many entries there are."""
        ...

    async def hashes(self, run: Run) -> list[bytes]:
        """Hashes of the tree's tiles, in order; fewer where it does not have them all yet."""
        ...

    async def leaves(self, start: int, count: int) -> list[bytes]:
        """The leaves of so many entries from an index on, in order, without their bodies."""
        ...

    async def due(self, now: int, limit: int) -> list[str]:
        """Threads whose ``due_at`` has come, the longest overdue first."""
        ...

    async def erase(self, before: int, limit: int) -> int:
        """Empty the bodies of negotiations that are over, and drop their artifacts.

        It goes through the log once, ``limit`` entries a time; entries received from
        ``before`` on are left for later. A negotiation is over with its last entry, unless it
        waits for a deadline.

        Returns:
            The index of the first entry that has not been gone through.
        """
        ...

    async def check(self) -> None:
        """Raise StoreUnavailable unless the store can be read and written."""
        ...
