"""Receipts: the log's own word on an entry, and its checkpoints.

A checkpoint is signed only of a tree that is durable: the same tree is the same checkpoint,
however often and by which worker it is signed, so that no crash makes a log say two things
of one size.
"""

from dataclasses import dataclass, field

from marketplace.core.checkpoint import Checkpoint, LogKey
from marketplace.core.errors import LogBehind, TileMissing
from marketplace.core.merkle import Node, Path, Proof, Tree, inclusion_path, resolve
from marketplace.core.signature import Signature
from marketplace.core.tiles import Tile, bundled, run_of, subtree, tile_of, width_of
from marketplace.ports.store import Entry, Store
from marketplace.wire.views import ProvenView, Receipt


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint with its EIP-712 signature, and the tree that it is of."""

    checkpoint: Checkpoint
    signature: Signature
    tree: Tree


@dataclass
class Receipts:
    """Signs what the store has, and proves what is in it.

    Attributes:
        key: the log's.
        store: its entries.
        behind: as in ``Log``.
    """

    key: LogKey
    store: Store
    behind: tuple[int, int] | None = None
    _last: Signed | None = field(default=None, repr=False)

    async def of(self, entry: Entry) -> Receipt:
        """The receipt of an entry: where it stands, under which signed root."""
        if entry.growth is not None:
            tree, proof = entry.growth.tree, entry.growth.inclusion(entry.index)
        else:
            tree = await self.store.tree()
            proof = await self.proof(inclusion_path(entry.index, tree.size), tree.size)
        signed = self.signed(tree)
        proven = ProvenView.from_core(entry, signed.checkpoint, signed.signature, proof)
        return Receipt.from_entry(entry, proven)

    async def now(self) -> Signed:
        """The checkpoint of the log as it is."""
        return self.signed(await self.store.tree())

    async def note(self) -> str:
        """The same as a signed note."""
        signed = await self.now()
        return self.key.note(signed.checkpoint, signed.signature)

    def signed(self, tree: Tree) -> Signed:
        """The signed checkpoint of a tree that is durable; LogBehind where none may be signed."""
        if self.behind is not None:
            raise LogBehind(*self.behind)
        # A group is signed once, however many receipts it has.
        last = self._last
        if last is None or last.tree != tree:
            if last is not None and last.tree.size == tree.size:
                # A store that lost what it had made durable would be signed as a fork.
                raise LogBehind(tree.size, last.tree.size)
            checkpoint = Checkpoint(self.key.origin, tree.size, tree.root)
            last = self._last = Signed(checkpoint, self.key.sign(checkpoint), tree)
        return last

    async def proof(self, path: Path, size: int) -> Proof:
        """The proof of a path in the tree of a size, that is stored."""
        tiles: dict[Tile, list[bytes]] = {}
        found: dict[Node, bytes] = {}
        for node in {node for row in path for node in row}:
            run = run_of(node)
            tile, offset = tile_of(run, size)
            # Most of a path lies in a few tiles, and a tile costs hardly more than a hash of it.
            if tile not in tiles:
                tiles[tile] = await self.store.hashes(tile.run)
            found[node] = subtree(tiles[tile][offset : offset + run.count])
        return resolve(path, found.__getitem__)

    async def tile(self, tile: Tile) -> bytes:
        """A tile's bytes.

        Raises:
            TileMissing: the log is not that large yet.
        """
        size = (await self.store.tree()).size
        if tile.width > width_of(tile.level or 0, tile.index, size):
            raise TileMissing(tile.path, size)
        if tile.level is not None:
            return b"".join(await self.store.hashes(tile.run))
        return bundled(await self.store.leaves(tile.run.start, tile.width))
