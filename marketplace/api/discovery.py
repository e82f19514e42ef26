"""Discovery over HTTP: listings, agents, requests for quotation."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from marketplace.api.answers import all_shown, shown, tagged
from marketplace.api.auth import require
from marketplace.api.routes import REFUSALS
from marketplace.api.searching import SearchQuery, next_cursor
from marketplace.api.services import Use
from marketplace.core.identity import Scope, scope_names
from marketplace.core.login import Caller
from marketplace.core.values import address, digest
from marketplace.wire.discovery import (
    AgentView,
    FoundView,
    ListingsView,
    MemberView,
    RequestView,
)
from marketplace.wire.views import MessageView

router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider

Lister = Annotated[Caller, require(Scope.LIST)]


@router.get("/v1/listings", operation_id="searchListings", response_model=ListingsView)
async def search_listings(
    request: Request, use: Use, asked: Annotated[SearchQuery, Query()]
) -> Response:
    """Live listings: neither replaced, expired, sold out nor dead."""
    search = asked.to_search(use.clock.now())
    found = await use.listings.search(search)
    view = ListingsView(
        listings=[
            FoundView(**vars(shown(use, entry, None)), settled=one.settled) for one, entry in found
        ],
        next=next_cursor(search, [one for one, _ in found]),
    )
    return tagged(request, view)


@router.get("/v1/listings/{listing}", operation_id="readListing", response_model=MessageView)
async def read_listing(request: Request, listing: str, use: Use) -> Response:
    """A listing as its seller published it, replaced or not."""
    entry = await use.listings.entry(digest(listing, "listing"))
    return tagged(request, shown(use, entry, None))


@router.post(
    "/v1/listings/{listing}/heartbeat",
    operation_id="heartbeat",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def heartbeat(listing: str, use: Use, caller: Lister) -> None:
    """The seller is there: its listing stays in the search for another heartbeat."""
    await use.listings.hear(digest(listing, "listing"), caller.account, use.clock.now())


@router.get("/v1/agents/{agent}", operation_id="readAgent", response_model=AgentView)
async def read_agent(request: Request, agent: str, use: Use) -> Response:
    """An agent's card, and who may speak for it now."""
    who = address(agent, "agent")
    standing = await use.agents.standing(who, use.clock.now())
    members = [
        MemberView(
            delegate=body.delegate,
            scope=scope_names(Scope(body.scope)),
            expires_at=body.expires_at,
            delegation=shown(use, entry, None),
        )
        for entry in standing.delegations
        if (body := use.agents.delegation(entry))
    ]
    card = shown(use, standing.card, None) if standing.card else None
    return tagged(request, AgentView(agent=who, card=card, members=members))


@router.get("/v1/requests/{asked}", operation_id="readRequest", response_model=RequestView)
async def read_request(request: Request, asked: str, use: Use) -> Response:
    """A request for quotation with its quotations."""
    entry = await use.requests.entry(digest(asked, "request"))
    said = await use.store.thread(entry.record.thread)
    messages = all_shown(use, said, None).messages
    return tagged(request, RequestView(request=messages[0], quotations=messages[1:]))
