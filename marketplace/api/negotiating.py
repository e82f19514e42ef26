"""Negotiations over HTTP: where they stand, and what was said."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response, status

from marketplace.api.answers import tagged
from marketplace.api.auth import OPTIONAL_LOGIN, OptionalCaller
from marketplace.api.body import MOST_ARTIFACT, check_stated_size, read_bounded
from marketplace.api.large import charge_bytes, large_body
from marketplace.api.routes import REFUSALS
from marketplace.api.services import Services, Use
from marketplace.core.login import Caller
from marketplace.core.negotiation import State, as_of
from marketplace.core.values import Digest, digest
from marketplace.core.words import Upload
from marketplace.wire.views import MessagesView, NegotiationView

router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider


async def _checked(use: Services, negotiation: str, caller: Caller | None) -> Digest:
    named = digest(negotiation, "negotiation")
    use.access.check(await use.negotiations.readers(named), caller)
    return named


@router.get(
    "/v1/negotiations/{negotiation}",
    operation_id="readNegotiation",
    response_model=NegotiationView,
    openapi_extra=OPTIONAL_LOGIN,
)
async def read_negotiation(
    request: Request, negotiation: str, use: Use, caller: OptionalCaller
) -> Response:
    """Where a negotiation stands now, for its parties."""
    found, _ = await use.negotiations.replay(await _checked(use, negotiation, caller))
    now = use.clock.now()
    state = as_of(found, now)
    ended = state in (State.TERMINATED, State.FAILED)
    view = NegotiationView(
        id=found.id,
        version=found.domain.version,
        listing=found.invitation.listing,
        buyer=found.invitation.buyer,
        seller=found.invitation.seller,
        state=state,
        turn=found.turn,
        head=found.head,
        rounds=found.rounds,
        max_rounds=found.invitation.max_rounds,
        length=found.length,
        deadline=found.invitation.deadline,
        last_open_by=found.last_open_by,
        provisional=ended and now < found.last_open_by,
        confidential=bool(found.sealed),
        escalated=found.escalated == found.head,
        reason=found.reason,
        agreement=found.agreed,
    )
    return tagged(request, view, private=True)


@router.get(
    "/v1/negotiations/{negotiation}/messages",
    operation_id="readMessages",
    response_model=MessagesView,
    openapi_extra=OPTIONAL_LOGIN,
)
async def read_messages(
    request: Request, negotiation: str, use: Use, caller: OptionalCaller
) -> Response:
    """A negotiation from its invitation on, in order, for its parties."""
    named = await _checked(use, negotiation, caller)
    # Who may read the negotiation may read each of its words.
    said = [use.archive.view(entry, readable=True) for entry in await use.store.thread(named)]
    view = MessagesView(messages=said)
    return tagged(request, view, private=True)


@router.put(
    "/v1/negotiations/{negotiation}/artifacts/{artifact}",
    operation_id="putArtifact",
    status_code=status.HTTP_204_NO_CONTENT,
    openapi_extra=OPTIONAL_LOGIN,
)
async def put_artifact(  # noqa: PLR0913, PLR0917 path, body, headers and who asks
    negotiation: str,
    artifact: str,
    request: Request,
    use: Use,
    parley_signature: Annotated[str, Header()],
    caller: OptionalCaller,
) -> None:
    """Leave bytes for the counterparty, named by their SHA-256 and signed for (Upload).

    A party's own signature needs no login; a delegate's is taken under its login, with the
    scope to upload.
    """
    upload = Upload(digest(negotiation, "negotiation"), digest(artifact, "artifact"))
    # Whose word it is and how large, before any of it is read into memory.
    check_stated_size(request, MOST_ARTIFACT)
    signer = await use.artifacts.authorise(upload, parley_signature, caller)
    with large_body(request):
        body = await read_bounded(request, MOST_ARTIFACT)
        charge_bytes(request, body)
        await use.artifacts.put(upload, signer, body)


@router.get(
    "/v1/negotiations/{negotiation}/artifacts/{artifact}",
    operation_id="readArtifact",
    openapi_extra=OPTIONAL_LOGIN,
)
async def read_artifact(
    negotiation: str, artifact: str, use: Use, caller: OptionalCaller
) -> Response:
    """The bytes of an artifact, for the parties."""
    named = await _checked(use, negotiation, caller)
    data = await use.artifacts.get(named, digest(artifact, "artifact"))
    return Response(data, media_type="application/octet-stream")
