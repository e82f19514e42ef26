"""A small honest market: keys, and signed words that are in order.

``offer``, ``accept``, ``reject``, ``withdraw`` and ``escalate`` make the next good word of a
negotiation, in its domain and so in its version; a test spoils the one field that it is
about by naming it. Only the core is used here, so that the SDK has a second hand to be
compared with.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from marketplace.core import version1
from marketplace.core.card import Card, CardContent, Key
from marketplace.core.confidential import Sealed
from marketplace.core.eip712 import Domain
from marketplace.core.identity import Delegation, Mandate, Revocation, Scope
from marketplace.core.listing import Content, Listing, Settlement
from marketplace.core.message import SHAPES, Body, Detail, Message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.outcome import Issue, OutcomeSpace, Subject
from marketplace.core.request import Comparison, Demand, Predicate, Quotation, Request
from marketplace.core.signature import Signature, address_of, sign
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, Digest, keccak
from marketplace.core.words import Escalation, Invitation, Kind, Reason, Rejection, Withdrawal

NOW = 1_800_000_000
DOMAIN = Domain(31337, "0x" + "e5" * 20)
FIRST_DOMAIN = Domain(31337, "0x" + "e1" * 20, version="1")
TOKEN = "0x" + "70" * 20
FEE_RECIPIENT = "0x" + "fe" * 20
OUTCOME = {"unit_price": 100, "quantity": 10, "delivery_window": 600}

_KINDS = {
    shape.body: kind for shapes in SHAPES.values() for kind, shape in shapes.items() if shape.body
}


def word(name: str) -> Digest:
    """A 32-byte digest that stands for something."""
    return "0x" + keccak(name.encode()).hex()


@dataclass(frozen=True)
class Party:
    """A name that owns a key."""

    name: str

    @cached_property
    def key(self) -> bytes:
        """32 bytes; anybody can compute them."""
        return keccak(b"parley test party " + self.name.encode())

    @cached_property
    def address(self) -> str:
        """The key's address."""
        return address_of(self.key)

    def sign(self, digest: Digest) -> Signature:
        """Over any digest; a party of the tests has no guardrails."""
        return sign(digest, self.key)

    def say(
        self,
        body: Body,
        negotiation: Digest | None = None,
        detail: Detail | None = None,
        domain: Domain = DOMAIN,
    ) -> Message:
        """One signed word."""
        digest = body.digest(domain)
        kind, signature = _KINDS[type(body)], self.sign(digest)
        return Message(domain, kind, negotiation, self.address, digest, signature, body, detail)


BUYER, SELLER, STRANGER = Party("buyer"), Party("seller"), Party("stranger")
ARBITER, HOT_KEY = Party("arbiter"), Party("the buyer's key for vouchers")
CLERK = Party("a key that others let speak for them")


def content(**changes: Any) -> Content:  # noqa: ANN401 any field
    """What a listing says: prices 10 to 1000, quantities 1 to 1000, windows in minutes."""
    plain = Content(
        kind="compute",
        title="Hours of a small machine",
        unit="hour",
        space=OutcomeSpace(
            (
                Issue("unit_price", 10, 1000),
                Issue("quantity", 1, 1000),
                Issue("delivery_window", 60, 7200, 60),
            )
        ),
        attributes={"region": "north"},
        settlement=Settlement(TOKEN, 1000, 250, FEE_RECIPIENT, 600),
    )
    return replace(plain, **changes)


def first_content(**changes: Any) -> version1.Content:  # noqa: ANN401 any field
    """What a listing of version 1 says."""
    now = content()
    names = "token", "bond_bps", "fee_bps", "fee_recipient", "review_window"
    rules = {name: getattr(now.settlement, name) for name in names}
    said = {name: getattr(now, name) for name in ("kind", "title", "unit", "space", "attributes")}
    plain = version1.Content(**said, settlement=version1.Settlement(**rules))
    return replace(plain, **changes)


def listing(
    by: Party = SELLER,
    what: Content | None = None,
    domain: Domain = DOMAIN,
    **changes: Any,  # noqa: ANN401 any field
) -> Message:
    """A signed listing."""
    says = what or (first_content() if domain.version == "1" else content())
    header = Listing(by.address, says.digest, ZERO_DIGEST, NOW + 86_400)
    return by.say(replace(header, **changes), None, says, domain)


def invite(listed: Message, by: Party = BUYER, **changes: Any) -> Message:  # noqa: ANN401 any field
    """A signed invitation to a listing; its digest names the negotiation."""
    invitation = Invitation(
        buyer=by.address,
        seller=listed.signer,
        listing=listed.digest,
        buyer_nonce=1,
        buyer_epoch=0,
        deadline=NOW + 3600,
        max_rounds=20,
        min_improvement=5,
        request=ZERO_DIGEST,
        salt=word("salt of the invitation"),
    )
    changed = replace(invitation, **changes)
    return by.say(changed, changed.digest(listed.domain), None, listed.domain)


def talk(listed: Message | None = None, by: Party = BUYER, **changes: Any) -> Negotiation:  # noqa: ANN401 any field
    """A negotiation that has just begun; the seller speaks next."""
    published = listed or listing()
    return begin(invite(published, by, **changes), published, NOW)


def subject(on: Negotiation, **outcome: int) -> Subject:
    """What an offer in this negotiation is about."""
    return Subject(on.invitation.listing, {**OUTCOME, **outcome}, {}, word("salt of the subject"))


def terms(on: Negotiation, about: Subject, **changes: Any) -> Terms:  # noqa: ANN401 any field
    """Terms that keep all that the negotiation binds, but for the changes."""
    rules = on.content.settlement
    kept = Terms(
        buyer=on.invitation.buyer,
        seller=on.invitation.seller,
        token=rules.token,
        price=about.price,
        fee_bps=rules.fee_bps,
        fee_recipient=rules.fee_recipient,
        rail=rules.rail,
        open_by=NOW + 1800,
        subject=about.digest,
        previous=on.head,
        buyer_nonce=on.invitation.buyer_nonce,
        seller_nonce=9,
        buyer_epoch=on.invitation.buyer_epoch,
        seller_epoch=0,
        bond=rules.bond(about.price),
        delivery_window=about.outcome["delivery_window"],
        review_window=rules.review_window,
        notice_window=rules.notice_window,
        voucher_signer=ZERO_ADDRESS,
        arbiter=rules.arbiter,
        arbiter_fee=rules.arbiter_fee,
        arbitration_window=rules.arbitration_window,
        default_seller_bps=rules.default_seller_bps,
        goods=ZERO_DIGEST,
        bundle=ZERO_DIGEST,
    )
    return replace(kept, **changes)


def offer(on: Negotiation, by: Party, about: Subject | None = None, **changes: Any) -> Message:  # noqa: ANN401 any field
    """An offer that answers the head."""
    told = about or subject(on)
    signed = terms(on, told, **changes)
    if on.domain.version == "1":
        said = {each.name: getattr(signed, each.name) for each in fields(version1.Terms)}
        return by.say(version1.Terms(**said), on.id, told, on.domain)
    return by.say(signed, on.id, told, on.domain)


def accept(on: Negotiation, by: Party) -> Message:
    """The second signature on the head."""
    return Message(on.domain, Kind.ACCEPTANCE, on.id, by.address, on.head, by.sign(on.head))


def reject(on: Negotiation, by: Party, reason: int = Reason.UNSPECIFIED) -> Message:
    """No to the head."""
    if on.domain.version == "1":
        return by.say(version1.Rejection(on.id, on.head), on.id, None, on.domain)
    return by.say(Rejection(on.id, on.head, reason), on.id, None, on.domain)


def withdraw(on: Negotiation, by: Party, reason: int = Reason.UNSPECIFIED) -> Message:
    """Leaving after the head."""
    if on.domain.version == "1":
        return by.say(version1.Withdrawal(on.id, on.head), on.id, None, on.domain)
    return by.say(Withdrawal(on.id, on.head, reason), on.id, None, on.domain)


def escalate(on: Negotiation, by: Party, answer_by: int = NOW + 600) -> Message:
    """A human decides on the head."""
    return by.say(Escalation(on.id, on.head, answer_by), on.id, None, on.domain)


def closed(message: Message, *readers: Party) -> Message:
    """An offer as everybody but its readers sees it; nobody in the tests opens the boxes."""
    assert isinstance(message.body, Terms)
    boxes = {party.address: "Ym94" for party in readers or (BUYER, SELLER)}
    sealed = Sealed(message.body.previous, message.body.open_by, boxes)
    return replace(message, body=None, detail=None, sealed=sealed)


# ------------------------------------------------------------------ who is who


def card_content(**changes: Any) -> CardContent:  # noqa: ANN401 any field
    """What a card says."""
    keys = (Key("encryption", word("a public key"), NOW + 86_400),)
    return replace(
        CardContent("Hours & Co", "https://hours.example", ("compute",), keys), **changes
    )


def card(by: Party = SELLER, what: CardContent | None = None, **changes: Any) -> Message:  # noqa: ANN401 any field
    """A signed card."""
    says = what or card_content()
    header = Card(by.address, says.digest, ZERO_DIGEST, NOW + 86_400)
    return by.say(replace(header, **changes), None, says)


def delegation(by: Party = SELLER, to: Party = CLERK, **changes: Any) -> Message:  # noqa: ANN401 any field
    """A principal lets a key do all that a key can be let do."""
    every = sum(Scope)
    given = Delegation(by.address, to.address, every, NOW + 7200, word("salt of the delegation"))
    return by.say(replace(given, **changes))


def mandate(given: Message) -> Mandate:
    """A published delegation as its delegate shows it with each word."""
    assert isinstance(given.body, Delegation)
    return Mandate(given.body, given.signature)


def delegated(message: Message, given: Message, by: Party = CLERK) -> Message:
    """The same word, signed by a delegate in its signer's name."""
    return replace(message, signature=by.sign(message.digest), mandate=mandate(given))


def revocation(given: Message, by: Party = SELLER) -> Message:
    """The end of a delegation, by its principal."""
    return by.say(Revocation(by.address, given.digest))


# ------------------------------------------------------------------ requests for quotation


def demand(**changes: Any) -> Demand:  # noqa: ANN401 any field
    """What a buyer looks for."""
    where = (Predicate("region", Comparison.EQUAL, "north"),)
    return replace(Demand("compute", "Ten hours, this week", 10, 200, where), **changes)


def request(by: Party = BUYER, what: Demand | None = None, **changes: Any) -> Message:  # noqa: ANN401 any field
    """A signed request for quotation."""
    says = what or demand()
    header = Request(by.address, says.digest, NOW + 600, word("salt of the request"))
    return by.say(replace(header, **changes), None, says)


def quote(asked: Message, listed: Message, by: Party = SELLER, **changes: Any) -> Message:  # noqa: ANN401 any field
    """A seller's answer."""
    return by.say(replace(Quotation(by.address, asked.digest, listed.digest, 100), **changes))


# ------------------------------------------------------------------ states


def proposed(on: Negotiation | None = None) -> Negotiation:
    """After the seller's first offer."""
    begun = on or talk()
    return advance(begun, offer(begun, SELLER), NOW)


def agreed(on: Negotiation | None = None) -> Negotiation:
    """After the buyer accepted it."""
    standing = proposed(on)
    return advance(standing, accept(standing, BUYER), NOW)


def specimens() -> dict[str, Message]:
    """An honest word of each kind, and of whoever may say it in another way."""
    on, first, given = proposed(), talk(listing(domain=FIRST_DOMAIN)), delegation()
    return {
        "card": card(),
        "delegation": given,
        "revocation": revocation(given),
        "listing": listing(),
        "delegate's listing": delegated(listing(), given),
        "request": request(),
        "quotation": quote(request(), listing()),
        "invitation": invite(listing()),
        "offer": offer(talk(), SELLER),
        "closed offer": closed(offer(talk(), SELLER)),
        "acceptance": accept(on, BUYER),
        "rejection": reject(on, BUYER),
        "withdrawal": withdraw(on, BUYER),
        "escalation": escalate(on, BUYER),
        "delegate's escalation": delegated(escalate(on, BUYER), delegation(BUYER)),
        "listing of version 1": listing(domain=FIRST_DOMAIN),
        "offer of version 1": offer(first, SELLER),
        "withdrawal of version 1": withdraw(first, BUYER),
    }
