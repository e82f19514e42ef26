"""Entries of the log: a leaf that everybody sees, a body that it commits to.

The leaf is the envelope without what it carries, the SHA-256 of the body, and the
registry's receipt time. The body is the rest under a salt, so that nobody who has the
leaf alone can guess it. Who erases a body leaves the log as it was.

Three more members tell special cases apart: ``said_at``, of a word that was handed in
after it was said, unwitnessed; ``deadline``, of the registry's own note that a
negotiation's deadline has passed; ``message``, of an entry that release 0.1.0 made, whose
leaf is the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from marketplace.core.eip712 import exactly
from marketplace.core.errors import DigestMismatch, ValueMalformed
from marketplace.core.values import (
    Digest,
    Json,
    canonical,
    digest,
    integer,
    mapping,
    parse_json,
    text,
)
from marketplace.core.words import Kind

TIMEOUT = "timeout"
LATEST = (1 << 40) - 1
# What everybody may read of a negotiation's words is their leaves.
PUBLIC = frozenset(
    {
        Kind.CARD,
        Kind.DELEGATION,
        Kind.REVOCATION,
        Kind.LISTING,
        Kind.REQUEST,
        Kind.QUOTATION,
        TIMEOUT,
    }
)
_CARRIED = ("message", "detail", "sealed")


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry, read.

    Attributes:
        kind: a ``Kind``, or TIMEOUT.
        received_at: the registry's receipt time.
        envelope: the message, whole; None of a timeout, and where the body is not at hand.
        thread: of a timeout: the negotiation.
        said_at: of a word handed in later: when it was said, as who handed it in says.
    """

    kind: str
    received_at: int
    envelope: Mapping[str, Json] | None
    thread: Digest | None = None
    said_at: int | None = None

    @property
    def at(self) -> int:
        """The instant that rules the negotiation."""
        return self.received_at if self.said_at is None else self.said_at


def split(
    envelope: Mapping[str, Json], received_at: int, salt: Digest, said_at: int | None = None
) -> tuple[bytes, bytes]:
    """Leaf and body of a message; the body is empty where it carries nothing."""
    carried = {name: envelope[name] for name in _CARRIED if name in envelope}
    shown = {name: value for name, value in envelope.items() if name not in _CARRIED}
    shown["received_at"] = received_at
    if said_at is not None:
        shown["said_at"] = said_at
    if not carried:
        return canonical(shown), b""
    body = canonical({**carried, "salt": salt})
    return canonical({**shown, "body": body_digest(body)}), body


def timeout_leaf(negotiation: Digest, deadline: int, noted_at: int) -> bytes:
    """The registry's note that a deadline has passed."""
    return canonical(
        {
            "kind": TIMEOUT,
            "negotiation": negotiation,
            "deadline": deadline,
            "received_at": noted_at,
        }
    )


def body_digest(body: bytes) -> Digest:
    """How a leaf names its body."""
    return "0x" + sha256(body).hexdigest()


def read(leaf: bytes, body: bytes) -> Logged:
    """An entry from its bytes; an empty body where there should be one is not at hand.

    Raises:
        ValueMalformed: not canonical, or not an entry.
        DigestMismatch: the body is not the one that the leaf commits to.
    """
    found = mapping(parse_json(leaf), "entry")
    if canonical(found) != leaf:
        raise ValueMalformed("entry", "leaf", "canonical JSON (RFC 8785)")
    at = integer(found.get("received_at"), "received_at", 0, LATEST)
    if "message" in found:
        message = mapping(found["message"], "message")
        return Logged(str(message.get("kind")), at, message)
    kind = text(found.get("kind"), "kind", 40)
    if kind == TIMEOUT:
        exactly(found, {"kind", "negotiation", "deadline", "received_at"})
        return Logged(kind, at, None, digest(found.get("negotiation"), "negotiation"))
    said_at = integer(found["said_at"], "said_at", 0, LATEST) if "said_at" in found else None
    return Logged(kind, at, _whole(found, body), None, said_at)


def _whole(found: Mapping[str, Json], body: bytes) -> Mapping[str, Json] | None:
    outer = {
        name: value
        for name, value in found.items()
        if name not in ("received_at", "said_at", "body")
    }
    stated = found.get("body")
    if stated is None:
        return outer
    if not body:
        return None
    if body_digest(body) != stated:
        raise DigestMismatch(str(stated), body_digest(body))
    carried = mapping(parse_json(body), "body")
    if canonical(carried) != body:
        raise ValueMalformed("entry", "body", "canonical JSON (RFC 8785)")
    return {**outer, **{name: carried[name] for name in _CARRIED if name in carried}}
