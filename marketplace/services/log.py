"""Log: the one place where entries are appended and readers woken."""

from dataclasses import dataclass

from marketplace.core.errors import LogBehind
from marketplace.ports.bus import Bus
from marketplace.ports.store import Entry, Record, Store
from marketplace.services.recent import Recent


@dataclass(slots=True)
class Log:
    """Durable first, then told: a reader that was told finds the entry.

    Attributes:
        behind: where the store is not the log that is anchored, the sizes of both: whatever
            was appended then would be signed as another history.
    """

    store: Store
    recent: Recent
    bus: Bus
    behind: tuple[int, int] | None = None

    async def append(self, record: Record) -> Entry:
        """Append, as the store does, and wake the readers whom it concerns; or LogBehind."""
        if self.behind is not None:
            raise LogBehind(*self.behind)
        entry = await self.store.append(record)
        # An earlier one is no news: a run that began with it would wait for what is long there.
        if entry.is_of(record):
            # Held for long, so without what its receipt is made of.
            self.recent.saw(Entry(entry.index, entry.record))
        self.bus.publish(entry.record.parties)
        return entry
