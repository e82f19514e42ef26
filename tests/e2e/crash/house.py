"""What all clients of one run share: where the registry is, what it has promised."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crash.traffic import Key


@dataclass
class House:
    """Promises, and what was found to be wrong with them.

    Attributes:
        port: of the registry.
        receipts: what was acknowledged, by message, without what the log says of it.
        signed: what the log said in each acknowledgement that nobody has checked yet.
        sent: what was posted, answered or not.
        wrong: each violation in a line, with its number.
        counts: how often what happened.
        gate: open while there is load.
    """

    port: int
    receipts: dict[Key, dict[str, object]] = field(default_factory=dict)
    signed: list[tuple[int, dict[str, object]]] = field(default_factory=list)
    sent: set[Key] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: int = 0
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def blame(self, what: str, *values: object) -> None:
        """Write a violation down."""
        self.counts[what] += 1
        self.wrong.append(f"{what}: " + " ".join(map(str, values))[:600])

    def acknowledge(self, key: Key, body: bytes) -> None:
        """Keep a receipt; of the same message there is one for ever."""
        receipt = json.loads(body)
        self.signed.append((receipt["index"], receipt.pop("log")))
        known = self.receipts.setdefault(key, receipt)
        if known != receipt:
            self.blame("another receipt", known, receipt)
        if known is receipt:
            self.counts["acknowledged"] += 1

    @asynccontextmanager
    async def saying(self) -> AsyncIterator[None]:
        """While a word is on its way; waits for the gate first."""
        await self.gate.wait()
        self._busy += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def quiet(self, seconds: float) -> None:
        """Shut the gate and wait until everything on its way is acknowledged."""
        self.gate.clear()
        if self._busy:
            try:
                await asyncio.wait_for(self._idle.wait(), seconds)
            except TimeoutError:
                self.blame("never acknowledged", self._busy, "words in", seconds, "s")
