"""HTTP as it is on the wire: what was not read to its end, did not come."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

HERE = "127.0.0.1"
ANSWER_SECONDS = 30.0
# A stream says that it is there every 15 seconds.
SILENCE_SECONDS = 30.0


class BrokenError(Exception):
    """The connection ended, or said nothing for too long: who knows what was done."""


@dataclass(frozen=True)
class Answer:
    """Status and body of a request that was answered."""

    status: int
    body: bytes


class Connection:
    """One connection, used for one request after another."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer; raises BrokenError, after which the next request connects anew."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status, told = await self._send(method, path, body, headers or {})
                length = int(told.get("content-length", "0"))
                return Answer(status, await self._reader.readexactly(length))
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.close()
            raise BrokenError(str(error) or type(error).__name__) from None

    async def events(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Whole events of a stream, the heartbeats left out; ends by BrokenError alone."""
        buffer = b""
        try:
            status, _ = await self._send("GET", path, b"", headers)
            if status != 200:
                raise BrokenError(str(status))
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    size = int(await self._reader.readuntil(b"\r\n"), 16)
                    chunk = await self._reader.readexactly(size + 2)
                *whole, buffer = (buffer + chunk[:-2]).split(b"\n\n")
                for event in whole:
                    if not event.startswith(b":"):
                        yield event
                if size == 0:
                    raise BrokenError("the stream ended")
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise BrokenError(str(error) or type(error).__name__) from None
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the connection."""
        if self._ends is not None:
            with suppress(OSError, RuntimeError):
                self._ends[1].close()
        self._ends = None

    @property
    def _reader(self) -> asyncio.StreamReader:
        assert self._ends is not None
        return self._ends[0]

    async def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str]]:
        if self._ends is None:
            self._ends = await asyncio.open_connection(HERE, self._port)
        told = {"host": f"{HERE}:{self._port}", "content-length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._ends[1].write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        return int(head[0].split()[1]), {n.lower(): v.strip() for n, _, v in pairs}
