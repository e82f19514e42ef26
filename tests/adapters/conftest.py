"""A development chain of each kind, and a client that signs for its first account."""

from collections.abc import Iterator

import pytest
from devchain_client import Client

from marketplace.adapters.evm.devchain import DevChain, start_chain

_KINDS = ["embedded", pytest.param("anvil", marks=pytest.mark.node)]


@pytest.fixture(params=_KINDS)
def devchain(request: pytest.FixtureRequest) -> Iterator[DevChain]:
    with start_chain(request.param) as chain:
        yield chain


@pytest.fixture
def client(devchain: DevChain) -> Client:
    return Client(devchain)
