"""Tiles as somebody serves them, believed where a root proves them.

``TileReader`` computes proofs from tiles and believes none: whoever checks a proof has
checked the tiles that it came from. ``ProvenTiles`` reads the tiles of a tree whose root is
known, from the root down, and gives out no hash and no entry that the root does not prove.
Full tiles never change, so what was proved once is kept; what is kept is proved again each
time, for a disk, too, may say anything.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeAlias

from marketplace.core import merkle
from marketplace.core.errors import (
    Missing,
    ProofMalformed,
    TileDiffers,
    TileMissing,
    ValueMalformed,
)
from marketplace.core.merkle import (
    Node,
    Proof,
    check_consistency,
    consistency_path,
    inclusion_path,
    leaf_hash,
    over,
    resolve,
    root_hash,
)
from marketplace.core.tiles import (
    HEIGHT,
    WIDTH,
    Tile,
    hashes_in,
    leaves_in,
    run_of,
    subtree,
    tile_of,
    width_of,
)

# The bytes below a path of C2SP tlog-tiles, as ``tile/0/x001/067``; Missing where there are none.
Fetch: TypeAlias = Callable[[str], bytes]


class Kept(Protocol):
    """Where tiles are kept that were proved."""

    def get(self, tile: Tile) -> bytes | None:
        """What was put there last, or anything that a broken disk makes of it."""
        ...

    def put(self, tile: Tile, data: bytes) -> None:
        """Keep a tile."""
        ...


class TilesOnDisk:
    """Tiles below a directory, under the names by which they are served."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def get(self, tile: Tile) -> bytes | None:
        """The tile's file; None where there is none."""
        try:
            return (self._directory / tile.path).read_bytes()
        except OSError:
            return None

    def fetch(self, path: str) -> bytes:
        """The bytes of a path, as a server would give them: no more believed than one."""
        tile = Tile.parse(path.removeprefix("tile/"))
        data = self.get(tile)
        if data is None:
            raise TileMissing(tile.path, 0)
        return data

    def put(self, tile: Tile, data: bytes) -> None:
        """Write it beside, then under its name.

        Not flushed: each tile is proved when it is read, so a torn one costs a download.
        """
        path = self._directory / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_suffix(f".{os.getpid()}")
        begun.write_bytes(data)
        begun.rename(path)


class TileReader:
    """The tiles of one log, from wherever they are.

    Args:
        fetch: gets the bytes of a path.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch

    def inclusion(self, index: int, size: int) -> Proof:
        """The proof that an index is in the tree of a size; see ``merkle.check_inclusion``.

        Raises:
            ProofMalformed: that tree has no such index.
            ValueMalformed: a tile has another form than its name says.
        """
        if not 0 <= index < size:
            raise ProofMalformed(f"index {index}", f"one below the size, {size}")
        return self._proof(inclusion_path(index, size), size)

    def consistency(self, old: int, size: int) -> Proof:
        """The proof that the tree of a size begins with that of an older size.

        See ``merkle.check_consistency``, which believes it; raises as ``inclusion``.
        """
        if not 0 <= old <= size:
            raise ProofMalformed(f"size {old}", f"at most {size}")
        return self._proof(consistency_path(old, size), size)

    def check_growth(self, old: tuple[int, bytes], new: tuple[int, bytes]) -> None:
        """Raise NotConsistent unless the tree of a size and root begins with the older one."""
        proof = self.consistency(old[0], new[0]) if old[0] <= new[0] else ()
        check_consistency(old, new, proof)

    def hashes(self, tile: Tile) -> list[bytes]:
        """A tile's hashes as they are served; raises ValueMalformed where they are not so many."""
        return contents(tile, self.served(tile))

    def leaves(self, tile: Tile) -> list[bytes]:
        """An entry bundle's leaves as they are served; raises as ``hashes``."""
        return contents(tile, self.served(tile))

    def served(self, tile: Tile) -> bytes:
        """A tile's bytes.

        A part may be gone once the whole is there, so that is asked next (C2SP tlog-tiles).
        """
        try:
            return self._fetch(f"tile/{tile.path}")
        except Missing:
            if tile.width == WIDTH:
                raise
        whole = Tile(tile.level, tile.index)
        data = self._fetch(f"tile/{whole.path}")
        return _cut(tile, data)

    def _proof(self, path: merkle.Path, size: int) -> Proof:
        read: dict[Tile, list[bytes]] = {}

        def hash_of(node: Node) -> bytes:
            run = run_of(node)
            tile, offset = tile_of(run, size)
            if tile not in read:
                read[tile] = self.hashes(tile)
            return subtree(read[tile][offset : offset + run.count])

        return resolve(path, hash_of)


class ProvenTiles:
    """The tiles of the tree of a size and root; none is given out that the root does not prove.

    Args:
        reader: where they are served.
        tree: size and root.
        kept: where full tiles are kept.

    Raises:
        TileDiffers: the right edge's tiles lead to another root.
    """

    def __init__(
        self, reader: TileReader, tree: tuple[int, bytes], kept: Kept | None = None
    ) -> None:
        self._reader, self._kept = reader, kept
        self.size, self.root = tree
        self._proven: dict[tuple[int, int], list[bytes]] = {}
        self._prove_edge()

    def hashes(self, level: int, index: int) -> list[bytes]:
        """A tile's hashes.

        Raises:
            TileDiffers: it, or one above it, is not the tree's.
        """
        known = self._proven.get((level, index))
        if known is None:
            known = self._read(Tile(level, index), list)
            if level:
                # Those of leaves are read once, and are many.
                self._proven[level, index] = known
        return known

    def leaves(self, index: int) -> list[bytes]:
        """An entry bundle's leaves; raises as ``hashes``."""
        return self.bundle(index)[0]

    def bundle(self, index: int) -> tuple[list[bytes], list[bytes]]:
        """An entry bundle's leaves and their hashes; raises as ``hashes``."""
        hashed: list[bytes] = []

        def hashes_of(leaves: list[bytes]) -> list[bytes]:
            hashed[:] = map(leaf_hash, leaves)
            return hashed

        width = width_of(0, index, self.size)
        if width < WIDTH:
            tile = Tile(None, index, width)
            leaves = self._reader.leaves(tile)
            if hashes_of(leaves) != self.hashes(0, index):
                raise _differs(tile, self.hashes(0, index), hashed)
        else:
            leaves = self._read(Tile(None, index), hashes_of)
        return leaves, hashed

    def _read(
        self,
        tile: Tile,
        hashes_of: Callable[[list[bytes]], list[bytes]],
    ) -> list[bytes]:
        """A full tile: the kept one if it is right, or else the one that is served."""
        above = self.hashes((tile.level or 0) + 1, tile.index >> HEIGHT)
        expected = above[tile.index % WIDTH]
        data = self._kept.get(tile) if self._kept else None
        if data is not None:
            try:
                found = contents(tile, data)
                if root_hash(hashes_of(found)) == expected:
                    return found
            except ValueMalformed:
                pass  # torn: asked for again
        data = self._reader.served(tile)
        found = contents(tile, data)
        computed = root_hash(hashes_of(found))
        if computed != expected:
            raise TileDiffers(tile.path, expected.hex(), computed.hex())
        if self._kept:
            self._kept.put(tile, data)
        return found

    def _prove_edge(self) -> None:
        """Of each level the tile that is not full; together they have all peaks of the tree."""
        peaks: list[bytes] = []
        level, tiles = 0, []
        while self.size >> (HEIGHT * level):
            index = (self.size >> (HEIGHT * level)) >> HEIGHT
            width = width_of(level, index, self.size)
            if width > 0:
                tile = Tile(level, index, width)
                found = self._proven[level, index] = self._reader.hashes(tile)
                tiles.append(tile)
                peaks = _peaks(found) + peaks
            level += 1
        root = over(peaks) if peaks else root_hash(())
        if root != self.root:
            told = " ".join(tile.path for tile in tiles)
            raise TileDiffers(told or "none", self.root.hex(), root.hex())
        if self._kept:
            # So that, should the log be rewritten, its proofs can be had from what is kept.
            for tile in tiles:
                self._kept.put(tile, b"".join(self._proven[tile.level or 0, tile.index]))


def contents(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes or leaves of a tile's bytes; ValueMalformed unless they are as many as named."""
    try:
        found = hashes_in(data) if tile.level is not None else leaves_in(data)
    except ValueMalformed:
        found = []
    if len(found) != tile.width:
        told = f"{tile.path}, {len(data)} bytes"
        raise ValueMalformed("tile", told, f"just {tile.width} whole hashes or entries")
    return found


def _peaks(hashes: list[bytes]) -> list[bytes]:
    """The roots of the whole subtrees over a tile's hashes, the largest first."""
    found, at = [], 0
    while at < len(hashes):
        width = 1 << ((len(hashes) - at).bit_length() - 1)
        found.append(root_hash(hashes[at : at + width]))
        at += width
    return found


def _cut(tile: Tile, data: bytes) -> bytes:
    """The part of a full tile's bytes that a narrower one has."""
    if tile.level is not None:
        return b"".join(hashes_in(data)[: tile.width])
    leaves = leaves_in(data)[: tile.width]
    return data[: sum(len(leaf) + 2 for leaf in leaves)]


def _differs(tile: Tile, expected: list[bytes], found: list[bytes]) -> TileDiffers:
    return TileDiffers(tile.path, root_hash(expected).hex(), root_hash(found).hex())
