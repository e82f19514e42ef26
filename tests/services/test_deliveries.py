"""Deliveries to real receivers: order, patience, and an end of it."""

import asyncio
import time
from contextlib import suppress
from itertools import pairwise

import pytest
from hooks import posting, stage
from receivers import HERE, INSIDE, OTHER, OWNER, receiver, status

from marketplace.adapters.http import poster
from marketplace.adapters.memory.bus import MemoryBus
from marketplace.core.errors import StoreUnavailable
from marketplace.ports.outbound import Reply
from marketplace.services import deliveries as module
from marketplace.services.deliveries import (
    HOST_SLOTS,
    LEASE_SECONDS,
    LONGEST_WAIT,
    MOST_READY,
    PAGE,
    RETRY_SECONDS,
    TURN_SECONDS,
    retry_wait,
)

pytestmark = pytest.mark.anyio


def patience():
    """Five seconds of steps."""
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        yield


async def the_one(at):
    (found,) = await at.webhooks.owned(OWNER)
    return found


async def test_everything_of_the_account_s_own_is_told_in_order_and_once():
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            for party in (OWNER, OTHER, OWNER, OTHER, OTHER, OWNER):
                at.log.add(1, party if party == OWNER else "0x" + "cc" * 20)
            assert await at.deliveries.run_once() == 1
            assert await at.deliveries.run_once() == 0
    assert one.told == [0, 2, 5]
    assert (await the_one(at)).following == 6


async def test_a_long_log_is_told_by_the_page():
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(PAGE + 1)
            await at.deliveries.run_once()
            assert one.told == list(range(PAGE))
            await at.deliveries.run_once()
    assert one.told == list(range(PAGE + 1))


async def test_a_failure_is_tried_again_under_its_id_with_the_time_of_the_attempt():
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(2)
            one.answers += [status(500)] * 2
            for wait in (0, *RETRY_SECONDS[:2]):
                at.clock.at += wait - 1
                before = len(one.calls)
                if wait:
                    await at.deliveries.run_once()
                    assert len(one.calls) == before
                at.clock.at += 1
                await at.deliveries.run_once()
    assert one.told == [0, 0, 0, 1]
    ids = [call.headers["webhook-id"] for call in one.calls]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    times = [int(call.headers["webhook-timestamp"]) for call in one.calls]
    assert [later - sooner for sooner, later in pairwise(times)] == [5, 300, 0]
    assert (await the_one(at)).attempts == 0


async def give_up(at):
    for wait in (*RETRY_SECONDS, 0):
        await at.deliveries.run_once()
        at.clock.at += wait


async def test_what_fails_on_the_whole_schedule_is_a_dead_letter_and_the_next_goes_on():
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(2)
            one.answers += [status(503)] * (len(RETRY_SECONDS) + 1)
            await give_up(at)
            found = await the_one(at)
            (letter,) = await at.webhooks.dead_letters(OWNER, found.id)
            assert (letter.index, letter.attempts, letter.reason) == (0, 10, "status 503")
            assert (found.following, found.attempts, found.disabled) == (1, 0, False)
            await at.deliveries.run_once()
    assert one.told == [0] * 10 + [1]


async def test_two_given_up_in_a_row_disable_and_two_with_a_success_between_do_not():
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(5)
            one.answers += [status(500)] * 10 + [status(200)] + [status(500)] * 10
            await give_up(at)
            await give_up(at)
            found = await the_one(at)
            assert (found.following, found.disabled) == (3, False)
            one.answers += [status(500)] * 10
            await give_up(at)
            found = await the_one(at)
            letters = await at.webhooks.dead_letters(OWNER, found.id)
            assert found.disabled
            told = len(one.calls)
            at.clock.at += LONGEST_WAIT
            assert await at.deliveries.run_once() == 0
    assert [letter.index for letter in letters] == [3, 2, 0]
    assert (found.following, len(one.calls)) == (4, told)


async def test_who_says_gone_is_called_no_more_and_misses_nothing():
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(2)
            one.answers.append(status(410))
            await at.deliveries.run_once()
            at.clock.at += LONGEST_WAIT
            assert await at.deliveries.run_once() == 0
    found = await the_one(at)
    assert (one.told, found.disabled, found.following) == ([0], True, 0)
    assert await at.webhooks.dead_letters(OWNER, found.id) == []


@pytest.mark.parametrize(
    ("asked", "wait"), [("0", 5), ("3", 5), ("60", 60), ("9" * 30, LONGEST_WAIT), ("-1", 5)]
)
async def test_a_receiver_can_ask_for_more_time_but_not_for_less_or_for_ever(asked, wait):
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            one.answers.append(status(429, ("retry-after", asked)))
            await at.deliveries.run_once()
    assert (await the_one(at)).next_at == at.clock.now() + wait


def test_jitter_adds_up_to_a_tenth_and_takes_nothing_away():
    for failed, usual in enumerate(RETRY_SECONDS, 1):
        assert retry_wait(failed, 0, lambda _: 0) == usual
        assert retry_wait(failed, 0, lambda limit: limit - 1) == usual + usual // 10


@pytest.mark.parametrize("code", [100, 199, 300, 307, 400, 404, 500])
async def test_whatever_is_not_2xx_is_a_failure(code):
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            one.answers += [status(code, ("location", f"http://{INSIDE}:{one.port}/"))] * 9
            await at.deliveries.run_once()
    found = await the_one(at)
    assert (found.following, found.attempts) == (0, 1)


async def test_a_redirect_inside_is_a_failure_and_nobody_inside_is_called():
    async with posting() as at:
        with receiver() as one, receiver(INSIDE, one.port) as two:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            one.answers.append(status(308, ("location", two.url)))
            await at.deliveries.run_once()
    assert (two.calls, (await the_one(at)).attempts) == ([], 1)


async def test_a_receiver_that_is_not_there_or_slow_takes_nobody_else_s_time():
    def slow(handler):
        time.sleep(2)
        status(200)(handler)

    async with posting() as at:
        with receiver() as dead:
            pass
        with receiver() as one, receiver() as two:
            for url in (dead.url, one.url, two.url):
                await at.webhooks.subscribe(OWNER, url)
            at.log.add(3)
            one.answers += [slow] * 3
            await at.deliveries.run_once()
            assert two.told == [0, 1, 2]
    attempts = {found.url: found.attempts for found in await at.webhooks.owned(OWNER)}
    assert attempts == {dead.url: 1, one.url: 1, two.url: 0}


async def test_a_host_that_many_name_is_called_by_few_at_a_time_and_holds_up_no_other():
    under_way, most = 0, 0

    class Crowd:
        async def post(self, url, _headers, _body):
            nonlocal under_way, most
            called.append(url)
            if "crowd" in url:
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(0.01)
                under_way -= 1
            return Reply(204, None)

    called, at = [], stage(Crowd())
    accounts = [f"0x{number:040x}" for number in range(HOST_SLOTS + 3)]
    for number, account in enumerate(accounts):
        await at.webhooks.subscribe(account, f"http://crowd.example/{number}")
        at.log.add(1, account)
    await at.webhooks.subscribe(OWNER, "http://quiet.example/")
    at.log.add(1)
    assert await at.deliveries.run_once() == HOST_SLOTS + 1
    assert (most, called.count("http://quiet.example/")) == (HOST_SLOTS, 1)
    assert await at.deliveries.run_once() == 3
    assert len(called) == len(set(called)) == len(accounts) + 1


async def test_a_slow_receiver_s_turn_ends_and_goes_on_behind_the_others():
    async with posting() as at:

        def slow(handler):
            at.clock.at += TURN_SECONDS // 2
            status(200)(handler)

        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(5)
            one.answers += [slow] * 5
            for told in ([0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]):
                await at.deliveries.run_once()
                assert one.told == told
            assert (await the_one(at)).next_at == at.clock.now()


async def test_who_is_called_by_one_worker_is_not_ready_for_another():
    async with posting() as at:
        held = []

        async def peek():
            held.append(await at.store.ready(at.clock.now() + poster.SECONDS, 9))

        carry = at.deliveries.courier.outbound.post
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(3)

            async def post(*call: object) -> Reply:
                await peek()
                return await carry(*call)

            at.deliveries.courier.outbound.post = post
            await at.deliveries.run_once()
    assert held == [[], [], []]
    assert len(await at.store.ready(at.clock.now(), 9)) == 1


async def test_a_worker_that_runs_tells_what_comes_while_it_runs(monkeypatch):
    monkeypatch.setattr(module, "TICK_SECONDS", 30.0)
    async with posting() as at:
        bus = MemoryBus()
        with receiver() as one, receiver() as two:
            await at.webhooks.subscribe(OWNER, one.url)
            await at.webhooks.subscribe(OWNER, two.url)
            running = asyncio.create_task(at.deliveries.run(bus))
            for count in (1, 2):
                at.log.add(1)
                bus.publish([OWNER])
                for _ in patience():
                    if min(len(one.calls), len(two.calls)) == count:
                        break
                    await asyncio.sleep(0.01)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    assert one.told == two.told == [0, 1]


async def test_a_worker_outlives_a_store_that_is_away(monkeypatch):
    monkeypatch.setattr(module, "TICK_SECONDS", 0.01)
    async with posting() as at:
        with receiver() as one:
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            kept, away = at.store.moved, iter([True, True, False, True])

            async def moved(*what: object) -> None:
                if next(away, False):
                    raise StoreUnavailable("memory", "away")
                await kept(*what)

            at.store.moved = moved
            running = asyncio.create_task(at.deliveries.run(MemoryBus()))
            for _ in patience():
                if (await the_one(at)).following == 1:
                    break
                await asyncio.sleep(0.02)
                at.clock.at += LEASE_SECONDS
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    assert one.told == [0, 0]


async def test_no_crowd_of_idle_webhooks_keeps_one_from_its_turn():
    async with posting() as at:
        with receiver() as one:
            for number in range(MOST_READY):
                await at.webhooks.subscribe("0x" + f"{number:040x}", f"http://{HERE}:9999/")
            await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            # Whichever come first, those that have nothing make room for those that have.
            await at.deliveries.run_once()
            await at.deliveries.run_once()
    assert one.told == [0]
