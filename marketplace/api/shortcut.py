"""Shortcut: most requests are signed messages, and go past the framework."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from marketplace.api.refusals import answer
from marketplace.api.routes import take_message
from marketplace.core.errors import ParleyError

MESSAGES = "/v1/messages"


class Shortcut:
    """Answers a posted message as its route would, without the machinery of routing.

    That costs a fifth of the whole; the route stays for the document, and for all else that
    is asked of its path.
    """

    def __init__(self, behind: ASGIApp, app: ASGIApp) -> None:
        self._behind = behind
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a message, or let the request through."""
        if scope["type"] != "http" or scope["path"] != MESSAGES or scope["method"] != "POST":
            await self._behind(scope, receive, send)
            return
        # As the framework does: what belongs to the application is found by it.
        scope["app"] = self._app
        try:
            response = await take_message(Request(scope, receive))
        except ParleyError as error:
            response = answer(error)
        await response(scope, receive, send)
