"""What every store of webhooks owes their owners: one suite, every adapter."""

import asyncio
from dataclasses import replace

import pytest

from marketplace.ports.webhooks import DeadLetter, Subscription, WebhookStore

pytestmark = pytest.mark.anyio

HOOK = Subscription("a", "0xmine", "https://example.org", "secret", following=3)


async def test_subscription_is_read_back_by_its_account_alone(store: WebhookStore):
    await store.subscribe(replace(HOOK, id="b", disabled=True, attempts=2, next_at=9), 2)
    await store.subscribe(HOOK, 2)
    mine = await store.subscriptions("0xmine")
    assert mine == [HOOK, replace(HOOK, id="b", disabled=True, attempts=2, next_at=9)]
    assert await store.subscriptions("0xother") == []


async def test_account_has_no_more_than_it_may_and_the_same_again_is_no_other(
    store: WebhookStore,
):
    hooks = [replace(HOOK, id=f"{n}") for n in range(8)]
    kept = await asyncio.gather(*(store.subscribe(hook, 3) for hook in hooks))
    assert sum(kept) == 3
    (first, *_) = await store.subscriptions("0xmine")
    assert await store.subscribe(replace(first, url="https://other"), 3)
    assert (await store.subscriptions("0xmine"))[0] == first
    assert await store.subscribe(replace(HOOK, id="theirs", account="0xother"), 1)


async def test_ready_are_those_whose_time_has_come_and_who_are_there(store: WebhookStore):
    for name, at, disabled in (("c", 5, False), ("b", 9, False), ("a", 9, False), ("d", 1, True)):
        await store.subscribe(replace(HOOK, id=name, next_at=at, disabled=disabled), 9)
    assert [hook.id for hook in await store.ready(4, 9)] == []
    assert [hook.id for hook in await store.ready(9, 9)] == ["c", "a", "b"]
    assert [hook.id for hook in await store.ready(9, 1)] == ["c"]


async def test_moved_keeps_cursor_and_letter_and_never_address_or_secret(store: WebhookStore):
    await store.subscribe(HOOK, 1)
    moved = replace(HOOK, following=4, attempts=1, next_at=7, disabled=True)
    letter = DeadLetter("a", 3, 8, "410", 70)
    await store.moved(replace(moved, url="https://else", secret="other"), letter)  # noqa: S106
    assert await store.subscriptions("0xmine") == [moved]
    assert await store.dead_letters("a", 9) == [letter]


async def test_disabled_one_goes_on_where_it_stopped_as_if_nothing_had_failed(store: WebhookStore):
    stopped = replace(HOOK, following=5, attempts=9, next_at=70, disabled=True)
    await store.subscribe(stopped, 2)
    await store.enable("a", 80)
    assert await store.ready(79, 9) == []
    assert await store.ready(80, 9) == [replace(HOOK, following=5, next_at=80)]


async def test_one_that_is_not_disabled_is_left_at_its_waiting(store: WebhookStore):
    waiting = replace(HOOK, attempts=3, next_at=70)
    await store.subscribe(waiting, 1)
    await store.enable("a", 8)
    await store.enable("none", 8)
    assert await store.subscriptions("0xmine") == [waiting]


async def test_new_secret_leaves_the_one_before_it_and_no_other(store: WebhookStore):
    await store.subscribe(replace(HOOK, id="b"), 2)
    await store.subscribe(HOOK, 2)
    assert await store.rotate("a", "second", 50)
    once = replace(HOOK, secret="second", old_secret="secret", old_until=50)  # noqa: S106
    assert await store.subscriptions("0xmine") == [once, replace(HOOK, id="b")]
    # A worker that was on its way knows the first secret only.
    await store.moved(replace(HOOK, following=4), None)
    assert await store.rotate("a", "third", 60)
    (twice, _) = await store.subscriptions("0xmine")
    assert (twice.secret, twice.old_secret, twice.old_until) == ("third", "second", 60)
    assert twice.following == 4
    assert not await store.rotate("none", "third", 60)


def test_old_secret_signs_until_its_instant():
    rotated = replace(HOOK, secret="new", old_secret="old", old_until=50)  # noqa: S106
    assert rotated.secrets(49) == ("new", "old")
    assert rotated.secrets(50) == ("new",)
    assert HOOK.secrets(0) == ("secret",)


async def test_dead_letters_are_newest_first_and_each_once(store: WebhookStore):
    await store.subscribe(HOOK, 1)
    for index, at in ((1, 10), (2, 30), (3, 30), (1, 20)):
        await store.moved(HOOK, DeadLetter("a", index, 8, "500", at))
    letters = await store.dead_letters("a", 9)
    assert [(letter.index, letter.at) for letter in letters] == [(3, 30), (2, 30), (1, 20)]
    assert await store.dead_letters("a", 1) == letters[:1]


async def test_letter_is_buried_once(store: WebhookStore):
    await store.subscribe(HOOK, 1)
    await store.moved(HOOK, DeadLetter("a", 1, 8, "500", 10))
    assert await store.bury("a", 1)
    assert not await store.bury("a", 1)
    assert await store.dead_letters("a", 9) == []


async def test_only_its_owner_ends_a_subscription_and_its_letters_go_with_it(
    store: WebhookStore,
):
    await store.subscribe(HOOK, 1)
    await store.moved(HOOK, DeadLetter("a", 1, 8, "500", 10))
    assert not await store.unsubscribe("0xother", "a")
    assert await store.unsubscribe("0xmine", "a")
    assert not await store.unsubscribe("0xmine", "a")
    await store.moved(HOOK, DeadLetter("a", 2, 8, "late", 20))
    assert await store.dead_letters("a", 9) == await store.ready(99, 9) == []
