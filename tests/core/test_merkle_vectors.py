"""The tree against tests/vectors/rfc6962.json, which others published."""

import json
from pathlib import Path

import pytest

from marketplace.core.errors import NotConsistent, NotIncluded
from marketplace.core.merkle import (
    Tree,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    resolve,
    root_hash,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "rfc6962.json").read_text())
LEAVES = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]
NODES = {
    (height, position): bytes.fromhex(node)
    for height, row in enumerate(VECTORS["nodes"])
    for position, node in enumerate(row)
}


def test_every_root_and_node_is_the_published_one():
    assert [root_hash(LEAVES[:size]) for size in range(9)] == ROOTS
    assert [Tree().grown(LEAVES[:size]).tree.root for size in range(9)] == ROOTS
    assert Tree().grown(LEAVES).nodes == NODES


@pytest.mark.parametrize("told", VECTORS["inclusion"])
def test_inclusion_is_proved_and_checked_as_published(told):
    proof = tuple(map(bytes.fromhex, told["proof"]))
    index, size = told["index"], told["size"]
    assert resolve(inclusion_path(index, size), NODES.__getitem__) == proof
    check_inclusion(LEAVES[index], index, (size, ROOTS[size]), proof)
    with pytest.raises(NotIncluded):
        check_inclusion(LEAVES[index], index, (size, ROOTS[0]), proof)


@pytest.mark.parametrize("told", VECTORS["consistency"])
def test_consistency_is_proved_and_checked_as_published(told):
    proof = tuple(map(bytes.fromhex, told["proof"]))
    old, size = told["old"], told["size"]
    assert resolve(consistency_path(old, size), NODES.__getitem__) == proof
    check_consistency((old, ROOTS[old]), (size, ROOTS[size]), proof)
    with pytest.raises(NotConsistent):
        check_consistency((old, ROOTS[old]), (size, ROOTS[0]), proof)
