"""Recent: the log's last entries, as this process appended them.

A reader that follows the log is woken once for each entry that concerns it; without this,
each would ask the store for what the process has just held in its hand.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from marketplace.ports.store import Entry

MOST_HELD = 4_096
EVERYBODY = ""

Held: TypeAlias = "deque[Entry]"


@dataclass(frozen=True, slots=True)
class Recent:
    """A run of entries without gaps, the newest last.

    Attributes:
        alone: whether nobody else appends to this log, so that what is not here is not there.
    """

    alone: bool
    # All of them, and the same by whom they concern: many follow, each a few.
    _held: dict[str, Held] = field(default_factory=lambda: {EVERYBODY: deque()})
    # Of a group that was committed at once, a later one may be told before an earlier one.
    _early: dict[int, Entry] = field(default_factory=dict)

    def saw(self, entry: Entry) -> None:
        """Hold an entry that was appended; one that came out of order waits for its turn."""
        held = self._held[EVERYBODY]
        if held and entry.index <= held[-1].index:
            return
        self._early[entry.index] = entry
        if not held or len(self._early) > MOST_HELD:
            # Others append too, or this is the first: begin anew where nothing is missing.
            while held:
                self._let_go(held[0])
            self._hold(min(self._early))
        while held[-1].index + 1 in self._early:
            self._hold(held[-1].index + 1)
        while len(held) > MOST_HELD:
            self._let_go(held[0])

    def since(self, start: int, party: str) -> list[Entry] | None:
        """Entries from an index on that concern a party, in order; None: ask the store."""
        held = self._held[EVERYBODY]
        if not held or start < held[0].index:
            return None
        found: list[Entry] = []
        for entry in reversed(self._held.get(party, ())):
            if entry.index < start:
                break
            found.append(entry)
        # What waits for its turn may be waiting for one that never comes.
        return found[::-1] if found or (self.alone and not self._early) else None

    def forget(self) -> None:
        """Hold nothing any more; what is asked for is in the store."""
        self._held.clear()
        self._held[EVERYBODY] = deque()
        self._early.clear()

    def _hold(self, index: int) -> None:
        entry = self._early.pop(index)
        for name in {EVERYBODY, *entry.record.parties}:
            self._held.setdefault(name, deque()).append(entry)

    def _let_go(self, oldest: Entry) -> None:
        for name in {EVERYBODY, *oldest.record.parties}:
            self._held[name].popleft()
            if name != EVERYBODY and not self._held[name]:
                del self._held[name]
