"""The SDK logs in by itself, at the registry that was meant and at no other."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx
import pytest
from market import BUYER, DOMAIN, HOT_KEY, NOW, STRANGER
from visitor import ORIGIN, House, delegated

from marketplace.core.errors import (
    LoginRefused,
    OriginWrong,
    RegistryRefused,
    ScopeMissing,
    TokenRefused,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.identity import Scope
from marketplace.core.login import Origin, Site
from marketplace.core.values import parse_json
from marketplace.sdk.login import MARGIN_SECONDS, RegistryLogin
from marketplace.sdk.registry import Registry
from marketplace.wire.problems import MEDIA_TYPE, to_problem

URL = str(ORIGIN)


@dataclass
class Desk:
    """A registry at the other end of the client: its own logins, and one route."""

    house: House = field(default_factory=House)
    now: int = NOW
    asked: list[httpx.Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    pause: float = 0.0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the registry does."""
        time.sleep(self.pause)
        with self.lock:
            self.asked.append(request)
            try:
                return anyio.run(self._answer, request)
            except (LoginRefused, OriginWrong, ScopeMissing, TokenRefused, WrongSigner) as error:
                problem = to_problem(error)
                headers = {"content-type": MEDIA_TYPE}
                return httpx.Response(problem.status, json=problem.model_dump(), headers=headers)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        logins = self.house.logins
        if request.url.path == "/v1/login":
            return httpx.Response(200, content=logins.challenge(self.now).model_dump_json())
        if request.url.path == "/v1/token":
            given = await logins.login(parse_json(request.content), self.now)
            return httpx.Response(200, content=given.model_dump_json())
        token = request.headers["authorization"].removeprefix("Bearer ")
        caller = await logins.caller(token, self.now)
        told = {"who": caller.account, "by": caller.actor, "body": request.content.decode()}
        return httpx.Response(200, json=told)

    @property
    def logins(self) -> int:
        """How many there were."""
        return sum(request.url.path == "/v1/token" for request in self.asked)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def clients(desk: Desk) -> Iterator[Any]:
    opened: list[httpx.Client] = []

    def made(auth: httpx.Auth) -> httpx.Client:
        opened.append(httpx.Client(base_url=URL, auth=auth, transport=httpx.MockTransport(desk)))
        return opened[-1]

    yield made
    for one in opened:
        one.close()


def buyer(desk: Desk, url: str = URL, **changes: Any) -> RegistryLogin:  # noqa: ANN401 any argument
    """The buyer's login, by the desk's clock."""
    return RegistryLogin(url, DOMAIN, BUYER, monotonic=lambda: float(desk.now), **changes)


def test_the_first_request_logs_in_and_the_next_do_not(desk: Desk, clients):
    client = clients(buyer(desk))
    for _ in range(3):
        assert client.get("/mine").json()["who"] == BUYER.address
    assert [request.url.path for request in desk.asked] == [
        "/v1/login", "/v1/token", "/mine", "/mine", "/mine",
    ]  # fmt: skip


def test_a_token_is_renewed_before_it_ends(desk: Desk, clients):
    client = clients(buyer(desk))
    client.get("/mine")
    desk.now += 900 - int(MARGIN_SECONDS) - 1
    client.get("/mine")
    assert desk.logins == 1
    desk.now += 1
    assert client.get("/mine").status_code == 200
    assert desk.logins == 2


def test_a_short_token_is_renewed_at_half_its_life(desk: Desk, clients):
    with_ = delegated(expires_at=NOW + 20)
    speaks = RegistryLogin(URL, DOMAIN, HOT_KEY, delegated=with_, monotonic=lambda: float(desk.now))
    client = clients(speaks)
    client.get("/mine")
    desk.now += 9
    client.get("/mine")
    assert desk.logins == 1
    desk.now += 1
    client.get("/mine")
    assert desk.logins == 2


def test_a_refused_token_is_replaced_and_the_request_sent_again_whole(desk: Desk, clients):
    client = clients(buyer(desk))
    client.get("/mine")
    desk.house.__dict__.update(House(secrets=(b"another secret" * 3,)).__dict__)
    answer = client.post("/mine", content=b"the whole body")
    assert answer.json()["body"] == "the whole body"
    assert desk.logins == 2


class Forgetful(Desk):
    """Refuses every token that it gave a moment ago."""

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/mine":
            raise TokenRefused("always")
        return await super()._answer(request)


def test_a_registry_that_takes_no_token_is_asked_twice_and_believed():
    desk = Forgetful()
    transport = httpx.MockTransport(desk)
    with httpx.Client(base_url=URL, auth=buyer(desk), transport=transport) as client:
        assert client.get("/mine").status_code == 401
    assert desk.logins == 2


def test_a_delegate_speaks_for_its_principal(desk: Desk, clients):
    speaks = RegistryLogin(
        URL, DOMAIN, HOT_KEY, delegated=delegated(), monotonic=lambda: float(desk.now)
    )
    told = clients(speaks).get("/mine").json()
    assert (told["who"], told["by"]) == (BUYER.address, HOT_KEY.address)


def test_a_refused_login_is_raised_by_name(clients):
    speaks = RegistryLogin(URL, DOMAIN, STRANGER, Scope.READ, delegated=delegated())
    with pytest.raises(WrongSigner):
        clients(speaks).get("/mine")
    asks = RegistryLogin(URL, DOMAIN, HOT_KEY, Scope.MANAGE, delegated=delegated())
    with pytest.raises(ScopeMissing):
        clients(asks).get("/mine")


def test_a_login_that_failed_is_tried_again_by_the_next_request(desk: Desk, clients):
    client = clients(buyer(desk))
    good, desk.house = desk.house, House(Site(Origin.parse("https://elsewhere.example"), DOMAIN))
    with pytest.raises(OriginWrong):
        client.get("/mine")
    desk.house = good
    assert client.get("/mine").status_code == 200


EVIL = "https://evil.example"


def passed_on(desk: Desk, **lies: str) -> httpx.MockTransport:
    """evil.example, which hands on the registry's own challenge, and keeps what it gets."""

    def answer(request: httpx.Request) -> httpx.Response:
        told = desk(httpx.Request(request.method, URL + request.url.path, content=request.content))
        if request.url.path != "/v1/login":
            return told
        return httpx.Response(200, json=told.json() | lies)

    return httpx.MockTransport(answer)


@pytest.mark.parametrize("lies", [{}, {"origin": EVIL}], ids=["honest", "lying"])
def test_who_hands_on_another_s_challenge_gets_no_login_that_serves_there(desk: Desk, lies):
    auth = buyer(desk, url=EVIL)
    transport = passed_on(desk, **lies)
    with httpx.Client(base_url=EVIL, auth=auth, transport=transport) as client:
        with pytest.raises(OriginWrong) as refused:
            client.get("/mine")
        # Told the truth, the wallet signs nothing; told a lie, it signs for the liar.
        assert desk.logins == len(lies)
        assert URL in refused.value.values.values() or lies


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://elsewhere.example/mine",
        "http://registry.example/mine",
        "https://registry.example:8443/mine",
        "https://registry.example.evil.example/mine",
    ],
)
def test_a_token_goes_to_nobody_but_who_gave_it(elsewhere: str, clients, desk: Desk):
    seen: list[httpx.Request] = []

    def keeps(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    auth = buyer(desk)
    assert clients(auth).get("/mine").status_code == 200
    with httpx.Client(auth=auth, transport=httpx.MockTransport(keeps)) as client:
        client.get(elsewhere)
    assert "authorization" not in seen[0].headers
    assert len(seen) == 1


def test_of_several_threads_one_logs_in(desk: Desk, clients):
    client = clients(buyer(desk))
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait(20)
        client.get("/mine")

    desk.pause = 0.1  # so that all ask before the first has its token
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert desk.logins == 1
    assert len(desk.asked) == 10


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(502)])
def test_what_is_no_registry_is_said_to_be_none(answer: httpx.Response):
    auth = RegistryLogin(URL, DOMAIN, BUYER)
    transport = httpx.MockTransport(lambda _: answer)
    with (
        httpx.Client(base_url=URL, auth=auth, transport=transport) as client,
        pytest.raises(RegistryRefused),
    ):
        client.get("/mine")


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Registry.Example/", URL),
        ("https://registry.example:443/v1", URL),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_the_origin_is_that_of_the_url(url: str, origin: str):
    assert str(RegistryLogin(url, DOMAIN, BUYER)._origin) == origin


def test_a_url_without_an_origin_is_refused():
    for url in ("", "registry.example", "ftp://registry.example", "https://"):
        with pytest.raises(ValueMalformed):
            RegistryLogin(url, DOMAIN, BUYER)


def test_an_asynchronous_client_is_told_at_once_that_it_gets_no_token():
    async def ask() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200))
        auth = RegistryLogin(URL, DOMAIN, BUYER)
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            await client.get(f"{URL}/mine")

    with pytest.raises(TypeError, match="blocks"):
        anyio.run(ask)


def test_the_client_of_the_sdk_takes_a_login():
    auth = RegistryLogin("http://127.0.0.1:1", DOMAIN, BUYER)
    registry = Registry("http://127.0.0.1:1", auth=auth)
    assert registry._http.auth is auth
    registry.close()
