"""A registry that lies: a proxy before an honest one, foreign to Parley's own services.

Every answer passes through ``alter`` as JSON, events included; ``bytes_of`` replaces
artifacts and tiles, ``note_of`` checkpoints. ``lose_answers`` lets that many requests reach the
honest registry and then drops the connection without a word; ``cuts`` breaks each further
stream of events off after so many, in the middle of the next; ``forgetful`` keeps from the
registry where a reader was.
"""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Alter = Callable[[str, Any], Any]


class Liar(ThreadingHTTPServer):
    """Listens on a free port until closed."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.honest = str(urlsplit(upstream).netloc)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.alter: Alter = lambda _, answer: answer
        self.bytes_of: Callable[[bytes], bytes] = bytes
        self.note_of: Callable[[bytes], bytes] = bytes
        self.lose_answers = 0
        self.requests: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.cuts: list[int] = []
        self.forgetful = False

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""

    def alter_messages(self, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Alter each relayed message, wherever it appears."""

        def each(answer: Any) -> Any:  # noqa: ANN401 any JSON
            if isinstance(answer, list):
                return [each(one) for one in answer]
            if not isinstance(answer, dict):
                return answer
            told = answer.get("message")
            if isinstance(told, dict) and "signature" in told:
                return {**answer, "message": alter(told)}
            return {name: each(value) for name, value in answer.items()}

        self.alter = lambda _, answer: each(answer)


@contextmanager
def lying(upstream: str) -> Iterator[Liar]:
    """A liar in a thread."""
    liar = Liar(upstream)
    thread = threading.Thread(target=liar.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield liar
    finally:
        liar.shutdown()
        thread.join()
        liar.server_close()


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Liar

    def _forward(self) -> None:
        liar, size = self.server, int(self.headers.get("content-length", 0))
        liar.requests.append(f"{self.command} {self.path}")
        liar.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        onward = http.client.HTTPConnection(liar.honest, timeout=30)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            if liar.forgetful:
                headers.pop("last-event-id", None)
            onward.request(self.command, self.path, self.rfile.read(size), headers)
            answer = onward.getresponse()
            if self.path.startswith("/v1/events"):
                self._stream(answer)
            elif self.command != "GET" and liar.lose_answers:
                answer.read()
                liar.lose_answers -= 1
                self.close_connection = True
            else:
                self._answer(answer)
        finally:
            onward.close()

    do_GET = do_POST = do_PUT = _forward  # noqa: N815 the names that http.server calls

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        body, kind = answer.read(), answer.getheader("content-type", "")
        if "json" in kind:
            body = json.dumps(self.server.alter(self.path, json.loads(body))).encode()
        elif "octet-stream" in kind:
            body = self.server.bytes_of(body)
        elif "plain" in kind:
            body = self.server.note_of(body)
        self.send_response(answer.status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        left = self.server.cuts.pop(0) if self.server.cuts else 1 << 30
        for line in answer:
            if line.startswith(b"data: ") and (left := left - 1) < 0:
                self.wfile.write(line[: len(line) // 2])
                return
            if line.startswith(b"data: "):
                told = self.server.alter(self.path, json.loads(line.removeprefix(b"data: ")))
                line = f"data: {json.dumps(told)}\n".encode()  # noqa: PLW2901 the altered line
            self.wfile.write(line)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""
