"""A registry behind a real socket, on the server that the hosting builds."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from witness import Witness

from marketplace.guard import GuardedProtocol
from marketplace.hosting import listen


@asynccontextmanager
async def serving(witness: Witness, **settings: Any) -> AsyncIterator[tuple[str, int]]:  # noqa: ANN401 any setting
    """The address and port of a running registry."""
    bound = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        witness.app(**settings),
        http=GuardedProtocol,
        ws="none",
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:  # noqa: ASYNC110 uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield bound.getsockname()
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def served(witness: Witness, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ANN401 any setting
    """A client of a running registry."""
    async with (
        serving(witness, **settings) as (host, port),
        httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=10) as client,
    ):
        yield client


async def read(
    client: httpx.AsyncClient,
    count: int,
    last: int | None = None,
    login: Mapping[str, str] | None = None,
    **query: str | int,
) -> list[dict[str, Any]]:
    """The next events: id, kind and data of each; a heartbeat is an event without an id."""
    headers = dict(login or {}) if last is None else {**(login or {}), "last-event-id": str(last)}
    events: list[dict[str, Any]] = []
    async with client.stream("GET", "/v1/events", params=query, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            if line:
                name, _, value = line.partition(":")
                event[name] = value.strip()
                continue
            events.append(event)
            event = {}
            if len(events) == count:
                break
    return events


def message_of(event: dict[str, Any]) -> dict[str, Any]:
    """What an event tells."""
    told: dict[str, Any] = json.loads(event["data"])
    return told
