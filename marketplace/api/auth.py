"""Logins over HTTP, and what a route asks of its caller.

A route that is for those who have logged in takes ``Annotated[Caller, require(Scope.READ)]``,
and the OpenAPI document names the scope; one that tells more to those who have takes an
``OptionalCaller`` and ``openapi_extra=OPTIONAL_LOGIN``. A token travels in the header alone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from marketplace.api.body import read_json
from marketplace.core.errors import LoginMissing
from marketplace.core.identity import Scope, scope_names
from marketplace.core.login import Caller
from marketplace.ports.clock import Clock
from marketplace.services.logins import Logins
from marketplace.wire.logins import ChallengeView, TokenView
from marketplace.wire.problems import Problem

# Beside the login that an OptionalCaller declares: no login at all.
OPTIONAL_LOGIN: dict[str, Any] = {"security": [{}]}

_BEARER = HTTPBearer(
    scheme_name="login",
    bearerFormat="JWT",
    description="A token of POST /v1/token.",
    auto_error=False,
)


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes here call."""

    logins: Logins
    clock: Clock


def add_logins(app: FastAPI, logins: Logins, clock: Clock) -> None:
    """The routes of a login, and what ``require`` asks."""
    app.state.door = Door(logins, clock)
    app.include_router(router)


async def _door(request: Request) -> Door:
    return cast("Door", request.app.state.door)


AtDoor = Annotated[Door, Depends(_door)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


async def _caller(door: AtDoor, bearer: Bearer) -> Caller | None:
    # A token that does not hold is refused where none is needed, too: its bearer would take
    # the public answer for the whole one.
    if bearer is None:
        return None
    return await door.logins.caller(bearer.credentials, door.clock.now())


async def _standing(door: AtDoor, bearer: Bearer) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        await _caller(door, bearer)

    return check


# Raises TokenRefused once the caller's token holds no longer: for what goes on beyond an answer.
Standing = Annotated[Callable[[], Awaitable[None]], Depends(_standing)]
OptionalCaller = Annotated[Caller | None, Depends(_caller)]


def require(needed: Scope) -> Any:  # noqa: ANN401 what FastAPI's own markers are
    """The caller, who must hold these scopes; LoginMissing, TokenRefused or ScopeMissing."""
    check: Callable[..., Awaitable[Caller]] = _checking(needed)
    return Security(check, scopes=scope_names(needed).split())


def _checking(needed: Scope) -> Callable[..., Awaitable[Caller]]:
    async def checked(caller: OptionalCaller) -> Caller:
        if caller is None:
            raise LoginMissing(scope_names(needed))
        caller.check(needed)
        return caller

    return checked


def _login_schema() -> Mapping[str, Any]:
    signed = {"type": "string", "description": "65 bytes r, s, v in hex"}
    properties = {
        "grant": {"enum": ["eip712", "siwe"]},
        "message": {"type": ["object", "string"], "description": "a Login, or a text of EIP-4361"},
        "signature": signed,
        "delegation": {
            "type": "object",
            "required": ["message", "signature"],
            "properties": {"message": {"type": "object"}, "signature": signed},
        },
    }
    required = ["grant", "message", "signature"]
    schema = {"type": "object", "required": required, "properties": properties}
    content = {"application/json": {"schema": {**schema, "additionalProperties": False}}}
    return {"requestBody": {"required": True, "content": content}}


router = APIRouter(responses={"default": {"model": Problem, "description": "a named refusal"}})


@router.get("/v1/login", operation_id="challengeLogin")
async def challenge_login(door: AtDoor, response: Response) -> ChallengeView:
    """A nonce, and what else a login must say."""
    response.headers["cache-control"] = "no-store"
    return door.logins.challenge(door.clock.now())


@router.post("/v1/token", operation_id="logIn", openapi_extra=dict(_login_schema()))
async def log_in(request: Request, door: AtDoor, response: Response) -> TokenView:
    """A short-lived token for a signed login."""
    # RFC 6749 §5.1.
    response.headers["cache-control"] = "no-store"
    return await door.logins.login(await read_json(request), door.clock.now())
