"""Request bodies: bounded before they are read, parsed without surprises."""

from collections.abc import Mapping

from fastapi import Request

from marketplace.core.errors import BodyTooLarge
from marketplace.core.values import Json, parse_json

MOST_MESSAGE = 64 * 1024
MOST_ARTIFACT = 8 * 1024 * 1024
MOST_TRANSCRIPT = 4 * 1024 * 1024


def check_stated_size(request: Request, most: int) -> None:
    """Raise BodyTooLarge where the request says itself that it is larger than ``most`` bytes."""
    # A length of more digits than these is as large, and too long a numeral to convert.
    stated = request.headers.get("content-length", "")[:18]
    if stated.isdecimal() and int(stated) > most:
        raise BodyTooLarge(int(stated), most)


async def read_bounded(request: Request, most: int) -> bytes:
    """The body; raises BodyTooLarge as soon as it is known to be larger than ``most`` bytes."""
    check_stated_size(request, most)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(len(body), most)
    return bytes(body)


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
                        "properties": {
                            "domain": {"type": "string", "description": "domain separator"},
                            "kind": {"type": "string"},
                            "negotiation": {"type": "string"},
                            "signer": {"type": "string"},
                            "digest": {"type": "string"},
                            "signature": {"type": "string"},
                            "message": {"type": "object", "description": "EIP-712 message"},
                            "detail": {"type": "object", "description": "content or subject"},
                        },
                    }
                }
            },
        }
    }
