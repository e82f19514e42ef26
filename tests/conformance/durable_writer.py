"""A process that appends to a store for ever and says so only once it is durable."""

import asyncio
import sys
from pathlib import Path

from test_store import record

from marketplace.adapters.sql.sqlite import SqliteStore


async def _write(path: Path) -> None:
    store, number = SqliteStore(path), 0
    while True:
        # Several at once, so that the kill meets groups on their way to the disk.
        threads = [f"talk {number + n}" for n in range(8)]
        for entry in await asyncio.gather(*(store.append(record(t, t)) for t in threads)):
            sys.stdout.write(f"{entry.record.digest}\n")
        sys.stdout.flush()
        number += 8


asyncio.run(_write(Path(sys.argv[1])))
