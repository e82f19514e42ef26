"""Write tests/vectors/anchor.json: proofs that the anchor takes.

``python scripts/anchor_vectors.py`` writes, ``--check`` exits 1 when the file is stale. The
proofs are those of ``marketplace.core.merkle``; their roots are computed here, by the recursive
definition of RFC 6962 §2.1. Forge tests hand each of them to ``CheckpointAnchor.sol``.

A proof is one text of hex: a consistency proof is both sizes (8 bytes each), both roots and the
elements; an inclusion proof is index and size, leaf hash, root and elements.
"""

import json
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from marketplace.core.checkpoint import TYPE, Checkpoint, log_domain, origin_hash
from marketplace.core.merkle import (
    Node,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    resolve,
)
from marketplace.core.signature import address_of, sign
from marketplace.core.values import Json, keccak

FILE = Path(__file__).parent.parent / "tests" / "vectors" / "anchor.json"
KEY = keccak(b"parley test vector key of a log")
SMALL = 33  # every tree up to here, with all its leaves
LARGEST = (1 << 64) - 1

# Trees too large to be built: the old size and the new one.
GROWTHS = (
    (999, 1_000),
    (511, 1_000),
    (524_287, 999_999),
    (524_287, 1_000_000),
    (524_288, 1_000_000),
    (999_999, 1_000_000),
    (786_431, 1_000_000),
    (983_039, 1_000_000),
    (1, 1_000_000),
    (1 << 32, (1 << 32) + 1),
    ((1 << 63) - 1, LARGEST),
    (1 << 63, LARGEST),
    (LARGEST - 1, LARGEST),
    (1, LARGEST),
)
PLACES = (
    (0, 1_000_000),
    (524_287, 1_000_000),
    (999_999, 1_000_000),
    (1 << 63, LARGEST),
    (LARGEST - 1, LARGEST),
    (0, LARGEST),
)
# Origin, size, root, chain and contract of signed checkpoints.
SIGNED = (
    ("127.0.0.1:8000", 1, 31_337, "0x" + "11" * 20),
    ("registry.example", 1_000_000, 1, "0x" + "a5" * 20),
    ("registry.example/łog", LARGEST, 1 << 40, "0x" + "ff" * 20),
    ("", 0, 31_337, "0x" + "11" * 20),
)

Hash = Callable[[int, int], bytes]


def main() -> int:
    """Write the file, or with ``--check`` compare it."""
    document = {
        "type": TYPE,
        "consistency": [growth(*each, tree(0)) for each in combinations(range(1, SMALL + 1), 2)]
        + [growth(old, size, tree(old, size)) for old, size in GROWTHS],
        "inclusion": [
            place(index, size, tree(0)) for size in range(1, SMALL + 1) for index in range(size)
        ]
        + [place(index, size, tree(index, index + 1, size)) for index, size in PLACES],
        "checkpoints": [checkpoint(*each) for each in SIGNED],
    }
    fresh = json.dumps(document, indent=2) + "\n"
    if "--check" not in sys.argv:
        FILE.write_text(fresh)
    elif not FILE.exists() or FILE.read_text() != fresh:
        print(f"stale: {FILE.name}; run python scripts/anchor_vectors.py", file=sys.stderr)
        return 1
    return 0


def tree(*marks: int) -> Hash:
    """The hash over the leaves from low to below high (RFC 6962 §2.1).

    With no mark but 0 it has leaves: their numbers in 8 bytes. Otherwise every whole subtree
    that no mark divides is made up: nobody looks below it.
    """

    @cache
    def over(low: int, high: int) -> bytes:
        width = high - low
        if width == 1 and not any(marks):
            return leaf_hash(low.to_bytes(8, "big"))
        whole = width & (width - 1) == 0
        if any(marks) and whole and not any(low < mark < high for mark in marks):
            return sha256(f"leaves {low} to {high}".encode()).digest()
        middle = low + (1 << (width - 1).bit_length() - 1)
        return node_hash(over(low, middle), over(middle, high))

    return over


def growth(old: int, size: int, over: Hash) -> str:
    """That the tree of a size begins with the one of an older size."""
    proof = resolve(consistency_path(old, size), _node(over))
    return _hex(_size(old), _size(size), over(0, old), over(0, size), *proof)


def place(index: int, size: int, over: Hash) -> str:
    """That the leaf at an index is in the tree of a size."""
    proof = resolve(inclusion_path(index, size), _node(over))
    return _hex(_size(index), _size(size), over(index, index + 1), over(0, size), *proof)


def checkpoint(origin: str, size: int, chain_id: int, anchor: str) -> dict[str, Json]:
    """A signed checkpoint, and the document that a wallet signs for it."""
    domain = log_domain(chain_id, anchor)
    told = Checkpoint(origin, size, sha256(origin.encode()).digest())
    digest = told.digest(domain)
    return {
        "originHash": origin_hash(origin),
        "size": str(size),
        "root": _hex(told.root),
        "chainId": str(chain_id),
        "anchor": anchor,
        "key": address_of(KEY),
        "digest": digest,
        "signature": sign(digest, KEY),
        "typed_data": told.typed_data(domain),
    }


def _node(over: Hash) -> Callable[[Node], bytes]:
    return lambda node: over(node[1] << node[0], node[1] + 1 << node[0])


def _size(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _hex(*parts: bytes) -> str:
    return "0x" + b"".join(parts).hex()


if __name__ == "__main__":
    sys.exit(main())
