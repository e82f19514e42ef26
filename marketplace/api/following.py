"""Events over HTTP: server-sent, and by long poll for the simplest client."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from marketplace.api.answers import all_shown, shown
from marketplace.api.auth import OPTIONAL_LOGIN, OptionalCaller
from marketplace.api.routes import REFUSALS
from marketplace.api.services import LARGEST_PAGE, Limit, Services, Start, Use
from marketplace.core.login import Caller
from marketplace.core.values import Address, address
from marketplace.wire.views import PollView

LONGEST_POLL = 60

router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider


def _party(use: Services, party: str, caller: Caller | None) -> Address:
    # Without a party: everything, of which a reader sees leaves, and the bodies that it may.
    if not party:
        return ""
    who = address(party, "party")
    use.access.check((who,), caller)
    return who


@router.get(
    "/v1/events",
    operation_id="followEvents",
    response_class=StreamingResponse,
    openapi_extra=OPTIONAL_LOGIN,
)
async def follow_events(
    use: Use,
    caller: OptionalCaller,
    party: str = "",
    start: Start = 0,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
) -> StreamingResponse:
    """Messages as server-sent events; ``Last-Event-ID`` resumes after it, from the log."""
    following = start if last_event_id is None else last_event_id + 1
    stream = _stream(use, following, _party(use, party, caller), caller)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/v1/events/poll", operation_id="pollEvents", openapi_extra=OPTIONAL_LOGIN)
async def poll_events(
    use: Use,
    caller: OptionalCaller,
    party: str = "",
    start: Start = 0,
    wait: Annotated[int, Query(ge=0, le=LONGEST_POLL, description="seconds")] = 0,
    limit: Limit = LARGEST_PAGE,
) -> PollView:
    """What has come from an index on, waiting a while for the first; ``next`` goes on."""
    who = _party(use, party, caller)
    entries = await use.feed.poll(start, limit, who, wait)
    following = entries[-1].index + 1 if entries else start
    return PollView(messages=all_shown(use, entries, caller).messages, next=following)


async def _stream(
    use: Services, start: int, party: Address, caller: Caller | None
) -> AsyncIterator[str]:
    async for entry in use.feed.follow(start, party):
        if entry is None:
            yield ": still here\n\n"
            continue
        data = shown(use, entry, caller).model_dump_json()
        yield f"id: {entry.index}\nevent: {entry.record.kind}\ndata: {data}\n\n"
