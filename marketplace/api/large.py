"""Large bodies: few at a time of one address, paid for by their weight.

A request for a body of megabytes is not one request like another: it is held in memory
while it comes, and it is written, or proved word by word. So an address has few of them
under way, and each takes more tokens than one, on credit: who has one left is let in, and
waits afterwards.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from fastapi import FastAPI, Request

from marketplace.api.body import MOST_MESSAGE
from marketplace.api.limits import Limits, address_of, limits_of

MOST_AT_ONCE = 8


def add_large_bodies(app: FastAPI, limits: Limits) -> None:
    """Count them, where anything is counted at all."""
    app.state.large = Limits(most_streams=MOST_AT_ONCE if limits.most_streams else 0)


@contextmanager
def large_body(request: Request) -> Iterator[None]:
    """While one is read and used; raises StreamsFull for an address that has too many."""
    counted = cast("Limits", request.app.state.large)
    with counted.stream(address_of(request)):
        yield


def charge_bytes(request: Request, body: bytes) -> None:
    """A token of the address for each message's worth; raises RateExceeded where it has none."""
    now = asyncio.get_running_loop().time()
    cost = -(-len(body) // MOST_MESSAGE)
    limits_of(request).addresses.take(address_of(request), now, cost)


def charge_words(request: Request, account: str, words: int) -> None:
    """A token of address and account for each word; raises RateExceeded where one has none."""
    limits, now = limits_of(request), asyncio.get_running_loop().time()
    limits.addresses.take(address_of(request), now, words)
    limits.keys.take(account, now, words)
