"""A store in lists and dicts: the least that passes the conformance suite."""

from marketplace.adapters.memory.artifacts import MemoryArtifacts
from marketplace.adapters.memory.index import MemoryIndex
from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.adapters.memory.log import MemoryLog
from marketplace.adapters.memory.webhooks import MemoryWebhooks


# Index and artifacts come before the log, which publishes into the one and drops from the other.
class MemoryStore(MemoryIndex, MemoryArtifacts, MemoryLog, MemoryJournal, MemoryWebhooks):
    """All ports of the registry's memory; nothing survives the process."""

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to let go."""
