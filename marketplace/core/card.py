"""Cards: who an agent says it is, what it can do, and with which keys.

A card is signed through ``Card``, a flat header over the digest of its content, like a
listing. To change it, its agent signs another that names the old one in ``replaces``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from marketplace.core.eip712 import Typed, exactly
from marketplace.core.errors import CardRefused, DigestMismatch
from marketplace.core.values import (
    Address,
    Bytes32,
    Digest,
    Json,
    Uint40,
    canonical,
    digest,
    integer,
    keccak,
    mapping,
    shown,
    text,
)

MOST_CAPABILITIES = 32
MOST_KEYS = 8
LATEST = (1 << 40) - 1
ENDPOINTS = ("https://", "http://")
USES = ("encryption",)


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of the agent for something else than signing.

    Attributes:
        use: ``encryption``: X25519, to which confidential offers are sealed.
        key: 32 bytes.
        expires_at: the instant from which nobody should use it.
    """

    use: str
    key: Digest
    expires_at: int

    def to_json(self) -> dict[str, Json]:
        """As it is hashed."""
        return {"use": self.use, "key": self.key, "expires_at": self.expires_at}

    @classmethod
    def from_json(cls, given: Json) -> "Key":
        """Parse strictly."""
        found = mapping(given, "key")
        exactly(found, {"use", "key", "expires_at"})
        use = text(found["use"], "use", 40)
        if use not in USES:
            raise CardRefused("use", use, "one of " + ", ".join(USES))
        expires_at = integer(found["expires_at"], "expires_at", 0, LATEST)
        return cls(use, digest(found["key"], "key"), expires_at)


@dataclass(frozen=True)
class CardContent:
    """What a card says.

    Attributes:
        name: for a reader; nothing makes it unique.
        endpoint: the URL at which the agent itself is reached, or empty.
        capabilities: what it can do, one word each.
        keys: for something else than signing.
    """

    name: str
    endpoint: str
    capabilities: tuple[str, ...]
    keys: tuple[Key, ...] = ()

    def __post_init__(self) -> None:
        """Bound what a reader must hold."""
        for field, count, most in (
            ("capabilities", len(self.capabilities), MOST_CAPABILITIES),
            ("keys", len(self.keys), MOST_KEYS),
        ):
            if count > most:
                raise CardRefused(field, str(count), f"at most {most}")
        if self.endpoint and not self.endpoint.startswith(ENDPOINTS):
            raise CardRefused("endpoint", self.endpoint, "an http(s) URL, or empty")

    @cached_property
    def digest(self) -> Digest:
        """Keccak-256 of the canonical JSON (RFC 8785)."""
        return "0x" + keccak(canonical(self.to_json())).hex()

    def key_for(self, use: str, now: int) -> Key | None:
        """The key of this use that lasts longest, if one is good at the instant."""
        good = (key for key in self.keys if key.use == use and now < key.expires_at)
        return max(good, key=lambda key: key.expires_at, default=None)

    def to_json(self) -> dict[str, Json]:
        """The content as it is hashed."""
        return {
            "name": self.name,
            "endpoint": self.endpoint,
            "capabilities": list(self.capabilities),
            "keys": [key.to_json() for key in self.keys],
        }

    @classmethod
    def from_json(cls, given: Json) -> "CardContent":
        """Parse strictly."""
        found = mapping(given, "card")
        exactly(found, {"name", "endpoint", "capabilities", "keys"})
        endpoint = found["endpoint"]
        return cls(
            name=text(found["name"], "name", 80),
            endpoint="" if endpoint == "" else text(endpoint, "endpoint", 400),
            capabilities=tuple(text(one, "capability", 60) for one in _list(found, "capabilities")),
            keys=tuple(Key.from_json(one) for one in _list(found, "keys")),
        )


def _list(found: Mapping[str, Json], name: str) -> Sequence[Json]:
    value = found[name]
    if not isinstance(value, list):
        raise CardRefused(name, shown(value), "a list")
    return value


@dataclass(frozen=True, slots=True)
class Card(Typed):
    """The signed header of a card.

    Attributes:
        agent: whose card it is.
        content: digest of the content.
        replaces: the card that this one takes the place of, or zero.
        expires_at: the instant from which it says nothing any more.
    """

    agent: Address
    content: Bytes32
    replaces: Bytes32
    expires_at: Uint40


def check_card(header: Card, content: CardContent) -> None:
    """Raise DigestMismatch unless the header names this content."""
    if header.content != content.digest:
        raise DigestMismatch(header.content, content.digest)
