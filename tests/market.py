"""A small honest market: keys, and signed words that are in order.

``offer``, ``accept``, ``reject`` and ``withdraw`` make the next good word of a
negotiation; a test spoils the one field that it is about by naming it. Only the core is
used here, so that the SDK has a second hand to be compared with.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from marketplace.core.eip712 import Domain
from marketplace.core.listing import Content, Listing, Settlement
from marketplace.core.message import VERSION_2, Body, Detail, Message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.outcome import Issue, OutcomeSpace, Subject
from marketplace.core.signature import Signature, address_of, sign
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, Digest, keccak
from marketplace.core.words import Invitation, Kind, Reason, Rejection, Withdrawal

NOW = 1_800_000_000
DOMAIN = Domain(31337, "0x" + "e5" * 20)
TOKEN = "0x" + "70" * 20
FEE_RECIPIENT = "0x" + "fe" * 20
OUTCOME = {"unit_price": 100, "quantity": 10, "delivery_window": 600}

_KINDS = {shape.body: kind for kind, shape in VERSION_2.items() if shape.body}


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
        self, body: Body, negotiation: Digest | None = None, detail: Detail | None = None
    ) -> Message:
        """One signed word."""
        digest = body.digest(DOMAIN)
        kind, signature = _KINDS[type(body)], self.sign(digest)
        return Message(DOMAIN, kind, negotiation, self.address, digest, signature, body, detail)


BUYER, SELLER, STRANGER = Party("buyer"), Party("seller"), Party("stranger")
ARBITER, HOT_KEY = Party("arbiter"), Party("the buyer's key for vouchers")


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


def listing(by: Party = SELLER, what: Content | None = None, **changes: Any) -> Message:  # noqa: ANN401 any field
    """A signed listing."""
    says = what or content()
    header = Listing(by.address, says.digest, ZERO_DIGEST, NOW + 86_400)
    return by.say(replace(header, **changes), None, says)


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
    return by.say(changed, changed.digest(DOMAIN))


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
    return by.say(terms(on, told, **changes), on.id, told)


def accept(on: Negotiation, by: Party) -> Message:
    """The second signature on the head."""
    return Message(DOMAIN, Kind.ACCEPTANCE, on.id, by.address, on.head, by.sign(on.head))


def reject(on: Negotiation, by: Party, reason: int = Reason.UNSPECIFIED) -> Message:
    """No to the head."""
    return by.say(Rejection(on.id, on.head, reason), on.id)


def withdraw(on: Negotiation, by: Party, reason: int = Reason.UNSPECIFIED) -> Message:
    """Leaving after the head."""
    return by.say(Withdrawal(on.id, on.head, reason), on.id)


def proposed(on: Negotiation | None = None) -> Negotiation:
    """After the seller's first offer."""
    begun = on or talk()
    return advance(begun, offer(begun, SELLER), NOW)


def agreed(on: Negotiation | None = None) -> Negotiation:
    """After the buyer accepted it."""
    standing = proposed(on)
    return advance(standing, accept(standing, BUYER), NOW)
