"""Posts to where strangers say, and not into the registry's own network.

A host is resolved once for each call; every address that it has must be permitted, and the
connection goes to one of these very addresses, so that a second answer of the name server
changes nothing. Host header, SNI and certificate are the name's. The transport is used
without httpx's client, so there are no proxies of the environment, no cookies, no
credentials and no redirects beyond the ones below.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urljoin

import httpx

from marketplace.core.destination import Destination, Reach, destination
from marketplace.core.errors import ReceiverUnavailable, WebhookRefused
from marketplace.ports.outbound import Reply

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

SECONDS = 15.0
CONNECT_SECONDS = 5.0
MOST_REDIRECTS = 3
MOST_ADDRESSES = 3
MOST_ANSWER = 16 * 1024
ANSWER_SECONDS = 1.0
LONGEST_REASON = 200
FOLLOWED = (307, 308)  # the ones that keep method and body (RFC 9110 §15.4)

# Threads of their own: a stranger's name server that takes its time holds up nothing else.
_RESOLVERS = ThreadPoolExecutor(128, "resolve")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address that the system's resolver gives for a host."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, ask)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Poster:
    """Posts once: one time limit over all of resolution, redirects and answer.

    Args:
        reach: which URLs and addresses the operator permits.
        find: resolves a host.
        seconds: for the whole call.
        trust: who may vouch for a receiver's certificate; the usual authorities.
    """

    def __init__(
        self,
        reach: Reach,
        find: Resolve = resolve,
        seconds: float = SECONDS,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._reach = reach
        self._find = find
        self._seconds = seconds
        # A kept connection would be one to an address, for whichever name comes next.
        self._transport = httpx.AsyncHTTPTransport(
            verify=trust or httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """End what is under way."""
        await self._transport.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post once; raises WebhookRefused or ReceiverUnavailable."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._follow(url, headers, body)
        except TimeoutError:
            raise ReceiverUnavailable(url, f"no answer in {self._seconds:g} seconds") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise ReceiverUnavailable(url, _told(error)) from None

    async def _follow(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        aimed = destination(url, self._reach)
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._call(aimed, headers, body)
            if response.status_code not in FOLLOWED:
                return Reply(response.status_code, _retry_after(response.headers))
            aimed = self._further(aimed, response.headers.get("location", ""))
        raise WebhookRefused(url, f"more than {MOST_REDIRECTS} redirects")

    def _further(self, aimed: Destination, location: str) -> Destination:
        try:
            further = destination(urljoin(aimed.url, location), self._reach)
        except ValueError:
            raise WebhookRefused(aimed.url, "a redirect to no URL") from None
        if (aimed.scheme, further.scheme) == ("https", "http"):
            raise WebhookRefused(further.url, "a redirect from https to http")
        return further

    async def _call(
        self, aimed: Destination, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        *first, last = await self._addresses(aimed)
        for address in first:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._call_at(address, aimed, headers, body)
        return await self._call_at(last, aimed, headers, body)

    async def _addresses(self, aimed: Destination) -> Sequence[str]:
        found = await self._find(aimed.host, aimed.port)
        if not found:
            raise ReceiverUnavailable(aimed.url, "its host has no address")
        if not all(map(self._reach.permits, found)):
            # Which address it is, an insider's name server may not want to tell.
            raise WebhookRefused(aimed.url, "its host has an address that is not public")
        return found[:MOST_ADDRESSES]

    async def _call_at(
        self, address: str, aimed: Destination, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        request = httpx.Request(
            "POST",
            f"{aimed.scheme}://{aimed.at(address)}{aimed.target}",
            headers={"host": aimed.authority, **headers},
            content=body,
            extensions={"sni_hostname": aimed.host, "timeout": {"connect": CONNECT_SECONDS}},
        )
        response = await self._transport.handle_async_request(request)
        try:
            await _drain(response)
        finally:
            await response.aclose()
        return response


async def _drain(response: httpx.Response) -> None:
    # The status is the answer. A short body is taken for the receiver's sake, which would
    # else see its connection break; nothing that is in it or happens to it counts.
    taken = 0
    with suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            async for chunk in response.aiter_raw():
                taken += len(chunk)
                if taken > MOST_ANSWER:
                    return


def _retry_after(headers: httpx.Headers) -> int | None:
    asked = headers.get("retry-after", "")
    if asked.isascii() and asked.isdecimal():
        return int(asked[:9])
    try:
        # Measured from the receiver's own clock, so that nobody's has to be right.
        then, now = map(parsedate_to_datetime, (asked, headers.get("date", "")))
        return max(int((then - now).total_seconds()), 0)
    except (TypeError, ValueError, OverflowError):
        return None


def _told(error: Exception) -> str:
    # Only what this side says of a connection; not what the other sent instead of HTTP.
    name = type(error).__name__
    detail = f"{name}: {error}" if isinstance(error, httpx.ConnectError) else name
    return detail[:LONGEST_REASON]
