"""Sealing: data encrypted in chunks, so that a wrong one is provable.

The seller seals data under a key of one deal and sends the parcel; the buyer checks it
and signs terms whose ``goods`` is the struct hash of ``Sealed``; the key comes through
``ExchangeArbiter.sol``, which takes one wrong chunk for a complaint. The rules, the
same as in ``contracts/arbiters/Sealing.sol``:

1. Chunk i is bytes [i * chunk_size, (i + 1) * chunk_size) of the data.
2. The b-th 32 bytes of chunk i are XORed with ``keccak256(key ‖ i * 2^128 + b)``.
3. A leaf is ``keccak256(0x00 ‖ chunk)``, a node ``keccak256(0x01 ‖ left ‖ right)``.
4. A tree is perfect: the leaves, then zeros up to the next power of two.

WARNING: leaf hashes are no secret. A chunk that can be guessed is known by its leaf:
salt such data, with random bytes in each chunk, before it is listed.

Source: FairSwap (Dziembowski, Eckey, Faust, CCS 2018), its tree of leaf hashes in clear.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.core.eip712 import Typed
from marketplace.core.errors import DigestMismatch, ValueMalformed
from marketplace.core.values import Bytes32, Digest, Uint32, Uint40, integer, keccak

KEY_SIZE = 32
# Smaller chunks make longer proofs; a larger one may cost more gas than a block has.
SMALLEST_CHUNK = 32
LARGEST_CHUNK = 32 * 1024
LONGEST_DATA = (1 << 40) - 1

_BLOCK = 32
_EMPTY = bytes(32)


@dataclass(frozen=True, slots=True)
class Sealed(Typed):
    """What the terms commit to; order and types are those of ``Sealed`` in Solidity.

    Attributes:
        plaintext_root: root over the chunks that are sold.
        ciphertext_root: root over the same chunks, encrypted.
        key_hash: keccak256 of the key.
        length: of the data, in bytes.
        chunk_size: in bytes; the last chunk may be shorter.
    """

    plaintext_root: Bytes32
    ciphertext_root: Bytes32
    key_hash: Bytes32
    length: Uint40
    chunk_size: Uint32

    @property
    def goods(self) -> Digest:
        """What ``Terms.goods`` has to be."""
        return _hex(self.struct_hash())


@dataclass(frozen=True, slots=True)
class Parcel:
    """What the buyer holds before it signs: everything but the key.

    Attributes:
        sealed: what the terms commit to.
        leaves: the leaf hash of each plaintext chunk, 32 bytes each; proofs need them.
        chunks: the encrypted chunks.
    """

    sealed: Sealed
    leaves: tuple[bytes, ...]
    chunks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """The arguments of ``ExchangeArbiter.complain`` after terms and goods, in its order."""

    key: bytes
    index: int
    chunk: bytes
    chunk_proof: tuple[bytes, ...]
    leaf: bytes
    leaf_proof: tuple[bytes, ...]


def seal(data: bytes, key: bytes, chunk_size: int) -> Parcel:
    """Encrypt the data under a random key that no other deal has seen.

    Raises:
        ValueMalformed: no data, or a key or chunk size that a buyer would refuse.
    """
    _check_shape(len(data), chunk_size)
    _check_key_size(key)
    plain = [data[at : at + chunk_size] for at in range(0, len(data), chunk_size)]
    leaves = tuple(leaf_hash(chunk) for chunk in plain)
    chunks = tuple(crypt(chunk, key, index) for index, chunk in enumerate(plain))
    sealed = Sealed(
        plaintext_root=_hex(root_hash(leaves)),
        ciphertext_root=_hex(root_hash([leaf_hash(chunk) for chunk in chunks])),
        key_hash=_hex(keccak(key)),
        length=len(data),
        chunk_size=chunk_size,
    )
    return Parcel(sealed, leaves, chunks)


def check_sealed(parcel: Parcel, plaintext_root: Digest) -> None:
    """What the buyer checks before it signs: after this, every wrong chunk can be complained of.

    Args:
        parcel: as the seller sent it.
        plaintext_root: of the data that the buyer wants, known from the listing.

    Raises:
        ValueMalformed: a size, a number of chunks or leaves, or a chunk's length is off.
        DigestMismatch: another root than that of the leaves, the chunks or the listing.
    """
    sealed = parcel.sealed
    _check_shape(sealed.length, sealed.chunk_size)
    # Counted and not listed: the length is the seller's word until the chunks agree with it.
    number = -(-sealed.length // sealed.chunk_size)
    integer(len(parcel.leaves), "number of leaves", number, number)
    integer(len(parcel.chunks), "number of chunks", number, number)
    for index, (leaf, chunk) in enumerate(zip(parcel.leaves, parcel.chunks, strict=True)):
        length = min(sealed.chunk_size, sealed.length - index * sealed.chunk_size)
        integer(len(leaf), f"length of leaf {index}", len(_EMPTY), len(_EMPTY))
        integer(len(chunk), f"length of chunk {index}", length, length)
    _check_digest(plaintext_root, sealed.plaintext_root)
    _check_digest(sealed.plaintext_root, _hex(root_hash(parcel.leaves)))
    encrypted = [leaf_hash(chunk) for chunk in parcel.chunks]
    _check_digest(sealed.ciphertext_root, _hex(root_hash(encrypted)))


def open_sealed(parcel: Parcel, key: bytes) -> bytes:
    """The data of a parcel that was checked; where a chunk is wrong, see ``complaint``.

    Raises:
        ValueMalformed: the key has another length.
        DigestMismatch: it is another key, or a chunk decrypts to another than was promised.
    """
    _check_key(parcel, key)
    plain = [crypt(chunk, key, index) for index, chunk in enumerate(parcel.chunks)]
    for promised, chunk in zip(parcel.leaves, plain, strict=True):
        _check_digest(_hex(promised), _hex(leaf_hash(chunk)))
    return b"".join(plain)


def complaint(parcel: Parcel, key: bytes) -> Complaint | None:
    """The proof of the first wrong chunk of a parcel that was checked; None: all are right.

    Raises:
        ValueMalformed: the key has another length.
        DigestMismatch: it is another key.
    """
    _check_key(parcel, key)
    for index, (leaf, chunk) in enumerate(zip(parcel.leaves, parcel.chunks, strict=True)):
        if leaf_hash(crypt(chunk, key, index)) != leaf:
            encrypted = [leaf_hash(each) for each in parcel.chunks]
            chunk_proof, leaf_proof = proof(encrypted, index), proof(parcel.leaves, index)
            return Complaint(key, index, chunk, chunk_proof, leaf, leaf_proof)
    return None


def crypt(chunk: bytes, key: bytes, index: int) -> bytes:
    """The chunk at ``index``, encrypted or decrypted (XOR is its own inverse)."""
    counter = index << 128
    blocks = (len(chunk) + _BLOCK - 1) // _BLOCK
    stream = b"".join(keccak(key + (counter + b).to_bytes(32, "big")) for b in range(blocks))
    mixed = int.from_bytes(chunk, "big") ^ int.from_bytes(stream[: len(chunk)], "big")
    return mixed.to_bytes(len(chunk), "big")


def leaf_hash(chunk: bytes) -> bytes:
    """The hash of one chunk, 32 bytes."""
    return keccak(b"\x00" + chunk)


def root_hash(leaves: Sequence[bytes]) -> bytes:
    """The root over at least one leaf, 32 bytes."""
    return _levels(leaves)[-1][0]


def proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The siblings of the leaf at ``index``, from the leaf up: one a level."""
    return tuple(level[(index >> up) ^ 1] for up, level in enumerate(_levels(leaves)[:-1]))


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    # An odd level gets the root of an empty tree of its height, which is what zeros up to the next
    # power of two come to, without hashing them one by one.
    levels, empty = [list(leaves)], _EMPTY
    while len(levels[-1]) > 1:
        level = levels[-1]
        if len(level) % 2:
            level.append(empty)
        levels.append([_node(a, b) for a, b in zip(level[::2], level[1::2], strict=True)])
        empty = _node(empty, empty)
    return levels


def _node(left: bytes, right: bytes) -> bytes:
    return keccak(b"\x01" + left + right)


def _check_shape(length: int, chunk_size: int) -> None:
    integer(length, "length", 1, LONGEST_DATA)
    integer(chunk_size, "chunkSize", SMALLEST_CHUNK, LARGEST_CHUNK)


def _check_key_size(key: bytes) -> None:
    if len(key) != KEY_SIZE:
        raise ValueMalformed("key", f"{len(key)} bytes", f"{KEY_SIZE} bytes")


def _check_key(parcel: Parcel, key: bytes) -> None:
    _check_key_size(key)
    _check_digest(parcel.sealed.key_hash, _hex(keccak(key)))


def _check_digest(stated: Digest, computed: Digest) -> None:
    if stated != computed:
        raise DigestMismatch(stated, computed)


def _hex(data: bytes) -> Digest:
    return "0x" + data.hex()
