"""What the routes call."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Query, Request

from marketplace.core.message import Domains
from marketplace.ports.clock import Clock
from marketplace.ports.journal import Journal
from marketplace.ports.store import Store
from marketplace.services.access import Access
from marketplace.services.agents import Agents
from marketplace.services.archive import Archive
from marketplace.services.artifacts import Artifacts
from marketplace.services.feed import Feed
from marketplace.services.listings import Listings
from marketplace.services.messages import Messages
from marketplace.services.negotiations import Negotiations
from marketplace.services.receipts import Receipts
from marketplace.services.requests import Requests
from marketplace.services.transcripts import Transcripts

LARGEST_PAGE = 1000
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE)]
Start = Annotated[int, Query(ge=0, le=2**53)]


@dataclass(frozen=True, slots=True)
class Services:
    """Every use case, ready."""

    domains: Domains
    clock: Clock
    store: Store
    journal: Journal
    archive: Archive
    access: Access
    messages: Messages
    agents: Agents
    listings: Listings
    requests: Requests
    transcripts: Transcripts
    negotiations: Negotiations
    artifacts: Artifacts
    feed: Feed
    receipts: Receipts


def services_of(request: Request) -> Services:
    """Of the application that a request came to."""
    return cast("Services", request.app.state.services)


async def _services(request: Request) -> Services:
    # What is no coroutine, the framework calls in a thread.
    return services_of(request)


Use = Annotated[Services, Depends(_services)]
