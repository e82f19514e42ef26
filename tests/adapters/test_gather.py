"""Writes of one turn of the event loop leave together, in order, and none is held for ever."""

import asyncio

import pytest

from marketplace.gather import MOST_HELD, GatheredTransport

pytestmark = pytest.mark.anyio


class Wire:
    """Writes down what is done to it."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.done


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def gathered(wire: Wire) -> GatheredTransport:
    return GatheredTransport(wire, asyncio.get_running_loop())  # type: ignore[arg-type]


async def test_head_and_body_of_an_answer_are_one_write(wire: Wire, gathered: GatheredTransport):
    gathered.write(b"head")
    gathered.write(b"body")
    assert wire.done == []
    await asyncio.sleep(0)
    assert wire.done == [b"headbody"]
    gathered.write(b"next")
    await asyncio.sleep(0)
    assert wire.done == [b"headbody", b"next"]


async def test_close_sends_what_is_held_first_and_nothing_after(
    wire: Wire, gathered: GatheredTransport
):
    gathered.write(b"last")
    gathered.close()
    await asyncio.sleep(0)
    assert wire.done == [b"last", "close"]
    assert gathered.is_closing()


async def test_more_than_a_handful_is_not_held_back(wire: Wire, gathered: GatheredTransport):
    part = b"x" * (MOST_HELD // 2)
    for _ in range(3):
        gathered.write(part)
    assert wire.done == [part * 3]
    gathered.write(b"rest")
    await asyncio.sleep(0)
    assert wire.done == [part * 3, b"rest"]


async def test_abort_is_the_transport_s_own(wire: Wire, gathered: GatheredTransport):
    gathered.abort()
    assert wire.done == ["abort"]


async def test_peer_that_has_gone_meanwhile_is_sent_nothing(
    wire: Wire, gathered: GatheredTransport
):
    gathered.write(b"too late")
    wire.close()
    await asyncio.sleep(0)
    assert wire.done == ["close"]
