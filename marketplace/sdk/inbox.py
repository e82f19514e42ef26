"""The inbox: the small HTTP server by which an agent hears another.

It speaks the part of a registry's HTTP that two agents need (docs/agent-to-agent.md).
Whoever connects is a stranger until a signature says otherwise: connections are few and
short, a body is measured before it is read and bounded before it is parsed.
"""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from marketplace.core.errors import BodyTooLarge, ParleyError, RouteMissing, ValueMalformed
from marketplace.core.signature import Signature
from marketplace.core.values import Digest, Json, parse_json
from marketplace.wire.problems import MEDIA_TYPE, to_problem
from marketplace.wire.views import InfoView, MessagesView, MessageView, Receipt

MOST_MESSAGE = 64 * 1024
MOST_CONNECTIONS = 32
# Of silence, and of a whole call: who sends a byte now and then does not hold a thread.
QUIET_SECONDS = 5.0
CALL_SECONDS = 60.0

_JSON, _BYTES = "application/json", "application/octet-stream"
_DIGEST = "(0x[0-9a-f]{64})"

Answer = tuple[int, str, bytes]


class Desk(Protocol):
    """Who answers what the inbox was asked."""

    def info(self) -> InfoView:
        """The domain to sign in."""
        ...

    def receive(self, envelope: Json) -> Receipt:
        """Take another's word."""
        ...

    def own_card(self) -> MessageView:
        """Who one says one is."""
        ...

    def own_listings(self) -> list[MessageView]:
        """What one sells."""
        ...

    def own_listing(self, digest: Digest) -> MessageView:
        """One listing."""
        ...

    def hand_out(self, negotiation: Digest, artifact: Digest, signature: Signature) -> bytes:
        """What was left for a party."""
        ...


class Inbox(ThreadingHTTPServer):
    """Bound when it is made; serves in a thread of its own from ``start`` until ``close``."""

    daemon_threads = True
    # The library's five would have the sixth of a burst of callers wait a second for its next try.
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, desk: Desk, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.desk = desk
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((host, port), _Call)
        self.port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begin to hear."""
        self._thread.start()

    def close(self) -> None:
        """Hear nothing more."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 the library's own
        """Give a connection a thread, if one is free."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 the same
        """Serve a connection, for so long."""
        cut = threading.Timer(CALL_SECONDS, _cut, (request,))
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._free.release()

    def handle_error(self, *_: object) -> None:
        """A caller that hangs up is no news."""


def _cut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Call(BaseHTTPRequestHandler):
    # HTTP/1.0: one call a connection, so that a quiet one holds nothing.
    server: Inbox
    timeout = QUIET_SECONDS

    def do_GET(self) -> None:
        """Read."""
        self._serve()

    def do_POST(self) -> None:
        """Say."""
        self._serve()

    def version_string(self) -> str:
        """Nothing about the versions of what runs here."""
        return "parley"

    def log_message(self, *_: object) -> None:
        """Quiet: what was taken is in the book."""

    def body(self) -> Json:
        """The JSON that was sent; bounded before it is read."""
        stated = self.headers.get("content-length", "")
        if not stated.isdecimal() or len(stated) > len(str(MOST_MESSAGE)) + 1:
            raise ValueMalformed("content-length", stated[:40], "the size of the body in bytes")
        if int(stated) > MOST_MESSAGE:
            raise BodyTooLarge(int(stated), MOST_MESSAGE)
        return parse_json(self.rfile.read(int(stated)))

    def _serve(self) -> None:
        try:
            status, kind, body = _route(self)
        except ParleyError as error:
            problem = to_problem(error)
            status, kind, body = problem.status, MEDIA_TYPE, problem.model_dump_json().encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _info(call: _Call) -> Answer:
    return 200, _JSON, call.server.desk.info().spelled()


def _message(call: _Call) -> Answer:
    return 201, _JSON, call.server.desk.receive(call.body()).spelled()


def _card(call: _Call) -> Answer:
    return 200, _JSON, call.server.desk.own_card().spelled()


def _listings(call: _Call) -> Answer:
    view = MessagesView(messages=call.server.desk.own_listings())
    return 200, _JSON, view.spelled()


def _listing(call: _Call, digest: Digest) -> Answer:
    return 200, _JSON, call.server.desk.own_listing(digest).spelled()


def _artifact(call: _Call, negotiation: Digest, artifact: Digest) -> Answer:
    signature = call.headers.get("parley-signature", "")
    return 200, _BYTES, call.server.desk.hand_out(negotiation, artifact, signature)


_ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Answer]], ...] = tuple(
    (method, re.compile(path), answer)
    for method, path, answer in (
        ("GET", "/v1", _info),
        ("POST", "/v1/messages", _message),
        ("GET", "/v1/agents/self", _card),
        ("GET", "/v1/listings", _listings),
        ("GET", f"/v1/listings/{_DIGEST}", _listing),
        ("GET", f"/v1/negotiations/{_DIGEST}/artifacts/{_DIGEST}", _artifact),
    )
)


def _route(call: _Call) -> Answer:
    for method, path, answer in _ROUTES:
        found = path.fullmatch(call.path)
        if found and method == call.command:
            return answer(call, *found.groups())
    raise RouteMissing(call.path[:200], call.command)
