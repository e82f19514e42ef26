"""Tiles: the log's hashes and entries in pieces that never change.

A tile has up to 256 hashes of one level, side by side: those of leaves at level 0, and at
each level above, the roots over whole tiles of the level below. An entry bundle has the
leaves themselves. One that is not full yet is named with its width, and may be dropped once
the full one is there.

Source: C2SP tlog-tiles.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.core.errors import ValueMalformed
from marketplace.core.merkle import Node, root_hash
from marketplace.core.values import shown

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
HASH_BYTES: Final = 32
LARGEST_LEAF: Final = (1 << 16) - 1
# Of a log of 2^40 entries; the specification ends at level 63.
HIGHEST_LEVEL: Final = 5
ENTRIES: Final = "entries"

# No log has more than 2^64 entries, and no number is read that is longer.
_PATH = re.compile(
    rf"(entries|[0-{HIGHEST_LEVEL}])/((?:x[0-9]{{3}}/){{0,6}}[0-9]{{3}})(?:\.p/([1-9][0-9]{{0,2}}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Run:
    """Hashes side by side: ``count`` of a level from ``start`` on."""

    level: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's name.

    Attributes:
        level: of its hashes; None of an entry bundle.
        index: which of its level, from 0.
        width: how many hashes or entries it has.
    """

    level: int | None
    index: int
    width: int = WIDTH

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """The tile of a path below ``/tile/``, in its one spelling; raises ValueMalformed."""
        found = _PATH.match(path)
        if found is not None:
            level = None if found[1] == ENTRIES else int(found[1])
            index = int(found[2].replace("x", "").replace("/", ""))
            tile = cls(level, index, int(found[3] or WIDTH))
            if tile.path == path:
                return tile
        raise ValueMalformed("tile", shown(path), "a path as in C2SP tlog-tiles: 0/x001/067")

    @property
    def path(self) -> str:
        """Its path below ``/tile/``."""
        digits = f"{self.index:03d}"
        digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        told = "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{ENTRIES if self.level is None else self.level}/{told}{part}"

    @property
    def run(self) -> Run:
        """Its hashes, or the leaves whose entries it has."""
        return Run(self.level or 0, self.index * WIDTH, self.width)


def width_of(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in the tree of a size; at most 0 where it has none."""
    return min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH)


def run_of(node: Node) -> Run:
    """Of which hashes of a tile a whole subtree is the root."""
    height, position = node
    level, above = divmod(height, HEIGHT)
    return Run(level, position << above, 1 << above)


def tile_of(run: Run, size: int) -> tuple[Tile, int]:
    """The tile of a tree of a size that has a run of ``run_of``, and where in it that begins."""
    index, offset = divmod(run.start, WIDTH)
    return Tile(run.level, index, width_of(run.level, index, size)), offset


def subtree(hashes: Sequence[bytes]) -> bytes:
    """The root of the whole subtree over a run of ``run_of``."""
    return root_hash(hashes)


def hashes_in(data: bytes) -> list[bytes]:
    """The hashes of a tile's bytes; raises ValueMalformed where they are cut."""
    if len(data) % HASH_BYTES:
        raise ValueMalformed("tile", f"{len(data)} bytes", f"whole hashes of {HASH_BYTES} bytes")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def bundled(leaves: Sequence[bytes]) -> bytes:
    """An entry bundle: each leaf after its length, two bytes, big end first."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def leaves_in(data: bytes) -> list[bytes]:
    """The leaves of an entry bundle; raises ValueMalformed where it is cut."""
    return list(_leaves(data))


def _leaves(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        begin = at + 2
        at = begin + int.from_bytes(data[at:begin], "big")
        if at > len(data):
            raise ValueMalformed("entries", f"{len(data)} bytes", "each entry whole")
        yield data[begin:at]
