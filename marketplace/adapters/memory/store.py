"""A store in lists and dicts: the least that passes the conformance suite."""

from marketplace.adapters.memory.artifacts import MemoryArtifacts
from marketplace.adapters.memory.index import MemoryIndex
from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.adapters.memory.log import MemoryLog
from marketplace.adapters.memory.webhooks import MemoryWebhooks


# The index comes before the log, whose listings it takes.
class MemoryStore(MemoryIndex, MemoryLog, MemoryArtifacts, MemoryJournal, MemoryWebhooks):
    """All ports of the registry's memory; nothing survives the process."""

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to let go."""
