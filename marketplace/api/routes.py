"""The routes: each parses, calls one service, answers with one view."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from fastapi.responses import StreamingResponse

from marketplace.api.body import (
    MOST_ARTIFACT,
    check_stated_size,
    envelope_schema,
    read_bounded,
    read_json,
)
from marketplace.core.eip712 import Domain
from marketplace.core.errors import ValueMalformed
from marketplace.core.merkle import root_hash
from marketplace.core.negotiation import State, as_of
from marketplace.core.values import address, digest, mapping, parse_json
from marketplace.core.words import Upload
from marketplace.ports.clock import Clock
from marketplace.ports.store import Entry, Store
from marketplace.services.artifacts import Artifacts
from marketplace.services.feed import Feed
from marketplace.services.listings import Listings
from marketplace.services.listings import Query as ListingQuery
from marketplace.services.messages import Messages
from marketplace.services.negotiations import Negotiations
from marketplace.wire.problems import Problem
from marketplace.wire.views import (
    DomainView,
    InfoView,
    LogEntryView,
    LogView,
    MessagesView,
    MessageView,
    NegotiationView,
    Receipt,
)

LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the routes call."""

    domain: Domain
    clock: Clock
    store: Store
    messages: Messages
    listings: Listings
    negotiations: Negotiations
    artifacts: Artifacts
    feed: Feed


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


Use = Annotated[Services, Depends(_services)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
Start = Annotated[int, Query(ge=0, le=2**53)]
router = APIRouter(responses={"default": {"model": Problem, "description": "a named refusal"}})


@router.get("/healthz", operation_id="health", status_code=status.HTTP_204_NO_CONTENT)
async def health() -> None:
    """The process answers."""


@router.get("/v1", operation_id="info")
async def info(use: Use) -> InfoView:
    """The domain to sign in, and the registry's clock."""
    return InfoView(
        domain=DomainView.model_validate(use.domain.to_json()),
        domain_separator="0x" + use.domain.separator.hex(),
        now=use.clock.now(),
    )


@router.post(
    "/v1/messages",
    operation_id="submitMessage",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=dict(envelope_schema()),
)
async def submit_message(request: Request, use: Use) -> Receipt:
    """Take a signed message: durable when this answers; the same again answers the same."""
    return Receipt.from_entry(await use.messages.submit(await read_json(request)))


@router.get("/v1/listings", operation_id="searchListings")
async def search_listings(
    use: Use, query: Annotated[ListingQuery, Depends(ListingQuery)]
) -> MessagesView:
    """Live listings: neither replaced nor expired."""
    if not 1 <= query.limit <= LARGEST_PAGE:
        raise ValueMalformed("limit", str(query.limit), f"an integer from 1 to {LARGEST_PAGE}")
    if query.seller:
        query = replace(query, seller=address(query.seller, "seller"))
    return _messages(await use.listings.search(query, use.clock.now()))


@router.get("/v1/listings/{listing}", operation_id="readListing")
async def read_listing(listing: str, use: Use) -> MessageView:
    """A listing as its seller published it, replaced or not."""
    return _message(await use.listings.entry(digest(listing, "listing")))


@router.get("/v1/negotiations/{negotiation}", operation_id="readNegotiation")
async def read_negotiation(negotiation: str, use: Use) -> NegotiationView:
    """Where a negotiation stands now."""
    found, _ = await use.negotiations.replay(digest(negotiation, "negotiation"))
    now = use.clock.now()
    state = as_of(found, now)
    ended = state in (State.TERMINATED, State.FAILED)
    return NegotiationView(
        id=found.id,
        listing=found.invitation.listing,
        buyer=found.invitation.buyer,
        seller=found.invitation.seller,
        state=state,
        turn=found.turn,
        head=found.head,
        rounds=len(found.offers),
        max_rounds=found.invitation.max_rounds,
        length=found.length,
        deadline=found.invitation.deadline,
        last_open_by=found.last_open_by,
        provisional=ended and now < found.last_open_by,
        agreement=found.agreement.digest if found.agreement else None,
    )


@router.get("/v1/negotiations/{negotiation}/messages", operation_id="readMessages")
async def read_messages(negotiation: str, use: Use) -> MessagesView:
    """A negotiation from its invitation on, in order."""
    await use.negotiations.replay(digest(negotiation, "negotiation"))
    return _messages(await use.store.thread(negotiation))


@router.put(
    "/v1/negotiations/{negotiation}/artifacts/{artifact}",
    operation_id="putArtifact",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def put_artifact(
    negotiation: str,
    artifact: str,
    request: Request,
    use: Use,
    parley_signature: Annotated[str, Header()],
) -> None:
    """Leave bytes for the counterparty, named by their SHA-256 and signed for (Upload)."""
    upload = Upload(digest(negotiation, "negotiation"), digest(artifact, "artifact"))
    # Whose word it is and how large, before any of it is read into memory.
    check_stated_size(request, MOST_ARTIFACT)
    signer = await use.artifacts.authorise(upload, parley_signature)
    await use.artifacts.put(upload, signer, await read_bounded(request, MOST_ARTIFACT))


@router.get("/v1/negotiations/{negotiation}/artifacts/{artifact}", operation_id="readArtifact")
async def read_artifact(negotiation: str, artifact: str, use: Use) -> Response:
    """The bytes of an artifact."""
    upload = digest(negotiation, "negotiation"), digest(artifact, "artifact")
    data = await use.artifacts.get(*upload)
    return Response(data, media_type="application/octet-stream")


@router.get("/v1/events", operation_id="followEvents", response_class=StreamingResponse)
async def follow_events(
    use: Use,
    party: str = "",
    start: Start = 0,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**53)] = None,
) -> StreamingResponse:
    """Messages as server-sent events; ``Last-Event-ID`` resumes after it, from the log."""
    following = start if last_event_id is None else last_event_id + 1
    who = address(party, "party") if party else ""
    return StreamingResponse(_stream(use.feed, following, who), media_type="text/event-stream")


@router.get("/v1/log", operation_id="readLog")
async def read_log(use: Use, start: Start = 0, limit: Limit = LARGEST_PAGE) -> LogView:
    """The public bytes: what an auditor recomputes."""
    leaves = await use.store.leaves()
    entries = await use.store.entries(start, limit)
    return LogView(
        size=len(leaves),
        root="0x" + root_hash(leaves).hex(),
        entries=[
            LogEntryView(
                index=entry.index,
                leaf_hash="0x" + entry.record.leaf_hash.hex(),
                data=entry.record.data.decode("utf-8", "backslashreplace"),
            )
            for entry in entries
        ],
    )


async def _stream(feed: Feed, start: int, party: str) -> AsyncIterator[str]:
    async for entry in feed.follow(start, party):
        if entry is None:
            yield ": still here\n\n"
            continue
        data = _message(entry).model_dump_json()
        yield f"id: {entry.index}\nevent: {entry.record.kind}\ndata: {data}\n\n"


def _messages(entries: list[Entry]) -> MessagesView:
    return MessagesView(messages=[_message(entry) for entry in entries])


def _message(entry: Entry) -> MessageView:
    record = entry.record
    logged = mapping(parse_json(record.data), "entry")
    return MessageView(
        index=entry.index,
        sequence=record.position,
        received_at=record.received_at,
        message=dict(mapping(logged["message"], "message")),
    )
