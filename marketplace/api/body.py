"""Request bodies: bounded before they are read, parsed without surprises."""

import asyncio
from collections.abc import Mapping

from fastapi import Request
from starlette.requests import ClientDisconnect

from marketplace.core.errors import BodySlow, BodyTooLarge
from marketplace.core.values import Json, parse_json

MOST_MESSAGE = 64 * 1024
MOST_ARTIFACT = 8 * 1024 * 1024
MOST_TRANSCRIPT = 4 * 1024 * 1024
# A body has the slack, and a second for each so many bytes of the most that it may have.
LEAST_RATE = 64 * 1024
SLACK_SECONDS = 9


def check_stated_size(request: Request, most: int) -> None:
    """Raise BodyTooLarge where the request says itself that it is larger than ``most`` bytes."""
    # A length of more digits than these is as large, and too long a numeral to convert.
    stated = request.headers.get("content-length", "")[:18]
    if stated.isdecimal() and int(stated) > most:
        raise BodyTooLarge(int(stated), most)


async def read_bounded(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        BodyTooLarge: as soon as it is known to be larger than ``most`` bytes.
        BodySlow: it has not come within ``seconds_for`` so many, or nobody is there any more.
    """
    check_stated_size(request, most)
    body, more, seconds = bytearray(), True, seconds_for(most)
    try:
        async with asyncio.timeout(seconds):
            while more:
                part, more = await _next_part(request)
                body += part
                if len(body) > most:
                    raise BodyTooLarge(len(body), most)
    except (TimeoutError, ClientDisconnect):
        raise BodySlow(len(body), seconds) from None
    return bytes(body)


async def _next_part(request: Request) -> tuple[bytes, bool]:
    part = await request.receive()
    if part["type"] == "http.disconnect":
        raise ClientDisconnect
    return part.get("body", b""), part.get("more_body", False)


def seconds_for(most: int) -> int:
    """How long a body of at most so many bytes may take to come."""
    return SLACK_SECONDS + most // LEAST_RATE


async def read_json(request: Request) -> Json:
    """A message's JSON: no duplicate keys, no NaN, no floats, bounded in size."""
    return parse_json(await read_bounded(request, MOST_MESSAGE))


def envelope_schema() -> Mapping[str, object]:
    """The OpenAPI request body of a message."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["domain", "kind", "signer", "digest", "signature"],
                        "additionalProperties": False,
                        "properties": {
                            "version": {"type": "string", "description": "none of version 1"},
                            "domain": {"type": "string", "description": "domain separator"},
                            "kind": {"type": "string"},
                            "negotiation": {"type": "string"},
                            "signer": {"type": "string"},
                            "digest": {"type": "string"},
                            "signature": {"type": "string"},
                            "message": {"type": "object", "description": "EIP-712 message"},
                            "detail": {"type": "object", "description": "content or subject"},
                            "sealed": {"type": "object", "description": "of a confidential offer"},
                            "delegation": {
                                "type": "object",
                                "description": "of a word that a delegate signed",
                            },
                        },
                    }
                }
            },
        }
    }
