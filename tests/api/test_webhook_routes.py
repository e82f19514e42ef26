"""The routes of webhooks: a life over HTTP, and what is refused by name."""

from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from hooks import posting
from receivers import OTHER, OWNER, receiver
from witness import Witness

from marketplace.api.webhooks import caller_account, router, subscribing_account
from marketplace.core.errors import ParleyError
from marketplace.ports.webhooks import DeadLetter
from marketplace.wire.problems import to_problem

pytestmark = pytest.mark.anyio


def refuse(_, error):
    problem = to_problem(error)
    return JSONResponse(problem.model_dump(), problem.status)


@asynccontextmanager
async def registry():
    async with posting() as at:
        app = FastAPI()
        app.state.webhooks = at.webhooks
        app.state.services = Witness().services
        app.include_router(router)
        app.add_exception_handler(ParleyError, refuse)
        caller = [OWNER]
        for account in (caller_account, subscribing_account):
            app.dependency_overrides[account] = lambda: caller[0]
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
            yield at, client, caller


async def test_a_webhook_lives_and_its_secret_is_shown_once():
    async with registry() as (at, client, _):
        with receiver() as one:
            made = await client.post("/v1/webhooks", json={"url": one.url})
            assert made.status_code == 201
            assert made.headers["cache-control"] == "no-store"
            assert set(made.json()) == {"id", "url", "secret", "following"}
            at.log.add(1)
            await at.deliveries.run_once()
            assert one.told == [0]
        listed = await client.get("/v1/webhooks")
        assert made.json()["secret"] not in listed.text
        (found,) = listed.json()["webhooks"]
        assert (found["id"], found["following"], found["disabled"]) == (made.json()["id"], 1, False)
        assert (await client.delete(f"/v1/webhooks/{found['id']}")).status_code == 204
        again = await client.delete(f"/v1/webhooks/{found['id']}")
        assert (again.status_code, again.json()["code"]) == (404, "WebhookMissing")


async def test_dead_letters_are_listed_and_redelivered():
    async with registry() as (at, client, _):
        with receiver() as one:
            made = await at.webhooks.subscribe(OWNER, one.url)
            at.log.add(1)
            await at.store.moved(made, DeadLetter(made.id, 0, 10, "status 500", 7))
            path = f"/v1/webhooks/{made.id}/dead-letters"
            letter = {"index": 0, "attempts": 10, "reason": "status 500", "at": 7}
            assert (await client.get(path)).json() == {"dead_letters": [letter]}
            assert (await client.post(f"{path}/0/redeliver")).status_code == 204
            assert one.told == [0]
            assert (await client.get(path)).json() == {"dead_letters": []}
            gone = await client.post(f"{path}/0/redeliver")
        assert (gone.status_code, gone.json()["code"]) == (404, "DeadLetterMissing")


async def test_a_secret_is_rotated_once_under_its_key_and_shown_once():
    async with registry() as (at, client, _):
        made = await at.webhooks.subscribe(OWNER, "http://agent.example/")
        path, key = f"/v1/webhooks/{made.id}/rotate-secret", {"idempotency-key": "mine"}
        first, again = [await client.post(path, headers=key) for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.headers["cache-control"] == again.headers["cache-control"] == "no-store"
        assert first.json() == again.json()
        (found,) = await at.webhooks.owned(OWNER)
        assert (found.secret, found.old_secret) == (first.json()["secret"], made.secret)
        listed = await client.get("/v1/webhooks")
        assert listed.json()["webhooks"][0]["old_until"] == first.json()["old_until"] > 0
        assert found.secret not in listed.text
        assert made.secret not in listed.text


async def test_a_disabled_webhook_is_enabled():
    async with registry() as (at, client, _):
        made = await at.webhooks.subscribe(OWNER, "http://agent.example/")
        await at.store.moved(replace(made, disabled=True), None)
        for _ in range(2):
            answer = await client.post(f"/v1/webhooks/{made.id}/enable")
            assert (answer.status_code, answer.content) == (204, b"")
            (found,) = (await client.get("/v1/webhooks")).json()["webhooks"]
            assert not found["disabled"]


async def test_another_account_finds_nothing():
    async with registry() as (at, client, caller):
        made = await at.webhooks.subscribe(OWNER, "http://agent.example/")
        caller[0] = OTHER
        assert (await client.get("/v1/webhooks")).json() == {"webhooks": []}
        mine = (
            ("DELETE", ""),
            ("GET", "/dead-letters"),
            ("POST", "/enable"),
            ("POST", "/rotate-secret"),
        )
        for method, end in mine:
            answer = await client.request(method, f"/v1/webhooks/{made.id}{end}")
            assert answer.json()["code"] == "WebhookMissing"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "ValueMalformed"),
        (b"[]", "ValueMalformed"),
        (b"{}", "FieldsDiffer"),
        (b'{"url":"http://agent.example/","following":0}', "FieldsDiffer"),
        (b'{"url":7}', "ValueMalformed"),
        (b'{"url":""}', "ValueMalformed"),
        (b'{"url":"http://agent.example/","url":"http://agent.example/"}', "ValueMalformed"),
        (b'{"url":"http://127.0.0.2/"}', "WebhookRefused"),
        (b'{"url":"' + b"a" * 1001 + b'"}', "ValueMalformed"),
        (b'{"url":"' + b"a" * 100_000 + b'"}', "BodyTooLarge"),
        (b"[" * 10_000, "ValueMalformed"),
    ],
)
async def test_what_is_no_wish_is_refused_by_name(body, code):
    async with registry() as (at, client, _):
        answer = await client.post("/v1/webhooks", content=body)
        assert answer.json()["code"] == code
        assert await at.webhooks.owned(OWNER) == []
