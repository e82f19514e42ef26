"""A table sold by the chunk, each checked against its public listing.

    dataset = Dataset.load()
    listed = dataset.chunk_digests               # public, before any deal
    committed = slice_digest(listed, 10)         # what the delivery of 10 chunks must be
    check_slice(dataset.slice_bytes(10), listed, 10)

A chunk is `CHUNK_ROWS` lines of the CSV; the header line travels with the first, so that a slice
is the beginning of the file and opens as a table by itself. Buyer and seller both compute the
commitment to any quantity from the listing alone, without the data.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Self

from agents.providers.digest import digest_bytes, digest_of
from agents.providers.faults import ChunkDiffers, QuantityOutOfRange, SliceTooLong

CHUNK_ROWS = 5
"""A divisor of 365: each chunk is worth the same."""

TABLE = Path(__file__).with_name("daylight.csv")


@dataclass(frozen=True, slots=True)
class Dataset:
    """The chunks of one table, in the order in which they are sold.

    Args:
        chunks: bytes of whole lines; together they are the file.
    """

    chunks: tuple[bytes, ...]

    @classmethod
    def load(cls) -> Self:
        """The daylight table that this package ships (see `daylight`)."""
        return cls.cut(TABLE.read_bytes())

    @classmethod
    def cut(cls, data: bytes) -> Self:
        """The chunks of a CSV file with a header."""
        return cls(tuple(_cut(data)))

    @property
    def chunk_digests(self) -> list[str]:
        """The public listing: the digest of each chunk."""
        return [digest_of(chunk) for chunk in self.chunks]

    def slice_bytes(self, n: int) -> bytes:
        """The first `n` chunks, which are the file's beginning.

        Raises:
            QuantityOutOfRange: unless n is from 1 to the number of chunks.
        """
        _within(n, len(self.chunks))
        return b"".join(self.chunks[:n])


def slice_digest(chunk_digests: Sequence[str], n: int) -> str:
    """The commitment to the first `n` chunks: SHA-256 over their digests' 32 bytes each.

    Raises:
        QuantityOutOfRange: unless n is from 1 to the number of digests.
        DigestMalformed: if one of them is no digest.
    """
    _within(n, len(chunk_digests))
    return digest_of(b"".join(map(digest_bytes, chunk_digests[:n])))


def check_slice(data: bytes, chunk_digests: Sequence[str], n: int) -> None:
    """Compares delivered bytes with the listing, chunk by chunk, and stops at the first difference.

    Raises:
        ChunkDiffers: names the chunk, counted from 1, and both digests.
        SliceTooLong: if anything follows the agreed chunks.
        QuantityOutOfRange: unless n is from 1 to the number of digests.
    """
    _within(n, len(chunk_digests))
    delivered, end = _cut(data), 0
    for place, listed in enumerate(chunk_digests[:n], start=1):
        chunk = next(delivered, b"")
        found = digest_of(chunk)
        if found != listed:
            raise ChunkDiffers(f"{found} as chunk {place}", listed)
        end += len(chunk)
    if len(data) > end:
        raise SliceTooLong(len(data), end)


def _cut(data: bytes) -> Iterator[bytes]:
    # Lazily: a delivery is a stranger's, and may be a gigabyte of empty lines.
    lines = BytesIO(data)
    rows = 1 + CHUNK_ROWS
    while chunk := b"".join(islice(lines, rows)):
        yield chunk
        rows = CHUNK_ROWS


def _within(n: int, chunks: int) -> None:
    if not 1 <= n <= chunks:
        raise QuantityOutOfRange(n, chunks)
