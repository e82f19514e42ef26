"""Tiles from another's server: proofs that hold, and nothing used that the root does not prove."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tile_server import TileServer

from marketplace.core.errors import NotConsistent, ProofMalformed, TileDiffers, ValueMalformed
from marketplace.core.merkle import check_consistency, check_inclusion, leaf_hash
from marketplace.core.tiles import WIDTH, Tile, bundled
from marketplace.sdk.tiles import ProvenTiles, TileReader, TilesOnDisk

LEAVES = [b"leaf %d" % number for number in range(70_000)]
SIZES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 1000, 65_535, 65_536, 65_537, 65_793, 70_000]
SMALL = TileServer(LEAVES[:1_000])
SERVERS = {size: TileServer(LEAVES[:size]) for size in SIZES}


@given(st.integers(1, 1_000).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))))
def test_proofs_from_tiles_hold_for_all_sizes_whatever_the_server_has_by_now(sizes):
    old, size = sizes
    reader = TileReader(SMALL.fetch)
    check_consistency(SMALL.tree(old), SMALL.tree(size), reader.consistency(old, size))
    if old < size:
        leaf = leaf_hash(LEAVES[old])
        check_inclusion(leaf, old, SMALL.tree(size), reader.inclusion(old, size))


def test_proofs_hold_where_the_tree_has_three_levels_of_tiles():
    big = SERVERS[70_000]
    reader, tree = TileReader(big.fetch), big.tree()
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        check_inclusion(leaf_hash(LEAVES[index]), index, tree, reader.inclusion(index, 70_000))
    reader.check_growth(big.tree(65_537), tree)


def test_a_server_that_dropped_its_parts_is_asked_for_the_whole():
    server = TileServer(LEAVES[:1_000], drops_parts=True)
    reader = TileReader(server.fetch)
    check_inclusion(leaf_hash(LEAVES[3]), 3, server.tree(900), reader.inclusion(3, 900))
    assert reader.leaves(Tile(None, 0, 5)) == LEAVES[:5]
    assert server.asked[-2:] == ["tile/entries/000.p/5", "tile/entries/000"]
    assert reader.hashes(Tile(0, 0, 5)) == [leaf_hash(leaf) for leaf in LEAVES[:5]]


def test_a_log_that_does_not_begin_with_the_older_one_is_refused():
    reader = TileReader(SMALL.fetch)
    reader.check_growth(SMALL.tree(300), SMALL.tree(1_000))
    with pytest.raises(NotConsistent):
        reader.check_growth((300, bytes(32)), SMALL.tree(1_000))
    with pytest.raises(NotConsistent):
        reader.check_growth(SMALL.tree(1_000), SMALL.tree(300))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (6, 5), (0, 0)])
def test_an_index_that_the_tree_does_not_have_has_no_proof(index, size):
    with pytest.raises(ProofMalformed):
        TileReader(SMALL.fetch).inclusion(index, size)


@pytest.mark.parametrize(("old", "size"), [(-1, 5), (6, 5)])
def test_a_larger_tree_is_not_the_older_one(old, size):
    with pytest.raises(ProofMalformed):
        TileReader(SMALL.fetch).consistency(old, size)


@pytest.mark.parametrize("cut", [b"", bytes(31), bytes(32), bytes(33), bytes(32 * 257)])
def test_a_tile_of_another_length_is_refused(cut):
    server = TileServer(LEAVES[:1_000], {"tile/0/000": cut})
    with pytest.raises(ValueMalformed):
        TileReader(server.fetch).hashes(Tile(0, 0))


@pytest.mark.parametrize("size", SIZES)
def test_every_tile_of_a_tree_is_proved_by_its_root(size):
    server = SERVERS[size]
    tiles = ProvenTiles(TileReader(server.fetch), server.tree())
    last = (size - 1) // WIDTH
    for index in {0, last // 2, last}:
        leaves = LEAVES[index * WIDTH : min(size, (index + 1) * WIDTH)]
        assert tiles.bundle(index) == (leaves, [leaf_hash(leaf) for leaf in leaves])
        assert tiles.hashes(0, index) == [leaf_hash(leaf) for leaf in leaves]


def test_the_tree_of_nothing_has_no_tiles():
    ProvenTiles(TileReader(TileServer([]).fetch), TileServer([]).tree())
    with pytest.raises(TileDiffers):
        ProvenTiles(TileReader(TileServer([]).fetch), (0, bytes(32)))


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/000",
        "tile/0/003.p/232",
        "tile/1/000.p/3",
        "tile/entries/000",
        "tile/entries/003.p/232",
    ],
)
def test_a_tile_with_one_wrong_bit_is_refused_by_its_name(path):
    server = TileServer(LEAVES[:1_000])
    honest = server.honest(Tile.parse(path.removeprefix("tile/")))
    for place in (2, len(honest) // 2, len(honest) - 1):
        wrong = honest[:place] + bytes([honest[place] ^ 1]) + honest[place + 1 :]
        server.spoiled = {path: wrong}
        with pytest.raises((TileDiffers, ValueMalformed)) as refused:
            read_each(server)
        assert path.removeprefix("tile/") in str(refused.value)


def read_each(server):
    tiles = ProvenTiles(TileReader(server.fetch), server.tree())
    for index in range(4):
        tiles.hashes(0, index)
        tiles.bundle(index)


def test_leaves_of_another_log_are_refused_though_their_own_hashes_fit_them():
    server = TileServer(LEAVES[:1_000])
    other = TileServer([b"other"] * 1_000)
    for tile in (Tile(None, 1), Tile(0, 1)):
        server.spoiled[f"tile/{tile.path}"] = other.honest(tile)
    tiles = ProvenTiles(TileReader(server.fetch), server.tree())
    with pytest.raises(TileDiffers):
        tiles.bundle(1)
    with pytest.raises(TileDiffers):
        tiles.hashes(0, 1)
    assert tiles.leaves(0) == LEAVES[:WIDTH]


# ------------------------------------------------------------------ what is kept


def read_all(server, directory):
    tiles = ProvenTiles(TileReader(server.fetch), server.tree(), TilesOnDisk(directory))
    found = [leaf for index in range(-(-tiles.size // WIDTH)) for leaf in tiles.leaves(index)]
    assert found == list(server.leaves)


def test_full_tiles_are_asked_for_once(tmp_path):
    first = TileServer(LEAVES[:1_000])
    read_all(first, tmp_path)
    grown = TileServer(LEAVES[:1_100])
    read_all(grown, tmp_path)
    assert [path for path in grown.asked if "entries" in path] == [
        "tile/entries/003",
        "tile/entries/004.p/76",
    ]


@pytest.mark.parametrize(
    "torn",
    [
        b"",
        b"\x00",
        bundled(LEAVES[:255]),
        bundled(LEAVES[:256])[:-1],
        bundled([*LEAVES[:255], b"other"]),
        bundled(LEAVES[:257]),
    ],
    ids=["empty", "one byte", "an entry short", "a byte short", "an entry wrong", "one too many"],
)
def test_a_torn_file_is_never_believed_and_is_replaced(tmp_path, torn):
    server = TileServer(LEAVES[:1_000])
    read_all(server, tmp_path)
    path = tmp_path / "entries/000"
    path.write_bytes(torn)
    server.asked.clear()
    read_all(server, tmp_path)
    assert "tile/entries/000" in server.asked
    assert path.read_bytes() == bundled(LEAVES[:256])


def test_what_the_root_does_not_prove_is_not_kept(tmp_path):
    server = TileServer(LEAVES[:1_000], {"tile/entries/000": bundled([b"x"] * 256)})
    with pytest.raises(TileDiffers):
        read_all(server, tmp_path)
    assert not (tmp_path / "entries/000").exists()
