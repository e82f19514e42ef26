"""Who may have a webhook, and what its owner alone can do with it."""

import json
from base64 import b64decode
from dataclasses import replace

import pytest
from hooks import posting
from receivers import OTHER, OWNER, receiver, status
from standardwebhooks import Webhook, WebhookVerificationError

from marketplace.adapters.system import SystemClock
from marketplace.core.errors import (
    DeadLetterMissing,
    ReceiverUnavailable,
    WebhookMissing,
    WebhookRefused,
    WebhooksFull,
)
from marketplace.ports.webhooks import DeadLetter
from marketplace.services.webhooks import MOST_WEBHOOKS, OLD_SECRET_SECONDS

pytestmark = pytest.mark.anyio

URL = "http://agent.example/hook"


async def test_a_new_webhook_has_a_secret_of_its_own_and_begins_with_what_comes_next():
    async with posting() as at:
        at.log.add(3)
        first, second = [await at.webhooks.subscribe(OWNER, URL) for _ in range(2)]
    assert first.following == 3
    assert len(b64decode(first.secret.removeprefix("whsec_"))) == 32
    assert first.secret != second.secret
    assert first.id != second.id
    assert first.secret[6:] not in first.id


@pytest.mark.parametrize("url", ["http://127.0.0.2/", "ftp://agent.example/", "http://a@b/", "x"])
async def test_a_url_that_could_not_be_called_is_refused_at_once(url):
    async with posting() as at:
        with pytest.raises(WebhookRefused):
            await at.webhooks.subscribe(OWNER, url)
        assert await at.webhooks.owned(OWNER) == []


async def test_an_account_has_so_many_and_takes_no_other_s_room():
    async with posting() as at:
        made = [await at.webhooks.subscribe(OWNER, URL) for _ in range(MOST_WEBHOOKS)]
        with pytest.raises(WebhooksFull):
            await at.webhooks.subscribe(OWNER, URL)
        await at.webhooks.subscribe(OTHER, URL)
        await at.webhooks.unsubscribe(OWNER, made[0].id)
        await at.webhooks.subscribe(OWNER, URL)


async def test_nobody_else_sees_ends_or_repeats_a_webhook():
    async with posting() as at:
        at.log.add(1)
        with receiver() as one:
            made = await at.webhooks.subscribe(OWNER, one.url)
            await at.store.moved(made, DeadLetter(made.id, 0, 10, "status 500", 1))
            for refused in (
                at.webhooks.unsubscribe(OTHER, made.id),
                at.webhooks.dead_letters(OTHER, made.id),
                at.webhooks.redeliver(OTHER, made.id, 0),
                at.webhooks.enable(OTHER, made.id),
                at.webhooks.rotate_secret(OTHER, made.id),
                at.webhooks.unsubscribe(OWNER, "wh_\x00" * 100),
            ):
                with pytest.raises(WebhookMissing):
                    await refused
            assert await at.webhooks.owned(OTHER) == []
            assert await at.webhooks.owned(OWNER) == [made]
            assert one.calls == []


def verifies(secret, call):
    try:
        return Webhook(secret).verify(call.body, call.headers) == json.loads(call.body)
    except WebhookVerificationError:
        return False


async def test_for_a_day_a_call_is_good_under_the_new_secret_and_under_the_one_before():
    async with posting() as at:
        at.clock.at = SystemClock().now()
        with receiver() as one:
            first = await at.webhooks.subscribe(OWNER, one.url)
            second = await at.webhooks.rotate_secret(OWNER, first.id)
            assert second.old_until == at.clock.at + OLD_SECRET_SECONDS
            assert await at.webhooks.owned(OWNER) == [second]
            at.log.add(1)
            await at.deliveries.run_once()
            third = await at.webhooks.rotate_secret(OWNER, first.id)
            at.log.add(1)
            await at.deliveries.run_once()
            # The specification's verifier has a clock of its own, which is not the test's to move.
            ended = replace(third, old_until=at.clock.at)
            assert await at.deliveries.courier.carry(ended, at.log.all[1]) is None
    secrets = [each.secret for each in (first, second, third)]
    assert len(set(secrets)) == 3
    assert [[verifies(secret, call) for secret in secrets] for call in one.calls] == [
        [True, True, False],
        [False, True, True],
        [False, False, True],
    ]


async def test_a_disabled_webhook_goes_on_with_what_was_not_delivered():
    async with posting() as at:
        with receiver() as one:
            made = await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(2)
            one.answers.append(status(410))
            await at.deliveries.run_once()
            at.log.add(1)
            assert await at.deliveries.run_once() == 0
            await at.webhooks.enable(OWNER, made.id)
            await at.deliveries.run_once()
            (found,) = await at.webhooks.owned(OWNER)
    assert one.told == [0, 0, 1, 2]
    assert (found.disabled, found.attempts, found.following) == (False, 0, 3)


async def test_an_ended_webhook_is_gone_with_its_dead_letters():
    async with posting() as at:
        made = await at.webhooks.subscribe(OWNER, URL)
        await at.store.moved(made, DeadLetter(made.id, 0, 10, "status 500", 1))
        await at.webhooks.unsubscribe(OWNER, made.id)
        # A worker that was on its way writes after the end.
        await at.store.moved(made, DeadLetter(made.id, 1, 10, "status 500", 1))
        assert await at.store.ready(at.clock.now(), 9) == []
        assert await at.store.dead_letters(made.id, 9) == []
        for gone in (
            at.webhooks.dead_letters(OWNER, made.id),
            at.webhooks.enable(OWNER, made.id),
            at.webhooks.rotate_secret(OWNER, made.id),
        ):
            with pytest.raises(WebhookMissing):
                await gone


async def test_a_dead_letter_is_delivered_again_under_its_old_id_and_is_then_none():
    async with posting() as at:
        at.clock.at = SystemClock().now()
        with receiver() as one:
            made = await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(2)
            await at.deliveries.run_once()
            await at.store.moved(made, DeadLetter(made.id, 1, 10, "status 500", 1))
            one.answers.append(status(500))
            with pytest.raises(ReceiverUnavailable, match="status 500"):
                await at.webhooks.redeliver(OWNER, made.id, 1)
            assert len(await at.webhooks.dead_letters(OWNER, made.id)) == 1
            await at.webhooks.redeliver(OWNER, made.id, 1)
            assert await at.webhooks.dead_letters(OWNER, made.id) == []
            with pytest.raises(DeadLetterMissing):
                await at.webhooks.redeliver(OWNER, made.id, 1)
    assert one.told == [0, 1, 1, 1]
    assert one.calls[1].headers["webhook-id"] == one.calls[3].headers["webhook-id"]
    for call in one.calls:
        assert Webhook(made.secret).verify(call.body, call.headers) == json.loads(call.body)


async def test_what_is_no_dead_letter_or_nobody_s_entry_is_not_sent():
    async with posting() as at:
        with receiver() as one:
            made = await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            at.log.add(1, OTHER)
            # Were there ever a letter about another's entry, it would not be told all the same.
            await at.store.moved(made, DeadLetter(made.id, 1, 10, "status 500", 1))
            for index in (0, 1, 2):
                with pytest.raises(DeadLetterMissing):
                    await at.webhooks.redeliver(OWNER, made.id, index)
        assert one.calls == []
