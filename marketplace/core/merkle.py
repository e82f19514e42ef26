"""The Merkle tree of the log: its root, its growth, and proofs of both.

Leaves are hashed with prefix 0x00, nodes with 0x01, so that no leaf can be taken for a
node. A whole subtree is named by its height and its position at that height; every other
subtree is a row of whole ones, the largest first, and its root follows from theirs.

A proof is planned first (which subtrees are its elements) and resolved then, from wherever
their hashes are: a growth in hand, a store, the tiles of another's server. Checking one
needs no tree at all.

Source: RFC 6962 §2.1 with SHA-256; the checks are those of RFC 9162 §2.1.3.2 and §2.1.4.2.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from marketplace.core.errors import NotConsistent, NotIncluded, ProofMalformed

# Height and position of a whole subtree: (0, 5) is the sixth leaf.
Node: TypeAlias = tuple[int, int]
# Of each element of a proof, the whole subtrees that it is the root over.
Path: TypeAlias = tuple[tuple[Node, ...], ...]
Proof: TypeAlias = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A log as far as its root goes.

    Attributes:
        size: how many leaves it has.
        peaks: the roots of its whole subtrees, the largest first: one for each bit of the size.
    """

    size: int = 0
    peaks: Proof = ()

    @property
    def root(self) -> bytes:
        """The root over all leaves, 32 bytes; of no leaves, the hash of nothing."""
        return over(self.peaks) if self.peaks else sha256(b"").digest()

    def grown(self, leaves: Sequence[bytes]) -> "Growth":
        """The tree with these leaf hashes more."""
        size, peaks = self.size, list(self.peaks)
        nodes = dict(zip(_whole(0, size), peaks, strict=True))
        for leaf in leaves:
            nodes[0, size] = top = leaf
            height = 0
            # Each bit that is set is a subtree that this one completes (RFC 6962 §2.1).
            while size >> height & 1:
                top = node_hash(peaks.pop(), top)
                height += 1
                nodes[height, size >> height] = top
            peaks.append(top)
            size += 1
        return Growth(Tree(size, tuple(peaks)), nodes)


@dataclass(frozen=True, slots=True)
class Growth:
    """A tree that has just grown, and the subtrees that proofs of its new leaves need."""

    tree: Tree
    nodes: Mapping[Node, bytes]

    def inclusion(self, index: int) -> Proof:
        """The proof of one of the new leaves."""
        return resolve(inclusion_path(index, self.tree.size), self.nodes.__getitem__)


def leaf_hash(data: bytes) -> bytes:
    """The hash of one entry's bytes, 32 bytes."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two nodes, 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


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


def over(peaks: Sequence[bytes]) -> bytes:
    """The root over a row of whole subtrees, the largest first; there is at least one."""
    root = peaks[-1]
    for left in reversed(peaks[:-1]):
        root = node_hash(left, root)
    return root


def inclusion_path(index: int, size: int) -> Path:
    """What proves that a leaf is in the tree of a size (RFC 6962 §2.1.1), the lowest first."""
    peaks = _whole(0, size)
    # The leaf's own peak is as high as the highest bit in which index and size differ.
    height = (index ^ size).bit_length() - 1
    own = (size >> height + 1).bit_count()
    beside = [((level, index >> level ^ 1),) for level in range(height)]
    smaller = [peaks[own + 1 :]] if peaks[own + 1 :] else []
    larger = [(peak,) for peak in peaks[:own][::-1]]
    return (*beside, *smaller, *larger)


def consistency_path(old: int, size: int) -> Path:
    """What proves that a tree grew out of one of an older size (RFC 6962 §2.1.2)."""
    if old in (0, size):
        return ()
    low, high = 0, size
    path = []
    while old < high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_whole(middle, high))
            high = middle
        else:
            path.append(_whole(low, middle))
            low = middle
    if low:
        # The old tree's own root is known to who checks, but not that of its last part.
        path.append(_whole(low, high))
    return tuple(path[::-1])


def resolve(path: Path, hash_of: Callable[[Node], bytes]) -> Proof:
    """The proof of a path; ``hash_of`` tells the root of a whole subtree."""
    # Most elements are one subtree's root.
    return tuple(
        hash_of(row[0]) if len(row) == 1 else over([hash_of(node) for node in row]) for row in path
    )


def root_with(leaf: bytes, index: int, size: int, proof: Proof) -> bytes:
    """The root of the tree that has a leaf hash at an index, if the proof is right.

    Raises:
        ProofMalformed: the tree has no such index, or its proof another length.
    """
    if not 0 <= index < size:
        raise ProofMalformed(f"index {index}", f"one below the size, {size}")
    _check_length(proof, len(inclusion_path(index, size)))
    place, last, root = index, size - 1, leaf
    for element in proof:
        if place & 1 or place == last:
            root = node_hash(element, root)
            # Where there is no right neighbour, the node goes up as it is.
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            root = node_hash(root, element)
        place, last = place >> 1, last >> 1
    return root


def roots_between(old: int, old_root: bytes, size: int, proof: Proof) -> tuple[bytes, bytes]:
    """The roots at both sizes that a consistency proof leads to, of sizes 0 < old < size.

    Raises:
        ProofMalformed: not such sizes, or a proof of another length.
    """
    if not 0 < old < size:
        raise ProofMalformed(f"size {old}", f"from 1 to below {size}")
    _check_length(proof, len(consistency_path(old, size)))
    # A whole old tree is its proof's first element, and is left out of it.
    elements = (old_root, *proof) if old & (old - 1) == 0 else proof
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = elements[0]
    for element in elements[1:]:
        if place & 1 or place == last:
            before, after = node_hash(element, before), node_hash(element, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, element)
        place, last = place >> 1, last >> 1
    return before, after


def check_inclusion(leaf: bytes, index: int, tree: tuple[int, bytes], proof: Proof) -> None:
    """Raise unless a leaf hash stands at an index of the tree of a size and root.

    Raises:
        NotIncluded: the proof leads to another root.
        ProofMalformed: as in ``root_with``.
    """
    size, root = tree
    computed = root_with(leaf, index, size, proof)
    if computed != root:
        raise NotIncluded(index, root.hex(), computed.hex())


def check_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: Proof) -> None:
    """Raise unless the tree of a size and root begins with the older one.

    Raises:
        NotConsistent: the proof leads to other roots, or there is no proof to be had: the
            newer is the smaller, or of equal size and another root.
        ProofMalformed: a proof of another length.
    """
    (old_size, old_root), (size, root) = old, new
    if old_size == 0 or old_size >= size:
        _check_length(proof, 0)
        # Everything begins with the tree of no leaves, whose root is known.
        old_right = old_root == sha256(b"").digest() if old_size == 0 else old == new
        if not old_right:
            raise NotConsistent(old_size, old_root.hex(), size, root.hex())
        return
    if roots_between(old_size, old_root, size, proof) != (old_root, root):
        raise NotConsistent(old_size, old_root.hex(), size, root.hex())


def _check_length(proof: Proof, expected: int) -> None:
    if len(proof) != expected:
        raise ProofMalformed(f"{len(proof)} hashes", f"{expected} hashes")


def _split(width: int) -> int:
    """The largest power of two below a width over 1."""
    return 1 << ((width - 1).bit_length() - 1)


def _whole(low: int, high: int) -> tuple[Node, ...]:
    """The whole subtrees of the leaves from low to below high, the largest first."""
    found = []
    while low < high:
        height = (high - low).bit_length() - 1
        found.append((height, low >> height))
        low += 1 << height
    return tuple(found)
