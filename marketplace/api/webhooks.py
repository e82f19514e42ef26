"""Routes of webhooks: an account's own, and nobody else's."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Request, Response, status

from marketplace.api.auth import require
from marketplace.api.body import MOST_MESSAGE, read_bounded
from marketplace.api.idempotency import Once
from marketplace.api.services import Use as Registry
from marketplace.core.destination import LONGEST_URL
from marketplace.core.eip712 import exactly
from marketplace.core.errors import MandateRefused
from marketplace.core.identity import Scope
from marketplace.core.login import Caller
from marketplace.core.values import mapping, parse_json, text
from marketplace.services.webhooks import Webhooks
from marketplace.wire.problems import Problem
from marketplace.wire.webhooks import (
    DeadLettersView,
    DeadLetterView,
    NewSecretView,
    NewWebhookView,
    WebhooksView,
    WebhookView,
)

WANTED: Mapping[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["url"],
                    "additionalProperties": False,
                    "properties": {"url": {"type": "string", "maxLength": LONGEST_URL}},
                },
            }
        },
    }
}


async def caller_account(caller: Annotated[Caller, require(Scope.MANAGE)]) -> str:
    """The account of whoever calls."""
    return caller.account


async def subscribing_account(
    caller: Annotated[Caller, require(Scope.READ | Scope.MANAGE)],
) -> str:
    """The account, by its own key: what webhook and secret tell goes on after a delegation."""
    if caller.delegation is not None:
        raise MandateRefused("webhook", "a delegate's login", "the account's own")
    return caller.account


async def _webhooks(request: Request) -> Webhooks:
    return cast("Webhooks", request.app.state.webhooks)


Account = Annotated[str, Depends(caller_account)]
Subscriber = Annotated[str, Depends(subscribing_account)]
Use = Annotated[Webhooks, Depends(_webhooks)]
Write = Callable[[], Awaitable[Response]]
Index = Annotated[int, Path(ge=0, le=2**53)]
router = APIRouter(responses={"default": {"model": Problem, "description": "a named refusal"}})


@router.post(
    "/v1/webhooks",
    operation_id="createWebhook",
    status_code=status.HTTP_201_CREATED,
    response_model=NewWebhookView,
    openapi_extra=dict(WANTED),
)
async def create_webhook(
    request: Request, account: Subscriber, use: Use, registry: Registry
) -> Response:
    """Call a URL with all that concerns the account from now on; the secret is shown once.

    Under an Idempotency-Key the same request again makes no second webhook.
    """
    body = await read_bounded(request, MOST_MESSAGE)
    wanted = mapping(parse_json(body), "body")
    exactly(wanted, {"url"})
    url = text(wanted["url"], "url", LONGEST_URL)

    async def write() -> Response:
        made = NewWebhookView.of(await use.subscribe(account, url)).spelled()
        return Response(made, status.HTTP_201_CREATED, media_type="application/json")

    return await _once(request, body, account, registry, write)


async def _once(
    request: Request, body: bytes, account: str, registry: Registry, write: Write
) -> Response:
    """Do a write that shows a secret, once under its key, and let nobody keep what it shows."""
    once = Once(registry.journal, registry.clock.now(), account)
    answer = await once.answer(request, body, write)
    answer.headers["cache-control"] = "no-store"
    return answer


@router.get("/v1/webhooks", operation_id="listWebhooks")
async def list_webhooks(account: Account, use: Use) -> WebhooksView:
    """The account's webhooks, and how far each has come."""
    return WebhooksView(webhooks=[WebhookView.of(one) for one in await use.owned(account)])


@router.delete(
    "/v1/webhooks/{webhook}",
    operation_id="endWebhook",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def end_webhook(webhook: str, account: Account, use: Use) -> None:
    """End a webhook with its dead letters."""
    await use.unsubscribe(account, webhook)


@router.post(
    "/v1/webhooks/{webhook}/enable",
    operation_id="enableWebhook",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def enable_webhook(webhook: str, account: Account, use: Use) -> None:
    """Let a disabled webhook go on where it stopped; one that is not disabled goes on anyway."""
    await use.enable(account, webhook)


@router.post(
    "/v1/webhooks/{webhook}/rotate-secret",
    operation_id="rotateWebhookSecret",
    status_code=status.HTTP_201_CREATED,
    response_model=NewSecretView,
)
async def rotate_webhook_secret(
    request: Request, webhook: str, account: Subscriber, use: Use, registry: Registry
) -> Response:
    """Sign with a new secret, shown once; the one before it signs too until ``old_until``.

    Under an Idempotency-Key the same request again makes no third secret.
    """

    async def write() -> Response:
        made = NewSecretView.of(await use.rotate_secret(account, webhook)).spelled()
        return Response(made, status.HTTP_201_CREATED, media_type="application/json")

    return await _once(request, b"", account, registry, write)


@router.get("/v1/webhooks/{webhook}/dead-letters", operation_id="listDeadLetters")
async def list_dead_letters(webhook: str, account: Account, use: Use) -> DeadLettersView:
    """What could not be delivered, newest first."""
    letters = await use.dead_letters(account, webhook)
    return DeadLettersView(dead_letters=[DeadLetterView.of(one) for one in letters])


@router.post(
    "/v1/webhooks/{webhook}/dead-letters/{index}/redeliver",
    operation_id="redeliverDeadLetter",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def redeliver_dead_letter(webhook: str, index: Index, account: Account, use: Use) -> None:
    """Try once more, now: 204 once the receiver has taken it, or it stays a dead letter."""
    await use.redeliver(account, webhook, index)
