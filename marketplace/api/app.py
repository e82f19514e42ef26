"""The application: routes over ready services."""

from fastapi import FastAPI

from marketplace.api.refusals import refuse_by_name
from marketplace.api.routes import Services, router

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
    refuse_by_name(app)
    return app
