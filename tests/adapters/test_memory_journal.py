"""A request is done once, a word serves once, and both are forgotten in time."""

from dataclasses import replace

import pytest

from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.ports.journal import Answer, Journal, Request, Standing

pytestmark = pytest.mark.anyio

REQUEST = Request("0xaa", "key", "11" * 32, lease_until=110, expires_at=200)
ANSWER = Answer(201, "application/json", b"{}")


@pytest.fixture
def journal() -> Journal:
    return MemoryJournal()


async def test_a_request_is_begun_once_and_then_answered_the_same(journal: Journal):
    assert await journal.begin(REQUEST, 100) == (Standing.BEGUN, None)
    assert await journal.begin(REQUEST, 101) == (Standing.IN_PROGRESS, None)
    await journal.finish(REQUEST, ANSWER)
    assert await journal.begin(replace(REQUEST, lease_until=300), 102) == (Standing.DONE, ANSWER)


async def test_another_body_under_the_name_is_told_at_any_time(journal: Journal):
    await journal.begin(REQUEST, 100)
    other = replace(REQUEST, body_digest="22" * 32)
    assert await journal.begin(other, 101) == (Standing.CHANGED, None)
    await journal.finish(REQUEST, ANSWER)
    assert await journal.begin(other, 150) == (Standing.CHANGED, None)


async def test_one_caller_s_names_are_nothing_to_another(journal: Journal):
    await journal.begin(REQUEST, 100)
    await journal.finish(REQUEST, ANSWER)
    for other in (replace(REQUEST, caller="0xbb"), replace(REQUEST, key="other")):
        assert await journal.begin(other, 101) == (Standing.BEGUN, None)


async def test_a_request_whose_lease_is_over_is_taken_by_the_next(journal: Journal):
    await journal.begin(REQUEST, 100)
    assert (await journal.begin(REQUEST, 109))[0] is Standing.IN_PROGRESS
    later = replace(REQUEST, lease_until=120)
    assert (await journal.begin(later, 110))[0] is Standing.BEGUN
    assert (await journal.begin(REQUEST, 119))[0] is Standing.IN_PROGRESS


@pytest.mark.parametrize("answer", [ANSWER, None])
async def test_whose_lease_was_over_has_no_say_any_more(journal: Journal, answer: Answer | None):
    await journal.begin(REQUEST, 100)
    await journal.begin(replace(REQUEST, lease_until=120), 110)
    await journal.finish(REQUEST, answer)
    assert (await journal.begin(REQUEST, 119))[0] is Standing.IN_PROGRESS


async def test_a_request_that_is_let_go_can_be_begun_anew_with_another_body(journal: Journal):
    await journal.begin(REQUEST, 100)
    await journal.finish(REQUEST, None)
    assert (await journal.begin(replace(REQUEST, body_digest="22" * 32), 101))[0] is Standing.BEGUN


async def test_a_request_that_has_expired_is_as_if_it_had_never_been(journal: Journal):
    await journal.begin(REQUEST, 100)
    await journal.finish(REQUEST, ANSWER)
    assert (await journal.begin(REQUEST, 199))[0] is Standing.DONE
    assert (await journal.begin(replace(REQUEST, expires_at=300), 200))[0] is Standing.BEGUN


async def test_a_word_is_used_up_once(journal: Journal):
    assert await journal.burn("word", 200)
    assert not await journal.burn("word", 300)
    assert await journal.burn("another", 200)


async def test_what_has_expired_is_forgotten_and_nothing_else(journal: Journal):
    await journal.begin(REQUEST, 100)
    await journal.finish(REQUEST, ANSWER)
    await journal.burn("word", 200)
    await journal.burn("longer", 201)
    assert await journal.sweep(199) == 0
    assert not await journal.burn("word", 200)
    assert await journal.sweep(200) == 2
    assert await journal.burn("word", 300)
    assert not await journal.burn("longer", 300)
    assert (await journal.begin(REQUEST, 100))[0] is Standing.BEGUN
