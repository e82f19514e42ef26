"""Logging in: a wallet's token, held and renewed, as httpx takes it.

What is signed names the registry by the URL that the caller meant, never by what the
registry says of itself: one that hands on another's challenge gets a login that is
nothing there.
"""

import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx
from pydantic import ValidationError

from marketplace.core.eip712 import Domain
from marketplace.core.errors import OriginWrong, ParleyError, RegistryRefused, TokenRefused
from marketplace.core.identity import Mandate, Scope
from marketplace.core.login import Login, Origin
from marketplace.core.signature import Signature
from marketplace.core.values import Address, Digest, Json, canonical
from marketplace.wire.logins import ChallengeView, TokenView
from marketplace.wire.problems import Problem, from_problem
from marketplace.wire.views import View

V = TypeVar("V", bound=View)
Flow = Generator[httpx.Request, httpx.Response, None]

LOGIN_SECONDS = 3_600
# A token is renewed so long before it ends, or at half its life where that is later.
MARGIN_SECONDS = 60.0
_UNAUTHORISED = 401
_PORTS = {"http": 80, "https": 443}


class LoginSigner(Protocol):
    """A wallet, as far as a login needs one."""

    @property
    def address(self) -> Address:
        """The account."""
        ...

    def sign(self, digest: Digest) -> Signature:
        """Sign an EIP-712 digest."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    header: str
    renew_at: float


class RegistryLogin(httpx.Auth):
    """Logs a wallet in at one registry; safe for use by several threads.

    A request to any other place goes out as it came: a token is for whoever gave it.

    Args:
        url: the registry's.
        domain: of the escrow, from one's own knowledge of it.
        wallet: signs the logins.
        scope: what is asked for.
        delegated: the delegation of the account that the wallet speaks for, if it does.
        monotonic: seconds that only grow.
    """

    def __init__(  # noqa: PLR0913 each is a fact of its own
        self,
        url: str,
        domain: Domain,
        wallet: LoginSigner,
        scope: Scope = Scope.READ,
        *,
        delegated: Mandate | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = Origin.parse(_origin_of(httpx.URL(url)))
        self._domain = domain
        self._wallet = wallet
        self._scope = scope
        self._delegated = delegated
        self._monotonic = monotonic
        self._held: _Held | None = None
        self._lock = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """The request under a token, and once more under a new one where that is refused."""
        if _origin_of(request.url) != str(self._origin):
            yield request
            return
        held = yield from self._token(None)
        request.headers["authorization"] = held.header
        answer = yield request
        if answer.status_code == _UNAUTHORISED and _says(answer, TokenRefused):
            held = yield from self._token(held)
            request.headers["authorization"] = held.header
            yield request

    def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """No asynchronous client: its request would go out without a token, and say nothing."""
        raise TypeError(f"{type(self).__name__} blocks: {request.url} needs an httpx.Client")

    def _token(self, refused: _Held | None) -> Generator[httpx.Request, httpx.Response, _Held]:
        # Of several threads one logs in; the others find its token when their turn comes.
        with self._lock:
            held = self._held
            if held is None or held is refused or self._monotonic() >= held.renew_at:
                self._held = None
                self._held = held = yield from self._log_in()
            return held

    def _log_in(self) -> Generator[httpx.Request, httpx.Response, _Held]:
        challenge = _read(ChallengeView, (yield httpx.Request("GET", f"{self._origin}/v1/login")))
        if challenge.origin != str(self._origin):
            raise OriginWrong(challenge.origin[:200], str(self._origin))
        login = self._login(challenge)
        body: dict[str, Json] = {
            "grant": "eip712",
            "message": login.to_message(),
            "signature": self._wallet.sign(login.digest(self._domain)),
        }
        if self._delegated is not None:
            body["delegation"] = self._delegated.to_json()
        asked = self._monotonic()
        sent = httpx.Request(
            "POST",
            f"{self._origin}/v1/token",
            content=canonical(body),
            headers={"content-type": "application/json"},
        )
        token = _read(TokenView, (yield sent))
        margin = min(MARGIN_SECONDS, token.expires_in / 2)
        return _Held(f"Bearer {token.access_token}", asked + token.expires_in - margin)

    def _login(self, challenge: ChallengeView) -> Login:
        # The registry's own clock: the login is worth nothing anywhere else.
        delegated = self._delegated
        return Login(
            account=delegated.delegation.principal if delegated else self._wallet.address,
            origin=self._origin.digest,
            nonce=challenge.nonce,
            issued_at=challenge.now,
            expires_at=challenge.now + LOGIN_SECONDS,
            scope=int(self._scope),
        )


def _origin_of(url: httpx.URL) -> str:
    port = url.port if url.port not in (None, _PORTS.get(url.scheme)) else None
    host = f"[{url.host}]" if ":" in url.host else url.raw_host.decode("ascii")
    return f"{url.scheme}://{host}" + (f":{port}" if port else "")


def _says(answer: httpx.Response, code: type[ParleyError]) -> bool:
    answer.read()
    try:
        return Problem.model_validate_json(answer.content).code == code.__name__
    except ValidationError:
        return False


def _read(view: type[V], answer: httpx.Response) -> V:
    answer.read()
    try:
        if answer.is_error:
            raise from_problem(Problem.model_validate_json(answer.content))
        return view.model_validate_json(answer.content)
    except ValidationError:
        raise RegistryRefused(answer.status_code, "not an answer of a Parley registry") from None
