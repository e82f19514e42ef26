"""The application: routes, and every refusal as a problem."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from marketplace.api.routes import Services, router
from marketplace.core.errors import ParleyError, RouteMissing, ValueMalformed
from marketplace.core.values import shown
from marketplace.wire.problems import MEDIA_TYPE, Problem, to_problem

DESCRIPTION = """
A witness, not an authority: it lists, relays, checks and logs signed messages. It cannot
forge an offer, alter terms or hold money. Every refusal is `application/problem+json`
with a stable `code` and the two values that disagree.
"""


def create_app(services: Services) -> FastAPI:
    """The registry's ASGI application over ready services."""
    # A redirect would be an answer that is neither a view nor a problem.
    app = FastAPI(
        title="Parley registry", version="1", description=DESCRIPTION, redirect_slashes=False
    )
    app.state.services = services
    app.include_router(router)
    app.add_exception_handler(ParleyError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_route)
    return app


def _answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ParleyError):
        raise error
    return _answer(to_problem(error))


async def _refuse_parameters(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _answer(to_problem(ValueMalformed(where, shown(first.get("input")), first["msg"])))


async def _refuse_route(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    named = to_problem(RouteMissing(request.url.path[:200], request.method))
    # Of a method that is not allowed, the headers say which ones are (RFC 9110 §15.5.6).
    return _answer(named.model_copy(update={"status": error.status_code}), error.headers)
