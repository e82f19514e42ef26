"""Archive: stored entries as the messages that they are."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from marketplace.core.entry import Logged, read
from marketplace.core.errors import BodyErased
from marketplace.core.message import Domains, Message, parse_message
from marketplace.core.values import Json
from marketplace.ports.store import Entry, Store
from marketplace.wire.views import MessageView

MOST_REMEMBERED = 10_000
MOST_SHOWN = 1_000
# In bytes; an offer has 2,000.
LARGEST_REMEMBERED = 8 * 1024

T = TypeVar("T")
Envelope: TypeAlias = Mapping[str, Json]
# A message, unless its body is not at hand, and when it is said to have been said.
Opened: TypeAlias = tuple[Envelope | None, int | None]
# An entry, and whether its body is at hand.
InHand: TypeAlias = tuple[int, bool]


@dataclass(frozen=True, slots=True)
class Archive:
    """Entries never change, so what was parsed, proved or shown once need not be again.

    A body may be erased, and one that was read before that may come here after it: then it is
    shown to who has it in hand, and to nobody else.
    """

    domains: Domains
    store: Store
    _known: "OrderedDict[InHand, Message]" = field(default_factory=OrderedDict)
    _opened: "OrderedDict[InHand, Opened]" = field(default_factory=OrderedDict)
    _shown: "OrderedDict[InHand, str]" = field(default_factory=OrderedDict)

    def logged(self, entry: Entry) -> Logged:
        """Both parts of an entry, read."""
        return read(entry.record.leaf, entry.record.body)

    def view(self, entry: Entry, *, readable: bool) -> MessageView:
        """An entry as its reader sees it, with its message if that is the reader's to read."""
        opened = self._opened.get(_in_hand(entry))
        if opened is None:
            logged = self.logged(entry)
            opened = logged.envelope, logged.said_at
            _remember(self._opened, entry, opened, MOST_SHOWN)
        envelope, said_at = opened
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
        known = self._shown.get(_in_hand(entry))
        if known is None:
            known = self.view(entry, readable=True).spelled().decode()
            _remember(self._shown, entry, known, MOST_SHOWN)
        return known

    def keep(self, entry: Entry, message: Message, envelope: Envelope) -> None:
        """Remember the message, said as it was taken, that an entry has just been made of."""
        _remember(self._known, entry, message, MOST_REMEMBERED)
        _remember(self._opened, entry, (envelope, None), MOST_SHOWN)

    def forget(self) -> None:
        """Hold nothing in memory any more."""
        for held in (self._known, self._opened, self._shown):
            held.clear()

    def message(self, entry: Entry) -> Message:
        """The message of an entry whose body is at hand."""
        known = self._known.get(_in_hand(entry))
        if known is None:
            envelope = self.logged(entry).envelope
            if envelope is None:
                raise BodyErased(entry.record.kind, entry.index)
            known = parse_message(envelope, self.domains.of(envelope))
            _remember(self._known, entry, known, MOST_REMEMBERED)
        return known


def _in_hand(entry: Entry) -> InHand:
    return entry.index, bool(entry.record.body)


def _remember(kept: "OrderedDict[InHand, T]", entry: Entry, value: T, most: int) -> None:
    # What is remembered is counted, so that each has to be small: who says much is read again.
    if len(entry.record.leaf) + len(entry.record.body) > LARGEST_REMEMBERED:
        return
    kept[_in_hand(entry)] = value
    if len(kept) > most:
        kept.popitem(last=False)
