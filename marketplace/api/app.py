"""The application: routes over ready services."""

from fastapi import FastAPI

from marketplace.api import discovery, following, handing, log, negotiating, routes
from marketplace.api import webhooks as hooks
from marketplace.api.auth import add_logins
from marketplace.api.document import Registry
from marketplace.api.large import add_large_bodies
from marketplace.api.limits import AddressLimit, Limits
from marketplace.api.refusals import refuse_by_name
from marketplace.api.services import Services
from marketplace.api.shortcut import Shortcut
from marketplace.services.logins import Logins
from marketplace.services.webhooks import Webhooks

DESCRIPTION = """
A witness, not an authority: it lists, relays, checks and logs signed messages. It cannot
forge an offer, alter terms or hold money. Every refusal is `application/problem+json`
with a stable `code` and the two values that disagree.
"""


def create_app(services: Services, logins: Logins, webhooks: Webhooks, limits: Limits) -> FastAPI:
    """The registry's ASGI application over ready services."""
    app = Registry(
        title="Parley registry",
        version="1",
        description=DESCRIPTION,
        # A redirect would be an answer that is neither a view nor a problem.
        redirect_slashes=False,
        # The framework's pages run scripts of another host, and are blank where it is not reached.
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.webhooks = webhooks
    app.state.limits = limits
    for room in (routes, log, discovery, negotiating, handing, following, hooks):
        app.include_router(room.router)
    add_logins(app, logins, services.clock)
    add_large_bodies(app, limits)
    refuse_by_name(app)
    app.put_before(lambda behind: Shortcut(behind, app))
    app.put_before(lambda behind: AddressLimit(behind, limits))
    return app
