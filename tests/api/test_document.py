"""The OpenAPI document: whole, honest in its examples, and kept to under a foreign fuzzer."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from fuzzing import ORIGIN, fuzz, registry, shown, stocked
from witness import Witness

from marketplace.api.document import KEYED, TAGGED
from marketplace.services.access import Access

pytestmark = pytest.mark.anyio

DOCUMENT: dict[str, Any] = Witness().app(origin=ORIGIN).openapi()
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def bodies(name: str) -> Iterator[dict[str, Any]]:
    """What an operation takes and what it answers with, under each media type."""
    operation = OPERATIONS[name][2]
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for code, answer in operation["responses"].items():
        if code.startswith("2"):
            yield from answer.get("content", {}).values()


@every_operation
def test_each_operation_says_what_it_does_and_how_it_refuses(name: str):
    _, path, operation = OPERATIONS[name]
    assert operation["description"]
    assert operation["responses"]["default"] == {"$ref": "#/components/responses/Refusal"}
    assert [code for code in operation["responses"] if code.startswith("2")]
    named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
    assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}
    assert all("example" in one for one in operation["parameters"] if one["in"] == "path")


@every_operation
def test_each_body_has_an_example_and_it_fits_the_schema(name: str):
    for body in bodies(name):
        if body["schema"].get("format") == "binary":
            continue
        assert "example" in body
        schema = {**body["schema"], "components": DOCUMENT["components"]}
        jsonschema_rs.validator_for(schema).validate(body["example"])


@every_operation
def test_headers_of_each_operation_are_said(name: str):
    operation = OPERATIONS[name][2]
    sent = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
    expected = {"if-none-match"} if name in TAGGED else set()
    expected |= {"idempotency-key"} if name in KEYED else set()
    expected |= {"last-event-id"} if name == "followEvents" else set()
    expected |= {"parley-signature"} if name == "putArtifact" else set()
    assert sent == expected
    assert ("304" in operation["responses"]) is (name in TAGGED)
    refusal = DOCUMENT["components"]["responses"]["Refusal"]
    assert set(refusal["headers"]) == {"Retry-After", "WWW-Authenticate"}
    assert set(refusal["content"]) == {"application/problem+json"}


def test_each_operation_that_needs_a_login_says_for_which_scope():
    told = {
        name: [scope for each in operation.get("security", []) for scope in each.get("login", ())]
        for name, (_, _, operation) in OPERATIONS.items()
        if {} not in operation.get("security", [{}])
    }
    assert told == {
        "heartbeat": ["list"],
        "handIn": ["negotiate"],
        **{name: ["manage"] for name in OPERATIONS if "Webhook" in name or "DeadLetter" in name},
        "createWebhook": ["read", "manage"],
        "rotateWebhookSecret": ["read", "manage"],
    }


async def test_example_of_a_message_is_one_that_a_registry_takes():
    said = next(iter(bodies("submitMessage")))["example"]
    told = list(bodies("submitMessage"))[1]["example"]
    transport = httpx.ASGITransport(Witness().app(origin=ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.post("/v1/messages", json=said)
    assert answer.status_code == 201
    same = {"kind", "digest", "thread", "sequence"}
    assert {name: answer.json()[name] for name in same} == {name: told[name] for name in same}


async def test_examples_of_names_are_there_where_the_fuzzer_asks():
    transport = httpx.ASGITransport((await stocked(Access(everybody=True))).app(origin=ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        for name in ("readListing", "readAgent", "readRequest", "readNegotiation", "readArtifact"):
            _, path, operation = OPERATIONS[name]
            known = {
                one["name"]: one["example"] for one in operation["parameters"] if "example" in one
            }
            assert (await client.get(path.format(**known))).status_code == 200, name


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/webhooks", "GET, POST"),
        ("/v1/webhooks/wh_none", "DELETE"),
        ("/v1/negotiations/x/artifacts/y", "GET, PUT"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
async def test_method_that_is_not_allowed_is_told_all_that_are(path: str, allowed: str):
    transport = httpx.ASGITransport(Witness().app(origin=ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        answer = await client.request("PATCH", path)
    assert answer.status_code == 405
    assert ", ".join(sorted(answer.headers["allow"].split(", "))) == allowed


# Its engine leaves sockets of its own test client behind.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("public", "known"), [(True, False), (False, True)])
def test_foreign_fuzzer_finds_no_answer_that_the_document_does_not_promise(
    *, public: bool, known: bool
):
    outcome = fuzz(registry(public=public), {"examples", "coverage"}, 1, 1, known=known)
    assert dict.fromkeys(outcome.failures) == {}, shown(outcome)
    assert set(outcome.operations) == {f"{m.upper()} {path}" for m, path, _ in OPERATIONS.values()}
    assert outcome.cases > 400
    assert max(outcome.statuses) < 500, json.dumps(outcome.statuses)
