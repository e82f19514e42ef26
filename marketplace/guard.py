"""Guard: no peer holds a connection with a request that never comes whole."""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from marketplace.core.errors import BodySlow, BodyTooLarge, ParleyError
from marketplace.gather import GatheredTransport
from marketplace.wire.problems import MEDIA_TYPE, to_problem

# A request's head has so long from its first byte, or from the connection, to its end.
HEAD_SECONDS = 10
MOST_HEAD = 64 * 1024
# What is sent has so long until its reader has room for more.
UNREAD_SECONDS = 60


def _whole_answer(error: ParleyError) -> bytes:
    problem = to_problem(error)
    body = problem.model_dump_json().encode()
    head = (
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\nconnection: close\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


LATE = _whole_answer(BodySlow(0, HEAD_SECONDS))


class GuardedProtocol(HttpToolsProtocol):
    """Ends a connection whose peer owes the rest of a request for too long.

    The server's own time limits begin after an answer and end with the next byte, so that a
    head that trickles, or a body that goes on after it was refused, would hold a connection
    for ever; and its parser takes a head of any size.
    """

    def __init__(self, *args: Any, **named: Any) -> None:  # noqa: ANN401 the server's own
        """As the server makes it."""
        super().__init__(*args, **named)
        self._owed: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._head, self._whole = 0, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first head is owed."""
        super().connection_made(GatheredTransport(transport, self.loop))  # type: ignore[arg-type]
        self._watch(owed=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more."""
        self._watch(owed=False)
        self._caught_up()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a head or a body."""
        super().data_received(data)
        if self._head:
            # One that comes whole, as most do, was never waited for.
            self._watch(owed=True)
            self._head += len(data)
            if self._head > MOST_HEAD:
                self._refuse(_whole_answer(BodyTooLarge(self._head, MOST_HEAD)))

    def pause_writing(self) -> None:
        """The reader is behind; what it does not take is held here."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._caught_up()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of a head; behind a body it is a trailer, which nothing here reads."""
        if self._head:
            super().on_header(name, value)

    def on_message_begin(self) -> None:
        """A head has begun."""
        super().on_message_begin()
        self._head, self._whole = 1, False

    def on_headers_complete(self) -> None:
        """The head is whole; the body has a time limit where it is read."""
        self._head = 0
        self._watch(owed=False)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Nothing of the request is missing."""
        self._whole = True
        self._watch(owed=False)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """What follows is the next head, or a body that nobody reads."""
        super().on_response_complete()
        self._watch(owed=not self._whole)

    def _caught_up(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _end(self) -> None:
        if self._head:
            self._refuse(LATE)
        else:
            self.transport.abort()

    def _refuse(self, answer: bytes) -> None:
        self._head = 0
        self.transport.write(answer)
        self.transport.close()

    def _watch(self, *, owed: bool) -> None:
        if owed and self._owed is None:
            self._owed = self.loop.call_later(HEAD_SECONDS, self._end)
        elif not owed and self._owed is not None:
            self._owed.cancel()
            self._owed = None
