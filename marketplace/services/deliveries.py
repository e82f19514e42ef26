"""Deliveries: every entry to every subscriber, at least once and in order.

A subscription's cursor moves only behind an entry that was delivered or became a dead
letter, and the two are written at once. So a crash between the answer and the write
repeats one call, under the same ``webhook-id``, and loses none.

Several workers may run on one store. Whoever begins with a subscription first writes that
it is not ready for ``LEASE_SECONDS``; two that begin within the same moment both deliver.
Each starts at a cursor that was true and goes on without gaps, so whichever writes last,
nothing is skipped: at worst the cursor goes back and calls are repeated, under the same ids.
It takes a log whose entries become visible in the order of their indices, as it promises.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from marketplace.core.errors import StoreUnavailable
from marketplace.ports.bus import Bus
from marketplace.ports.clock import Clock
from marketplace.ports.store import Entry, Store
from marketplace.ports.webhooks import DeadLetter, Subscription, WebhookStore
from marketplace.services.courier import Courier, Failure

# Seconds after each failure, as Standard Webhooks suggests: ten attempts in 75 hours.
RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
LONGEST_WAIT = 86_400
# Up to this part of a wait is added at random, so that what failed together comes apart.
JITTER_PART = 10
# Longer than one attempt may take.
LEASE_SECONDS = 60
MOST_READY = 1000
SLOTS = 64
# Of one host: anybody may name it, so it is called by few at a time, and where it is slow or
# away the other slots are others'.
HOST_SLOTS = 16
# A turn ends after so many entries, or with the one during which the time is over.
PAGE = 50
TURN_SECONDS = 30
TICK_SECONDS = 1.0
PAUSE_SECONDS = 0.05


def retry_wait(failed: int, retry_after: int, below: Callable[[int], int]) -> int:
    """Seconds to wait after the n-th failure, n from 1; a receiver can only lengthen it."""
    usual = RETRY_SECONDS[failed - 1]
    asked = min(retry_after, LONGEST_WAIT)
    return max(usual + below(usual // JITTER_PART + 1), asked)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The worker.

    Attributes:
        log: what is told.
        webhooks: who is told.
        courier: tells once.
        clock: says what is due.
        below: a random integer from 0 to below its argument.
    """

    log: Store
    webhooks: WebhookStore
    courier: Courier
    clock: Clock
    below: Callable[[int], int]
    _under_way: dict[str, str] = field(default_factory=dict)

    async def run(self, bus: Bus) -> None:
        """Deliver until cancelled; each subscription by itself, so that none waits for another."""
        async with asyncio.TaskGroup() as group:
            while True:
                signal = bus.signal()
                # Nothing is lost while the store is away: the cursors are in it.
                with suppress(StoreUnavailable):
                    await self._begin(group)
                await signal.wait(TICK_SECONDS)
                await asyncio.sleep(PAUSE_SECONDS)

    async def run_once(self) -> int:
        """Deliver one page to each subscription that is ready; how many had something."""
        async with asyncio.TaskGroup() as group:
            return await self._begin(group)

    async def _begin(self, group: asyncio.TaskGroup) -> int:
        begun, now = 0, self.clock.now()
        ready = await self.webhooks.ready(now, MOST_READY)
        for subscription in ready:
            if len(self._under_way) >= SLOTS:
                break
            if subscription.id in self._under_way:
                continue
            page = await self._page(subscription)
            if page:
                self._under_way[subscription.id] = _host(subscription)
                group.create_task(self._deliver(subscription, page))
                begun += 1
            elif len(ready) == MOST_READY:
                # There may be more that are ready: who has nothing, or waits for its host,
                # goes behind them.
                await self.webhooks.moved(replace(subscription, next_at=now), None)
        return begun

    async def _page(self, subscription: Subscription) -> list[Entry]:
        """What to tell a subscription now: nothing, while its host has as many calls as it may."""
        if Counter(self._under_way.values())[_host(subscription)] >= HOST_SLOTS:
            return []
        return await self.log.entries(subscription.following, PAGE, subscription.account)

    async def _deliver(self, subscription: Subscription, page: list[Entry]) -> None:
        try:
            with suppress(StoreUnavailable):
                await self._deliver_page(subscription, page)
        finally:
            del self._under_way[subscription.id]

    async def _deliver_page(self, subscription: Subscription, page: list[Entry]) -> None:
        at = self.clock.now()
        await self.webhooks.moved(replace(subscription, next_at=at + LEASE_SECONDS), None)
        for entry in page:
            failure = await self.courier.carry(subscription, entry)
            subscription, letter = await self._after(subscription, entry, failure)
            over = entry is page[-1] or self.clock.now() >= at + TURN_SECONDS
            stays = failure is None and not over
            lease = LEASE_SECONDS if stays else 0
            held = replace(subscription, next_at=subscription.next_at + lease)
            await self.webhooks.moved(held, letter)
            if not stays:
                return

    async def _after(
        self, subscription: Subscription, entry: Entry, failure: Failure | None
    ) -> tuple[Subscription, DeadLetter | None]:
        now, failed = self.clock.now(), subscription.attempts + 1
        behind = replace(subscription, following=entry.index + 1, attempts=0, next_at=now)
        if failure is None:
            return behind, None
        if failure.gone:
            return replace(subscription, attempts=failed, disabled=True), None
        if failed <= len(RETRY_SECONDS):
            next_at = now + retry_wait(failed, failure.retry_after, self.below)
            return replace(subscription, attempts=failed, next_at=next_at), None
        letter = DeadLetter(subscription.id, entry.index, failed, failure.reason, now)
        return replace(behind, disabled=await self._in_a_row(subscription, entry)), letter

    async def _in_a_row(self, subscription: Subscription, entry: Entry) -> bool:
        # Two given up in a row: nothing was taken for the time of all attempts, twice.
        for last in await self.webhooks.dead_letters(subscription.id, 1):
            after = await self.log.entries(last.index + 1, 1, subscription.account)
            return [one.index for one in after] == [entry.index]
        return False


def _host(subscription: Subscription) -> str:
    return urlsplit(subscription.url).hostname or ""
