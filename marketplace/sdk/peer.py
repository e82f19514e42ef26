"""A peer: another agent's inbox, as one asks it, within bounds.

A URL that comes from a stranger's card could name this machine's own network: it is judged
by its form (``core.destination``), every address of its host is, and the connection goes
to one of these very addresses.
"""

import socket
import time
from dataclasses import dataclass
from typing import TypeVar

import httpx
from pydantic import ValidationError

from marketplace.core.destination import Destination, Reach, anywhere, destination
from marketplace.core.errors import (
    BodyTooLarge,
    CardRefused,
    ParleyError,
    PeerUnavailable,
    RegistryRefused,
    WebhookRefused,
)
from marketplace.core.signature import Signature
from marketplace.core.values import Digest, Json, canonical
from marketplace.wire.problems import Problem, from_problem
from marketplace.wire.views import InfoView, MessagesView, MessageView, Receipt, View

V = TypeVar("V", bound=View)

# For a URL that this agent's own human has chosen.
CHOSEN = Reach(plain=True, permits=anywhere)
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
PAUSES = (0.1, 0.4, 1.5)
MOST_ANSWER = 1024 * 1024
MOST_ARTIFACT = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    content: bytes = b""
    signature: Signature = ""
    most: int = MOST_ANSWER


class Peer:
    """One agent's inbox; safe for use by several threads."""

    def __init__(self, url: str, reach: Reach = CHOSEN) -> None:
        self.url = url.rstrip("/")
        self._reach = reach

    def info(self) -> InfoView:
        """The domain that it signs in."""
        return _view(InfoView, self._ask(_Call("GET", "/v1")))

    def submit(self, envelope: Json) -> Receipt:
        """Send a signed message; the peer takes it once, however often it comes."""
        return _view(Receipt, self._ask(_Call("POST", "/v1/messages", canonical(envelope))))

    def card(self) -> MessageView:
        """Its own card."""
        return _view(MessageView, self._ask(_Call("GET", "/v1/agents/self")))

    def listings(self) -> list[MessageView]:
        """What it sells."""
        return _view(MessagesView, self._ask(_Call("GET", "/v1/listings"))).messages

    def listing(self, digest: Digest) -> MessageView:
        """A listing as it was published."""
        return _view(MessageView, self._ask(_Call("GET", f"/v1/listings/{digest}")))

    def artifact(self, negotiation: Digest, artifact: Digest, signature: Signature) -> bytes:
        """Bytes that it left for the signer of the ``Upload``."""
        path = f"/v1/negotiations/{negotiation}/artifacts/{artifact}"
        return self._ask(_Call("GET", path, signature=signature, most=MOST_ARTIFACT))

    def _ask(self, call: _Call) -> bytes:
        for pause in PAUSES:
            try:
                return self._ask_once(call)
            except PeerUnavailable:
                time.sleep(pause)
        return self._ask_once(call)

    def _ask_once(self, call: _Call) -> bytes:
        try:
            to = destination(self.url + call.path, self._reach)
        except WebhookRefused as error:
            raise CardRefused("endpoint", self.url, error.reason) from None
        headers = {"host": to.authority, "content-type": "application/json"}
        if call.signature:
            headers["parley-signature"] = call.signature
        ends = time.monotonic() + ANSWER_SECONDS
        try:
            with (
                # Not through the environment's proxies: the address is the one that was judged.
                httpx.Client(timeout=CONNECT_SECONDS, trust_env=False) as http,
                http.stream(
                    call.method,
                    f"{to.scheme}://{to.at(self._address(to))}{to.target}",
                    content=call.content,
                    headers=headers,
                    extensions={"sni_hostname": to.host},
                ) as answer,
            ):
                body = self._read(answer, call.most, ends)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PeerUnavailable(self.url, type(error).__name__) from None
        if answer.is_error:
            raise _refusal(answer.status_code, body)
        return body

    def _address(self, to: Destination) -> str:
        try:
            found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise PeerUnavailable(self.url, type(error).__name__) from None
        addresses = [str(address[0]) for *_, address in found]
        if not all(map(self._reach.permits, addresses)):
            raise CardRefused("endpoint", self.url, "an address that is not public")
        return addresses[0]

    def _read(self, answer: httpx.Response, most: int, ends: float) -> bytes:
        body = bytearray()
        # The bytes as they came: packed ones could grow a thousandfold.
        for chunk in answer.iter_raw():
            body += chunk
            if len(body) > most:
                raise BodyTooLarge(len(body), most)
            if time.monotonic() > ends:
                raise PeerUnavailable(self.url, f"no whole answer in {ANSWER_SECONDS:g} seconds")
        return bytes(body)


def _refusal(status: int, body: bytes) -> ParleyError:
    try:
        return from_problem(Problem.model_validate_json(body))
    except ValidationError:
        return RegistryRefused(status, "not the words of a Parley agent")


def _view(view: type[V], body: bytes) -> V:
    try:
        return view.model_validate_json(body)
    except ValidationError:
        raise RegistryRefused(200, "not an answer of a Parley agent") from None
