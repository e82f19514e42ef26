"""Every refusal as a problem, and what a client is told to bring."""

import re
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from marketplace.core.errors import (
    AccessDenied,
    BodySlow,
    LoginMissing,
    ParleyError,
    RateExceeded,
    RequestUnderWay,
    RouteMissing,
    ScopeMissing,
    TokenRefused,
    ValueMalformed,
)
from marketplace.core.values import shown
from marketplace.wire.problems import MEDIA_TYPE, Problem, to_problem

REALM = 'Bearer realm="parley"'


def refuse_by_name(app: FastAPI) -> None:
    """Answer every refusal with its problem."""
    app.add_exception_handler(ParleyError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_route)


def bearer_challenge(error: AccessDenied) -> str:
    """The ``WWW-Authenticate`` of a refusal (RFC 6750 §3); its values are names of ours alone."""
    match error:
        case LoginMissing(needed):
            # RFC 6750 §3.1: of a request that did not try, no error is told.
            return f'{REALM}, scope="{needed}"'
        case ScopeMissing(needed, _):
            return f'{REALM}, error="insufficient_scope", scope="{needed}"'
        case TokenRefused():
            return f'{REALM}, error="invalid_token"'
        case _:
            # A login: RFC 6749 §5.2 names it so.
            return f'{REALM}, error="invalid_grant"'


def answer(error: ParleyError) -> JSONResponse:
    """A refusal as its problem, with the headers that its status asks for."""
    match error:
        case AccessDenied():
            headers = {"www-authenticate": bearer_challenge(error)}
        case RateExceeded(_, seconds) | RequestUnderWay(_, seconds):
            headers = {"retry-after": str(seconds)}
        case BodySlow():
            # What is still to come of the body is not waited for.
            headers = {"connection": "close"}
        case _:
            headers = {}
    return _problem(to_problem(error), headers)


def _problem(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ParleyError):
        raise error
    return answer(error)


async def _refuse_parameters(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _problem(to_problem(ValueMalformed(where, shown(first.get("input")), first["msg"])))


async def _refuse_route(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    named = to_problem(RouteMissing(request.url.path[:200], request.method))
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    # All that the resource takes (RFC 9110 §10.2.1); the framework names one route's alone.
    if "allow" in headers:
        headers["allow"] = _allowed(request) or headers["allow"]
    return _problem(named.model_copy(update={"status": error.status_code}), headers)


def _allowed(request: Request) -> str:
    methods = {
        method.upper()
        for template, operations in request.app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), request.url.path)
        for method in operations
    }
    return ", ".join(sorted(methods))
