"""Idempotency-Key: a write that its caller named is done once.

Signed messages need none: they are their own names. It is taken with them all the same,
and it is what makes the other writes repeatable. A name is bound to its caller and to the
request's bytes. Answers are kept for a day; a refusal is not kept, so that what was wrong
can be mended under the same name.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from fastapi import Request as HttpRequest
from fastapi import Response

from marketplace.core.errors import KeyReused, RequestUnderWay, ValueMalformed
from marketplace.core.values import text
from marketplace.ports.journal import Answer, Journal, Request, Standing

HEADER = "idempotency-key"
REPLAYED = "idempotency-replayed"
LONGEST_KEY = 255
# Longer than an honest write takes; a worker that died with it lets it go after that.
LEASE_SECONDS = 30
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Once:
    """One write of one caller.

    Attributes:
        journal: where names and answers are kept.
        now: integer seconds UTC.
        caller: whose name it is, proved.
    """

    journal: Journal
    now: int
    caller: str

    async def answer(
        self, request: HttpRequest, body: bytes, write: Callable[[], Awaitable[Response]]
    ) -> Response:
        """Do the write, or give the answer that it was given before.

        Raises:
            KeyReused: the name was given to another body.
            RequestUnderWay: somebody is doing it just now.
        """
        key = request.headers.get(HEADER)
        if key is None:
            return await write()
        named = self._named(request, _key(key), body)
        standing, known = await self.journal.begin(named, self.now)
        if standing is Standing.CHANGED:
            raise KeyReused(key)
        if standing is Standing.IN_PROGRESS:
            raise RequestUnderWay(key, LEASE_SECONDS)
        if known is not None:
            again = Response(known.body, known.status, media_type=known.media_type)
            again.headers[REPLAYED] = "true"
            return again
        return await self._begun(named, write)

    async def _begun(self, named: Request, write: Callable[[], Awaitable[Response]]) -> Response:
        try:
            done = await write()
        except BaseException:
            await self.journal.finish(named, None)
            raise
        media_type = done.headers.get("content-type", "")
        await self.journal.finish(named, Answer(done.status_code, media_type, bytes(done.body)))
        return done

    def _named(self, request: HttpRequest, key: str, body: bytes) -> Request:
        what = f"{request.method} {request.url.path}\n".encode() + body
        return Request(
            caller=self.caller,
            key=key,
            body_digest=sha256(what).hexdigest(),
            lease_until=self.now + LEASE_SECONDS,
            expires_at=self.now + KEPT_SECONDS,
        )


def _key(given: str) -> str:
    if not given:
        raise ValueMalformed(HEADER, "", f"1 to {LONGEST_KEY} printable characters")
    return text(given, HEADER, LONGEST_KEY)
