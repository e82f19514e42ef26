"""Recent: the log's last entries, as this process appended them.

A reader that follows the log is woken once for each entry that concerns it; without this,
each would ask the store for what the process has just held in its hand.
"""

from collections import deque
from dataclasses import dataclass, field

from marketplace.ports.store import Entry

MOST_HELD = 4_096


@dataclass(frozen=True, slots=True)
class Recent:
    """A run of entries without gaps, the newest last.

    Attributes:
        alone: whether nobody else appends to this log, so that what is not here is not there.
    """

    alone: bool
    _held: "deque[Entry]" = field(default_factory=lambda: deque(maxlen=MOST_HELD))
    # Of a group that was committed at once, a later one may be told before an earlier one.
    _early: dict[int, Entry] = field(default_factory=dict)

    def saw(self, entry: Entry) -> None:
        """Hold an entry that was appended; one that came out of order waits for its turn."""
        if self._held and entry.index <= self._held[-1].index:
            return
        self._early[entry.index] = entry
        if not self._held or len(self._early) > MOST_HELD:
            # Others append too, or this is the first: begin anew where nothing is missing.
            self._held.clear()
            self._hold(min(self._early))
        while self._held[-1].index + 1 in self._early:
            self._hold(self._held[-1].index + 1)

    def since(self, start: int, party: str) -> list[Entry] | None:
        """Entries from an index on that concern a party, in order; None: ask the store."""
        if not self._held or start < self._held[0].index:
            return None
        found: list[Entry] = []
        for entry in reversed(self._held):
            if entry.index < start:
                break
            if not party or party in entry.record.parties:
                found.append(entry)
        return found[::-1] if found or self.alone else None

    def _hold(self, index: int) -> None:
        self._held.append(self._early.pop(index))
