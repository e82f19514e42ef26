"""Log: the one place where entries are appended and readers woken."""

from dataclasses import dataclass

from marketplace.ports.bus import Bus
from marketplace.ports.store import Entry, Record, Store
from marketplace.services.recent import Recent


@dataclass(frozen=True, slots=True)
class Log:
    """Durable first, then told: a reader that was told finds the entry."""

    store: Store
    recent: Recent
    bus: Bus

    async def append(self, record: Record) -> Entry:
        """Append, as the store does, and wake the readers whom it concerns."""
        entry = await self.store.append(record)
        # An earlier one is no news: a run that began with it would wait for what is long there.
        if entry.is_of(record):
            # Held for long, so without what its receipt is made of.
            self.recent.saw(Entry(entry.index, entry.record))
        self.bus.publish(entry.record.parties)
        return entry
