"""Handing in over HTTP: a negotiation that was held elsewhere."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Request, status

from marketplace.api.auth import require
from marketplace.api.body import MOST_TRANSCRIPT, read_bounded
from marketplace.api.large import charge_words, large_body
from marketplace.api.limits import check_key
from marketplace.api.routes import REFUSALS
from marketplace.api.services import Use
from marketplace.core.identity import Scope
from marketplace.core.login import Caller
from marketplace.core.values import Json, parse_json
from marketplace.wire.views import ReceiptsView

router = APIRouter(responses=REFUSALS)  # type: ignore[arg-type]  # FastAPI's own alias is wider

Negotiator = Annotated[Caller, require(Scope.NEGOTIATE)]

_SCHEMA = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["messages"],
                    "properties": {
                        "messages": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["message", "said_at"],
                                "properties": {
                                    "message": {"type": "object", "description": "envelope"},
                                    "said_at": {"type": "integer"},
                                },
                            },
                        }
                    },
                    "additionalProperties": False,
                }
            }
        },
    }
}


@router.post(
    "/v1/transcripts",
    operation_id="handIn",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=_SCHEMA,
)
async def hand_in(request: Request, use: Use, caller: Negotiator) -> ReceiptsView:
    """A party's whole negotiation, unwitnessed: listing, invitation, words, when each was said."""
    check_key(request, caller.account)
    with large_body(request):
        body = await read_bounded(request, MOST_TRANSCRIPT)
        given = await asyncio.to_thread(parse_json, body)
        # The first is paid for.
        if (further := _words(given) - 1) > 0:
            charge_words(request, caller.account, further)
        entries = await use.transcripts.hand_in(given, caller.account)
    return ReceiptsView(receipts=[await use.receipts.of(entry) for entry in entries])


def _words(given: Json) -> int:
    # How many signatures there are to prove; whether it is a transcript is asked after that.
    lines = given.get("messages") if isinstance(given, Mapping) else None
    return len(lines) if isinstance(lines, list) else 1
