"""Peers that are slow on purpose: what never ends is ended, and everybody else is answered."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from market import listing
from served import served, serving
from witness import Witness

from marketplace import guard, hosting
from marketplace.api import body
from marketplace.api.body import MOST_ARTIFACT, MOST_MESSAGE, seconds_for
from marketplace.guard import MOST_HEAD, GuardedProtocol
from marketplace.settings import RegistrySettings

pytestmark = pytest.mark.anyio

SOON = 0.2
HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: registry\r\n"


class Peer:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def trickle(self, data: bytes, pause: float = SOON / 5) -> None:
        """A byte at a time, until the other side has had enough."""
        with suppress(ConnectionError):
            for byte in data:
                self.writer.write(bytes([byte]))
                await self.writer.drain()
                await asyncio.sleep(pause)

    async def rest(self) -> bytes:
        """All that comes until the connection ends; a test fails where it does not."""
        told = bytearray()
        try:
            while chunk := await asyncio.wait_for(self.reader.read(65_536), 5):
                told += chunk
        except ConnectionError:
            # Reset, as this side was still sending: what had come before it stays unread.
            told += self.reader._buffer
        return bytes(told)


@asynccontextmanager
async def calling(at: tuple[str, int]) -> AsyncIterator[Peer]:
    peer = Peer(*await asyncio.open_connection(*at))
    try:
        yield peer
    finally:
        peer.writer.close()
        with suppress(ConnectionError):
            await peer.writer.wait_closed()


@asynccontextmanager
async def registry(witness: Witness | None = None) -> AsyncIterator[Peer]:
    """A connection to a registry of its own."""
    async with serving(witness or Witness()) as at, calling(at) as peer:
        yield peer


def problem(answer: bytes) -> dict:
    head, _, told = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 "), answer
    assert b"application/problem+json" in head
    assert b"connection: close" in head.lower()
    return json.loads(told)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "HEAD_SECONDS", SOON)


def test_body_has_time_by_its_size():
    assert (seconds_for(MOST_MESSAGE), seconds_for(MOST_ARTIFACT)) == (10, 137)


def test_server_that_the_hosting_builds_is_the_guarded_one():
    config = hosting.configuration(RegistrySettings("", 1, "0x" + "e5" * 20))
    assert (config.http, config.ws) == (GuardedProtocol, "none")


# ------------------------------------------------------------------ bodies


@pytest.mark.parametrize("stated", [b"content-length: 1000", b"transfer-encoding: chunked"])
async def test_body_that_trickles_is_cut_at_its_deadline(
    stated: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(body, "SLACK_SECONDS", 0)
    monkeypatch.setattr(body, "LEAST_RATE", MOST_MESSAGE)
    witness = Witness()
    async with registry(witness) as peer:
        peer.writer.write(HEAD + stated + b"\r\n\r\n")
        chunk = b"1\r\n{\r\n" if b"chunked" in stated else b"{"
        sending = asyncio.create_task(peer.trickle(chunk * 1_000))
        told = problem(await peer.rest())
        sending.cancel()
    assert (told["code"], told["retryable"], told["values"]["seconds"]) == ("BodySlow", True, 1)
    assert await witness.size() == 0


async def test_body_that_comes_slowly_and_in_time_is_taken():
    witness, said = Witness(), json.dumps(listing().to_json()).encode()
    async with registry(witness) as peer:
        head = HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(said)
        peer.writer.write(head)
        # Longer than a head may take: that clock has stopped.
        await asyncio.sleep(2 * SOON)
        await peer.trickle(said[:5])
        peer.writer.write(said[5:])
        assert (await peer.rest()).startswith(b"HTTP/1.1 201 ")
    assert await witness.size() == 1


STRANGER_S = b"0x" + b"11" * 65
ARTIFACT = b"/v1/negotiations/0x%s/artifacts/0x%s" % (b"ab" * 32, b"cd" * 32)
UPLOAD = b"PUT " + ARTIFACT + b" HTTP/1.1\r\nhost: x\r\nparley-signature: " + STRANGER_S + b"\r\n"


@pytest.mark.parametrize(
    ("head", "came", "status"),
    [
        (HEAD + b"content-length: %d\r\n" % (MOST_MESSAGE + 1), b"{", b"413"),
        (UPLOAD + b"content-length: %d\r\n" % (MOST_ARTIFACT + 1), b"x", b"413"),
        (HEAD + b"transfer-encoding: chunked\r\n", b"10001\r\n" + b" " * 0x10001, b"413"),
        (UPLOAD + b"content-length: 9\r\n", b"x", b"404"),
    ],
    ids=["stated", "an artifact's stated", "came", "of nobody's artifact"],
)
async def test_body_that_will_not_be_taken_is_refused_before_the_rest_of_it_comes(
    head: bytes, came: bytes, status: bytes
):
    async with registry() as peer:
        peer.writer.write(head + b"\r\n" + came)
        # All of its time is longer than our patience.
        assert (await peer.rest()).startswith(b"HTTP/1.1 " + status)


async def test_body_that_goes_on_after_its_refusal_does_not_keep_the_connection():
    async with registry() as peer:
        # Refused by its path, before any of it is read.
        peer.writer.write(b"PUT /nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 90000\r\n\r\n")
        sending = asyncio.create_task(peer.trickle(b"x" * 1_000, SOON / 10))
        assert (await peer.rest()).startswith(b"HTTP/1.1 404 ")
        sending.cancel()


# ------------------------------------------------------------------ heads


@pytest.mark.parametrize(
    "head",
    [b"GET /v1 HTTP/1.1\r\n" + b"x-more: 1\r\n" * 500, b"GET /" + b"x" * 500],
    ids=["headers", "line"],
)
async def test_head_that_never_ends_is_cut_and_named(head: bytes):
    async with registry() as peer:
        sending = asyncio.create_task(peer.trickle(head, SOON / 20))
        assert problem(await peer.rest())["code"] == "BodySlow"
        sending.cancel()


async def test_connection_that_says_nothing_is_closed():
    async with registry() as peer:
        assert await peer.rest() == b""


async def test_second_head_on_a_kept_connection_has_the_same_deadline():
    async with registry() as peer:
        peer.writer.write(b"GET /v1 HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        # A kept connection may be silent for longer than a head may take.
        await asyncio.sleep(2 * SOON)
        peer.writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        await peer.reader.readuntil(b"204 No Content")
        await peer.reader.readuntil(b"\r\n\r\n")
        sending = asyncio.create_task(peer.trickle(b"GET /v1 HTTP/1.1\r\nx: " + b"y" * 500))
        assert problem(await peer.rest())["code"] == "BodySlow"
        sending.cancel()


async def test_head_larger_than_the_server_reads_is_refused():
    async with registry() as peer:
        peer.writer.write(b"GET /v1 HTTP/1.1\r\nx: " + b"y" * MOST_HEAD)
        head, _, told = (await peer.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(told)["values"]["maximum"] == MOST_HEAD


async def test_stream_outlives_every_deadline_of_a_request():
    async with registry() as peer:
        peer.writer.write(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        await peer.reader.readuntil(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.reader.read(1), 3 * SOON)


async def test_pipelined_request_behind_a_stream_does_not_end_it():
    async with registry() as peer:
        asked = (
            b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
            b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n",
        )
        peer.writer.write(asked[0] + asked[1] + asked[0])
        await peer.reader.readuntil(b"event-stream")
        await peer.reader.readuntil(b"\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.reader.read(1), 3 * SOON)


async def test_upgrade_is_not_taken_and_the_request_is_answered():
    async with registry() as peer:
        asked = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        peer.writer.write(b"GET /nothing HTTP/1.1\r\nhost: x\r\n" + asked + b"\r\n")
        assert (await peer.reader.readline()).startswith(b"HTTP/1.1 404 ")


# ------------------------------------------------------------------ crowds


async def test_thousand_idle_streams_leave_the_server_answering_in_bounded_memory():
    count, most_kib = 1_000, 200
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 2 * count + 100:
        count = (soft - 100) // 2
    witness = Witness()
    async with served(witness) as client, AsyncExitStack() as crowd:
        address = client.base_url.host, client.base_url.port
        assert (await client.get("/v1")).status_code == 200
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peers = []
        for _ in range(count):
            peers.append(await crowd.enter_async_context(calling(address)))
            peers[-1].writer.write(b"GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n")
        for peer in peers:
            await asyncio.wait_for(peer.reader.readuntil(b"\r\n\r\n"), 30)
        answer = await client.post("/v1/messages", json=listing().to_json())
        assert answer.status_code == 201
        for peer in peers:
            assert b"event: listing" in await asyncio.wait_for(
                peer.reader.readuntil(b"event: listing"), 30
            )
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < count * most_kib
        for peer in peers:
            peer.writer.transport.abort()
        assert (await client.get("/v1")).status_code == 200
