"""Subscribers in a process of their own: every event is counted.

``python scripts/bench/listeners.py PORT COUNT PARTY…`` ends once each party was told COUNT
offers, each once and in order, and prints how many there were.
"""

import asyncio
import sys


async def listen(port: int, party: str, count: int) -> int:
    """Follow one party's events until so many offers came; raises where one is out of order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /v1/events?party={party} HTTP/1.1\r\nhost: bench\r\n\r\n".encode())
    last, offers = -1, 0
    while offers < count:
        line = await reader.readline()
        if not line:
            raise RuntimeError(f"the stream of {party} ended after {offers} offers")
        if line.startswith(b"id: "):
            index = int(line[4:])
            if index <= last:
                raise RuntimeError(f"{party} was told {index} after {last}")
            last = index
        elif line == b"event: offer\n":
            offers += 1
    writer.close()
    return offers


async def main(port: int, count: int, parties: list[str]) -> None:
    """All at once."""
    told = asyncio.gather(*(listen(port, party, count) for party in parties))
    print("listening", flush=True)
    print(sum(await told), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
