"""The summit: size and root of the log, without hashing all of it again."""

from dataclasses import dataclass

from marketplace.core.merkle import Peaks, grown, peaks_root
from marketplace.ports.store import Store

PAGE = 1_000


@dataclass
class Summit:
    """Remembers what whole trees the log's leaves make; entries never change."""

    store: Store
    _size: int = 0
    _peaks: Peaks = ()

    async def now(self) -> tuple[int, bytes]:
        """How many entries there are, and the root over just these."""
        size = await self.store.size()
        if size > self._size + PAGE:
            leaves = await self.store.leaves()
            for index in range(self._size, len(leaves)):
                self._take(index, leaves[index])
        while self._size < size:
            for entry in await self.store.entries(self._size, PAGE):
                self._take(entry.index, entry.record.leaf_hash)
        return self._size, peaks_root(self._peaks)

    def _take(self, index: int, leaf: bytes) -> None:
        # Another request may have come as far meanwhile.
        if index == self._size:
            self._peaks = grown(self._peaks, leaf)
            self._size += 1
