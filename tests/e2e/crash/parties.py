"""Clients: each says its words in order, and each word until it is acknowledged."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from crash.house import House
from crash.raw import BrokenError, Connection
from crash.traffic import Talk, Word, talk

RETRY_SECONDS = 0.1
MOST_ROUNDS = 8
# A talk that ends by silence may do so before its words are through.
LATE_WORDS = {"DeadlinePassed", "DeadlineRefused", "EventRefused"}


@dataclass
class Party:
    """One connection's worth of load.

    Attributes:
        house: where it speaks.
        number: the first of its talks.
        step: from each talk to its next.
        begun: told of each talk before its first word.
        keyed: whether it sends an Idempotency-Key too, and so waits for leases.
    """

    house: House
    number: int
    step: int
    begun: Callable[[Talk], None]
    keyed: bool = False
    last: Word | None = None
    _connection: Connection = field(init=False)

    def __post_init__(self) -> None:
        """Not connected yet."""
        self._connection = Connection(self.house.port)

    async def run(self, chance: random.Random) -> None:
        """Talk after talk, until cancelled."""
        while True:
            said = talk(self.number, chance.randint(1, MOST_ROUNDS), int(time.time()))  # noqa: TID251 outside
            self.begun(said)
            for word in said.words:
                if not await self.say(word, said):
                    break
            self.number += self.step

    async def say(self, word: Word, said: Talk) -> bool:
        """Whether the word was taken."""
        if self.keyed:
            await self.house.gate.wait()
            return await self._until_answered(word, said)
        async with self.house.saying():
            return await self._until_answered(word, said)

    async def repeat(self) -> None:
        """The last word once more: its receipt is the old one."""
        if self.last is not None:
            answer = await self._connection.ask("POST", "/v1/messages", self.last.body)
            if answer.status == 201:
                self.house.acknowledge(self.last.key, answer.body)
                self.house.counts["repeated"] += 1
            elif answer.status != 503:
                self.house.blame("refused again", answer.status, answer.body)

    async def _until_answered(self, word: Word, said: Talk) -> bool:
        self.house.sent.add(word.key)
        named = {"idempotency-key": f"{word.key[0]} {word.key[1]}"} if self.keyed else {}
        for attempt in count():
            self.house.counts["sent again"] += attempt == 1
            with suppress(BrokenError):
                answer = await self._connection.ask("POST", "/v1/messages", word.body, named)
                if answer.status == 201:
                    self.house.acknowledge(word.key, answer.body)
                    self.last = word
                    return True
                if not self._may_retry(answer.status, answer.body, said):
                    return False
            await asyncio.sleep(RETRY_SECONDS)
        raise AssertionError("it is sent until it is answered")

    def _may_retry(self, status: int, body: bytes, said: Talk) -> bool:
        code = json.loads(body).get("code") if body.startswith(b"{") else None
        if code == "StoreUnavailable" or (self.keyed and code == "RequestUnderWay"):
            self.house.counts[code] += 1
            return True
        if not (said.silent and code in LATE_WORDS):
            self.house.blame("refused", status, body)
        return False
