"""What a buyer can rely on before it signs, and prove after the key is out."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marketplace.core.errors import DigestMismatch, ParleyError, ValueMalformed
from marketplace.core.sealing import (
    LARGEST_CHUNK,
    LONGEST_DATA,
    SMALLEST_CHUNK,
    Complaint,
    Parcel,
    Sealed,
    check_sealed,
    complaint,
    crypt,
    leaf_hash,
    open_sealed,
    proof,
    root_hash,
    seal,
)
from marketplace.core.values import keccak

ROOT = Path(__file__).parents[2]
KEY = keccak(b"key")
DATA = bytes(range(250))

datas = st.binary(min_size=1, max_size=700)
keys = st.binary(min_size=32, max_size=32)
sizes = st.integers(SMALLEST_CHUNK, 100)


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def ciphertext_root(chunks: tuple[bytes, ...]) -> str:
    return hexed(root_hash([leaf_hash(chunk) for chunk in chunks]))


def resealed(parcel: Parcel, chunks=(), leaves=(), **said: int | str) -> Parcel:
    """The same parcel with other parts, roots that fit them, and other things said of it."""
    chunks, leaves = chunks or parcel.chunks, leaves or parcel.leaves
    roots = {
        "ciphertext_root": ciphertext_root(chunks),
        "plaintext_root": hexed(root_hash(leaves)),
    }
    return Parcel(replace(parcel.sealed, **(roots | said)), leaves, chunks)


def folded(leaf: bytes, index: int, siblings: tuple[bytes, ...]) -> str:
    for sibling in siblings:
        pair = sibling + leaf if index & 1 else leaf + sibling
        leaf, index = keccak(b"\x01" + pair), index >> 1
    return hexed(leaf)


def proves(sealed: Sealed, given: Complaint) -> bool:
    """The rules of ExchangeArbiter.sol, read from its side."""
    number = -(-sealed.length // sealed.chunk_size)
    depth = (number - 1).bit_length()
    return (
        given.index < number
        and len(given.chunk)
        == min(sealed.chunk_size, sealed.length - given.index * sealed.chunk_size)
        and len(given.chunk_proof) == len(given.leaf_proof) == depth
        and folded(leaf_hash(given.chunk), given.index, given.chunk_proof) == sealed.ciphertext_root
        and folded(given.leaf, given.index, given.leaf_proof) == sealed.plaintext_root
        and leaf_hash(crypt(given.chunk, given.key, given.index)) != given.leaf
    )


# ------------------------------------------------------------------ an honest seller


@given(datas, keys, sizes)
def test_what_was_sealed_passes_the_check_and_opens_to_the_same_bytes(data, key, size):
    parcel = seal(data, key, size)
    check_sealed(parcel, parcel.sealed.plaintext_root)
    assert open_sealed(parcel, key) == data
    assert complaint(parcel, key) is None


@given(datas, keys, sizes, st.integers(0, 30), st.binary(min_size=32, max_size=32))
def test_nothing_of_an_honest_parcel_makes_a_complaint(data, key, size, index, leaf):
    parcel = seal(data, key, size)
    index %= len(parcel.chunks)
    encrypted = [leaf_hash(chunk) for chunk in parcel.chunks]
    siblings = proof(encrypted, index), proof(parcel.leaves, index)
    honest = Complaint(
        key, index, parcel.chunks[index], siblings[0], parcel.leaves[index], siblings[1]
    )
    assert not proves(parcel.sealed, honest)
    assert leaf == honest.leaf or not proves(parcel.sealed, replace(honest, leaf=leaf))
    assert not proves(parcel.sealed, replace(honest, index=index ^ 1))


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_proves_itself_at_its_own_place_and_nowhere_else(size: int):
    leaves = [keccak(bytes([n])) for n in range(size)]
    for index, leaf in enumerate(leaves):
        siblings = proof(leaves, index)
        proved = [
            at for at in range(size) if folded(leaf, at, siblings) == hexed(root_hash(leaves))
        ]
        assert proved == [index]


@pytest.mark.parametrize("size", range(1, 34))
def test_the_root_is_that_of_the_leaves_and_zeros_up_to_a_power_of_two(size: int):
    leaves = [keccak(bytes([n])) for n in range(size)]
    whole = 1 << (size - 1).bit_length()
    assert root_hash(leaves) == root_hash(leaves + [bytes(32)] * (whole - size))


def test_a_tree_of_two_is_not_a_leaf_of_their_hashes():
    a, b = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(a + b) != root_hash([a, b]) != root_hash([b, a])


@given(keys, st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_no_two_chunks_share_a_keystream(key, one, other):
    assume(one != other)
    assert crypt(bytes(64), key, one) != crypt(bytes(64), key, other)
    assert crypt(bytes(64), key, one)[:32] != crypt(bytes(64), key, one)[32:]


def test_nothing_is_sealed_in_a_shape_that_a_buyer_would_refuse():
    for data, key, size in (
        (b"", KEY, SMALLEST_CHUNK),
        (DATA, KEY[1:], SMALLEST_CHUNK),
        (DATA, KEY, SMALLEST_CHUNK - 1),
        (DATA, KEY, LARGEST_CHUNK + 1),
    ):
        with pytest.raises(ValueMalformed):
            seal(data, key, size)


# ------------------------------------------------------------------ a cheating seller


@given(datas, keys, sizes, st.data())
def test_any_wrong_bit_that_passes_the_check_is_provable(data, key, size, draw):
    parcel = seal(data, key, size)
    index = draw.draw(st.integers(0, len(parcel.chunks) - 1))
    wrong = bytearray(parcel.chunks[index])
    wrong[draw.draw(st.integers(0, len(wrong) - 1))] ^= draw.draw(st.integers(1, 255))
    chunks = (*parcel.chunks[:index], bytes(wrong), *parcel.chunks[index + 1 :])
    spoilt = resealed(parcel, chunks=chunks)
    check_sealed(spoilt, parcel.sealed.plaintext_root)
    with pytest.raises(DigestMismatch):
        open_sealed(spoilt, key)
    found = complaint(spoilt, key)
    assert found is not None
    assert found.index == index
    assert proves(spoilt.sealed, found)


@given(datas, sizes, st.binary(min_size=32, max_size=32), st.data())
def test_a_leaf_that_no_chunk_has_is_provable(data, size, leaf, draw):
    parcel = seal(data, KEY, size)
    index = draw.draw(st.integers(0, len(parcel.leaves) - 1))
    assume(leaf != parcel.leaves[index])
    leaves = (*parcel.leaves[:index], leaf, *parcel.leaves[index + 1 :])
    spoilt = resealed(parcel, leaves=leaves)
    check_sealed(spoilt, spoilt.sealed.plaintext_root)
    found = complaint(spoilt, KEY)
    assert found is not None
    assert proves(spoilt.sealed, found)


@given(datas, keys, keys)
def test_another_key_is_refused_and_no_ground_for_a_complaint(data, key, other):
    assume(key != other)
    parcel = seal(data, key, SMALLEST_CHUNK)
    for use in (open_sealed, complaint):
        with pytest.raises(DigestMismatch):
            use(parcel, other)
        with pytest.raises(ValueMalformed):
            use(parcel, key + b"\0")


def short_chunk(parcel: Parcel) -> Parcel:
    return resealed(parcel, chunks=(parcel.chunks[0][:-1], *parcel.chunks[1:]))


def long_last_chunk(parcel: Parcel) -> Parcel:
    return resealed(parcel, chunks=(*parcel.chunks[:-1], parcel.chunks[-1] + b"\0"))


def short_leaf(parcel: Parcel) -> Parcel:
    return resealed(parcel, leaves=(parcel.leaves[0][:-1], *parcel.leaves[1:]))


def chunk_too_many(parcel: Parcel) -> Parcel:
    return resealed(parcel, chunks=(*parcel.chunks, b""))


def leaf_too_many(parcel: Parcel) -> Parcel:
    # A zero leaf is the padding itself: the root does not change.
    return resealed(parcel, leaves=(*parcel.leaves, bytes(32)))


def leaf_too_few(parcel: Parcel) -> Parcel:
    return resealed(parcel, leaves=parcel.leaves[:-1])


SPOILT: dict[str, Callable[[Parcel], Parcel]] = {
    "a chunk shorter than the others": short_chunk,
    "a longer last chunk": long_last_chunk,
    "a leaf that is no hash": short_leaf,
    "a chunk too many": chunk_too_many,
    "a leaf too many": leaf_too_many,
    "a leaf too few": leaf_too_few,
    "a byte less said": lambda parcel: resealed(parcel, length=len(DATA) - 1),
    "a byte more said": lambda parcel: resealed(parcel, length=len(DATA) + 1),
    "another chunk size said": lambda parcel: resealed(parcel, chunk_size=33),
    "no data": lambda parcel: resealed(parcel, length=0),
    "a terabyte said": lambda parcel: resealed(parcel, length=LONGEST_DATA),
    "chunks of nothing": lambda parcel: resealed(parcel, chunk_size=0),
    "a chunk too large to complain of": lambda parcel: resealed(parcel, chunk_size=1 << 20),
    "another ciphertext root": lambda parcel: resealed(parcel, ciphertext_root=hexed(KEY)),
    "another plaintext root": lambda parcel: resealed(parcel, plaintext_root=hexed(KEY)),
    "chunks in another order": lambda parcel: Parcel(
        parcel.sealed, parcel.leaves, (parcel.chunks[1], parcel.chunks[0], *parcel.chunks[2:])
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_could_not_be_complained_of_is_refused_before_it_is_signed(what: str):
    parcel = seal(DATA, KEY, SMALLEST_CHUNK)
    with pytest.raises(ParleyError):
        check_sealed(SPOILT[what](parcel), parcel.sealed.plaintext_root)


def test_other_data_than_the_listing_promised_is_refused():
    parcel = seal(DATA, KEY, SMALLEST_CHUNK)
    with pytest.raises(DigestMismatch):
        check_sealed(parcel, seal(DATA[1:], KEY, SMALLEST_CHUNK).sealed.plaintext_root)


# ------------------------------------------------------------------ what is fixed


def test_the_goods_are_the_struct_hash_in_the_order_of_solidity():
    parcel = seal(DATA, KEY, SMALLEST_CHUNK)
    assert Sealed.TYPE == (
        "Sealed(bytes32 plaintextRoot,bytes32 ciphertextRoot,bytes32 keyHash,uint40 length,"
        "uint32 chunkSize)"
    )
    assert parcel.sealed.goods == hexed(parcel.sealed.struct_hash())
    assert parcel.sealed.key_hash == hexed(keccak(KEY))


def test_the_vectors_are_fresh():
    command = [sys.executable, "scripts/sealed_vectors.py", "--check"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
