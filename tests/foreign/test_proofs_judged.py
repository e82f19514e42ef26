"""Proofs before foreign judges: they say what ours says, and they catch our prover lying.

Go judges inclusion and consistency, Sigstore inclusion in the tree of a signed checkpoint.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
from claims import Claim, Consistency, Inclusion, changed, extended, grown, imagined, included
from claims import proved as prove
from hypothesis import given, settings
from hypothesis import strategies as st
from judges import accepted, go, sigstore

from marketplace.core import merkle

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6962.json").read_text())
# A size is no part of the hashes: a proof often leads to the same root at another one, of which
# it is no size. Therefore checkpoints sign sizes, and readers take them from nowhere else.
UNBOUND = {"size"}
T = TypeVar("T")
seeds = st.integers(0, (1 << 64) - 1)


def judged(claims: Sequence[Claim]) -> list[bool]:
    return accepted(go([claim.case for claim in claims]))


def agreed(claims: Sequence[tuple[str, Claim]], verdicts: Sequence[bool]) -> None:
    """Ours are the same, and what was changed is refused."""
    for (what, claim), verdict in zip(claims, verdicts, strict=True):
        assert claim.holds() == verdict, (what, claim)
        if what not in UNBOUND:
            assert verdict == (what == "nothing"), (what, claim)


def tried(seed: int, make: Callable[[Random], tuple[Claim, Claim]]) -> list[tuple[str, Claim]]:
    """True claims and all that they can be changed to."""
    random = Random(seed)  # noqa: S311 repeatable, not secret
    claims = make(random)
    others = [other for claim in claims for other in changed(claim, random)]
    return [*(("nothing", claim) for claim in claims), *others]


def published() -> list[Claim]:
    roots = [bytes.fromhex(root) for root in VECTORS["roots"]]
    leaves = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]
    inclusions = [
        Inclusion(leaves[told["index"]], told["index"], told["size"], roots[told["size"]], hashes)
        for told in VECTORS["inclusion"]
        for hashes in [tuple(map(bytes.fromhex, told["proof"]))]
    ]
    consistencies = [
        Consistency(told["old"], roots[told["old"]], told["size"], roots[told["size"]], hashes)
        for told in VECTORS["consistency"]
        for hashes in [tuple(map(bytes.fromhex, told["proof"]))]
    ]
    return [*inclusions, *consistencies]


def test_published_proofs_are_accepted_by_all():
    claims = published()
    assert all(claim.holds() for claim in claims)
    assert all(judged(claims))
    signed = [claim.signed for claim in claims if isinstance(claim, Inclusion)]
    assert all(accepted(sigstore(signed)))


@given(seeds)
def test_go_says_what_we_say_of_every_proof_and_every_change_to_it(seed: int):
    claims = tried(seed, prove)
    agreed(claims, judged([claim for _, claim in claims]))


@given(seeds)
def test_go_says_what_we_say_of_trees_that_no_machine_could_hold(seed: int):
    claims = tried(seed, imagined)
    agreed(claims, judged([claim for _, claim in claims]))


@pytest.mark.parametrize("make", [prove, imagined])
@settings(max_examples=10)
@given(seeds)
def test_sigstore_says_what_we_say_of_every_proof_of_inclusion(make: Any, seed: int):  # noqa: ANN401 a maker of claims
    claims = [
        (what, claim)
        for more in range(2)
        for what, claim in tried(seed + more, make)
        if isinstance(claim, Inclusion)
    ]
    signed = [claim.signed for _, claim in claims if isinstance(claim, Inclusion)]
    agreed(claims, accepted(sigstore(signed)))


def test_another_size_of_the_same_shape_passes_before_all_of_us():
    # What UNBOUND stands for: the first of three leaves, told as the first of four.
    claim = included(0, *grown(3))
    other = Inclusion(claim.record, 0, 4, claim.root, claim.proof)
    assert [other.holds(), *judged([other])] == [True, True]
    assert accepted(sigstore([other.signed])) == [True]


def test_only_the_tree_of_no_leaves_is_ours_alone_to_judge():
    nothing = sha256(b"").digest()
    assert Consistency(0, nothing, 5, grown(5)[1].tree.root, ()).holds()
    assert judged([Consistency(0, nothing, 5, grown(5)[1].tree.root, ())]) == [False]


# ---------------------------------------------------------------- a prover that lies

PREFIXED = merkle.node_hash
WHOLE = merkle._whole


def folded(peaks: Sequence[bytes]) -> bytes:
    root = peaks[0]
    for right in peaks[1:]:
        root = PREFIXED(root, right)
    return root


FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "nodes are hashed without their prefix": (
        "node_hash",
        lambda left, right: sha256(left + right).digest(),
    ),
    "nodes are hashed as leaves": (
        "node_hash",
        lambda left, right: sha256(b"\0" + left + right).digest(),
    ),
    "children change sides": ("node_hash", lambda left, right: PREFIXED(right, left)),
    "a row of subtrees begins with the smallest": (
        "_whole",
        lambda low, high: WHOLE(low, high)[::-1],
    ),
    "a row is folded from the left": ("over", folded),
    "the top comes first": (
        "resolve",
        lambda path, hash_of: tuple(
            merkle.over([hash_of(node) for node in row]) for row in path[::-1]
        ),
    ),
    "the last element is forgotten": (
        "resolve",
        lambda path, hash_of: tuple(
            merkle.over([hash_of(node) for node in row]) for row in path[:-1]
        ),
    ),
}


def told(sizes: Sequence[int]) -> tuple[list[Inclusion], list[Consistency]]:
    trees = [grown(size) for size in sizes]
    return (
        [
            included(at, *tree)
            for size, tree in zip(sizes, trees, strict=True)
            for at in range(size)
        ],
        [
            extended(old, growth)
            for size, (_, growth) in zip(sizes, trees, strict=True)
            for old in range(1, size + 1)
        ],
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_our_prover_is_caught_by_go_and_by_sigstore(
    fault: str, monkeypatch: pytest.MonkeyPatch
):
    sizes = range(1, 18)
    honest = told(sizes)
    monkeypatch.setattr(merkle, *FAULTS[fault])
    faulty = told(sizes)
    monkeypatch.undo()
    inclusions = lies(honest[0], faulty[0])
    # Hashes of another kind can be consistent with one another: the roots are the honest ones.
    rooted = [
        replace(lie, old_root=truth.old_root, root=truth.root)
        for truth, lie in zip(honest[1], faulty[1], strict=True)
    ]
    assert not any(judged([*inclusions, *lies(honest[1], rooted)]))
    assert not any(accepted(sigstore([lie.signed for lie in inclusions])))
    assert all(judged([*honest[0], *honest[1]]))


def lies(truths: Sequence[T], claims: Sequence[T]) -> list[T]:
    """The claims that are not the true ones; a fault that shows in few of them tests little."""
    false = [claim for claim, truth in zip(claims, truths, strict=True) if claim != truth]
    assert len(false) > len(truths) // 20
    return false


def test_a_log_whose_leaves_are_hashed_without_their_prefix_is_caught_by_both(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(merkle, "leaf_hash", lambda data: sha256(data).digest())
    inclusions, consistencies = told(range(1, 18))
    monkeypatch.undo()
    assert not any(judged(inclusions))
    assert not any(accepted(sigstore([claim.signed for claim in inclusions])))
    # What leaves are is not seen from the hashes alone: such a log is consistent with itself.
    assert all(judged(consistencies))
