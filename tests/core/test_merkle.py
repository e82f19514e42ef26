"""The tree against RFC 6962's own words, written as the recursion they are."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.errors import NotConsistent, NotIncluded, ProofMalformed
from marketplace.core.merkle import (
    Growth,
    Tree,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    resolve,
    root_hash,
    roots_between,
)

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
LEAVES = [leaf_hash(f"entry {n}".encode()) for n in range(150)]


def mth(hashes: list[bytes]) -> bytes:
    """MTH(D[n]) as RFC 6962 §2.1 defines it, over leaf hashes."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) as RFC 6962 §2.1.1 defines it."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) as RFC 6962 §2.1.2 defines it."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole=whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], whole=False), mth(hashes[:k])]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def nodes(leaves: list[bytes]) -> Growth:
    return Tree().grown(leaves)


def proofs(size: int, old: int) -> tuple[tuple[bytes, ...], Growth]:
    grown = nodes(LEAVES[:size])
    return resolve(consistency_path(old, size), grown.nodes.__getitem__), grown


def root(entries: list[bytes]) -> bytes:
    return root_hash([leaf_hash(entry) for entry in entries])


def test_roots_equal_the_published_ones():
    entries = [bytes.fromhex(entry) for entry in INPUTS]
    assert [root(entries[:size]).hex() for size in range(1, 9)] == ROOTS
    assert root([]).hex() == EMPTY_ROOT == Tree().root.hex()


@pytest.mark.parametrize("size", range(71))
def test_root_equals_the_recursion_for_every_small_size(size: int):
    assert root_hash(LEAVES[:size]) == mth(LEAVES[:size]) == nodes(LEAVES[:size]).tree.root


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_root_equals_the_recursion_for_any_entries(entries: list[bytes]):
    assert root(entries) == mth([leaf_hash(entry) for entry in entries])


def test_two_leaves_are_not_one_leaf_of_their_hashes():
    a, b = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(a + b) != root_hash([a, b])


def test_root_leaves_its_leaves_as_they_were():
    leaves = [leaf_hash(bytes([n])) for n in range(5)]
    before = list(leaves)
    root_hash(leaves)
    assert leaves == before


@given(st.lists(st.integers(0, 40), max_size=5))
def test_tree_that_grows_in_any_steps_is_the_tree_of_all_its_leaves(steps: list[int]):
    tree = Tree()
    for step in steps:
        size = tree.size
        leaves = [leaf_hash(str(n).encode()) for n in range(size, size + step)]
        grown = tree.grown(leaves)
        tree = grown.tree
        for index in range(size, size + step):
            check_inclusion(
                leaves[index - size], index, (tree.size, tree.root), grown.inclusion(index)
            )
    everything = [leaf_hash(str(n).encode()) for n in range(sum(steps))]
    assert (tree.size, tree.root) == (len(everything), mth(everything))
    assert len(tree.peaks) == tree.size.bit_count()


@pytest.mark.parametrize("size", [*range(1, 35), 64, 65, 127, 150])
def test_proofs_are_those_of_the_recursion_and_hold_for_every_index_and_older_size(size: int):
    leaves, grown = LEAVES[:size], nodes(LEAVES[:size])
    for index in range(size):
        proof = grown.inclusion(index)
        assert list(proof) == path(index, leaves)
        check_inclusion(leaves[index], index, (size, mth(leaves)), proof)
    for old in range(size + 1):
        proof = resolve(consistency_path(old, size), grown.nodes.__getitem__)
        if old:
            assert list(proof) == subproof(old, leaves, whole=True)
        check_consistency((old, mth(leaves[:old])), (size, mth(leaves)), proof)


def flipped(draw: st.DrawFn, proof: list[bytes]) -> None:
    if proof:
        at = draw(st.integers(0, len(proof) - 1))
        proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << draw(st.integers(0, 255))).to_bytes(32)


def dropped(draw: st.DrawFn, proof: list[bytes]) -> None:
    if proof:
        del proof[draw(st.integers(0, len(proof) - 1))]


def added(draw: st.DrawFn, proof: list[bytes]) -> None:
    proof.insert(draw(st.integers(0, len(proof))), LEAVES[0])


def turned(_: st.DrawFn, proof: list[bytes]) -> None:
    proof.reverse()


CHANGES = [flipped, dropped, added, turned]


@given(st.data())
def test_no_changed_proof_passes(data: st.DataObject):
    size = data.draw(st.integers(2, 60))
    old = data.draw(st.integers(1, size - 1))
    made, grown = proofs(size, old)
    index, root = data.draw(st.integers(0, size - 1)), grown.tree.root
    for proof, check in (
        (made, lambda it: check_consistency((old, mth(LEAVES[:old])), (size, root), it)),
        (
            grown.inclusion(index),
            lambda it: check_inclusion(LEAVES[index], index, (size, root), it),
        ),
    ):
        check(proof)
        changed = list(proof)
        data.draw(st.sampled_from(CHANGES))(data.draw, changed)
        if changed != list(proof):
            with pytest.raises((NotConsistent, NotIncluded, ProofMalformed)):
                check(tuple(changed))


@given(size=st.integers(2, 60), data=st.data())
def test_no_proof_passes_for_another_leaf_index_size_or_root(size: int, data: st.DataObject):
    old, other = data.draw(st.integers(1, size - 1)), data.draw(st.integers(-1, size + 2))
    proof, grown = proofs(size, old)
    root, before = grown.tree.root, mth(LEAVES[:old])
    for wrong in (
        ((old, LEAVES[3]), (size, root)),
        ((old, before), (size, LEAVES[3])),
        ((old, root), (size, before)),
        *([((other, before), (size, root))] if other != old else []),
    ):
        with pytest.raises((NotConsistent, ProofMalformed)):
            check_consistency(*wrong, proof)
    proof = grown.inclusion(old)
    for leaf, index, tree in (
        (LEAVES[old - 1], old, (size, root)),
        (LEAVES[old], old, (size, before)),
        *([(LEAVES[old], other, (size, root))] if other != old else []),
    ):
        with pytest.raises((NotIncluded, ProofMalformed)):
            check_inclusion(leaf, index, tree, proof)


def test_log_of_no_entries_is_the_beginning_of_every_log_and_of_its_own_root_only():
    check_consistency((0, sha256().digest()), (3, mth(LEAVES[:3])), ())
    with pytest.raises(NotConsistent):
        check_consistency((0, LEAVES[0]), (3, mth(LEAVES[:3])), ())


def test_log_that_became_smaller_or_other_at_one_size_is_refused():
    with pytest.raises(NotConsistent):
        check_consistency((5, mth(LEAVES[:5])), (4, mth(LEAVES[:4])), ())
    with pytest.raises(NotConsistent):
        check_consistency((5, mth(LEAVES[:5])), (5, mth(LEAVES[1:6])), ())
    check_consistency((5, mth(LEAVES[:5])), (5, mth(LEAVES[:5])), ())


def test_proof_of_the_last_of_a_million_entries_is_no_longer_than_it_must_be():
    assert len(inclusion_path(999_999, 1_000_000)) == (999_999).bit_count() == 12
    assert len(inclusion_path(0, 1_000_000)) == 20
    assert max(len(consistency_path(old, 1_000_000)) for old in range(1, 1_000_000, 997)) <= 21


@pytest.mark.parametrize("change", [lambda proof: proof[:-1], lambda proof: (*proof, bytes(32))])
def test_proof_of_another_length_is_none_whatever_it_leads_to(change):
    grown = Tree().grown([leaf_hash(b"%d" % number) for number in range(13)])
    node, tree = grown.nodes.__getitem__, (13, grown.tree.root)
    # Of the last leaf, at the place behind it, as long as a proof of that would be.
    last = (*resolve(inclusion_path(12, 13), node), bytes(32))
    with pytest.raises(ProofMalformed):
        check_inclusion(grown.nodes[0, 12], 13, tree, last)
    for index in (0, 6, 12):
        proof = change(resolve(inclusion_path(index, 13), node))
        with pytest.raises(ProofMalformed):
            check_inclusion(grown.nodes[0, index], index, tree, proof)
    for old in (1, 6, 8, 12):
        before = old, Tree().grown([grown.nodes[0, index] for index in range(old)]).tree.root
        check_consistency(before, tree, resolve(consistency_path(old, 13), node))
        with pytest.raises(ProofMalformed):
            check_consistency(before, tree, change(resolve(consistency_path(old, 13), node)))


def test_what_needs_no_proof_is_given_none_and_one_root_is_of_one_size():
    root = Tree().grown([leaf_hash(b"%d" % number) for number in range(5)]).tree.root
    check_consistency((5, root), (5, root), ())
    with pytest.raises(ProofMalformed):
        check_consistency((5, root), (5, root), (root,))
    with pytest.raises(NotConsistent):
        check_consistency((5, root), (4, root), ())
    for old in (0, 5, 6):
        with pytest.raises(ProofMalformed):
            roots_between(old, root, 5, ())
