"""The application: routes, and every refusal as a problem."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from marketplace.api.routes import Services, router
from marketplace.core.errors import ParleyError, RouteMissing, ValueMalformed
from marketplace.wire.problems import MEDIA_TYPE, to_problem

DESCRIPTION = """
A witness, not an authority: it lists, relays, checks and logs signed messages. It cannot
forge an offer, alter terms or hold money. Every refusal is `application/problem+json`
with a stable `code` and the two values that disagree.
"""


def create_app(services: Services) -> FastAPI:
    """The registry's ASGI application over ready services."""
    app = FastAPI(title="Parley registry", version="1", description=DESCRIPTION)
    app.state.services = services
    app.include_router(router)
    app.add_exception_handler(ParleyError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_route)
    return app


def _problem(error: ParleyError, status: int | None = None) -> JSONResponse:
    problem = to_problem(error)
    body = problem.model_dump()
    return JSONResponse(body, status or problem.status, media_type=MEDIA_TYPE)


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ParleyError):
        raise error
    return _problem(error)


async def _refuse_parameters(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _problem(ValueMalformed(where, repr(first.get("input"))[:80], first["msg"]))


async def _refuse_route(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    named = RouteMissing(request.url.path[:200], request.method)
    return _problem(named, error.status_code)
