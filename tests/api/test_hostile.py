"""Hostile requests: each is a named problem, none is stored, none a 500."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, SELLER, accept, card, invite, listing, offer, proposed, talk, word
from witness import Witness

from marketplace.api.body import MOST_ARTIFACT, MOST_MESSAGE
from marketplace.core.errors import ParleyError

pytestmark = pytest.mark.anyio

GOOD = listing().to_json()


def check_problem(answer: httpx.Response) -> dict[str, Any]:
    """Every refusal has the same shape, whatever it is about."""
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] in ParleyError.leaves()
    assert problem["status"] == answer.status_code
    assert problem["hint"]
    assert problem["values"]
    assert isinstance(problem["retryable"], bool)
    assert len(answer.content) < 4_000
    return problem


async def refused(client: httpx.AsyncClient, witness: Witness, body: bytes) -> dict[str, Any]:
    before = await witness.size()
    problem = check_problem(await client.post("/v1/messages", content=body))
    assert await witness.size() == before
    return problem


def spoiled(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def deep(levels: int, opening: bytes = b"[", middle: bytes = b"", closing: bytes = b"]") -> bytes:
    return opening * levels + middle + closing * levels


BODIES = {
    "nothing": b"",
    "no json": b"hello",
    "half": json.dumps(GOOD).encode()[:-1],
    "two": json.dumps(GOOD).encode() * 2,
    "not an object": b"[]",
    "null": b"null",
    "number": b"7",
    "invalid utf-8": b'{"kind":"\xff"}',
    "utf-16": json.dumps(GOOD).encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "duplicate key": b'{"kind":"offer","kind":"listing"}',
    "NaN": b'{"kind":NaN}',
    "infinity": b'{"kind":-Infinity}',
    "float": b'{"kind":1.5}',
    "exponent": b'{"kind":1e400}',
    "huge integer": b'{"kind":' + b"9" * 60_000 + b"}",
    "integer of 4300 digits": b'{"kind":' + b"9" * 4_300 + b"}",
    "lone surrogate value": b'{"kind":"\\ud800"}',
    "lone surrogate key": b'{"\\udc00":1}',
    "lone surrogate in a list": b'{"kind":["\\ud800"]}',
    "raw surrogate": b'{"kind":"\xed\xa0\x80"}',
    "deep list": deep(30_000),
    "open lists": b"[" * 60_000,
    "deep objects": deep(10_000, b'{"a":', b"1", b"}"),
    "thousands of keys": json.dumps({f"k{n}": n for n in range(4_000)}).encode(),
    "zero byte": b'{"kind":"\\u0000"}',
    "bidi key": json.dumps({**GOOD, "\u202ekind": 1}).encode(),
    "kind list": spoiled(kind=["offer"]),
    "kind bool": spoiled(kind=True),
    "kind unknown": spoiled(kind="\u202elisting"),
    "signature list": spoiled(signature=["0x"]),
    "signature long": spoiled(signature="0x" + "f" * 50_000),
    "signature null": spoiled(signature=None),
    "domain list": spoiled(domain=[]),
    "domain other": spoiled(domain=word("other")),
    "detail list": spoiled(detail=[]),
    "detail null": spoiled(detail=None),
    "message string": spoiled(message="x"),
    "message empty": spoiled(message={}),
    "body bool as int": spoiled(message={**GOOD["message"], "expiresAt": True}),  # type: ignore[dict-item]  # a mapping
    "body string as int": spoiled(message={**GOOD["message"], "expiresAt": "1"}),  # type: ignore[dict-item]  # a mapping
    "zero-width title": spoiled(detail={**GOOD["detail"], "title": "a\u200bb"}),  # type: ignore[dict-item]  # a mapping
    "bidi attribute": spoiled(detail={**GOOD["detail"], "attributes": {"\u202e": "x"}}),  # type: ignore[dict-item]  # a mapping
    "issues deep": spoiled(detail={**GOOD["detail"], "issues": {"a": [[[[]]]]}}),  # type: ignore[dict-item]  # a mapping
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
async def test_hostile_body_is_a_problem_and_stores_nothing(
    client: httpx.AsyncClient, witness: Witness, body: bytes
):
    await refused(client, witness, body)


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
async def test_hostile_login_is_a_problem_and_gives_no_token(
    client: httpx.AsyncClient, body: bytes
):
    answer = await client.post("/v1/token", content=body)
    check_problem(answer)
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    "name", ["", "a\u200bb", "\u202eevil", "a\u2066b", "a\ufeff", "a\nb", "\x00", "x" * 121, "\xad"]
)
@pytest.mark.parametrize("member", ["name", "capabilities"])
async def test_names_that_cannot_be_told_apart_are_no_names(
    client: httpx.AsyncClient, witness: Witness, member: str, name: str
):
    plain = card().to_json()
    told = [name] if member == "capabilities" else name
    said = {**plain, "detail": {**plain["detail"], member: told}}  # type: ignore[dict-item]  # a mapping
    problem = await refused(client, witness, json.dumps(said).encode())
    assert problem["code"] == "ValueMalformed"


@pytest.mark.parametrize("member", ["kind", "domain", "signer", "digest", "signature", "detail"])
async def test_nesting_of_any_depth_is_a_problem(
    client: httpx.AsyncClient, witness: Witness, member: str
):
    # Whatever depth parses must also be quotable: the edge lies somewhere in between.
    head = json.dumps({**GOOD, member: "@"}).encode()
    for levels in range(1, 1_000, 13):
        await refused(client, witness, head.replace(b'"@"', deep(levels)))


async def test_hundred_thousand_keys_are_more_than_a_body_may_hold(
    client: httpx.AsyncClient, witness: Witness
):
    body = json.dumps({f"k{n}": 0 for n in range(100_000)}).encode()
    problem = await refused(client, witness, body)
    assert problem["code"] == "BodyTooLarge"
    assert problem["values"] == {"size": len(body), "maximum": MOST_MESSAGE}


async def test_body_at_the_cap_is_read_and_one_byte_more_is_not(
    client: httpx.AsyncClient, witness: Witness
):
    at_cap = b'"' + b"x" * (MOST_MESSAGE - 2) + b'"'
    assert (await refused(client, witness, at_cap))["code"] == "ValueMalformed"
    assert (await refused(client, witness, at_cap + b" "))["code"] == "BodyTooLarge"


@pytest.mark.parametrize("headers", [{}, {"content-length": "0"}, {"content-length": "9" * 5_000}])
async def test_cap_holds_whatever_length_is_stated_or_not(
    client: httpx.AsyncClient, witness: Witness, headers: dict[str, str]
):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 10_000
            yield b"x" * 10_000

    answer = await client.post("/v1/messages", content=endless(), headers=headers)
    assert check_problem(answer)["code"] == "BodyTooLarge"
    assert await witness.size() == 0


async def test_artifact_over_its_cap_is_refused(client: httpx.AsyncClient):
    path = f"/v1/negotiations/{word('n')}/artifacts/{word('a')}"
    answer = await client.put(
        path, content=b"x" * (MOST_ARTIFACT + 1), headers={"parley-signature": "0x"}
    )
    assert check_problem(answer)["values"]["maximum"] == MOST_ARTIFACT


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/", 404),
        ("GET", "/v1/nothing", 404),
        ("POST", "/v1/messages/", 404),
        ("GET", "/v1/messages", 405),
        ("DELETE", "/v1/messages", 405),
        ("PATCH", "/v1/listings", 405),
        ("POST", "/v1/log", 405),
        ("BREW", "/v1", 405),
        ("GET", "/v1/listings/x", 422),
        ("GET", f"/v1/listings/{word('none')}", 404),
        ("GET", "/v1/listings/%ff%00", 422),
        ("GET", f"/v1/negotiations/{word('none')}", 404),
        ("GET", f"/v1/negotiations/{word('none')}/messages", 404),
        ("GET", "/v1/negotiations/0x/messages", 422),
        ("GET", f"/v1/negotiations/{word('none')}/artifacts/{word('a')}", 404),
        ("GET", f"/v1/negotiations/{word('none')}/artifacts/..%2f..", 404),
        ("GET", "/v1/log?start=-1", 422),
        ("GET", "/v1/log?start=x", 422),
        ("GET", "/v1/log?start=" + "9" * 5_000, 422),
        ("GET", "/v1/log?start=9223372036854775808", 422),
        ("GET", "/v1/log?limit=0", 422),
        ("GET", "/v1/log?limit=1001", 422),
        ("GET", "/v1/log?limit=NaN", 422),
        ("GET", "/v1/listings?limit=0", 422),
        ("GET", "/v1/listings?limit=1001", 422),
        ("GET", "/v1/listings?after=x", 422),
        ("GET", "/v1/listings?seller=somebody", 422),
        ("GET", "/v1/events?party=x", 422),
        ("GET", "/v1/events?start=-1", 422),
        ("PUT", f"/v1/negotiations/{word('n')}/artifacts/{word('a')}", 422),
    ],
)
async def test_wrong_path_method_or_parameter_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int
):
    answer = await client.request(method, path)
    check_problem(answer)
    assert answer.status_code == status
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "9" * 400])
async def test_last_event_id_in_another_form_is_a_problem(client: httpx.AsyncClient, last: str):
    check_problem(await client.get("/v1/events", headers={"last-event-id": last}))


@pytest.mark.parametrize("signature", ["", "0x", "\xff\xfe", "0x" + "f" * 5_000, "0x" + "0" * 130])
async def test_hostile_artifact_signature_is_a_problem(
    client: httpx.AsyncClient, witness: Witness, signature: str
):
    await witness.take(listing(), invite(listing()))
    nothing = "0x" + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    path = f"/v1/negotiations/{talk().id}/artifacts/{nothing}"
    answer = await client.put(path, headers=[(b"parley-signature", signature.encode("latin-1"))])
    assert check_problem(answer)["code"] in ("SignatureMalformed", "ValueMalformed")


async def test_refusal_of_the_machine_crosses_http_with_its_values(
    client: httpx.AsyncClient, witness: Witness
):
    await witness.take(listing(), invite(listing()), offer(talk(), SELLER))
    answer = await client.post("/v1/messages", json=accept(proposed(), SELLER).to_json())
    problem = check_problem(answer)
    assert (problem["code"], problem["status"]) == ("WrongTurn", 409)
    assert problem["values"] == {"signer": SELLER.address, "expected": BUYER.address}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=JSON, key=st.sampled_from([*GOOD, "negotiation"]), inner=st.booleans())
async def test_any_value_in_any_member_is_a_problem_or_the_same_message(
    value: object,
    key: str,
    inner: bool,  # noqa: FBT001 generated
):
    witness = Witness()
    transport = httpx.ASGITransport(witness.app(), raise_app_exceptions=False)
    changed = {**GOOD[key], "kind": value} if inner and isinstance(GOOD.get(key), dict) else value  # type: ignore[dict-item]  # a dict
    if {**GOOD, key: changed} == GOOD:
        return
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        await refused(client, witness, spoiled(**{key: changed}))
