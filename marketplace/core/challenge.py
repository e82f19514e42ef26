"""Challenges: nonces that a registry knows again without having kept them.

32 bytes: the second in which it expires (5), randomness (11), and a MAC over both (16).
Every worker that has the secret knows it; that it serves once, a journal sees to.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256

from marketplace.core.errors import LoginRefused
from marketplace.core.values import Digest

_EXPIRY, _RANDOM, _TAG = 5, 11, 16
_TAGGED = _EXPIRY + _RANDOM


def derived(secret: bytes, use: str) -> bytes:
    """The secret's key for one use, 32 bytes: what one use reveals is nothing to another."""
    return hmac.digest(secret, f"parley {use}".encode(), sha256)


def nonce(secret: bytes, random: Digest, expires_at: int) -> Digest:
    """A nonce that holds until ``expires_at``; ``random`` is 32 random bytes."""
    tagged = expires_at.to_bytes(_EXPIRY, "big") + bytes.fromhex(random[2:])[:_RANDOM]
    return "0x" + (tagged + _tag(secret, tagged)).hex()


def check_nonce(given: Digest, secrets: Sequence[bytes], now: int) -> int:
    """When a nonce of ours expires; raises LoginRefused for another's, or one that has."""
    raw = bytes.fromhex(given[2:])
    tagged, tag = raw[:_TAGGED], raw[_TAGGED:]
    if not any(hmac.compare_digest(tag, _tag(secret, tagged)) for secret in secrets):
        raise LoginRefused("nonce", given, "a challenge of this registry")
    expires_at = int.from_bytes(tagged[:_EXPIRY], "big")
    if now >= expires_at:
        raise LoginRefused("nonce", given, f"expired at {expires_at}, and it is {now}")
    return expires_at


def _tag(secret: bytes, tagged: bytes) -> bytes:
    return hmac.digest(derived(secret, "login nonce"), tagged, sha256)[:_TAG]
