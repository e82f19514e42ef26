"""Entries of the log: a leaf for everybody, a body that it commits to.

The leaf is the envelope without what it carries, the SHA-256 of the body, and the
registry's receipt time. The body is the rest under a salt, so that the commitment gives
nobody a guess to try. Who erases a body leaves the log as it was.

WARNING: the digest that was signed stays in the leaf. What has a salt of its own, as
invitations and subjects have, is hidden; the reason of a rejection is found by trying.

An event of the escrow that the registry saw is a leaf of its own kind (``core.sighting``).
Three more members tell special cases apart: ``said_at``, of a word that was handed in
after it was said, unwitnessed; ``deadline``, of the registry's own note that a
negotiation's deadline has passed; ``message``, of an entry that release 0.1.0 made, whose
leaf is the whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

import msgspec

from marketplace.core.eip712 import exactly
from marketplace.core.errors import BodyTooLarge, DigestMismatch, FieldsDiffer
from marketplace.core.sighting import EVENT, Sighting
from marketplace.core.tiles import LARGEST_LEAF
from marketplace.core.values import (
    Digest,
    Json,
    canonical,
    digest,
    integer,
    mapping,
    parse_canonical,
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
        EVENT,
    }
)
# The last entry of a negotiation is one of these.
ERASABLE = frozenset({*(kind for kind in Kind if kind not in PUBLIC), TIMEOUT})
CARRIED = ("message", "detail", "sealed")
_CARRIED = frozenset(CARRIED)
_ADDED = ("received_at", "said_at", "body")


class _Salted(msgspec.Struct):
    salt: str


# Passes over what is beside it, so that a receipt does not parse a whole offer again.
_SALTED = msgspec.json.Decoder(_Salted)


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry, read.

    Attributes:
        kind: a ``Kind``, TIMEOUT or EVENT.
        received_at: the registry's receipt time.
        envelope: the message, whole; None of a timeout, and where the body is not at hand.
        thread: of a timeout: the negotiation.
        deadline: of a timeout: the negotiation's, as the registry says.
        said_at: of a word handed in later: when it was said, as who handed it in says.
        leaf: what everybody sees of the message; the envelope's members, without what it carries.
        sighting: the event of the escrow that this is; None of a message.
    """

    kind: str
    received_at: int
    envelope: Mapping[str, Json] | None
    thread: Digest | None = None
    deadline: int = 0
    said_at: int | None = None
    leaf: Mapping[str, Json] = field(default_factory=dict)
    sighting: Sighting | None = None

    @property
    def at(self) -> int:
        """The instant that rules the negotiation."""
        return self.received_at if self.said_at is None else self.said_at


def split(
    envelope: Mapping[str, Json], received_at: int, salt: Digest, said_at: int | None = None
) -> tuple[bytes, bytes]:
    """Leaf and body of a message; the body is empty where it carries nothing.

    Raises:
        BodyTooLarge: what everybody would see of it does not fit into a log's entry.
    """
    carried = {name: envelope[name] for name in CARRIED if name in envelope}
    shown = {name: value for name, value in envelope.items() if name not in CARRIED}
    shown["received_at"] = received_at
    if said_at is not None:
        shown["said_at"] = said_at
    body = canonical({**carried, "salt": salt}) if carried else b""
    leaf = canonical({**shown, "body": body_digest(body)} if body else shown)
    if len(leaf) > LARGEST_LEAF:
        raise BodyTooLarge(len(leaf), LARGEST_LEAF)
    return leaf, body


def salt_of(body: bytes) -> Digest | None:
    """The salt of a body that is at hand."""
    return _SALTED.decode(body).salt if body else None


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
        FieldsDiffer: a member too many or too few, in leaf or body.
        DigestMismatch: the body is not the one that the leaf commits to.
    """
    found = _canonical(leaf, "leaf")
    at = integer(found.get("received_at"), "received_at", 0, LATEST)
    if body and "body" not in found:
        raise DigestMismatch("none", body_digest(body))
    if "message" in found:
        return _first_release(found, at)
    kind = text(found.get("kind"), "kind", 40)
    if kind == EVENT:
        return Logged(kind, at, None, sighting=Sighting.parse(found))
    if kind == TIMEOUT:
        exactly(found, {"kind", "negotiation", "deadline", "received_at"})
        deadline = integer(found["deadline"], "deadline", 0, LATEST)
        return Logged(kind, at, None, digest(found["negotiation"], "negotiation"), deadline)
    # What was said later than it was received was not said yet.
    said_at = integer(found["said_at"], "said_at", 0, at) if "said_at" in found else None
    outer = {**found}
    for added in _ADDED:
        outer.pop(added, None)
    if not _CARRIED.isdisjoint(outer):
        raise FieldsDiffer(", ".join(sorted(_CARRIED & outer.keys())), "")
    envelope = _whole(outer, found, body)
    return Logged(kind, at, envelope, said_at=said_at, leaf=outer)


def _first_release(found: Mapping[str, Json], at: int) -> Logged:
    exactly(found, {"message", "received_at"})
    envelope = mapping(found["message"], "message")
    if "version" in envelope:
        # Only a word of version 1 was ever logged whole.
        raise FieldsDiffer("version", "")
    return Logged(str(envelope.get("kind")), at, envelope)


def _whole(
    outer: Mapping[str, Json], found: Mapping[str, Json], body: bytes
) -> Mapping[str, Json] | None:
    if "body" not in found:
        return outer
    stated = digest(found["body"], "body")
    if not body:
        return None
    if body_digest(body) != stated:
        raise DigestMismatch(stated, body_digest(body))
    inner = _canonical(body, "body")
    carried = {name: inner[name] for name in CARRIED if name in inner}
    exactly(inner, {*carried, "salt"})
    digest(inner["salt"], "salt")
    return {**outer, **carried}


def _canonical(data: bytes, part: str) -> Mapping[str, Json]:
    return mapping(parse_canonical(data), part)
