"""Signed traffic for the registry: whole negotiations, ready to be posted.

Every body is what an SDK would send; signing is done before anything is measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from coincurve import PrivateKey

from marketplace.core.eip712 import Domain
from marketplace.core.listing import Content, Listing, Settlement
from marketplace.core.message import Body, Detail, Message
from marketplace.core.outcome import Issue, OutcomeSpace, Subject
from marketplace.core.signature import Signature
from marketplace.core.signature import address_of as _address_of
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, Address, canonical, keccak
from marketplace.core.words import Invitation, Kind

TOKEN = "0x" + "70" * 20
HIGHEST_PRICE = 10**9
ROUNDS = 1_000
HOUR = 3_600


def key_of(name: str) -> bytes:
    """A key that anybody can compute."""
    return keccak(b"parley bench " + name.encode())


@lru_cache(100_000)
def address_of(key: bytes) -> Address:
    """The key's address, computed once."""
    return _address_of(key)


@lru_cache(1_000)
def _signer(key: bytes) -> PrivateKey:
    return PrivateKey(key)


def signed(digest: str, key: bytes) -> Signature:
    """The same as ``core.signature.sign``, of a key that signs often."""
    raw = _signer(key).sign_recoverable(bytes.fromhex(digest[2:]), hasher=None)
    return "0x" + raw[:64].hex() + f"{raw[64] + 27:02x}"


@dataclass(frozen=True, slots=True)
class Talk:
    """One negotiation: its two setting words, then its offers, each a body to be posted."""

    buyer: bytes
    setting: list[bytes]
    offers: list[bytes]


@dataclass(frozen=True, slots=True)
class Hand:
    """Signs words in a domain, at one instant; its talks last so many seconds."""

    domain: Domain
    now: int
    lasting: int = 24 * HOUR

    def listing(
        self,
        seller: bytes,
        title: str,
        kind: str = "compute",
        facts: Mapping[str, str] = MappingProxyType({"region": "north"}),
        lowest_price: int = 1,
    ) -> Message:
        """A listing with room for many rounds."""
        issues = (
            Issue("unit_price", lowest_price, HIGHEST_PRICE),
            Issue("quantity", 1, 1000),
            Issue("delivery_window", 60, 7200, 60),
        )
        rules = Settlement(TOKEN, review_window=600)
        content = Content(kind, title, "hour", OutcomeSpace(issues), facts, rules)
        header = Listing(address_of(seller), content.digest, ZERO_DIGEST, self.now + 24 * HOUR)
        return self.say(Kind.LISTING, seller, header, None, content)

    def talk(self, number: int, rounds: int) -> Talk:
        """A negotiation of so many offers, seller and buyer in turn."""
        seller, buyer = key_of(f"seller {number}"), key_of(f"buyer {number}")
        listed = self.listing(seller, f"Hours {number}")
        words = [listed, *self.words(listed, (seller, buyer), number, rounds)]
        bodies = [canonical(word.to_json()) for word in words]
        return Talk(buyer, bodies[:2], bodies[2:])

    def words(
        self, listed: Message, keys: tuple[bytes, bytes], number: int, rounds: int
    ) -> list[Message]:
        """An invitation and so many offers, seller and buyer in turn."""
        seller, buyer = keys
        invitation = Invitation(
            buyer=address_of(buyer),
            seller=address_of(seller),
            listing=listed.digest,
            buyer_nonce=number,
            buyer_epoch=0,
            deadline=self.now + self.lasting,
            max_rounds=ROUNDS,
            min_improvement=1,
            request=ZERO_DIGEST,
            salt="0x" + keccak(f"salt {number}".encode()).hex(),
        )
        invited = self.say(Kind.INVITATION, buyer, invitation, invitation.digest(self.domain))
        return [invited, *self._offers(invitation, invited.digest, keys, rounds)]

    def accept(self, offer: Message, key: bytes) -> Message:
        """The other side's signature under an offer."""
        signature = signed(offer.digest, key)
        on = self.domain, Kind.ACCEPTANCE, offer.negotiation
        return Message(*on, address_of(key), offer.digest, signature)

    def _offers(
        self, invitation: Invitation, negotiation: str, keys: tuple[bytes, bytes], rounds: int
    ) -> Iterator[Message]:
        head = negotiation
        for number in range(rounds):
            selling = number % 2 == 0
            price = HIGHEST_PRICE - number if selling else 1 + number
            outcome = {"unit_price": price, "quantity": 10, "delivery_window": 600}
            salt = "0x" + keccak(f"{negotiation} {number}".encode()).hex()
            subject = Subject(invitation.listing, outcome, {}, salt)
            terms = replace(self._terms(invitation, subject), previous=head, price=price * 10)
            offer = self.say(Kind.OFFER, keys[number % 2], terms, negotiation, subject)
            head = offer.digest
            yield offer

    def _terms(self, invitation: Invitation, subject: Subject) -> Terms:
        return Terms(
            buyer=invitation.buyer,
            seller=invitation.seller,
            token=TOKEN,
            price=0,
            fee_bps=0,
            fee_recipient=ZERO_ADDRESS,
            rail=0,
            open_by=self.now + HOUR,
            subject=subject.digest,
            previous=ZERO_DIGEST,
            buyer_nonce=invitation.buyer_nonce,
            seller_nonce=invitation.buyer_nonce,
            buyer_epoch=0,
            seller_epoch=0,
            bond=0,
            delivery_window=600,
            review_window=600,
            notice_window=0,
            voucher_signer=ZERO_ADDRESS,
            arbiter=ZERO_ADDRESS,
            arbiter_fee=0,
            arbitration_window=0,
            default_seller_bps=0,
            goods=ZERO_DIGEST,
            bundle=ZERO_DIGEST,
        )

    def say(
        self,
        kind: Kind,
        key: bytes,
        body: Body,
        negotiation: str | None,
        detail: Detail | None = None,
    ) -> Message:
        """One signed word."""
        digest = body.digest(self.domain)
        return Message(
            domain=self.domain,
            kind=kind,
            negotiation=negotiation,
            signer=address_of(key),
            digest=digest,
            signature=signed(digest, key),
            body=body,
            detail=detail,
        )
