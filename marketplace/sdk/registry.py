"""The registry as a client sees it: HTTP, named errors, resumed events."""

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from marketplace.core.errors import (
    ParleyError,
    RegistryRefused,
    RegistryUnavailable,
    Unavailable,
)
from marketplace.core.values import Address, Digest, Json, canonical, mapping
from marketplace.sdk import patience
from marketplace.sdk.breaker import Breaker
from marketplace.sdk.receipts import Receipts, receipts_of
from marketplace.wire.discovery import AgentView, ListingsView, RequestView
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
Query = Mapping[str, str | int | Sequence[str]]

TIMEOUT_SECONDS = 30.0
RECONNECT_SECONDS = 0.25
# The registry sends a heartbeat well within this; longer silence is a lost connection.
SILENCE_SECONDS = 20.0
# What a proxy says in the name of a registry that it does not reach (RFC 9110 §15.6).
_GATEWAY = frozenset({502, 503, 504})


class Registry:
    """One registry; safe for use by several threads.

    Whatever gets no answer, or one to ask again later, is asked again: all requests here
    are idempotent. A registry that fails all the same is left alone for a while.

    Args:
        url: where it is.
        auth: logs in for what only a party may read (``sdk.login``); signed words need none.
        breaker: when to leave it alone.
    """

    def __init__(
        self, url: str, auth: httpx.Auth | None = None, breaker: Breaker | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.auth = auth
        # Who only asks is given none.
        self.receipts: Receipts | None = None
        self._breaker = breaker or Breaker(self.url)
        try:
            self._http = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS)
        except httpx.InvalidURL as error:
            raise RegistryUnavailable(self.url, str(error)) from None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def keep_receipts(self, beside: Path | None) -> None:
        """From now on, check each receipt and keep it beside a file; see ``sdk.receipts``."""
        self.receipts = receipts_of(self.url, self.info().log, self.fetch, beside)

    def info(self) -> InfoView:
        """The domain to sign in."""
        return self._get(InfoView, "/v1")

    def submit(self, envelope: Json) -> Receipt:
        """Send a signed message; the registry stores it once, however often it comes."""
        body, headers = canonical(envelope), {"content-type": "application/json"}
        told = _view(Receipt, self._ask("POST", "/v1/messages", content=body, headers=headers))
        if self.receipts is not None:
            self.receipts.keep(told, mapping(envelope, "envelope"))
        return told

    def listings(self, query: Query) -> ListingsView:
        """A page of live listings; what can be asked is in docs/api.md."""
        return self._get(ListingsView, "/v1/listings", query)

    def listing(self, digest: Digest) -> MessageView:
        """A listing as it was published."""
        return self._get(MessageView, f"/v1/listings/{digest}")

    def heartbeat(self, listing: Digest) -> None:
        """As its seller: the listing is alive."""
        self._ask("POST", f"/v1/listings/{listing}/heartbeat", mine=True)

    def agent(self, agent: Address) -> AgentView:
        """An agent's card and delegations."""
        return self._get(AgentView, f"/v1/agents/{agent}")

    def request(self, request: Digest) -> RequestView:
        """A request for quotation and its quotations."""
        return self._get(RequestView, f"/v1/requests/{request}")

    def hand_in(self, transcript: Sequence[Mapping[str, Json]]) -> list[Receipt]:
        """Hand in a negotiation that was held elsewhere: NEGOTIATE, as one of its parties."""
        body, headers = canonical({"messages": transcript}), {"content-type": "application/json"}
        asked = self._ask("POST", "/v1/transcripts", mine=True, content=body, headers=headers)
        receipts = _view(ReceiptsView, asked).receipts
        if len(receipts) != len(transcript):
            raise RegistryRefused(201, f"{len(receipts)} receipts of {len(transcript)} words")
        for receipt, line in zip(receipts, transcript, strict=True):
            if self.receipts is not None:
                self.receipts.keep(receipt, mapping(line["message"], "message"))
        return receipts

    def messages(self, negotiation: Digest) -> list[MessageView]:
        """A negotiation's messages, in order; for its parties."""
        path = f"/v1/negotiations/{negotiation}/messages"
        return self._get(MessagesView, path, mine=True).messages

    def log(self, start: int, limit: int | None = None) -> LogView:
        """A page of the public log, with the bodies that are this reader's to see."""
        query = {"start": start} if limit is None else {"start": start, "limit": limit}
        return self._get(LogView, "/v1/log", query, mine=True)

    def fetch(self, path: str) -> bytes:
        """The bytes of a path of C2SP tlog-tiles, as ``checkpoint`` or ``tile/0/000``."""
        return self._ask("GET", f"/{path}").content

    def put_artifact(
        self, negotiation: Digest, artifact: Digest, data: bytes, signature: str
    ) -> None:
        """Leave bytes for the counterparty."""
        path = f"/v1/negotiations/{negotiation}/artifacts/{artifact}"
        self._ask("PUT", path, mine=True, content=data, headers={"parley-signature": signature})

    def artifact(self, negotiation: Digest, artifact: Digest) -> bytes:
        """The bytes that the counterparty left, as the registry gives them: check the digest."""
        path = f"/v1/negotiations/{negotiation}/artifacts/{artifact}"
        return self._ask("GET", path, mine=True).content

    def follow(self, start: int, party: str) -> Generator[MessageView | None, None, None]:
        """A party's messages from an index on, for ever; None is a heartbeat.

        A lost connection is taken up again after the last message that arrived: none is
        missed, and none comes twice.
        """
        last, refused = start - 1, 0
        while True:
            try:
                for event in self._events(start, party, last):
                    refused = 0
                    if event is None or event.index <= last:
                        yield None
                    else:
                        last = event.index
                        yield event
            except Unavailable as error:
                yield None
                refused += 1
                self._look_again(error, refused)

    def _look_again(self, error: Unavailable, refused: int) -> None:
        if not isinstance(error, RegistryUnavailable):
            if refused > len(patience.PAUSES):
                raise error
            time.sleep(patience.wait_of(error, patience.PAUSES[refused - 1]))
            return
        # A registry that is gone for good is found out here, by name; one that ends each
        # stream at once is not asked again without a pause.
        self.info()
        time.sleep(patience.wait_of(error, RECONNECT_SECONDS))

    def _events(self, start: int, party: str, last: int) -> Iterator[MessageView | None]:
        asked = self._http.build_request(
            "GET",
            "/v1/events",
            params={"party": party, "start": start},
            headers={"last-event-id": str(last)} if last >= start else {},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, read=SILENCE_SECONDS),
        )
        try:
            with closing(self._http.send(asked, auth=self.auth, stream=True)) as answer:
                if answer.is_error:
                    answer.read()
                    raise self._refusal(answer)
                yield from _told(answer)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(self.url, type(error).__name__) from None
        raise RegistryUnavailable(self.url, "the stream of events ended")

    def _get(
        self, view: type[V], path: str, query: Query | None = None, *, mine: bool = False
    ) -> V:
        return _view(view, self._ask("GET", path, mine=mine, params=query))

    def _ask(self, method: str, path: str, *, mine: bool = False, **request: Any) -> httpx.Response:  # noqa: ANN401 httpx's own
        auth = self.auth if mine else None
        with self._breaker.request():
            return patience.patiently(lambda: self._ask_once(method, path, auth=auth, **request))

    def _ask_once(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 the same
        try:
            answer = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise RegistryUnavailable(self.url, type(error).__name__) from None
        if answer.is_error:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: httpx.Response) -> ParleyError:
        try:
            return from_problem(Problem.model_validate_json(answer.content))
        except ValidationError:
            if answer.status_code in _GATEWAY:
                return RegistryUnavailable(self.url, f"status {answer.status_code}")
        told = f"not a Parley registry's words; is this another service's URL? {answer.text[:120]}"
        return RegistryRefused(answer.status_code, told)


def _told(answer: httpx.Response) -> Iterator[MessageView | None]:
    # An event is one once the empty line after it has come: what breaks off before is none.
    data = ""
    for line in answer.iter_lines():
        if line.startswith("data: "):
            data = line.removeprefix("data: ")
        elif line.startswith(":"):
            yield None
        elif not line and data:
            yield _read(MessageView, answer.status_code, data)
            data = ""


def _view(view: type[V], answer: httpx.Response) -> V:
    return _read(view, answer.status_code, answer.content)


def _read(view: type[V], status: int, content: bytes | str) -> V:
    try:
        return view.model_validate_json(content)
    except ValidationError:
        raise RegistryRefused(status, "not an answer of a Parley registry") from None
