"""What discovery answers with."""

from pydantic import Field

from marketplace.wire.views import MessageView, View


class FoundView(MessageView):
    """A listing that matches, with what its seller did not say itself."""

    settled: int = Field(description="the seller's settled deals, read from the chain")


class ListingsView(View):
    """A page of a search."""

    listings: list[FoundView]
    next: str | None = Field(description="``cursor`` of the page after this one")


class MemberView(View):
    """Who may speak for an agent, and about what."""

    delegate: str
    scope: str
    expires_at: int
    delegation: MessageView


class AgentView(View):
    """What an agent says about itself."""

    agent: str
    card: MessageView | None
    members: list[MemberView]


class RequestView(View):
    """A request for quotation with its answers."""

    request: MessageView
    quotations: list[MessageView]
