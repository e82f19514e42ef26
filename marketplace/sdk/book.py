"""The book: all that an agent without a registry has said and heard.

One line a word, written and flushed to the disk before anybody is told that it was taken.
A line is ``{"message": envelope, "said_at": seconds}``, which is how a registry takes a
whole negotiation later (``Registry.hand_in``). What the words have made true is asked of
the same rules that a registry's log is audited by (``core.market``).
"""

import errno
import fcntl
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from marketplace.core.card import Card
from marketplace.core.eip712 import Domain
from marketplace.core.errors import LedgerInUse, NotAParty, ParleyError, TranscriptUnreadable
from marketplace.core.identity import Delegation, Revocation
from marketplace.core.listing import Listing
from marketplace.core.market import Market
from marketplace.core.message import Message, parse_message
from marketplace.core.values import (
    ZERO_DIGEST,
    Address,
    Digest,
    Json,
    canonical,
    integer,
    mapping,
    parse_json,
)
from marketplace.wire.views import MessageView

_LATEST = (1 << 40) - 1


class Book:
    """Words in the order in which they were taken; in memory, where no path is given.

    ``changed`` is held while one looks and writes, and notified after each word.
    """

    def __init__(self, domain: Domain, path: Path | None = None) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.market = Market()
        self.views: list[MessageView] = []
        self.threads: dict[str, list[MessageView]] = {}
        self.cards: dict[Address, tuple[MessageView, Message]] = {}
        self._keys: dict[str, MessageView] = {}
        self._domain = domain
        self._file = _claim(path) if path else -1
        if path:
            self._replay(path)

    def close(self) -> None:
        """Let another have the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def find(self, message: Message) -> MessageView | None:
        """The word, if it was taken before."""
        return self._keys.get(message.key)

    def take(self, message: Message, now: int) -> MessageView:
        """One more word, never earlier than its thread's last; raises the rule that refuses it."""
        with self.changed:
            thread = _thread(message)
            before = self.threads.get(thread, [])
            at = max(now, before[-1].at) if before else now
            self._believe(message, at)
            self._write({"message": message.to_json(), "said_at": at})
            view = self._keep(message, thread, at)
            self.changed.notify_all()
        return view

    def transcript(self, negotiation: Digest) -> list[dict[str, Json]]:
        """A negotiation as it is handed in: its listing, its invitation, its words."""
        with self.changed:
            views = list(self.threads.get(negotiation, ()))
            known = self.market.negotiations.get(negotiation)
            named = known.invitation.listing if known else ZERO_DIGEST
            while view := next(iter(self.threads.get(named, ())), None):
                views.insert(0, view)
                listed = self.market.words[named].body
                named = listed.replaces if isinstance(listed, Listing) else ZERO_DIGEST
        return [{"message": view.message, "said_at": view.at} for view in views]

    def _believe(self, message: Message, at: int) -> None:
        # One agent does not hear all versions of another's cards and listings; it knows whose
        # each is, and of cards the one that lasts.
        match message.body:
            case Card(agent=owner):
                _check_owner(message, owner, at)
            case Listing(seller=owner, replaces=replaced) if replaced not in self.market.words:
                _check_owner(message, owner, at)
                self.market.words[message.digest] = message
                self.market.threads[message.digest] = message.digest
                self.market.last_at[message.digest] = at
            case _:
                self.market.take(message, at)

    def _keep(self, message: Message, thread: str, at: int) -> MessageView:
        said = self.threads.setdefault(thread, [])
        view = MessageView(
            index=len(self.views),
            thread=thread,
            sequence=len(said),
            kind=message.kind.value,
            received_at=at,
            said_at=None,
            message=message.to_json(),
        )
        self.views.append(view)
        said.append(view)
        self._keys[message.key] = view
        if isinstance(message.body, Card):
            self._keep_card(message.body, view, message)
        return view

    def _keep_card(self, card: Card, view: MessageView, message: Message) -> None:
        # A card that comes late must not take the place of a newer one: the newer lasts longer.
        known = self.cards.get(card.agent)
        held = known[1].body if known else None
        late = isinstance(held, Card) and card.expires_at < held.expires_at
        if known is None or not late or card.replaces == known[1].digest:
            self.cards[card.agent] = view, message

    def _write(self, line: Mapping[str, Json]) -> None:
        if self._file < 0:
            return
        size, data = os.fstat(self._file).st_size, canonical(line) + b"\n"
        if os.write(self._file, data) < len(data):
            # The next word must not be written on to the half of this one.
            os.ftruncate(self._file, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file)

    def _replay(self, path: Path) -> None:
        *lines, torn = path.read_bytes().split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                said = mapping(parse_json(line), "line")
                message = parse_message(said.get("message"), self._domain)
                at = integer(said.get("said_at"), "said_at", 0, _LATEST)
                self._believe(message, at)
                self._keep(message, _thread(message), at)
            except ParleyError:
                self.close()
                raise TranscriptUnreadable(str(path), number) from None
        if torn:
            # By a crash before its flush returned, so nobody was told.
            os.truncate(path, path.stat().st_size - len(torn))


def _thread(message: Message) -> str:
    about_agents = isinstance(message.body, Card | Delegation | Revocation)
    return message.signer if about_agents else message.negotiation or message.digest


def _check_owner(message: Message, owner: Address, at: int) -> None:
    if message.signer != owner:
        raise NotAParty(message.signer, owner)
    if message.mandate is not None:
        message.mandate.check_time(at)


def _claim(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LedgerInUse(str(path), "another agent") from None
    return descriptor
