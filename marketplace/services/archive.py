"""Archive: stored entries as the messages that they are."""

from collections import OrderedDict
from dataclasses import dataclass, field

from marketplace.core.entry import Logged, read
from marketplace.core.errors import EventRefused
from marketplace.core.message import Domains, Message, parse_message
from marketplace.ports.store import Entry, Store
from marketplace.wire.views import MessageView

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Archive:
    """Entries never change, so what was parsed and proved once need not be again."""

    domains: Domains
    store: Store
    _known: "OrderedDict[int, Message]" = field(default_factory=OrderedDict)

    def logged(self, entry: Entry) -> Logged:
        """Both parts of an entry, read."""
        return read(entry.record.leaf, entry.record.body)

    def view(self, entry: Entry, *, readable: bool) -> MessageView:
        """An entry as its reader sees it, with its message if that is the reader's to read."""
        record, logged = entry.record, self.logged(entry)
        return MessageView(
            index=entry.index,
            thread=record.thread,
            sequence=record.position,
            kind=record.kind,
            received_at=record.received_at,
            said_at=logged.said_at,
            message=dict(logged.envelope) if readable and logged.envelope else None,
        )

    def message(self, entry: Entry) -> Message:
        """The message of an entry whose body is at hand."""
        known = self._known.get(entry.index)
        if known is not None:
            return known
        envelope = self.logged(entry).envelope
        if envelope is None:
            raise EventRefused(entry.record.kind, "a body that is not at hand")
        message = parse_message(envelope, self.domains.of(envelope))
        self._known[entry.index] = message
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
        return message
