"""A process that appends to a store for ever and says so only once it is durable."""

import asyncio
import sys

from records import record

from marketplace.adapters.sql.store import open_store


async def _write(where: str, prefix: str) -> None:
    number = 0
    async with open_store(where) as store:
        while True:
            # Several at once, so that the kill meets groups on their way to the disk.
            threads = [f"{prefix} {number + n}" for n in range(8)]
            for entry in await asyncio.gather(*(store.append(record(t, t)) for t in threads)):
                sys.stdout.write(f"{entry.record.digest}\n")
            sys.stdout.flush()
            number += 8


asyncio.run(_write(*sys.argv[1:]))
