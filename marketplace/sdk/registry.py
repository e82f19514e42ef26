"""The registry as a client sees it: HTTP, named errors, resumed events."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from marketplace.core.errors import ParleyError, RegistryRefused, RegistryUnavailable
from marketplace.core.values import Address, Digest, Json, canonical
from marketplace.wire.discovery import AgentView, ListingsView
from marketplace.wire.problems import Problem, from_problem
from marketplace.wire.views import (
    InfoView,
    LogView,
    MessagesView,
    MessageView,
    Receipt,
    ReceiptsView,
    View,
)

V = TypeVar("V", bound=View)
TIMEOUT_SECONDS = 30.0
# Before each further attempt, in seconds: together longer than a registry takes to restart.
RECONNECT_SECONDS = 0.25
PAUSES = (0.1, 0.4, 1.5, 3.0)
# The registry sends a heartbeat well within this; longer silence is a lost connection.
SILENCE_SECONDS = 20.0


class Registry:
    """One registry; safe for use by several threads.

    Whatever gets no answer is asked again: all requests here are idempotent. ``auth`` logs
    in where that is wanted (``sdk.login``).
    """

    def __init__(self, url: str, auth: httpx.Auth | None = None) -> None:
        self.url = url.rstrip("/")
        try:
            self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS, auth=auth)
        except httpx.InvalidURL as error:
            raise RegistryUnavailable(self.url, str(error)) from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def info(self) -> InfoView:
        """The domain to sign in."""
        return self._get(InfoView, "/v1")

    def submit(self, envelope: Json) -> Receipt:
        """Send a signed message; the registry stores it once, however often it comes."""
        body, headers = canonical(envelope), {"content-type": "application/json"}
        return _view(Receipt, self._ask("POST", "/v1/messages", content=body, headers=headers))

    def listings(self, **query: str | int) -> list[MessageView]:
        """Live listings: kind, text, seller, where, highest_price, order, limit."""
        return list(self._get(ListingsView, "/v1/listings", query).listings)

    def listing(self, digest: Digest) -> MessageView:
        """A listing as it was published."""
        return self._get(MessageView, f"/v1/listings/{digest}")

    def agent(self, agent: Address) -> AgentView:
        """What an agent says about itself; raises AgentMissing."""
        return self._get(AgentView, f"/v1/agents/{agent}")

    def hand_in(self, transcript: Sequence[Mapping[str, Json]]) -> list[Receipt]:
        """Hand in a negotiation that was held elsewhere: NEGOTIATE, as one of its parties."""
        body, headers = canonical({"messages": transcript}), {"content-type": "application/json"}
        asked = self._ask("POST", "/v1/transcripts", content=body, headers=headers)
        return _view(ReceiptsView, asked).receipts

    def messages(self, negotiation: Digest) -> list[MessageView]:
        """A negotiation's messages, in order."""
        return self._get(MessagesView, f"/v1/negotiations/{negotiation}/messages").messages

    def log(self, start: int) -> LogView:
        """A page of the public log."""
        return self._get(LogView, "/v1/log", {"start": start})

    def put_artifact(
        self, negotiation: Digest, artifact: Digest, data: bytes, signature: str
    ) -> None:
        """Leave bytes for the counterparty."""
        path = f"/v1/negotiations/{negotiation}/artifacts/{artifact}"
        self._ask("PUT", path, content=data, headers={"parley-signature": signature})

    def artifact(self, negotiation: Digest, artifact: Digest) -> bytes:
        """The bytes that the counterparty left, as the registry gives them: check the digest."""
        path = f"/v1/negotiations/{negotiation}/artifacts/{artifact}"
        return self._ask("GET", path).content

    def follow(self, start: int, party: str) -> Generator[MessageView | None, None, None]:
        """A party's messages from an index on, for ever; None is a heartbeat.

        A lost connection is taken up again after the last message that arrived.
        """
        following = start
        while True:
            try:
                for event in self._events(following, party):
                    if event is not None:
                        following = event.index + 1
                    yield event
            except RegistryUnavailable:
                yield None
                # A registry that is gone for good is found out here, by name; one that ends
                # each stream at once is not asked again without a pause.
                self.info()
                time.sleep(RECONNECT_SECONDS)

    def _events(self, start: int, party: str) -> Iterator[MessageView | None]:
        query: dict[str, str | int] = {"party": party, "start": start}
        timeout = httpx.Timeout(TIMEOUT_SECONDS, read=SILENCE_SECONDS)
        try:
            with self._http.stream("GET", "/v1/events", params=query, timeout=timeout) as answer:
                if answer.is_error:
                    answer.read()
                    raise _refusal(answer)
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        yield _read(MessageView, answer.status_code, line.removeprefix("data: "))
                    elif line.startswith(":"):
                        yield None
        except httpx.HTTPError as error:
            raise RegistryUnavailable(self.url, type(error).__name__) from None
        raise RegistryUnavailable(self.url, "the stream of events ended")

    def _get(self, view: type[V], path: str, query: dict[str, str | int] | None = None) -> V:
        return _view(view, self._ask("GET", path, params=query))

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 httpx's own
        for pause in PAUSES:
            try:
                return self._ask_once(method, path, **request)
            except RegistryUnavailable:
                time.sleep(pause)
        return self._ask_once(method, path, **request)

    def _ask_once(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 the same
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(self.url, type(error).__name__) from None
        if answer.is_error:
            raise _refusal(answer)
        return answer


def _refusal(answer: httpx.Response) -> ParleyError:
    try:
        return from_problem(Problem.model_validate_json(answer.content))
    except ValidationError:
        words = f"not a Parley registry's words; is this another service's URL? {answer.text[:120]}"
        return RegistryRefused(answer.status_code, words)


def _view(view: type[V], answer: httpx.Response) -> V:
    return _read(view, answer.status_code, answer.content)


def _read(view: type[V], status: int, content: bytes | str) -> V:
    try:
        return view.model_validate_json(content)
    except ValidationError:
        raise RegistryRefused(status, "not an answer of a Parley registry") from None
