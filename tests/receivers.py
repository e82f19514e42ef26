"""Real HTTP receivers on loopback, a log to tell them of, and a clock that is moved by hand."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from marketplace.core.destination import Reach
from marketplace.core.merkle import Tree, leaf_hash
from marketplace.core.values import canonical, parse_json
from marketplace.ports.store import Entry, Record

HERE, INSIDE = "127.0.0.1", "127.0.0.2"
# The registry's own network has two addresses here: one stands for the internet.
LOOPBACK = Reach(plain=True, permits=lambda address: address == HERE)
OWNER, OTHER = "0x" + "aa" * 20, "0x" + "bb" * 20

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Call:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with what it is told to, in order, and then with 204."""

    url: str = ""
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def told(self) -> list[int]:
        """The indices of the entries that came, in order."""
        return [parse_json(call.body)["data"]["index"] for call in self.calls]


def status(code: int, *headers: tuple[str, str], body: bytes = b"") -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(code)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def receiver(
    host: str = HERE, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.calls.append(Call(self.path, headers, body))
            answer = made.answers.pop(0) if made.answers else status(204)
            with suppress(OSError):
                answer(self)

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None: ...

    server = Server((host, port), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    made.port = server.server_port
    made.url = f"{'https' if tls else 'http'}://{host}:{made.port}/hook"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Log:
    """As much of a store as webhooks ask for."""

    def __init__(self, count: int = 0, party: str = OWNER) -> None:
        self.all: list[Entry] = []
        self.add(count, party)

    def add(self, count: int, party: str = OWNER) -> None:
        for index in range(len(self.all), len(self.all) + count):
            leaf = canonical({"number": index})
            self.all.append(
                Entry(
                    index,
                    Record(
                        kind="offer",
                        digest=f"{index}",
                        signer=OTHER,
                        thread="talk",
                        position=index,
                        parties=(party, OTHER),
                        leaf=leaf,
                        leaf_hash=leaf_hash(leaf),
                        body=b"",
                        received_at=1_800_000_000 + index,
                    ),
                )
            )

    async def entries(self, start: int, limit: int, party: str = "") -> list[Entry]:
        told = (e for e in self.all[start:] if not party or party in e.record.parties)
        return [entry for entry, _ in zip(told, range(limit), strict=False)]

    async def tree(self) -> Tree:
        return Tree().grown([entry.record.leaf_hash for entry in self.all]).tree


class HandClock:
    def __init__(self, at: int = 1_800_000_000) -> None:
        self.at = at

    def now(self) -> int:
        return self.at


def shown(entry: Entry) -> dict[str, object]:
    """What a stream of events shows of an entry."""
    return {
        "index": entry.index,
        "sequence": entry.record.position,
        "received_at": entry.record.received_at,
        "message": parse_json(entry.record.leaf),
    }
