"""Write tests/vectors/sealed.json: right chunks and wrong ones.

``python scripts/sealed_vectors.py`` writes, ``--check`` exits 1 when the file is stale.
The cases are made by ``marketplace.core.sealing``; a forge test hands each of them to
``ExchangeArbiter.sol``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from marketplace.core.sealing import Parcel, Sealed, crypt, leaf_hash, proof, root_hash, seal
from marketplace.core.values import keccak

FILE = Path(__file__).parent.parent / "tests" / "vectors" / "sealed.json"
KEY = keccak(b"parley test vector key of one deal")

# Length of the data, chunk size, index of the chunk, index of a bit in it that the seller
# changed: trees of one leaf, full and padded ones, whole and short last chunks.
SHAPES: tuple[tuple[int, int, int, int | None], ...] = (
    (1, 32, 0, None),
    (1, 32, 0, 0),
    (32, 32, 0, 255),
    (33, 32, 0, None),
    (33, 32, 1, 7),
    (96, 32, 2, None),
    (96, 32, 2, 100),
    (128, 32, 3, 1),
    (129, 32, 4, None),
    (160, 33, 4, 223),
    (257, 64, 1, None),
    (257, 64, 4, 0),
    (1_000, 100, 9, None),
    (1_000, 100, 6, 799),
    (2_049, 1_024, 1, 8_191),
    (2_100, 32_768, 0, 16_000),
    (2_200, 32, 68, 191),
    (2_200, 32, 31, None),
)


def spoil(parcel: Parcel, index: int, bit: int) -> Parcel:
    """The parcel of a seller that encrypted another chunk than the one it promised."""
    wrong = bytearray(parcel.chunks[index])
    wrong[bit // 8] ^= 1 << bit % 8
    chunks = (*parcel.chunks[:index], bytes(wrong), *parcel.chunks[index + 1 :])
    root = "0x" + root_hash([leaf_hash(chunk) for chunk in chunks]).hex()
    return replace(parcel, chunks=chunks, sealed=replace(parcel.sealed, ciphertext_root=root))


def case(length: int, chunk_size: int, index: int, bit: int | None) -> dict[str, object]:
    """One chunk with all that a complaint of it needs, and whether it is wrong."""
    parcel = seal(b"".join(keccak(bytes([n])) for n in range(80))[:length], KEY, chunk_size)
    if bit is not None:
        parcel = spoil(parcel, index, bit)
    chunk, encrypted = parcel.chunks[index], [leaf_hash(each) for each in parcel.chunks]
    return {
        **parcel.sealed.to_message(),
        "goods": parcel.sealed.goods,
        "wrong": bit is not None,
        "key": _hex(KEY),
        "index": index,
        "chunk": _hex(chunk),
        "chunkProof": [_hex(node) for node in proof(encrypted, index)],
        "leaf": _hex(parcel.leaves[index]),
        "leafProof": [_hex(node) for node in proof(parcel.leaves, index)],
        "decryptedLeaf": _hex(leaf_hash(crypt(chunk, KEY, index))),
    }


def main() -> int:
    """Write the file, or with ``--check`` compare it."""
    document = {"type": Sealed.TYPE, "cases": [case(*shape) for shape in SHAPES]}
    fresh = json.dumps(document, indent=2) + "\n"
    if "--check" not in sys.argv:
        FILE.write_text(fresh)
    elif not FILE.exists() or FILE.read_text() != fresh:
        print(f"stale: {FILE.name}; run python scripts/sealed_vectors.py", file=sys.stderr)
        return 1
    return 0


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    sys.exit(main())
