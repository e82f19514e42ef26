"""Messages: signed words in their envelopes.

A message is an envelope around one signed digest. What identifies it is (kind, digest,
signer): an acceptance signs the very digest of the offer it accepts, and is still
another word. Parsing is strict and ends with the signature: a ``Message`` that exists
was signed, in its domain, by who it names or by whom that one lets sign.

The protocol's version is in the domain, hence in every signature, and from version 2 on
in the envelope too. ``SHAPES`` says what each version's envelopes hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from marketplace.core import version1
from marketplace.core.card import Card, CardContent, check_card
from marketplace.core.confidential import Sealed
from marketplace.core.eip712 import Domain, Typed, exactly
from marketplace.core.errors import (
    DigestMismatch,
    DomainMismatch,
    FieldsDiffer,
    MandateRefused,
    ValueMalformed,
    VersionUnsupported,
)
from marketplace.core.identity import SCOPE_OF, Delegation, Mandate, Revocation, Scope
from marketplace.core.listing import Content, Listing, check_content
from marketplace.core.outcome import Subject
from marketplace.core.request import Demand, Quotation, Request, check_demand
from marketplace.core.signature import LONGEST_SIGNATURE, Prove, Signature, verify
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest, Json, address, digest, mapping, shown, text
from marketplace.core.words import Escalation, Invitation, Kind, Rejection, Withdrawal

Body = (
    Card
    | Delegation
    | Revocation
    | Listing
    | Request
    | Quotation
    | Invitation
    | Terms
    | version1.Terms
    | Rejection
    | Withdrawal
    | version1.Rejection
    | version1.Withdrawal
    | Escalation
)
Detail = CardContent | Content | Demand | Subject


@dataclass(frozen=True, slots=True)
class Message:
    """One signed word.

    Attributes:
        domain: in which it was signed.
        kind: what it says.
        negotiation: the invitation's digest; None outside a negotiation.
        signer: who said it.
        digest: what was signed.
        signature: over the digest, by the signer or by the mandate's delegate.
        body: the signed struct; None for an acceptance, which signs the offer's terms.
        detail: what a digest inside the body stands for: a listing's content or an
            offer's subject.
        mandate: by which another key signed in the signer's name.
        sealed: a confidential offer's boxes, in the place of body and detail.
    """

    domain: Domain
    kind: Kind
    negotiation: Digest | None
    signer: Address
    digest: Digest
    signature: Signature
    body: Body | None = None
    detail: Detail | None = None
    mandate: Mandate | None = None
    sealed: Sealed | None = None

    @property
    def key(self) -> str:
        """What identifies the message: never the signature."""
        return f"{self.kind}:{self.digest}:{self.signer}"

    @property
    def terms(self) -> Terms | None:
        """An offer's terms, as the present version reads them."""
        return self.body.read() if isinstance(self.body, version1.Terms) else _terms(self.body)

    def opened(self, terms: Terms, subject: Subject) -> "Message":
        """A confidential offer as its parties read it, with what was in the box.

        Raises:
            DigestMismatch: the box holds other terms or another subject than were signed.
            SealedDiffers: what the offer says outside is not what it says inside.
        """
        message = replace(self, body=terms, detail=subject, sealed=None)
        _check_digests(message)
        if self.sealed is not None:
            self.sealed.check(terms)
        return message

    def to_json(self) -> dict[str, Json]:
        """The envelope as it travels."""
        envelope: dict[str, Json] = {
            "domain": self.domain.separator_hex,
            "kind": self.kind.value,
            "signer": self.signer,
            "digest": self.digest,
            "signature": self.signature,
        }
        if self.domain.version != "1":
            envelope["version"] = self.domain.version
        if self.negotiation is not None:
            envelope["negotiation"] = self.negotiation
        if self.body is not None:
            envelope["message"] = self.body.to_message()
        if self.detail is not None:
            envelope["detail"] = self.detail.to_json()
        if self.sealed is not None:
            envelope["sealed"] = self.sealed.to_json()
        if self.mandate is not None:
            envelope["delegation"] = self.mandate.to_json()
        return envelope


@dataclass(frozen=True, slots=True)
class Shape:
    """Which members a kind of message has beside those that all have."""

    body: type[Body] | None
    detail: type[Detail] | None = None
    in_negotiation: bool = True
    sealable: bool = False
    bare: frozenset[str] = field(init=False)
    whole: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Find once which keys there are, but for the version and a delegation.

        Bare are those that say who speaks where.
        """
        bare = {"domain", "kind", "signer", "digest", "signature"}
        bare |= {"negotiation"} if self.in_negotiation else set()
        whole = bare | ({"message"} if self.body else set())
        whole |= {"detail"} if self.detail else set()
        object.__setattr__(self, "bare", frozenset(bare))
        object.__setattr__(self, "whole", frozenset(whole))

    def members(self, envelope: Mapping[str, Json]) -> frozenset[str]:
        """The envelope's keys, but for the version and a delegation."""
        if self.sealable and "sealed" in envelope:
            return self.bare | {"sealed"}
        return self.whole


VERSION_1: Mapping[Kind, Shape] = MappingProxyType(
    {
        Kind.LISTING: Shape(Listing, version1.Content, in_negotiation=False),
        Kind.INVITATION: Shape(Invitation),
        Kind.OFFER: Shape(version1.Terms, Subject),
        Kind.ACCEPTANCE: Shape(None),
        Kind.REJECTION: Shape(version1.Rejection),
        Kind.WITHDRAWAL: Shape(version1.Withdrawal),
    }
)
VERSION_2: Mapping[Kind, Shape] = MappingProxyType(
    {
        Kind.CARD: Shape(Card, CardContent, in_negotiation=False),
        Kind.DELEGATION: Shape(Delegation, in_negotiation=False),
        Kind.REVOCATION: Shape(Revocation, in_negotiation=False),
        Kind.LISTING: Shape(Listing, Content, in_negotiation=False),
        Kind.REQUEST: Shape(Request, Demand, in_negotiation=False),
        Kind.QUOTATION: Shape(Quotation, in_negotiation=False),
        Kind.INVITATION: Shape(Invitation),
        Kind.OFFER: Shape(Terms, Subject, sealable=True),
        Kind.ACCEPTANCE: Shape(None),
        Kind.REJECTION: Shape(Rejection),
        Kind.WITHDRAWAL: Shape(Withdrawal),
        Kind.ESCALATION: Shape(Escalation),
    }
)
_VERSIONED = frozenset({"version"})
_DELEGATED = _VERSIONED | {"delegation"}
_KINDS = {kind.value: kind for kind in Kind}
SHAPES: Mapping[str, Mapping[Kind, Shape]] = MappingProxyType({"1": VERSION_1, "2": VERSION_2})


@dataclass(frozen=True, slots=True)
class Domains:
    """The domains whose messages are taken, the one to prefer first."""

    taken: tuple[Domain, ...]
    _named: Mapping[tuple[Json, Json], Domain] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Find once how each is named."""
        named = {(domain.version, domain.separator_hex): domain for domain in self.taken[::-1]}
        object.__setattr__(self, "_named", named)

    @property
    def preferred(self) -> Domain:
        """The one that a new message should be signed in."""
        return self.taken[0]

    def of(self, given: Json) -> Domain:
        """The domain that an envelope names.

        Raises:
            VersionUnsupported: it says another version.
            DomainMismatch: it names another domain.
        """
        envelope = mapping(given, "message")
        known = self.named(envelope.get("version", "1"), envelope.get("domain"))
        return known or self._sought(envelope)

    def named(self, version: Json, separator: Json) -> Domain | None:
        """The domain of a version and a separator, if it is one of these."""
        if isinstance(version, str) and isinstance(separator, str):
            return self._named.get((version, separator))
        return None

    def _sought(self, envelope: Mapping[str, Json]) -> Domain:
        served = ", ".join(dict.fromkeys(domain.version for domain in self.taken))
        # What names no version was said before envelopes had one.
        version = envelope.get("version", "1")
        same = [domain for domain in self.taken if domain.version == version]
        if "version" in envelope and not same:
            raise VersionUnsupported(shown(version), served)
        stated = digest(envelope.get("domain"), "domain")
        for domain in self.taken:
            if stated == domain.separator_hex:
                return domain
        if not same:
            raise VersionUnsupported(shown(version), served)
        raise DomainMismatch(stated, "0x" + same[0].separator.hex())


def parse_message(given: Json, domain: Domain, prove: Prove = verify) -> Message:
    """Parse an envelope and prove it: form, domain, digests, signature, in this order.

    Who proves many signatures at once takes them down here, and believes no message before.
    """
    envelope = mapping(given, "message")
    kind, shape = _shape(envelope.get("kind"), domain)
    _check_members(envelope, shape.members(envelope), domain)
    message = _read(envelope, kind, shape, domain)
    _check_digests(message)
    _check_signature(message, prove)
    return message


def parse_header(given: Json, domain: Domain, prove: Prove = verify) -> Message:
    """Parse an envelope without what it carries, and prove as much of it as there is.

    That is the leaf of a word whose body is not at hand: who said what kind of thing where,
    under a signature over a digest of which nothing more is known.
    """
    envelope = mapping(given, "message")
    kind, shape = _shape(envelope.get("kind"), domain)
    if shape.body is None:
        raise FieldsDiffer("body", "")
    _check_members(envelope, shape.bare, domain)
    header = _read(envelope, kind, shape, domain)
    if kind is Kind.INVITATION and header.negotiation != header.digest:
        raise DigestMismatch(str(header.negotiation), header.digest)
    _check_signature(header, prove)
    return header


def header(domain: Domain, kind: Kind, members: tuple[str, ...], prove: Prove) -> Message:
    """A message of version 2 in a negotiation, without what it carries and without a mandate.

    Args:
        domain: that the envelope names.
        kind: one of the words in a negotiation that version 2 has.
        members: negotiation, signer, digest and signature, each in the form of its type.
        prove: proves the signature.

    Raises:
        DigestMismatch: an invitation that names another negotiation than itself.
    """
    negotiation, signer, stated, signature = members
    if kind is Kind.INVITATION and negotiation != stated:
        raise DigestMismatch(negotiation, stated)
    prove(stated, signature, signer)
    return Message(domain, kind, negotiation, signer, stated, signature)


def _read(envelope: Mapping[str, Json], kind: Kind, shape: Shape, domain: Domain) -> Message:
    """Each member that is there; which may be, was asked before."""
    stated = digest(envelope["domain"], "domain")
    if stated != domain.separator_hex:
        raise DomainMismatch(stated, domain.separator_hex)
    return Message(
        domain,
        kind,
        digest(envelope["negotiation"], "negotiation") if shape.in_negotiation else None,
        address(envelope["signer"], "signer"),
        digest(envelope["digest"]),
        text(envelope["signature"], "signature", LONGEST_SIGNATURE),
        shape.body.from_message(envelope["message"])
        if shape.body and "message" in envelope
        else None,
        shape.detail.from_json(envelope["detail"])
        if shape.detail and "detail" in envelope
        else None,
        Mandate.from_json(envelope["delegation"]) if "delegation" in envelope else None,
        Sealed.from_json(envelope["sealed"]) if "sealed" in envelope else None,
    )


def _terms(body: Body | None) -> Terms | None:
    return body if isinstance(body, Terms) else None


def _shape(given: Json, domain: Domain) -> tuple[Kind, Shape]:
    shapes = SHAPES.get(domain.version)
    if shapes is None:
        raise VersionUnsupported(domain.version, ", ".join(SHAPES))
    # A kind is its own value.
    if not isinstance(given, str) or given not in shapes:
        raise ValueMalformed("kind", shown(given), "one of " + ", ".join(shapes))
    kind = _KINDS[given]
    return kind, shapes[kind]


def _check_members(envelope: Mapping[str, Json], members: frozenset[str], domain: Domain) -> None:
    if domain.version == "1":
        exactly(envelope, members)
        return
    exactly(envelope, members | (_DELEGATED if "delegation" in envelope else _VERSIONED))
    if envelope["version"] != domain.version:
        raise VersionUnsupported(shown(envelope["version"]), domain.version)


def _check_digests(message: Message) -> None:
    _check_inner(message)
    stated = message.digest
    computed = message.body.digest(message.domain) if isinstance(message.body, Typed) else stated
    if stated != computed:
        raise DigestMismatch(stated, computed)
    if message.kind is Kind.INVITATION and message.negotiation != stated:
        raise DigestMismatch(str(message.negotiation), stated)


def _check_inner(message: Message) -> None:
    match message.body, message.detail:
        case Card() as header, CardContent() as content:
            check_card(header, content)
        case Listing() as header, Content() as content:
            check_content(header, content)
        case Request() as header, Demand() as demand:
            check_demand(header, demand)
        case Terms() | version1.Terms() as terms, Subject() as subject:
            if terms.subject != subject.digest:
                raise DigestMismatch(terms.subject, subject.digest)
        case (
            Rejection() | Withdrawal() | version1.Rejection() | version1.Withdrawal() | Escalation()
        ) as word, _:
            if word.negotiation != message.negotiation:
                raise DigestMismatch(str(message.negotiation), word.negotiation)
        case _:
            pass  # the others carry no second digest


def _check_signature(message: Message, prove: Prove) -> None:
    mandate = message.mandate
    if mandate is None:
        prove(message.digest, message.signature, message.signer)
        return
    if message.kind is Kind.REVOCATION:
        # The old key's own end takes no scope: only that it is the delegation that ends.
        mandate.check(message.signer, Scope(0), message.domain, prove)
        ended = mandate.digest(message.domain)
        named = Revocation(message.signer, ended).digest(message.domain)
        if message.digest != named:
            raise DigestMismatch(message.digest, named)
    else:
        scope = SCOPE_OF.get(message.kind)
        if scope is None:
            raise MandateRefused("kind", message.kind, "a kind that a delegate may sign")
        mandate.check(message.signer, scope, message.domain, prove)
    prove(message.digest, message.signature, mandate.delegation.delegate)
