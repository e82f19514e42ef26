"""What every journal owes its callers: one suite, every adapter."""

import asyncio
from dataclasses import replace

import pytest

from marketplace.ports.journal import Answer, Journal, Request, Standing

pytestmark = pytest.mark.anyio

REQUEST = Request("0xcaller", "key", "aa", lease_until=20, expires_at=100)
ANSWER = Answer(201, "application/json", b"\x00{}")
BEGUN = (Standing.BEGUN, None)
IN_PROGRESS = (Standing.IN_PROGRESS, None)


async def test_request_is_begun_once_and_then_answered_as_it_was(store: Journal):
    assert await store.begin(REQUEST, 10) == BEGUN
    assert await store.begin(REQUEST, 11) == IN_PROGRESS
    await store.finish(REQUEST, ANSWER)
    assert await store.begin(REQUEST, 12) == (Standing.DONE, ANSWER)
    assert await store.begin(replace(REQUEST, lease_until=60), 50) == (Standing.DONE, ANSWER)


async def test_of_many_who_begin_at_once_one_does(store: Journal):
    outcomes = await asyncio.gather(*(store.begin(REQUEST, 10) for _ in range(12)))
    assert sorted(outcomes, key=str) == [BEGUN, *[IN_PROGRESS] * 11]


async def test_same_key_on_another_body_is_changed_whatever_became_of_the_first(store: Journal):
    other = replace(REQUEST, body_digest="bb")
    assert await store.begin(REQUEST, 10) == BEGUN
    assert await store.begin(other, 10) == (Standing.CHANGED, None)
    assert await store.begin(other, 30) == (Standing.CHANGED, None)
    await store.finish(REQUEST, ANSWER)
    assert await store.begin(other, 30) == (Standing.CHANGED, None)


async def test_keys_of_two_callers_and_two_keys_are_different_requests(store: Journal):
    for request in (REQUEST, replace(REQUEST, caller="0xother"), replace(REQUEST, key="two")):
        assert await store.begin(request, 10) == BEGUN


async def test_each_caller_of_one_key_gets_its_own_answer_again(store: Journal):
    asked = [replace(REQUEST, caller=f"0x{n}", body_digest=f"body {n}") for n in range(3)]
    for each in asked:
        assert await store.begin(each, 10) == BEGUN
        await store.finish(each, replace(ANSWER, body=each.caller.encode()))
    for each in asked:
        standing, answer = await store.begin(each, 11)
        assert (standing, answer and answer.body) == (Standing.DONE, each.caller.encode())


async def test_request_whose_lease_is_over_may_be_taken_and_its_first_holder_is_late(
    store: Journal,
):
    second = replace(REQUEST, lease_until=40)
    assert await store.begin(REQUEST, 10) == BEGUN
    assert await store.begin(second, 19) == IN_PROGRESS
    assert await store.begin(second, 20) == BEGUN
    await store.finish(REQUEST, None)
    await store.finish(REQUEST, Answer(500, "text/plain", b"late"))
    assert await store.begin(REQUEST, 21) == IN_PROGRESS
    await store.finish(second, ANSWER)
    assert await store.begin(REQUEST, 22) == (Standing.DONE, ANSWER)


async def test_request_that_is_let_go_begins_anew_and_an_answer_stays(store: Journal):
    await store.begin(REQUEST, 10)
    await store.finish(REQUEST, None)
    assert await store.begin(REQUEST, 11) == BEGUN
    await store.finish(REQUEST, ANSWER)
    await store.finish(REQUEST, None)
    assert await store.begin(REQUEST, 12) == (Standing.DONE, ANSWER)


async def test_request_is_forgotten_once_it_has_expired(store: Journal):
    await store.begin(REQUEST, 10)
    await store.finish(REQUEST, ANSWER)
    assert (await store.begin(REQUEST, 99))[0] is Standing.DONE
    anew = replace(REQUEST, body_digest="bb", lease_until=120, expires_at=200)
    assert await store.begin(anew, 100) == BEGUN
    assert await store.begin(anew, 101) == IN_PROGRESS


async def test_word_is_burnt_once(store: Journal):
    outcomes = await asyncio.gather(*(store.burn("word", 100) for _ in range(8)))
    assert sorted(outcomes) == [False] * 7 + [True]
    assert await store.burn("other", 100)


async def test_sweep_forgets_what_has_expired_and_counts_it(store: Journal):
    await store.begin(REQUEST, 10)
    await store.begin(replace(REQUEST, key="later", expires_at=101), 10)
    await store.burn("word", 100)
    await store.burn("later", 101)
    assert await store.sweep(99) == 0
    assert await store.sweep(100) == 2
    assert await store.begin(REQUEST, 10) == BEGUN
    assert await store.burn("word", 100)
    assert not await store.burn("later", 101)
