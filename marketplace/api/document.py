"""The OpenAPI document, with what FastAPI cannot know of the routes.

That is how refusals travel, the headers that services read and write, what addresses and
digests look like, and an example of each body. The examples were recorded from a registry
(``scripts/examples.py``).
"""

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from marketplace.api.idempotency import HEADER, LONGEST_KEY, REPLAYED
from marketplace.wire.problems import MEDIA_TYPE

Part = dict[str, Any]

ADDRESS, DIGEST = "0x[0-9a-f]{40}", "0x[0-9a-f]{64}"
PATTERNS: Mapping[str, str] = {
    "listing": f"^{DIGEST}$",
    "asked": f"^{DIGEST}$",
    "negotiation": f"^{DIGEST}$",
    "artifact": f"^{DIGEST}$",
    "agent": f"^{ADDRESS}$",
    "party": f"^({ADDRESS})?$",
    "seller": f"^({ADDRESS})?$",
    "highest_price": "^(0|[1-9][0-9]{0,27})?$",
}
TAGGED = {
    "searchListings",
    "readListing",
    "readAgent",
    "readRequest",
    "readNegotiation",
    "readMessages",
}
KEYED = {"submitMessage", "createWebhook", "rotateWebhookSecret"}
BYTES: Part = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
EVENTS: Part = {
    "text/event-stream": {
        "schema": {"description": "events of ``id``, ``event`` (the kind) and ``data``"},
        "example": 'id: 4\nevent: quotation\ndata: {"index":4,"kind":"quotation"}\n\n',
    }
}
REFUSAL: Part = {
    "description": "a refusal by name; docs/errors.md has them all",
    "headers": {
        "Retry-After": {
            "description": "of RateExceeded and RequestUnderWay: seconds",
            "schema": {"type": "integer", "minimum": 1},
        },
        "WWW-Authenticate": {
            "description": "of a login that is missing or refused (RFC 6750)",
            "schema": {"type": "string"},
        },
    },
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
TAG: Part = {"ETag": {"required": True, "schema": {"type": "string"}}}
REPEATED: Part = {
    REPLAYED: {"description": "of an answer from memory", "schema": {"const": "true"}}
}
IF_NONE_MATCH: Part = {
    "name": "if-none-match",
    "in": "header",
    "required": False,
    "description": "an ETag; what has not changed since is answered 304, without a body",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY: Part = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "the caller's name for this write: the same again is done once",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{LONGEST_KEY}}}$"},
}


class Registry(FastAPI):
    """An application whose document is complete, and that has a front of its own."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 the framework's own
        """As the framework makes it."""
        super().__init__(**settings)
        self._front: ASGIApp = super().__call__

    def put_before(self, front: Callable[[ASGIApp], ASGIApp]) -> None:
        """What a request comes to from now on, before all that is there already."""
        self._front = front(self._front)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what stands before the framework costs what it costs alone."""
        await self._front(scope, receive, send)

    def openapi(self) -> Part:
        """The document, made once."""
        if self.openapi_schema is None:
            complete(super().openapi())
        return self.openapi_schema or {}


def complete(document: Part) -> None:
    """Write into the document what it lacks."""
    document["components"].setdefault("responses", {})["Refusal"] = REFUSAL
    examples = json.loads(files("marketplace.api").joinpath("examples.json").read_text())
    for operation in operations(document):
        operation["responses"]["default"] = {"$ref": "#/components/responses/Refusal"}
        _add_headers(operation)
        _add_bytes(operation)
        _add_forms(operation, examples["parameters"])
        _add_examples(operation, examples)


def operations(document: Part) -> Iterator[Part]:
    """Every operation."""
    for methods in document["paths"].values():
        yield from methods.values()


def _add_headers(operation: Part) -> None:
    name, answers = operation["operationId"], operation["responses"]
    parameters = operation.setdefault("parameters", [])
    if name in TAGGED:
        parameters.append(dict(IF_NONE_MATCH))
        answers["200"]["headers"] = TAG
        answers["304"] = {"description": "it has not changed", "headers": TAG}
    if name in KEYED:
        parameters.append(dict(IDEMPOTENCY_KEY))
        answers["201"]["headers"] = REPEATED


def _add_bytes(operation: Part) -> None:
    if operation["operationId"] == "followEvents":
        operation["responses"]["200"]["content"] = EVENTS
    if operation["operationId"] in {"readArtifact", "readTile"}:
        operation["responses"]["200"]["content"] = BYTES
    if operation["operationId"] == "putArtifact":
        operation["requestBody"] = {"required": True, "content": BYTES}


def _add_forms(operation: Part, known: Part) -> None:
    for parameter in operation["parameters"]:
        name = parameter["name"]
        if name in PATTERNS:
            parameter["schema"]["pattern"] = PATTERNS[name]
        if name in known:
            parameter["example"] = known[name]


def _add_examples(operation: Part, examples: Part) -> None:
    name = operation["operationId"]
    if name in examples["requests"]:
        said = operation["requestBody"]["content"]["application/json"]
        said["example"] = examples["requests"][name]
    if name in examples["answers"]:
        code = next(code for code in operation["responses"] if code.startswith("2"))
        (told,) = operation["responses"][code]["content"].values()
        told["example"] = examples["answers"][name]
