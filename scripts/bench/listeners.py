"""Subscribers in a process of their own: every event is counted.

``python scripts/bench/listeners.py PORT COUNT PARTY…`` ends once each party was told COUNT
offers, each once and in order, and prints how many there were.
"""

import asyncio
import re
import sys

import uvloop

# An event's first lines; its data is one line of JSON, in which no such thing can stand.
EVENT = re.compile(rb"id: (\d+)\nevent: (\w+)\n")


class Listener(asyncio.Protocol):
    """Follows one party's events until so many offers came."""

    def __init__(self, party: str, count: int) -> None:
        self._party, self._count = party, count
        self._buffer = b""
        self._last = -1
        self.told = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        asked = f"GET /v1/events?party={self._party} HTTP/1.1\r\nhost: bench\r\n\r\n"
        transport.write(asked.encode())  # type: ignore[attr-defined]  # of a socket

    def data_received(self, data: bytes) -> None:
        """Count the events that are whole by now."""
        self._buffer += data
        end = 0
        for event in EVENT.finditer(self._buffer):
            end = event.end()
            index = int(event[1])
            if index <= self._last:
                self._fail(f"{self._party} was told {index} after {self._last}")
            self._last = index
            self.told += event[2] == b"offer"
        self._buffer = self._buffer[end:]
        if self.told >= self._count and not self.done.done():
            self.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """A stream that the server ended is a failure."""
        self._fail(f"the stream of {self._party} ended after {self.told} offers: {exc}")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(reason))


async def main(port: int, count: int, parties: list[str]) -> None:
    """All at once."""
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda own=own: Listener(own, count), "127.0.0.1", port))[1]
        for own in parties
    ]
    print("listening", flush=True)
    await asyncio.gather(*(each.done for each in made))
    print(sum(each.told for each in made), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
