"""Those who log in: what they sign, and the logins of a registry that they come to.

``login``, ``message`` and ``delegated`` make what is in order; a test spoils the field
that it is about by naming it.
"""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from market import BUYER, DOMAIN, HOT_KEY, NOW, Party, word

from marketplace.adapters.memory.journal import MemoryJournal
from marketplace.core.eip712 import Domain
from marketplace.core.identity import Delegation, Mandate, Scope
from marketplace.core.login import Login, Origin, Site, scope_uris
from marketplace.core.siwe import Siwe, instant_of
from marketplace.core.values import Digest, Json, checksum, keccak
from marketplace.services.logins import Logins
from marketplace.services.tokens import Tokens

ORIGIN = Origin.parse("https://registry.example")
SITE = Site(ORIGIN, DOMAIN)
SECRET, OLD_SECRET = keccak(b"parley test secret"), keccak(b"parley test secret, the last one")
NONCE = word("nonce")
READ_LIST = Scope.READ | Scope.LIST


def login(nonce: Digest = NONCE, by: Party = BUYER, **changes: Any) -> Login:  # noqa: ANN401 any field
    """What a wallet signs as typed data."""
    plain = Login(by.address, ORIGIN.digest, nonce, NOW, NOW + 3600, int(READ_LIST))
    return replace(plain, **changes)


def message(nonce: Digest = NONCE, by: Party = BUYER, **changes: Any) -> Siwe:  # noqa: ANN401 any field
    """What a wallet signs as a text."""
    plain = Siwe(
        scheme=None,
        domain=ORIGIN.authority,
        address=checksum(by.address),
        statement="Log in, please.",
        uri=str(ORIGIN),
        chain_id=str(DOMAIN.chain_id),
        nonce=nonce,
        issued_at=instant_of(NOW),
        expiration_time=instant_of(NOW + 3600),
        resources=scope_uris(READ_LIST),
    )
    return replace(plain, **changes)


def delegated(by: Party = BUYER, to: Party = HOT_KEY, **changes: Any) -> Mandate:  # noqa: ANN401 any field
    """A principal's signed delegation: to read and to upload, for half an hour."""
    scope = int(Scope.READ | Scope.UPLOAD)
    plain = Delegation(by.address, to.address, scope, NOW + 1800, word("salt"))
    given = replace(plain, **changes)
    return Mandate(given, by.sign(given.digest(DOMAIN)))


def typed_request(
    told: Login, by: Party = BUYER, with_: Mandate | None = None, domain: Domain = DOMAIN
) -> dict[str, Json]:
    """A signed ``Login`` as it is sent."""
    signature = by.sign(told.digest(domain))
    return _with({"grant": "eip712", "message": told.to_message(), "signature": signature}, with_)


def siwe_request(told: Siwe, by: Party = BUYER, with_: Mandate | None = None) -> dict[str, Json]:
    """A signed text as it is sent."""
    signature = by.sign(told.digest)
    return _with({"grant": "siwe", "message": told.text, "signature": signature}, with_)


def _with(request: dict[str, Json], given: Mandate | None) -> dict[str, Json]:
    return request if given is None else request | {"delegation": given.to_json()}


@dataclass
class House:
    """The logins of one registry, with what they ask in the test's hands."""

    site: Site = SITE
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    secrets: tuple[bytes, ...] = (SECRET,)
    revoked: set[tuple[str, Digest]] = field(default_factory=set)

    def __post_init__(self) -> None:
        numbers = count()

        async def is_revoked(principal: str, delegation: Digest) -> bool:
            return (principal, delegation) in self.revoked

        def random() -> Digest:
            return word(f"random {next(numbers)}")

        self.tokens = Tokens(self.site.origin, self.secrets)
        self.logins = Logins(self.site, self.tokens, self.journal, is_revoked, random)

    def nonce(self, now: int = NOW) -> Digest:
        """A fresh challenge's."""
        return self.logins.challenge(now).nonce

    def revoke(self, given: Mandate) -> None:
        """Its principal takes it back."""
        self.revoked.add((given.delegation.principal, given.delegation.digest(DOMAIN)))
