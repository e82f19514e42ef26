"""A log's tiles as a careful or a careless server has them: bytes below paths."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from marketplace.core.errors import TileMissing
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.tiles import HEIGHT, WIDTH, Tile, bundled, width_of


@dataclass
class TileServer:
    """Serves the tiles of some leaves; ``spoiled`` bytes come in the place of the honest."""

    leaves: Sequence[bytes]
    spoiled: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    drops_parts: bool = False
    _levels: dict[int, list[bytes]] = field(default_factory=dict)

    def fetch(self, path: str) -> bytes:
        """The bytes of a path."""
        self.asked.append(path)
        if path in self.spoiled:
            return self.spoiled[path]
        tile = Tile.parse(path.removeprefix("tile/"))
        widest = width_of(tile.level or 0, tile.index, len(self.leaves))
        if tile.width > widest or (self.drops_parts and tile.width < widest == WIDTH):
            raise TileMissing(tile.path, len(self.leaves))
        return self.honest(tile)

    def honest(self, tile: Tile) -> bytes:
        """A tile's true bytes."""
        if tile.level is None:
            start = tile.index * WIDTH
            return bundled(self.leaves[start : start + tile.width])
        return b"".join(self.level(tile.level)[tile.index * WIDTH :][: tile.width])

    def level(self, level: int) -> list[bytes]:
        """All hashes of a level."""
        if level not in self._levels:
            below = self.level(level - 1) if level else []
            self._levels[level] = (
                [
                    root_hash(below[at * WIDTH : (at + 1) * WIDTH])
                    for at in range(len(below) >> HEIGHT)
                ]
                if level
                else [leaf_hash(leaf) for leaf in self.leaves]
            )
        return self._levels[level]

    def tree(self, size: int | None = None) -> tuple[int, bytes]:
        """Size and root, of all leaves or of the first so many."""
        size = len(self.leaves) if size is None else size
        return size, root_hash(self.level(0)[:size])
