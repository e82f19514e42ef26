"""The registry's application over a memory store, and a client without a socket."""

from collections.abc import AsyncIterator

import httpx
import pytest
from witness import Witness


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
async def client(witness: Witness, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001 orders the loop
    # An exception that nobody handled must be seen as the 500 that a client would get.
    transport = httpx.ASGITransport(witness.app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as ready:
        yield ready
