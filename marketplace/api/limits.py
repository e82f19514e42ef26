"""Limits: how often one peer may ask, and how many streams it holds."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from typing import cast

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from marketplace.api.refusals import answer
from marketplace.core.errors import ParleyError, StreamsFull
from marketplace.services.rates import Rates

UNLIMITED = frozenset({"/healthz", "/readyz"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What is let through.

    Attributes:
        addresses: requests from one network address.
        keys: messages under one signer's key.
        most_streams: open streams of one address; 0 does not count.
    """

    addresses: Rates = field(default_factory=lambda: Rates(0, 0))
    keys: Rates = field(default_factory=lambda: Rates(0, 0))
    most_streams: int = 0
    _streams: "Counter[str]" = field(default_factory=Counter)

    @contextmanager
    def stream(self, address: str) -> Iterator[None]:
        """While a stream is open; raises StreamsFull for an address that has as many as it may."""
        if self.most_streams and self._streams[address] >= self.most_streams:
            raise StreamsFull(address, self.most_streams)
        self._streams[address] += 1
        try:
            yield
        finally:
            self._streams[address] -= 1
            if not self._streams[address]:
                del self._streams[address]


class CountedStream(StreamingResponse):
    """A stream of events, counted from before its first byte until its reader is gone."""

    media_type = "text/event-stream"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; raises StreamsFull and sends nothing where the address has too many."""
        request = Request(scope)
        with limits_of(request).stream(address_of(request)):
            await super().__call__(scope, receive, send)


def address_of(request: Request) -> str:
    """Who asks, as far as the network tells; behind a proxy, what uvicorn takes from it."""
    return _network(request.client.host if request.client else "")


def _network(host: str) -> str:
    # Whoever has an IPv6 address has 2**64 of them (RFC 6177).
    if ":" not in host:
        return host
    with suppress(ValueError):
        return str(IPv6Network((host.partition("%")[0], 64), strict=False))
    return host


def limits_of(request: Request) -> Limits:
    """The application's limits."""
    return cast("Limits", request.app.state.limits)


def give_back_key(request: Request, signer: str) -> None:
    """What ``check_key`` took, for a word that added nothing to the log."""
    limits_of(request).keys.give_back(signer)


def check_key(request: Request, signer: str) -> None:
    """Raise RateExceeded for a key whose messages come too often."""
    limits_of(request).keys.take(signer, asyncio.get_running_loop().time())


class AddressLimit:
    """Refuses an address that asks too often, before anything of its request is read."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] == "http" and scope["path"] not in UNLIMITED:
            peer = scope.get("client")
            try:
                self._limits.addresses.take(
                    _network(peer[0] if peer else ""), asyncio.get_running_loop().time()
                )
            except ParleyError as error:
                await answer(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
