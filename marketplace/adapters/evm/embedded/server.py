"""JSON-RPC over HTTP on 127.0.0.1, one thread a connection.

Rules:
    1. Only the loopback interface is bound.
    2. A request whose Host or Origin is not this machine gets 403, so that a web page can
       reach the chain neither directly nor by DNS rebinding.
    3. Bodies need a Content-Length and are capped; every answer, errors included, is JSON.
"""

import contextlib
import logging
import re
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import urlsplit

MAX_BODY = 5_000_000
_LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})
_LENGTH = re.compile("[0-9]{1,15}")
_CHUNK = 65_536
# py-evm raises the recursion limit to 100,000, which deep JSON would follow off a usual stack.
_STACK = 64 * 2**20

_log = logging.getLogger(__name__)


class RpcServer(ThreadingTCPServer):
    """Serves `respond`, a function from body to body, until closed."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, respond: Callable[[bytes], bytes]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.respond = respond
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where clients reach the server."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- socketserver's signature
        """Remember the connection, since a kept-alive one outlives the listening socket."""
        self._connections.add(request)
        usual = threading.stack_size(_STACK)
        try:
            super().process_request(request, client_address)
        finally:
            threading.stack_size(usual)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 -- socketserver's signature
        """Forget the connection and close it."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401, ARG002 -- socketserver's signature
        """Note a client that went away; the default prints a traceback to the console."""
        _log.debug("connection from %s broke", client_address, exc_info=True)

    def close(self) -> None:
        """Free the port and end every open connection."""
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):  # the client was first
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds a silent connection may hold its thread
    # One segment an answer: unbuffered header and body writes would meet delayed ACKs (40 ms).
    wbufsize = -1
    disable_nagle_algorithm = True
    error_content_type = "application/json"
    error_message_format = (
        '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":'
        '"HTTP %(code)d: POST a JSON-RPC 2.0 request from this machine, with Content-Length"}}'
    )
    server: RpcServer

    def do_POST(self) -> None:
        """Answer one JSON-RPC body."""
        if not (self._names_this_machine("Host") and self._names_this_machine("Origin")):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        length = self.headers.get("Content-Length", "")
        if not _LENGTH.fullmatch(length):
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > MAX_BODY:
            self._discard(int(length))
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._send(self.server.respond(self.rfile.read(int(length))))

    def log_message(self, *_: object) -> None:
        """Write nothing: a test chain has no access log."""

    def _names_this_machine(self, header: str) -> bool:
        """Whether the header is local; only Origin may be absent, as outside of browsers."""
        value = self.headers.get(header)
        if value is None:
            return header == "Origin"
        try:
            return urlsplit(value if "//" in value else f"//{value}").hostname in _LOCAL_NAMES
        except ValueError:
            return False

    def _discard(self, length: int) -> None:
        """Read the body away: closing on unread bytes would reset the client before it reads us."""
        while length > 0 and (chunk := self.rfile.read(min(length, _CHUNK))):
            length -= len(chunk)

    def _send(self, body: bytes) -> None:
        self.send_response(HTTPStatus.OK if body else HTTPStatus.NO_CONTENT)
        if body:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
