"""The store port: one append-only log, and artifacts beside it.

Entries belong to threads: a negotiation is a thread of messages, a listing is a thread
of its versions. (thread, position) is unique, so two writers cannot both be next, and
(kind, digest, signer) is unique, so nothing is stored twice.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """What is to be appended.

    Attributes:
        kind: the message's kind.
        digest: the message's digest.
        signer: who signed it.
        thread: the negotiation's id, or the digest of a listing's first version.
        position: its place in the thread, from 0 without gaps.
        parties: who is told of it.
        data: the canonical bytes that the log keeps and hashes.
        leaf_hash: RFC 6962 leaf hash of the data.
        received_at: the registry's receipt time, which is also inside the data.
        requires: a thread and the length that it must still have; what was true of another
            thread when this record was made is then true when it is appended.
    """

    kind: str
    digest: str
    signer: str
    thread: str
    position: int
    parties: tuple[str, str]
    data: bytes
    leaf_hash: bytes
    received_at: int
    requires: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its index in the log, from 0 without gaps."""

    index: int
    record: Record


@dataclass(frozen=True, slots=True)
class Artifact:
    """Bytes that one party leaves for the other: a job, rows, a result."""

    negotiation: str
    digest: str
    signer: str
    data: bytes


class Store(Protocol):
    """Durable memory. When ``append`` returns, the entry survives a crash."""

    async def append(self, record: Record) -> Entry:
        """Append, or return the entry that has the record's (kind, digest, signer).

        Raises:
            SequenceTaken: another record has the thread's position, or the required thread
                has another length.
            StoreUnavailable: nothing was written; try again later.
        """
        ...

    async def find(self, kind: str, digest: str, signer: str) -> Entry | None:
        """The entry of a message; an empty signer matches any."""
        ...

    async def thread(self, thread: str) -> list[Entry]:
        """All entries of a thread, in order."""
        ...

    async def heads(self, kind: str) -> list[Entry]:
        """The last entry of each thread of a kind, oldest first."""
        ...

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        """Entries from an index on, in order; only those that concern a party, if named."""
        ...

    async def leaves(self) -> list[bytes]:
        """Every leaf hash, in order."""
        ...

    async def put_artifact(self, artifact: Artifact, most: int) -> bool:
        """Keep an artifact, once; False where its signer has ``most`` others there already."""
        ...

    async def artifact(self, negotiation: str, digest: str) -> Artifact | None:
        """The artifact, or None."""
        ...
