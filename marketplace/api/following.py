"""Events over HTTP: server-sent, and by long poll for the simplest client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext, suppress
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from marketplace.api.answers import all_shown
from marketplace.api.auth import OPTIONAL_LOGIN, OptionalCaller, Standing
from marketplace.api.limits import CountedStream, address_of, limits_of
from marketplace.api.routes import REFUSALS
from marketplace.api.services import LARGEST_PAGE, Services, Use
from marketplace.core.errors import StoreUnavailable, TokenRefused
from marketplace.core.login import Caller
from marketplace.core.values import Address, address
from marketplace.ports.store import Entry
from marketplace.wire.views import PollView

LONGEST_POLL = 60

router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider


class Follow(BaseModel):
    """What a reader of events asks for."""

    model_config = ConfigDict(extra="forbid")

    party: str = Field("", max_length=42, description="an address; empty: everything public")
    start: int = Field(0, ge=0, le=2**53, description="index of the log")


class Poll(Follow):
    """What a poll asks for."""

    wait: int = Field(0, ge=0, le=LONGEST_POLL, description="seconds")
    limit: int = Field(LARGEST_PAGE, ge=1, le=LARGEST_PAGE)


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
    response_class=CountedStream,
    openapi_extra=OPTIONAL_LOGIN,
)
async def follow_events(
    use: Use,
    caller: OptionalCaller,
    standing: Standing,
    asked: Annotated[Follow, Query()],
    last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
) -> CountedStream:
    """Messages as server-sent events; ``Last-Event-ID`` resumes after it, from the log."""
    party = _party(use, asked.party, caller)
    start = asked.start if last_event_id is None else last_event_id + 1
    told = _stream(use, use.feed.follow(start, party), caller, standing)
    return CountedStream(told, headers={"cache-control": "no-store", "x-accel-buffering": "no"})


@router.get("/v1/events/poll", operation_id="pollEvents", openapi_extra=OPTIONAL_LOGIN)
async def poll_events(
    request: Request, use: Use, caller: OptionalCaller, asked: Annotated[Poll, Query()]
) -> PollView:
    """What has come from an index on, waiting a while for the first; ``next`` goes on."""
    who = _party(use, asked.party, caller)
    # One that waits is held and woken like a stream.
    with limits_of(request).stream(address_of(request)) if asked.wait else nullcontext():
        entries = await use.feed.poll(asked.start, asked.limit, who, asked.wait)
    following = entries[-1].index + 1 if entries else asked.start
    return PollView(messages=all_shown(use, entries, caller).messages, next=following)


async def _stream(
    use: Services,
    entries: AsyncIterator[Entry | None],
    caller: Caller | None,
    standing: Callable[[], Awaitable[None]],
) -> AsyncIterator[str]:
    # A stream that has begun can tell no problem: it ends, and its reader resumes it.
    checked = use.clock.now()
    with suppress(StoreUnavailable, TokenRefused):
        async for entry in entries:
            if use.clock.now() != checked:
                # A token that has ended, or whose delegation was revoked, reads no further.
                await standing()
                checked = use.clock.now()
            if entry is None:
                yield ": still here\n\n"
                continue
            data = use.archive.shown(entry, readable=use.access.may_read(entry, caller))
            yield f"id: {entry.index}\nevent: {entry.record.kind}\ndata: {data}\n\n"
