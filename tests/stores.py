"""Stores that fail: in memory, and refusing what they are told to refuse."""

from collections.abc import Awaitable, Callable
from typing import Any

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.errors import StoreUnavailable
from marketplace.core.tiles import Run
from marketplace.ports.store import Store


async def leaves(store: Store) -> list[bytes]:
    """Every leaf hash, in order."""
    return await store.hashes(Run(0, 0, (await store.tree()).size))


class FailingStore(MemoryStore):
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
