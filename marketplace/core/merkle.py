"""The Merkle tree of the log: leaf hashes and the root over them.

Source: RFC 6962 §2.1 with SHA-256; leaves are hashed with prefix 0x00, nodes with 0x01,
so that no leaf can be taken for a node.
"""

from collections.abc import Sequence
from hashlib import sha256


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
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0]
