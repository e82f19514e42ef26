"""Logins over HTTP: a token in the answer, a named refusal, and what a route asks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from market import BUYER, HOT_KEY, NOW, STRANGER
from visitor import (
    ORIGIN,
    READ_LIST,
    House,
    delegated,
    login,
    message,
    siwe_request,
    typed_request,
)

from marketplace.api.auth import OPTIONAL_LOGIN, OptionalCaller, add_logins, require
from marketplace.api.body import MOST_MESSAGE
from marketplace.api.refusals import refuse_by_name
from marketplace.core.errors import ParleyError
from marketplace.core.identity import Scope
from marketplace.core.login import Caller
from marketplace.wire.logins import ChallengeView, TokenView

pytestmark = pytest.mark.anyio


@dataclass
class SetClock:
    """The time that a test says it is."""

    at: int = NOW

    def now(self) -> int:
        """Integer seconds UTC."""
        return self.at


def application(house: House, clock: SetClock) -> FastAPI:
    """Three routes: for whoever reads, for managers who list, and for everybody."""
    app = FastAPI()
    refuse_by_name(app)
    add_logins(app, house.logins, clock)

    @app.get("/mine")
    async def mine(caller: Annotated[Caller, require(Scope.READ)]) -> str:
        return f"{caller.account} by {caller.actor}"

    @app.get("/both")
    async def both(caller: Annotated[Caller, require(Scope.LIST | Scope.MANAGE)]) -> str:
        return caller.account

    @app.get("/anybody", openapi_extra=OPTIONAL_LOGIN)
    async def anybody(caller: OptionalCaller) -> str:
        return caller.account if caller else "nobody"

    return app


@dataclass
class Visit:
    """A client of a registry, which is in the test's hands."""

    house: House
    clock: SetClock
    http: httpx.AsyncClient

    async def token(self, **changes: int) -> str:
        """The buyer's."""
        told = login(self.house.nonce(self.clock.at), **changes)
        answer = await self.http.post("/v1/token", json=typed_request(told))
        return TokenView.model_validate_json(answer.content).access_token

    async def get(self, path: str, authorization: str | None = None) -> httpx.Response:
        """With a header, or without."""
        headers = {} if authorization is None else {"authorization": authorization}
        return await self.http.get(path, headers=headers)


@pytest.fixture
async def visit(anyio_backend: str) -> AsyncIterator[Visit]:  # noqa: ARG001 orders the loop
    house, clock = House(), SetClock()
    app = application(house, clock)
    # An exception that nobody handled must be seen as the 500 that a client would get.
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=str(ORIGIN)) as http:
        yield Visit(house, clock, http)


def check_refusal(answer: httpx.Response, code: str, status: int) -> dict[str, Any]:
    """A problem by name, and what RFC 9110 asks of a 401."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    if status == 401:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="parley"')
    return problem


# ------------------------------------------------------------------ the token endpoint


async def test_a_challenge_says_all_that_a_login_must_and_is_kept_by_no_cache(visit: Visit):
    answer = await visit.http.get("/v1/login")
    told = ChallengeView.model_validate_json(answer.content)
    assert answer.headers["cache-control"] == "no-store"
    assert (told.origin, told.origin_digest) == (str(ORIGIN), ORIGIN.digest)
    assert told.now == NOW < told.expires_at
    text = message(
        told.nonce, statement=told.statement, domain=told.domain, chain_id=str(told.chain_id)
    )
    answer = await visit.http.post("/v1/token", json=siwe_request(text))
    assert answer.status_code == 200


@pytest.mark.parametrize("form", ["eip712", "siwe"])
async def test_the_answer_is_that_of_an_oauth_token_endpoint(visit: Visit, form: str):
    nonce = visit.house.nonce()
    request = typed_request(login(nonce)) if form == "eip712" else siwe_request(message(nonce))
    answer = await visit.http.post("/v1/token", json=request)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert set(told) == {"access_token", "token_type", "expires_in", "scope"}
    assert told["token_type"] == "Bearer"  # noqa: S105 the kind of token, not one
    assert told["expires_in"] == 900
    assert told["scope"] == "read list"
    mine = await visit.get("/mine", f"Bearer {told['access_token']}")
    assert mine.json() == f"{BUYER.address} by {BUYER.address}"


async def test_a_delegate_s_token_names_both(visit: Visit):
    told = login(visit.house.nonce(), account=BUYER.address)
    request = typed_request(told, HOT_KEY, delegated())
    token = (await visit.http.post("/v1/token", json=request)).json()["access_token"]
    mine = await visit.get("/mine", f"Bearer {token}")
    assert mine.json() == f"{BUYER.address} by {HOT_KEY.address}"
    visit.house.revoke(delegated())
    check_refusal(await visit.get("/mine", f"Bearer {token}"), "TokenRefused", 401)
    check_refusal(await visit.get("/anybody", f"Bearer {token}"), "TokenRefused", 401)


async def test_a_replayed_login_is_refused_and_said_to_be_one(visit: Visit):
    request = typed_request(login(visit.house.nonce()))
    await visit.http.post("/v1/token", json=request)
    again = await visit.http.post("/v1/token", json=request)
    check_refusal(again, "LoginNonceSpent", 401)
    assert 'error="invalid_grant"' in again.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("changes", "code", "status"),
    [
        ({"origin": "0x" + "11" * 32}, "OriginWrong", 401),
        ({"expires_at": NOW}, "LoginRefused", 401),
        ({"issued_at": NOW + 60}, "LoginRefused", 401),
        ({"account": STRANGER.address}, "WrongSigner", 403),
        ({"scope": 1 << 20}, "LoginRefused", 401),
        ({"nonce": "0x" + "00" * 32}, "LoginRefused", 401),
    ],
)
async def test_a_login_that_is_not_in_order_is_refused_by_name(visit, changes, code, status):
    told = login(**({"nonce": visit.house.nonce()} | changes))
    check_refusal(await visit.http.post("/v1/token", json=typed_request(told)), code, status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{",
        b'{"grant": "eip712"}',
        b'{"grant": "eip712", "grant": "siwe", "message": "", "signature": ""}',
        b'{"grant": "siwe", "message": "\\ud800", "signature": "0x"}',
        b"grant_type=client_credentials",
        b"[" * 1_000,
        b'"' + b"a" * MOST_MESSAGE + b'"',
    ],
)
async def test_a_hostile_body_is_a_named_problem(visit: Visit, body: bytes):
    answer = await visit.http.post("/v1/token", content=body)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] in ParleyError.leaves()


# ------------------------------------------------------------------ what a route asks


async def test_without_a_token_a_route_says_what_it_needs(visit: Visit):
    for authorization in (None, "", "Basic YTpi", "Bearer", "Bearer ", "Token abc"):
        answer = await visit.get("/both", authorization)
        problem = check_refusal(answer, "LoginMissing", 401)
        assert problem["values"] == {"needed": "list manage"}
        told = answer.headers["www-authenticate"]
        assert told == 'Bearer realm="parley", scope="list manage"'


async def test_a_token_that_does_not_hold_is_refused_everywhere(visit: Visit):
    token = await visit.token()
    spoiled = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]
    for given in ("nonsense", "a.b.c", spoiled, token + " " + token, "a" * 10_000):
        for path in ("/mine", "/both", "/anybody"):
            answer = await visit.get(path, f"Bearer {given}")
            check_refusal(answer, "TokenRefused", 401)
            told = answer.headers["www-authenticate"]
            assert told == 'Bearer realm="parley", error="invalid_token"'


async def test_a_token_that_is_over_is_refused(visit: Visit):
    token = await visit.token()
    visit.clock.at = NOW + 899
    assert (await visit.get("/mine", f"Bearer {token}")).status_code == 200
    visit.clock.at = NOW + 900
    check_refusal(await visit.get("/mine", f"Bearer {token}"), "TokenRefused", 401)


async def test_a_scope_that_is_not_held_is_forbidden_and_named(visit: Visit):
    token = await visit.token(scope=int(READ_LIST))
    answer = await visit.get("/both", f"Bearer {token}")
    problem = check_refusal(answer, "ScopeMissing", 403)
    assert problem["values"] == {"needed": "list manage", "held": "read list"}
    told = answer.headers["www-authenticate"]
    assert told == 'Bearer realm="parley", error="insufficient_scope", scope="list manage"'
    enough = await visit.token(scope=int(Scope.LIST | Scope.MANAGE))
    assert (await visit.get("/both", f"Bearer {enough}")).status_code == 200
    check_refusal(await visit.get("/mine", f"Bearer {enough}"), "ScopeMissing", 403)


async def test_a_route_for_everybody_knows_who_has_logged_in(visit: Visit):
    token = await visit.token()
    assert (await visit.get("/anybody")).json() == "nobody"
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert (await visit.get("/anybody", f"{scheme} {token}")).json() == BUYER.address


async def test_a_token_outside_the_header_is_not_looked_at(visit: Visit):
    token = await visit.token()
    answer = await visit.http.get("/mine", params={"access_token": token})
    check_refusal(answer, "LoginMissing", 401)
    cookies = {"cookie": f"access_token={token}; authorization=Bearer {token}"}
    check_refusal(await visit.http.get("/mine", headers=cookies), "LoginMissing", 401)


async def test_the_document_says_which_route_needs_what(visit: Visit):
    document = (await visit.http.get("/openapi.json")).json()
    scheme = document["components"]["securitySchemes"]["login"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    needed = {
        path: item["get"].get("security")
        for path, item in document["paths"].items()
        if "get" in item
    }
    assert needed["/mine"] == [{"login": ["read"]}]
    assert needed["/both"] == [{"login": ["list", "manage"]}]
    assert needed["/anybody"] == [{"login": []}, {}]
    assert needed["/v1/login"] is None
    token = document["paths"]["/v1/token"]["post"]
    assert "security" not in token
    body = token["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["grant", "message", "signature"]


async def test_no_refusal_quotes_a_token_or_a_secret(visit: Visit):
    token = await visit.token()
    visit.clock.at = NOW + 900
    answer = await visit.get("/mine", f"Bearer {token}")
    told = answer.text + str(answer.headers)
    assert token not in told
    assert all(part not in told for part in token.split("."))
