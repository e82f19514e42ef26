"""Messages: the signed words of listings and negotiations.

A message is an envelope around one signed digest. What identifies it is (kind, digest,
signer): an acceptance signs the very digest of the offer it accepts, and is still
another word. Parsing is strict and ends with the signature: a ``Message`` that exists
was signed, in this domain, by who it names.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from marketplace.core.eip712 import Domain, Typed, exactly
from marketplace.core.errors import DigestMismatch, DomainMismatch, ValueMalformed
from marketplace.core.listing import Content, Listing, check_content
from marketplace.core.outcome import Subject
from marketplace.core.signature import Signature, verify
from marketplace.core.terms import Terms
from marketplace.core.values import (
    Address,
    Bytes32,
    Digest,
    Json,
    Uint8,
    Uint16,
    Uint40,
    Uint128,
    Uint256,
    address,
    digest,
    mapping,
    shown,
    text,
)

# Enough to quote a wrong one whole; what a right one is, the signature module says.
LONGEST_SIGNATURE = 200


class Kind(StrEnum):
    """What a message says."""

    LISTING = "listing"
    INVITATION = "invitation"
    OFFER = "offer"
    ACCEPTANCE = "acceptance"
    REJECTION = "rejection"
    WITHDRAWAL = "withdrawal"


class Reason(IntEnum):
    """Why a party leaves: machines plan by it, nobody is bound by it."""

    UNSPECIFIED = 0
    UNACCEPTABLE = 1  # will not, at any time
    UNSERVABLE = 2  # cannot now: ask again later
    EXPIRED = 3


@dataclass(frozen=True, slots=True)
class Invitation(Typed):
    """A buyer's call for a seller's proposal; its digest is the negotiation's id.

    Attributes:
        buyer: who invites, and signs.
        seller: who is to make the first offer.
        listing: the listing whose rules this negotiation keeps to its end.
        buyer_nonce: the one number that the buyer spends on this negotiation.
        buyer_epoch: the buyer's current epoch in the escrow.
        deadline: the instant from which the registry takes no further word.
        max_rounds: how many offers, of both sides together, may be made.
        min_improvement: by how much the unit price must move, in base units, when an
            offer changes nothing else against its signer's last one.
        request: SHA-256 of the artifact that says what is asked (a job), or zero.
        salt: 256 random bits.
    """

    buyer: Address
    seller: Address
    listing: Bytes32
    buyer_nonce: Uint256
    buyer_epoch: Uint256
    deadline: Uint40
    max_rounds: Uint16
    min_improvement: Uint128
    request: Bytes32
    salt: Bytes32


@dataclass(frozen=True, slots=True)
class Rejection(Typed):
    """The answer no, which ends a negotiation; ``reason`` is a ``Reason``, or a later version's."""

    negotiation: Bytes32
    previous: Bytes32
    reason: Uint8


@dataclass(frozen=True, slots=True)
class Withdrawal(Typed):
    """Leaving a negotiation, out of turn if need be; it revokes no signature."""

    negotiation: Bytes32
    previous: Bytes32
    reason: Uint8


@dataclass(frozen=True, slots=True)
class Upload(Typed):
    """A party's word that an artifact belongs to a negotiation; it never enters the log.

    ``artifact`` is the SHA-256 of the bytes: what moves files, every shell can check.
    """

    negotiation: Bytes32
    artifact: Bytes32


Body = Listing | Invitation | Terms | Rejection | Withdrawal
Detail = Content | Subject


@dataclass(frozen=True, slots=True)
class Message:
    """One signed word.

    Attributes:
        kind: what it says.
        negotiation: the invitation's digest; None for a listing.
        signer: who said it.
        digest: what was signed.
        signature: over the digest.
        body: the signed struct; None for an acceptance, which signs the offer's terms.
        detail: what a digest inside the body stands for: a listing's content or an
            offer's subject.
    """

    kind: Kind
    negotiation: Digest | None
    signer: Address
    digest: Digest
    signature: Signature
    body: Body | None = None
    detail: Detail | None = None

    @property
    def key(self) -> str:
        """What identifies the message: never the signature."""
        return f"{self.kind}:{self.digest}:{self.signer}"

    def to_json(self, domain: Domain) -> dict[str, Json]:
        """The envelope as it travels and as the log keeps it."""
        envelope: dict[str, Json] = {
            "domain": "0x" + domain.separator.hex(),
            "kind": self.kind.value,
            "signer": self.signer,
            "digest": self.digest,
            "signature": self.signature,
        }
        if self.negotiation is not None:
            envelope["negotiation"] = self.negotiation
        if self.body is not None:
            envelope["message"] = self.body.to_message()
        if self.detail is not None:
            envelope["detail"] = self.detail.to_json()
        return envelope


@dataclass(frozen=True, slots=True)
class Shape:
    """Which members a kind of message has beside those that all have."""

    body: type[Body] | None
    detail: type[Detail] | None
    in_negotiation: bool

    @property
    def members(self) -> set[str]:
        """The envelope's keys."""
        members = {"domain", "kind", "signer", "digest", "signature"}
        members |= {"message"} if self.body else set()
        members |= {"detail"} if self.detail else set()
        return members | ({"negotiation"} if self.in_negotiation else set())


SHAPES: dict[Kind, Shape] = {
    Kind.LISTING: Shape(Listing, Content, in_negotiation=False),
    Kind.INVITATION: Shape(Invitation, None, in_negotiation=True),
    Kind.OFFER: Shape(Terms, Subject, in_negotiation=True),
    Kind.ACCEPTANCE: Shape(None, None, in_negotiation=True),
    Kind.REJECTION: Shape(Rejection, None, in_negotiation=True),
    Kind.WITHDRAWAL: Shape(Withdrawal, None, in_negotiation=True),
}


def parse_message(given: Json, domain: Domain) -> Message:
    """Parse an envelope and prove it: form, domain, digests, signature, in this order."""
    envelope = mapping(given, "message")
    kind = _kind(envelope.get("kind"))
    shape = SHAPES[kind]
    exactly(envelope, shape.members)
    stated, expected = digest(envelope["domain"], "domain"), "0x" + domain.separator.hex()
    if stated != expected:
        raise DomainMismatch(stated, expected)
    message = Message(
        kind=kind,
        negotiation=digest(envelope["negotiation"], "negotiation")
        if shape.in_negotiation
        else None,
        signer=address(envelope["signer"], "signer"),
        digest=digest(envelope["digest"]),
        signature=text(envelope["signature"], "signature", LONGEST_SIGNATURE),
        body=shape.body.from_message(envelope["message"]) if shape.body else None,
        detail=shape.detail.from_json(envelope["detail"]) if shape.detail else None,
    )
    _check_digests(message, domain)
    verify(message.digest, message.signature, message.signer)
    return message


def _kind(given: Json) -> Kind:
    if isinstance(given, str) and given in set(Kind):
        return Kind(given)
    raise ValueMalformed("kind", shown(given), "one of " + ", ".join(Kind))


def _check_digests(message: Message, domain: Domain) -> None:
    match message.body, message.detail:
        case Listing() as header, Content() as content:
            check_content(header, content)
        case Terms() as terms, Subject() as subject if terms.subject != subject.digest:
            raise DigestMismatch(terms.subject, subject.digest)
        case (Rejection() | Withdrawal()) as word, _ if word.negotiation != message.negotiation:
            raise DigestMismatch(str(message.negotiation), word.negotiation)
        case _:
            pass  # an invitation or an acceptance carries no second digest
    stated = message.digest
    computed = message.body.digest(domain) if isinstance(message.body, Typed) else stated
    if stated != computed:
        raise DigestMismatch(stated, computed)
    if message.kind is Kind.INVITATION and message.negotiation != stated:
        raise DigestMismatch(str(message.negotiation), stated)
