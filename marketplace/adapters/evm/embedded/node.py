"""Puts the embedded chain behind a port: chain, methods, envelope, server.

Rules:
    1. py-evm is not thread-safe, so one lock lets one method run at a time.
    2. A batch is not one transaction: other clients may come in between its members.
"""

import threading
import time
from collections.abc import Iterable

from marketplace.adapters.evm.embedded import jsonrpc
from marketplace.adapters.evm.embedded.chain import Chain
from marketplace.adapters.evm.embedded.methods import invoke
from marketplace.adapters.evm.embedded.server import RpcServer


def serve(port: int, funded: Iterable[bytes]) -> RpcServer:
    """Start a chain and serve it on 127.0.0.1.

    Args:
        port: TCP port, 0 for a free one.
        funded: 20-byte addresses with money in the first block.

    Raises:
        OSError: the port is taken.
    """
    chain, lock = Chain(funded, _wall_clock), threading.Lock()

    def invoke_alone(method: str, arguments: list[jsonrpc.Json]) -> jsonrpc.Json:
        with lock:
            return invoke(chain, method, arguments)

    return RpcServer(port, lambda body: jsonrpc.respond(body, invoke_alone))


def _wall_clock() -> int:
    """Integer seconds UTC. The node is a world of its own, as Anvil is, so it has its own clock."""
    return time.time_ns() // 10**9
