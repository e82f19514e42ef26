"""Identity: who may speak for whom.

An agent is an address. With a ``Delegation`` it lets another key sign in its name, for
some kinds of words and for a time; the delegation travels with each such word, so that
whoever reads it needs nobody to check it. Terms take the agent's own key, always.

An organisation is an agent whose members are delegates; a role is a set of scopes.
"""

from dataclasses import dataclass
from enum import IntFlag

from marketplace.core.eip712 import Domain, Typed, exactly
from marketplace.core.errors import MandateExpired, MandateRefused
from marketplace.core.signature import LONGEST_SIGNATURE, Prove, Signature, verify
from marketplace.core.values import (
    Address,
    Bytes32,
    Digest,
    Json,
    Uint32,
    Uint40,
    mapping,
    text,
)
from marketplace.core.words import Kind


class Scope(IntFlag):
    """What a delegate may do in its principal's name."""

    READ = 1
    LIST = 2
    NEGOTIATE = 4
    UPLOAD = 8
    MANAGE = 16


ROLES: dict[str, Scope] = {
    "reader": Scope.READ,
    "clerk": Scope.READ | Scope.LIST,
    "negotiator": Scope.READ | Scope.NEGOTIATE | Scope.UPLOAD,
    "manager": Scope.READ | Scope.LIST | Scope.NEGOTIATE | Scope.UPLOAD | Scope.MANAGE,
}

# What a word in somebody's name takes; what is not here takes the agent's own key.
SCOPE_OF: dict[Kind, Scope] = {
    Kind.CARD: Scope.MANAGE,
    Kind.LISTING: Scope.LIST,
    Kind.REQUEST: Scope.LIST,
    Kind.QUOTATION: Scope.LIST,
    Kind.INVITATION: Scope.NEGOTIATE,
    Kind.REJECTION: Scope.NEGOTIATE,
    Kind.WITHDRAWAL: Scope.NEGOTIATE,
    Kind.ESCALATION: Scope.NEGOTIATE,
}


@dataclass(frozen=True, slots=True)
class Delegation(Typed):
    """A principal's word that a key may sign in its name.

    Attributes:
        principal: in whose name; signs.
        delegate: the key's address.
        scope: a ``Scope``.
        expires_at: the instant from which it no longer holds.
        salt: 256 random bits, so that a revoked one can be given again.
    """

    principal: Address
    delegate: Address
    scope: Uint32
    expires_at: Uint40
    salt: Bytes32


@dataclass(frozen=True, slots=True)
class Revocation(Typed):
    """The end of a delegation, by its principal, or by the delegate's own key."""

    principal: Address
    delegation: Bytes32


@dataclass(frozen=True, slots=True)
class Mandate:
    """A delegation under its principal's signature: what a delegate shows with each word."""

    delegation: Delegation
    signature: Signature

    def check(
        self, principal: Address, scope: Scope, domain: Domain, prove: Prove = verify
    ) -> None:
        """Raise unless the principal gave at least this scope; time is asked elsewhere."""
        if self.delegation.principal != principal:
            raise MandateRefused("principal", self.delegation.principal, principal)
        if scope & ~self.delegation.scope:
            held = Scope(self.delegation.scope & max_scope())
            raise MandateRefused("scope", scope_names(held), scope_names(scope))
        prove(self.delegation.digest(domain), self.signature, principal)

    def check_time(self, at: int) -> None:
        """Raise MandateExpired from the delegation's end on."""
        if at >= self.delegation.expires_at:
            raise MandateExpired(self.delegation.expires_at, at)

    def digest(self, domain: Domain) -> Digest:
        """What a revocation names."""
        return self.delegation.digest(domain)

    def to_json(self) -> dict[str, Json]:
        """As it travels."""
        return {"message": self.delegation.to_message(), "signature": self.signature}

    @classmethod
    def from_json(cls, given: Json) -> "Mandate":
        """Parse strictly."""
        found = mapping(given, "delegation")
        exactly(found, {"message", "signature"})
        signature = text(found["signature"], "signature", LONGEST_SIGNATURE)
        return cls(Delegation.from_message(found["message"]), signature)


def max_scope() -> int:
    """Every scope that there is."""
    return ROLES["manager"].value


def scope_names(scope: Scope) -> str:
    """Scopes as errors and tokens tell them: lower-case words."""
    return " ".join(str(each.name).lower() for each in Scope if each in scope)
