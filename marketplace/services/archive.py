"""Archive: stored entries as the messages that they are."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from marketplace.core.entry import Logged, read
from marketplace.core.errors import EventRefused
from marketplace.core.message import Domains, Message, parse_message
from marketplace.core.values import Json
from marketplace.ports.store import Entry, Store
from marketplace.wire.views import MessageView

MOST_REMEMBERED = 10_000
MOST_SHOWN = 1_000

T = TypeVar("T")
Envelope: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Archive:
    """Entries never change, so what was parsed, proved or shown once need not be again."""

    domains: Domains
    store: Store
    _known: "OrderedDict[int, Message]" = field(default_factory=OrderedDict)
    _fresh: "OrderedDict[int, Envelope]" = field(default_factory=OrderedDict)
    _shown: "OrderedDict[int, str]" = field(default_factory=OrderedDict)

    def logged(self, entry: Entry) -> Logged:
        """Both parts of an entry, read."""
        return read(entry.record.leaf, entry.record.body)

    def view(self, entry: Entry, *, readable: bool) -> MessageView:
        """An entry as its reader sees it, with its message if that is the reader's to read."""
        envelope, said_at = self._fresh.get(entry.index), None
        if envelope is None:
            logged = self.logged(entry)
            envelope, said_at = logged.envelope, logged.said_at
        return MessageView(
            index=entry.index,
            thread=entry.record.thread,
            sequence=entry.record.position,
            kind=entry.record.kind,
            received_at=entry.record.received_at,
            said_at=said_at,
            message=dict(envelope) if readable and envelope else None,
        )

    def shown(self, entry: Entry, *, readable: bool) -> str:
        """The view as JSON on one line; several read the same entry within a moment."""
        if not readable:
            return self.view(entry, readable=False).spelled().decode()
        known = self._shown.get(entry.index)
        if known is None:
            known = self.view(entry, readable=True).spelled().decode()
            _remember(self._shown, entry.index, known, MOST_SHOWN)
        return known

    def keep(self, entry: Entry, message: Message, envelope: Envelope) -> None:
        """Remember the message, said as it was taken, that an entry has just been made of."""
        _remember(self._known, entry.index, message, MOST_REMEMBERED)
        _remember(self._fresh, entry.index, envelope, MOST_SHOWN)

    def message(self, entry: Entry) -> Message:
        """The message of an entry whose body is at hand."""
        known = self._known.get(entry.index)
        if known is None:
            envelope = self.logged(entry).envelope
            if envelope is None:
                raise EventRefused(entry.record.kind, "a body that is not at hand")
            known = parse_message(envelope, self.domains.of(envelope))
            _remember(self._known, entry.index, known, MOST_REMEMBERED)
        return known


def _remember(kept: "OrderedDict[int, T]", index: int, value: T, most: int) -> None:
    kept[index] = value
    if len(kept) > most:
        kept.popitem(last=False)
