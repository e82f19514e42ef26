"""Identity: who may speak for whom.

An agent is an address. With a ``Delegation`` it lets another key sign in its name, for
some kinds of words and for a time; the delegation travels with each such word, so that
whoever reads it needs nobody to check it. Terms take the agent's own key, always.

An organisation is an agent whose members are delegates; a role is a set of scopes.
"""

from dataclasses import dataclass
from enum import IntFlag

from marketplace.core.eip712 import Typed
from marketplace.core.values import Address, Bytes32, Uint32, Uint40


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
