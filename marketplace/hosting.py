"""Hosting: the registry's HTTP server, in one process or in several."""

import asyncio
import socket
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.notify import NotifyBus
from marketplace.adapters.sql.store import is_shared, open_store
from marketplace.bootstrap import build_registry
from marketplace.core.errors import BodySlow, WorkersRefused
from marketplace.settings import RegistrySettings
from marketplace.wire.problems import MEDIA_TYPE, to_problem

# Open event streams end with the server instead of holding it.
SHUTDOWN_SECONDS = 2
KEEP_ALIVE_SECONDS = 30
# A request's head has so long from its first byte, or from the connection, to its end.
HEAD_SECONDS = 10
MOST_HEAD = 64 * 1024


def _late() -> bytes:
    problem = to_problem(BodySlow(0, HEAD_SECONDS)).model_dump_json().encode()
    head = (
        "HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(problem)}\r\n\r\n"
    )
    return head.encode() + problem


LATE = _late()


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
        self._head, self._whole = 0, True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first head is owed."""
        super().connection_made(transport)
        self._watch(owed=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more."""
        self._watch(owed=False)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a head or a body."""
        super().data_received(data)
        if self._head:
            self._head += len(data)
            if self._head > MOST_HEAD:
                self._end()

    def on_message_begin(self) -> None:
        """A head has begun."""
        super().on_message_begin()
        self._head, self._whole = 1, False
        self._watch(owed=True)

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

    def _end(self) -> None:
        if self._head:
            self.transport.write(LATE)
            self.transport.close()
        else:
            self.transport.abort()

    def _watch(self, *, owed: bool) -> None:
        if owed and self._owed is None:
            self._owed = self.loop.call_later(HEAD_SECONDS, self._end)
        elif not owed and self._owed is not None:
            self._owed.cancel()
            self._owed = None


def application(settings: RegistrySettings) -> FastAPI:
    """The registry over the database that its settings name."""
    shared = is_shared(settings.database)
    local = MemoryBus()
    bus = NotifyBus(settings.database, local) if shared else local
    return build_registry(settings, open_store(settings.database), bus)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket: its port is known before the server runs on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio does not switch Nagle's algorithm off and each answer
    # on a kept connection waits for tens of milliseconds.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def configuration(settings: RegistrySettings) -> uvicorn.Config:
    """How the server runs; each of several workers makes its own application."""
    return uvicorn.Config(
        partial(application, settings),
        factory=True,
        workers=settings.workers,
        http=GuardedProtocol,
        loop="uvloop",
        # No route takes one, and what counts requests does not see them.
        ws="none",
        log_level="warning",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        server_header=False,
    )


def build_server(settings: RegistrySettings) -> uvicorn.Server:
    """The server in this process, not yet running."""
    return uvicorn.Server(configuration(settings))


def serve(settings: RegistrySettings, bound: socket.socket) -> None:
    """Serve until told to stop.

    Raises:
        WorkersRefused: several processes cannot share the database.
    """
    if settings.workers > 1 and not is_shared(settings.database):
        raise WorkersRefused(settings.workers, settings.database)
    if settings.workers == 1:
        build_server(settings).run(sockets=[bound])
    else:
        Multiprocess(configuration(settings), sockets=[bound]).run()
