"""Stores for tests: all that a registry remembers in memory, and stores that fail."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.adapters.memory.store import MemoryStore
from marketplace.adapters.memory.webhooks import MemoryWebhooks
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.index import Found, Search


class MemoryStores(MemoryStore, MemoryJournal, MemoryWebhooks):
    """Survives the registry, not the process."""

    def __init__(self) -> None:
        MemoryStore.__init__(self)
        MemoryJournal.__init__(self)
        MemoryWebhooks.__init__(self)

    async def search(self, search: Search) -> list[Found]:
        """A page after the cursor's place."""
        found = await super().search(replace(search, after=None, limit=1_000_000))
        found.sort(key=lambda one: (one.key, one.row.thread))
        after = search.after or (-1, "")
        return [one for one in found if (one.key, one.row.thread) > after][: search.limit]

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to let go of."""


class LoopBus(MemoryBus):
    """The bus of one process, as bootstrap wants it."""

    async def start(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to end."""


class FailingStores(MemoryStores):
    """Refuses the next calls of the named methods, as a full disk or a lost database does."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[str, int] = {}
        self.asked: dict[str, int] = {}

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 whatever it is
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found):
            return found
        return self._counted(name, found)

    def _counted(self, name: str, act: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
        async def called(*args: Any) -> Any:  # noqa: ANN401 the same
            self.asked[name] = self.asked.get(name, 0) + 1
            if self.failing.get(name, 0) > 0:
                self.failing[name] -= 1
                raise StoreUnavailable("memory", "no space left on device")
            return await act(*args)

        return called
