"""The Merkle tree of the log: leaf hashes and the root over them.

Source: RFC 6962 §2.1 with SHA-256; leaves are hashed with prefix 0x00, nodes with 0x01,
so that no leaf can be taken for a node.
"""

from collections.abc import Sequence
from hashlib import sha256

# The height and root of each whole tree that a log's leaves make, the largest first.
Peaks = tuple[tuple[int, bytes], ...]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry's bytes, 32 bytes."""
    return sha256(b"\x00" + data).digest()


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, 32 bytes; of no leaves, the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        # Pairing from the left and carrying an odd last node up unchanged is the same tree as
        # RFC 6962's split at the largest power of two.
        paired = [
            node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two nodes, 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def grown(peaks: Peaks, leaf: bytes) -> Peaks:
    """The whole trees of a log, largest first, with one leaf more."""
    height, top = 0, leaf
    while peaks and peaks[-1][0] == height:
        height, top = height + 1, node_hash(peaks[-1][1], top)
        peaks = peaks[:-1]
    return (*peaks, (height, top))


def peaks_root(peaks: Peaks) -> bytes:
    """``root_hash`` of the leaves that the peaks stand on."""
    if not peaks:
        return root_hash(())
    _, root = peaks[-1]
    for _, left in reversed(peaks[:-1]):
        root = node_hash(left, root)
    return root
