"""Gather: what is sent in one turn of the loop leaves together.

The server writes an answer's head and its body one after the other, and a stream's events
one by one. Each write is a system call and a packet, and costs as much as judging a word.
"""

import asyncio
from typing import Any

# More than that is not held back: the transport's own limits must see it.
MOST_HELD = 64 * 1024


class GatheredTransport:
    """A transport that writes once a turn; all else is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send data, at the end of this turn at the latest."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Send what is held, now; to nobody where the peer has gone meanwhile."""
        held, self._held, self._size = self._held, [], 0
        if held and not self._transport.is_closing():
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """Send what is held, then close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 whatever the transport has
        return getattr(self._transport, name)
