"""The tree against RFC 6962's own words, written as the recursion they are."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.merkle import leaf_hash, root_hash

# Inputs and roots of the certificate-transparency project's test data, by tree size.
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def mth(entries: list[bytes]) -> bytes:
    """MTH(D[n]) as RFC 6962 §2.1 defines it."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def root(entries: list[bytes]) -> bytes:
    return root_hash([leaf_hash(entry) for entry in entries])


def test_roots_equal_the_published_ones():
    entries = [bytes.fromhex(entry) for entry in INPUTS]
    assert [root(entries[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root([]).hex() == EMPTY_ROOT


@pytest.mark.parametrize("size", range(71))
def test_root_equals_the_recursion_for_every_small_size(size: int):
    entries = [f"entry {n}".encode() for n in range(size)]
    assert root(entries) == mth(entries)


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_equals_the_recursion_for_any_entries(entries: list[bytes]):
    assert root(entries) == mth(entries)


def test_two_leaves_are_not_one_leaf_of_their_hashes():
    a, b = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(a + b) != root_hash([a, b])


def test_root_leaves_its_leaves_as_they_were():
    leaves = [leaf_hash(bytes([n])) for n in range(5)]
    before = list(leaves)
    root_hash(leaves)
    assert leaves == before
