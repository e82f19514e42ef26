"""Answers of every room: messages as a reader may see them, tagged."""

from collections.abc import Iterable
from hashlib import sha256

from fastapi import Request, Response, status

from marketplace.api.services import Services
from marketplace.core.login import Caller
from marketplace.ports.store import Entry
from marketplace.wire.views import MessagesView, MessageView, View


def shown(use: Services, entry: Entry, caller: Caller | None) -> MessageView:
    """An entry, with its message if the caller may read it."""
    return use.archive.view(entry, readable=use.access.may_read(entry, caller))


def all_shown(use: Services, entries: Iterable[Entry], caller: Caller | None) -> MessagesView:
    """Entries in order."""
    return MessagesView(messages=[shown(use, entry, caller) for entry in entries])


def tagged(request: Request, view: View, *, private: bool = False) -> Response:
    """The view under an entity tag (RFC 9110 §8.8.3), or 304 where the asker has it already."""
    body = view.spelled()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache" if private else "no-cache"}
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if {tag, f"W/{tag}", "*"} & set(known):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
