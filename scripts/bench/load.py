"""A load generator: many agents, one request at a time each."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

END_OF_HEAD = b"\r\n\r\n"


class WrongAnswerError(Exception):
    """A request was not answered as it should be; the message is the answer."""


class Agent(asyncio.Protocol):
    """Posts bodies one after another, and writes down how long each answer took."""

    def __init__(self, path: str, bodies: Sequence[bytes], status: int) -> None:
        self._path = path
        self._bodies = iter(bodies)
        self._expected = f"HTTP/1.1 {status} ".encode()
        self._buffer = bytearray()
        self._sent_at = 0.0
        self.seconds: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._send()

    def data_received(self, data: bytes) -> None:
        """Take an answer in, and send the next."""
        self._buffer += data
        head = self._buffer.find(END_OF_HEAD)
        if head < 0:
            return
        length = _content_length(self._buffer[:head])
        if len(self._buffer) < head + len(END_OF_HEAD) + length:
            return
        self.seconds.append(time.perf_counter() - self._sent_at)
        if not self._buffer.startswith(self._expected):
            self._fail(WrongAnswerError(self._buffer[:2000].decode(errors="replace")))
            return
        self._buffer.clear()
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that the server ended is a failure."""
        self._fail(exc or WrongAnswerError("the connection ended"))

    def _send(self) -> None:
        body = next(self._bodies, None)
        if body is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(
            f"POST {self._path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)
            self._transport.close()


@dataclass
class Measured:
    """What a load came to."""

    wall: float = 0.0
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.wall

    def quantile(self, part: float) -> float:
        """Of the times of all answers, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


async def post_all(
    port: int, path: str, bodies: Sequence[Sequence[bytes]], status: int
) -> Measured:
    """Each agent's bodies over its own connection, all agents at once."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    agents = [
        (await loop.create_connection(lambda own=own: Agent(path, own, status), "127.0.0.1", port))[
            1
        ]
        for own in bodies
    ]
    await asyncio.gather(*(agent.done for agent in agents))
    wall = time.perf_counter() - began
    return Measured(wall, [one for agent in agents for one in agent.seconds])


def _content_length(head: bytes | bytearray) -> int:
    for line in bytes(head).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
