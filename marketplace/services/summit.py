"""The summit: size and root of the log, without hashing all of it again."""

from dataclasses import dataclass

from marketplace.core.merkle import Tree
from marketplace.ports.store import Store

PAGE = 1_000


@dataclass
class Summit:
    """Remembers what whole trees the log's leaves make; entries never change."""

    store: Store
    _tree: Tree = Tree()

    async def now(self) -> tuple[int, bytes]:
        """How many entries there are, and the root over just these."""
        size = await self.store.size()
        if size > self._tree.size + PAGE:
            leaves = await self.store.leaves()
            for index in range(self._tree.size, len(leaves)):
                self._take(index, leaves[index])
        while self._tree.size < size:
            for entry in await self.store.entries(self._tree.size, PAGE):
                self._take(entry.index, entry.record.leaf_hash)
        return self._tree.size, self._tree.root

    def _take(self, index: int, leaf: bytes) -> None:
        # Another request may have come as far meanwhile.
        if index == self._tree.size:
            self._tree = self._tree.grown([leaf]).tree
