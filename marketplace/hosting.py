"""Hosting: the registry's HTTP server, in one process or in several."""

import asyncio
import gc
import logging
import socket
from functools import partial

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from marketplace.adapters.memory.bus import MemoryBus
from marketplace.adapters.sql.notify import NotifyBus
from marketplace.adapters.sql.store import is_shared, open_store
from marketplace.bootstrap import build_registry
from marketplace.core.errors import WorkersRefused
from marketplace.guard import GuardedProtocol
from marketplace.settings import RegistrySettings

# Open event streams end with the server instead of holding it.
SHUTDOWN_SECONDS = 2
COLLECTED = 100_000, 50, 1_000
KEEP_ALIVE_SECONDS = 30
# A worker that still reads its modules on a busy machine is not a dead one.
HEALTH_SECONDS = 60
# A database server that is away, as after a crash, is waited for so long: of a worker that
# cannot start the supervisor concludes that none can, and ends them all.
PATIENCE_SECONDS = 60.0


def unexpected(record: logging.LogRecord) -> bool:
    """Whether a line of the server's log is worth a line: not each stream that ends with it."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError)


def application(settings: RegistrySettings) -> FastAPI:
    """The registry over the database that its settings name."""
    logging.getLogger("uvicorn.error").addFilter(unexpected)
    # Nothing here is made of cycles: what a request leaves is freed by its count alone, and a
    # collector that looks at every remembered word again and again finds nothing.
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    shared = is_shared(settings.database)
    local = MemoryBus()
    bus = NotifyBus(settings.database, local) if shared else local
    patience = PATIENCE_SECONDS if shared else 0.0
    return build_registry(settings, open_store(settings.database), bus, patience)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket: its port is known before the server runs on it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio does not switch Nagle's algorithm off and each answer
    # on a kept connection waits for tens of milliseconds.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((host, port))
    return bound


def configuration(settings: RegistrySettings) -> uvicorn.Config:
    """How the server runs; each of several workers makes its own application."""
    return uvicorn.Config(
        partial(application, settings),
        factory=True,
        workers=settings.workers,
        http=GuardedProtocol,
        loop="uvloop",
        # No route takes one, and what counts requests does not see them.
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_worker_healthcheck=HEALTH_SECONDS,
        server_header=False,
    )


def build_server(settings: RegistrySettings) -> uvicorn.Server:
    """The server in this process, not yet running."""
    return uvicorn.Server(configuration(settings))


def serve(settings: RegistrySettings, bound: socket.socket) -> None:
    """Serve until told to stop.

    Raises:
        WorkersRefused: several processes cannot share the database.
    """
    if settings.workers > 1 and not is_shared(settings.database):
        raise WorkersRefused(settings.workers, settings.database)
    if settings.workers == 1:
        build_server(settings).run(sockets=[bound])
    else:
        Multiprocess(configuration(settings), sockets=[bound]).run()
