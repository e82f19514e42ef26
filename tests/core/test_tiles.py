"""Tiles: names, cuts and what proofs read from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.errors import ValueMalformed
from marketplace.core.merkle import Tree, consistency_path, inclusion_path, leaf_hash
from marketplace.core.tiles import (
    WIDTH,
    Run,
    Tile,
    bundled,
    hashes_in,
    leaves_in,
    run_of,
    subtree,
    tile_of,
    width_of,
)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "0/000"),
        (Tile(0, 67), "0/067"),
        (Tile(1, 999), "1/999"),
        (Tile(0, 1000), "0/x001/000"),
        (Tile(0, 1_234_067), "0/x001/x234/067"),
        (Tile(2, 0, 7), "2/000.p/7"),
        (Tile(None, 273, 112), "entries/273.p/112"),
    ],
)
def test_names_are_those_of_the_specification(tile: Tile, path: str):
    assert tile.path == path
    assert Tile.parse(path) == tile


@given(st.sampled_from([None, 0, 1, 5]), st.integers(0, 10**12), st.integers(1, WIDTH))
def test_every_tile_has_one_name(level: int | None, index: int, width: int):
    tile = Tile(level, index, width)
    assert Tile.parse(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/1",
        "0/1000",
        "0/x000/001",
        "0/x001",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "6/000",
        "-1/000",
        "00/000",
        "0/000/",
        "0/000\n",
        "0/\u0660\u0660\u0660",
        "entries/../0/000",
        "Entries/000",
    ],
)
def test_other_spellings_are_no_names(path: str):
    with pytest.raises(ValueMalformed):
        Tile.parse(path)


@given(st.lists(st.binary(max_size=70), max_size=9))
def test_bundle_gives_back_its_leaves_and_no_cut_one_does(leaves: list[bytes]):
    data = bundled(leaves)
    assert leaves_in(data) == leaves
    whole = {len(bundled(leaves[:n])) for n in range(len(leaves) + 1)}
    for cut in range(len(data)):
        if cut not in whole:
            with pytest.raises(ValueMalformed):
                leaves_in(data[:cut])


def test_tile_of_a_cut_hash_is_refused():
    assert hashes_in(bytes(64)) == [bytes(32)] * 2
    with pytest.raises(ValueMalformed):
        hashes_in(bytes(65))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700, 65_536 + 300])
def test_each_subtree_of_a_proof_is_read_from_a_tile_that_the_tree_has(size: int):
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    nodes = Tree().grown(leaves).nodes
    levels = {level: [nodes[8 * level, n] for n in range(size >> 8 * level)] for level in range(3)}
    some = {0, 1, size // 3, size // 2, size - 1}
    paths = [inclusion_path(n, size) for n in some] + [consistency_path(n, size) for n in some]
    for node in {node for path in paths for row in path for node in row}:
        run = run_of(node)
        tile, offset = tile_of(run, size)
        assert 0 < tile.width == width_of(run.level, tile.index, size)
        held = levels[run.level][tile.run.start : tile.run.start + tile.run.count]
        assert len(held) == tile.width
        assert subtree(held[offset : offset + run.count]) == nodes[node]


def test_a_tile_above_the_leaves_names_its_hashes_and_a_bundle_its_leaves():
    assert Tile(1, 3, 9).run == Run(1, 768, 9)
    assert Tile(None, 2).run == Run(0, 512, 256)


def test_tile_is_as_wide_as_the_tree_fills_it_and_no_wider():
    assert [width_of(0, index, 700) for index in range(4)] == [256, 256, 188, -68]
    assert [width_of(1, 0, 256 * count) for count in (0, 1, 256, 300)] == [0, 1, 256, 256]


def test_number_that_no_log_reaches_is_no_name():
    whole = Tile(0, 10**21 - 1)
    assert Tile.parse(whole.path) == whole
    for groups in (7, 1_500):
        with pytest.raises(ValueMalformed):
            Tile.parse("0/" + "x111/" * groups + "000")
