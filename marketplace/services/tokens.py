"""Tokens: what a login is answered with, and how it is known again.

A token is a JWT access token (RFC 9068) under HMAC-SHA-256: whoever has the registry's
secret knows it, and nothing is kept. It is signed with the first secret and taken with
any, so that a secret is replaced by putting the next one before it. Instants are judged
here, with the caller's ``now``: the library would ask a clock of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from marketplace.core.challenge import derived
from marketplace.core.errors import ParleyError, TokenRefused
from marketplace.core.identity import scope_names
from marketplace.core.login import Caller, Origin, named
from marketplace.core.values import Address, Digest, Json, address, digest, integer, mapping, text

SHORTEST_SECRET = 32
LONGEST_TOKEN = 2_048
TTL_SECONDS = 900

_ALGORITHM, _TYPE, _USE = "HS256", "at+jwt", "token"
_CLAIMS = {"iss", "aud", "sub", "scope", "exp", "iat", "jti"}
_DELEGATED = {"act", "delegation"}
_LATEST = 1 << 40


@dataclass(frozen=True, slots=True)
class Tokens:
    """Signs and reads tokens of one registry.

    Attributes:
        origin: of the registry; issuer and audience in one.
        secrets: at least 32 bytes each; the first signs.
        ttl: how long a token holds at most, in seconds.
    """

    origin: Origin
    secrets: Sequence[bytes]
    ttl: int = TTL_SECONDS

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed."""
        if not self.secrets or min(map(len, self.secrets)) < SHORTEST_SECRET:
            raise ValueError(f"a secret has at least {SHORTEST_SECRET} bytes")

    def issue(self, caller: Caller, now: int, expires_at: int, name: Digest) -> str:
        """A token for the caller, signed with the first secret; ``name`` is random."""
        claims: dict[str, Any] = {
            "iss": str(self.origin),
            "aud": str(self.origin),
            "sub": caller.account,
            "scope": scope_names(caller.scopes),
            "iat": now,
            "exp": expires_at,
            "jti": name,
        }
        if caller.delegation is not None:
            # RFC 8693 §4.1: who acts for the subject.
            claims |= {"act": {"sub": caller.actor}, "delegation": caller.delegation}
        key = derived(self.secrets[0], _USE)
        return jwt.encode(claims, key, _ALGORITHM, headers={"typ": _TYPE})

    def read(self, token: str, now: int) -> Caller:
        """Who the token was issued to; raises TokenRefused unless it is ours and holds now."""
        if len(token) > LONGEST_TOKEN:
            raise TokenRefused("too long")
        for secret in self.secrets:
            try:
                claims = self._claims(token, derived(secret, _USE))
            except jwt.InvalidSignatureError:
                continue
            except jwt.InvalidTokenError as error:
                raise TokenRefused(type(error).__name__) from None
            return _caller(claims, now)
        raise TokenRefused("signed by nobody here")

    def _claims(self, token: str, key: bytes) -> dict[str, Any]:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=str(self.origin),
            audience=str(self.origin),
            options={
                "require": sorted(_CLAIMS),
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        if decoded["header"].get("typ") != _TYPE:
            raise TokenRefused("another kind of token")
        claims: dict[str, Any] = decoded["payload"]
        return claims


def _caller(claims: dict[str, Any], now: int) -> Caller:
    extra = set(claims) - _CLAIMS
    if extra not in (set(), _DELEGATED):
        raise TokenRefused("claims that this registry does not make")
    try:
        issued, ends = (integer(claims[name], name, 0, _LATEST) for name in ("iat", "exp"))
        account, actor, delegation = _who(claims, delegated=bool(extra))
        scopes = named(text(claims["scope"], "scope", LONGEST_TOKEN))
    except ParleyError as error:
        raise TokenRefused(error.code) from None
    if issued > now:
        raise TokenRefused(f"issued at {issued}, and it is {now}")
    if now >= ends:
        raise TokenRefused(f"expired at {ends}, and it is {now}")
    return Caller(account, actor, scopes, delegation)


def _who(claims: dict[str, Any], *, delegated: bool) -> tuple[Address, Address, Digest | None]:
    account = address(claims["sub"], "sub")
    if not delegated:
        return account, account, None
    act: Json = mapping(claims["act"], "act").get("sub")
    return account, address(act, "act"), digest(claims["delegation"], "delegation")
