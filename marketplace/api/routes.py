"""The first routes: is it there, what is it, take a word, show the log."""

from fastapi import APIRouter, Request, Response, status

from marketplace.api.auth import OPTIONAL_LOGIN, OptionalCaller
from marketplace.api.body import MOST_MESSAGE, envelope_schema, read_bounded
from marketplace.api.idempotency import Once
from marketplace.api.limits import check_key, give_back_key
from marketplace.api.services import LARGEST_PAGE, Limit, Start, Use, services_of
from marketplace.core.values import parse_json
from marketplace.services.feed import page
from marketplace.wire.problems import Problem
from marketplace.wire.views import (
    DomainView,
    InfoView,
    LogEntryView,
    LogNameView,
    LogView,
    Receipt,
    VersionView,
)

REFUSALS = {"default": {"model": Problem, "description": "a named refusal"}}
router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider


@router.get("/healthz", operation_id="health", status_code=status.HTTP_204_NO_CONTENT)
async def health() -> None:
    """The process answers."""


@router.get("/readyz", operation_id="ready", status_code=status.HTTP_204_NO_CONTENT)
async def ready(use: Use) -> None:
    """The store can be read and written: traffic is welcome."""
    await use.store.check()


@router.get("/v1", operation_id="info")
async def info(use: Use) -> InfoView:
    """The domains to sign in, the one to prefer first, and the registry's clock."""
    versions = [
        VersionView(
            version=domain.version,
            domain=DomainView.model_validate(domain.to_json()),
            domain_separator=domain.separator_hex,
        )
        for domain in use.domains.taken
    ]
    preferred = versions[0]
    return InfoView(
        domain=preferred.domain,
        domain_separator=preferred.domain_separator,
        versions=versions,
        log=LogNameView.from_core(use.receipts.key.name),
        now=use.clock.now(),
    )


@router.post(
    "/v1/messages",
    operation_id="submitMessage",
    status_code=status.HTTP_201_CREATED,
    response_model=Receipt,
    openapi_extra=dict(envelope_schema()),
)
async def submit_message(request: Request) -> Response:
    """Take a signed message: durable when this answers; the same again answers the same."""
    return await take_message(request)


async def take_message(request: Request) -> Response:
    """The same, for the shortcut that most requests take."""
    use = services_of(request)
    body = await read_bounded(request, MOST_MESSAGE)
    message = use.messages.prove(parse_json(body))
    check_key(request, message.signer)
    now, new = use.clock.now(), False

    async def write() -> Response:
        nonlocal new
        entry = await use.messages.submit(message)
        new = entry.record.received_at >= now
        told = (await use.receipts.of(entry)).spelled()
        return Response(told, status.HTTP_201_CREATED, media_type="application/json")

    try:
        return await Once(use.journal, now, message.signer).answer(request, body, write)
    finally:
        if not new:
            # Anybody can send a word that its signer said once: it must cost the signer nothing.
            give_back_key(request, message.signer)


@router.get("/v1/log", operation_id="readLog", openapi_extra=OPTIONAL_LOGIN)
async def read_log(
    use: Use, caller: OptionalCaller, start: Start = 0, limit: Limit = LARGEST_PAGE
) -> LogView:
    """The public bytes: what an auditor recomputes; and the bodies that the caller may read."""
    tree = await use.store.tree()
    size, root = tree.size, tree.root
    # What came since is not under this root.
    entries = await page(use.store, start, min(limit, size - start)) if start < size else []
    return LogView(
        size=size,
        root="0x" + root.hex(),
        entries=[
            LogEntryView(
                index=entry.index,
                leaf_hash="0x" + entry.record.leaf_hash.hex(),
                data=entry.record.leaf.decode("utf-8", "backslashreplace"),
                body=entry.record.body.decode("utf-8", "backslashreplace")
                if use.access.may_read(entry, caller)
                else "",
            )
            for entry in entries
        ],
    )
