"""Erasure: what was never public is forgotten by the operator's rule.

Bodies of negotiations that have long been over go, and what was left for the counterparty
with them. Leaves stay as they are: the log and every proof of it is what it was.
"""

from dataclasses import dataclass

from marketplace.ports.clock import Clock
from marketplace.ports.store import Store
from marketplace.services.archive import Archive
from marketplace.services.negotiations import Negotiations
from marketplace.services.recent import Recent

# Entries that are looked at in one transaction.
PAGE = 1_000


@dataclass
class Erasure:
    """Each worker erases, and each forgets what it holds in memory.

    Attributes:
        seconds: after a negotiation's last word.
    """

    store: Store
    archive: Archive
    recent: Recent
    negotiations: Negotiations
    clock: Clock
    seconds: int
    _seen: int = -1

    async def run_once(self) -> int:
        """Erase what is due; returns the index up to which the log has been gone through."""
        before = self.clock.now() - self.seconds
        while True:
            reached = await self.store.erase(before, PAGE)
            if reached == self._seen:
                return reached
            # Another worker may have erased it: the mark is in the store, and so moves for all.
            self._seen = reached
            self.archive.forget()
            self.recent.forget()
            self.negotiations.forget()
