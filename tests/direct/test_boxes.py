"""Boxes: closed for one reader, one offer, one negotiation; foreign hands open them too."""

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, SELLER, STRANGER, offer, proposed, subject, talk, word
from pyhpke import AEADId, CipherSuite, KDFId, KEMId

from marketplace.core.card import Card, CardContent, Key
from marketplace.core.confidential import EncryptionKey, Sealed
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    AgentMissing,
    BoxUnreadable,
    EncryptionKeyMissing,
    ParleyError,
    SealedDiffers,
)
from marketplace.core.message import parse_message
from marketplace.core.negotiation import advance
from marketplace.core.values import ZERO_DIGEST, canonical
from marketplace.sdk.boxes import BLOCK, Boxes, Label, close, derive
from marketplace.wire.discovery import AgentView
from marketplace.wire.views import MessageView

NOW = 1_800_000_000
LABEL = Label(DOMAIN, word("negotiation"), word("offer"), BUYER.address)
FOREIGN = CipherSuite.new(
    KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305
)


class Clock:
    """A fixed one."""

    def now(self) -> int:
        """Integer seconds UTC."""
        return NOW


class Cards:
    """A channel that has nothing but cards."""

    def __init__(self) -> None:
        self.cards = {}

    def publish(self, party, *keys, by=None, expires_at=NOW + 100):  # noqa: ANN002 keys
        """Put a card there."""
        content = CardContent(party.name, "", (), keys)
        card = Card(party.address, content.digest, ZERO_DIGEST, expires_at)
        said = (by or party).say(card, None, content).to_json()
        view = MessageView(
            index=0, thread="", sequence=0, kind="card", received_at=NOW, said_at=None, message=said
        )
        self.cards[party.address] = AgentView(agent=party.address, card=view, members=[])

    def agent(self, agent):
        """What is known of an agent."""
        if agent not in self.cards:
            raise AgentMissing(agent)
        return self.cards[agent]


def boxes(party, cards):
    return Boxes(party.sign, party.address, DOMAIN, Clock(), cards)


@pytest.fixture(scope="module")
def cards():
    known = Cards()
    for party in (BUYER, SELLER):
        known.publish(party, boxes(party, known).key(NOW + 50))
    return known


def key(party):
    return derive(party.sign, party.address, DOMAIN)


@given(st.binary(max_size=3 * BLOCK))
def test_what_is_closed_is_opened_and_lengths_tell_only_the_number_of_blocks(held):
    box = close(held, key(BUYER).public, LABEL)
    assert key(BUYER).open(box, LABEL) == held
    raw = base64.urlsafe_b64decode(box + "=" * (-len(box) % 4))
    assert len(raw) == 32 + 16 + BLOCK * (len(held) // BLOCK + 1)


@pytest.mark.parametrize(
    "other",
    [
        replace(LABEL, domain=Domain(1, DOMAIN.verifying_contract)),
        replace(LABEL, negotiation=word("another")),
        replace(LABEL, digest=word("another")),
        replace(LABEL, reader=SELLER.address),
    ],
)
def test_a_box_opens_nowhere_but_where_it_was_closed_for(other):
    box = close(b"held", key(BUYER).public, LABEL)
    with pytest.raises(BoxUnreadable):
        key(BUYER).open(box, other)
    with pytest.raises(BoxUnreadable):
        key(SELLER).open(box, LABEL)


@given(st.integers(0, 5_000), st.integers(1, 255))
def test_a_box_with_one_byte_changed_does_not_open(at, flip):
    raw = bytearray(base64.urlsafe_b64decode(close(b"held", key(BUYER).public, LABEL) + "=="))
    raw[at % len(raw)] ^= flip
    with pytest.raises(BoxUnreadable):
        key(BUYER).open(base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), LABEL)


@given(st.text("abcXYZ019-_", min_size=1, max_size=100))
def test_whatever_stands_in_a_boxs_place_is_unreadable_by_name(box):
    with pytest.raises(BoxUnreadable):
        key(BUYER).open(box, LABEL)


def private_of(party):
    """The key as the page says it is derived, by other code."""
    secret = bytes.fromhex(party.sign(EncryptionKey(party.address, 0).digest(DOMAIN))[2:])
    first = hmac.digest(DOMAIN.separator, secret, hashlib.sha256)
    return hmac.digest(first, b"parley encryption key 1\x01", hashlib.sha256)


def test_another_implementation_opens_our_boxes_with_the_key_as_it_is_documented():
    box = close(b"held", key(BUYER).public, LABEL)
    raw = base64.urlsafe_b64decode(box + "=" * (-len(box) % 4))
    private = FOREIGN.kem.deserialize_private_key(private_of(BUYER))
    opened = FOREIGN.create_recipient_context(raw[:32], private, info=LABEL.info).open(raw[32:])
    assert opened == b"held\x80" + bytes(BLOCK - 5)


def test_we_open_the_boxes_of_another_implementation():
    public = FOREIGN.kem.deserialize_public_key(bytes.fromhex(key(BUYER).public[2:]))
    enc, context = FOREIGN.create_sender_context(public, info=LABEL.info)
    raw = enc + context.seal(b"held\x80" + bytes(BLOCK - 5))
    box = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    assert key(BUYER).open(box, LABEL) == b"held"


def test_a_point_of_small_order_on_a_card_is_no_key():
    with pytest.raises(EncryptionKeyMissing):
        close(b"held", ZERO_DIGEST, LABEL)


def test_the_way_from_a_wallet_to_its_key_does_not_change():
    # Boxes that were sealed by an earlier version are opened by a later one.
    assert key(BUYER).public == "0x366443d6895dd4748da113a120e0e91f5ead4bea1a652204aadbd2a4afab1441"


def test_a_key_is_the_same_each_time_and_another_for_each_wallet_and_escrow():
    assert key(BUYER).public == key(BUYER).public
    elsewhere = derive(BUYER.sign, BUYER.address, Domain(1, DOMAIN.verifying_contract))
    assert len({key(BUYER).public, key(SELLER).public, elsewhere.public}) == 3
    assert "BoxKey(0x" in repr(key(BUYER))
    with pytest.raises(TypeError):
        key(BUYER).__reduce__()


def test_both_parties_open_a_sealed_offer_and_nobody_else(cards):
    on = talk()
    said = offer(on, SELLER)
    sealed = boxes(SELLER, cards).seal(said, BUYER.address)
    travelled = parse_message(sealed.to_json(), DOMAIN)
    assert boxes(BUYER, cards).open(travelled) == said
    assert boxes(SELLER, cards).open(travelled) == said
    assert advance(on, travelled, NOW).sealed[0].digest == said.digest
    with pytest.raises(BoxUnreadable):
        boxes(STRANGER, cards).open(travelled)


def lied(cards, said, inside, **outside):  # noqa: ANN003 any field
    """The seller's signature on one offer, another inside or another outside."""
    sealed = boxes(SELLER, cards).seal(said, BUYER.address)
    held = canonical(inside)
    label = Label(DOMAIN, said.negotiation, said.digest, BUYER.address)
    box = close(held, key(BUYER).public, label)
    told = Sealed(sealed.sealed.previous, sealed.sealed.open_by, {BUYER.address: box})
    return parse_message(replace(sealed, sealed=replace(told, **outside)).to_json(), DOMAIN)


def test_an_inside_that_is_not_what_was_signed_is_refused(cards):
    said, on = offer(talk(), SELLER), talk()
    other = offer(on, SELLER, subject(on, unit_price=11))
    honest = {"message": said.body.to_message(), "detail": said.detail.to_json()}
    signed = {"digest": other.digest, "signature": other.signature}
    for inside in (
        # Another offer, whole and signed: not the one whose digest everybody has seen.
        {"message": other.body.to_message(), "detail": other.detail.to_json(), **signed},
        {"message": other.body.to_message(), "detail": other.detail.to_json()},
        {**honest, "detail": other.detail.to_json()},
        {**honest, "more": 1},
        {**honest, "signer": BUYER.address},
        {"message": honest["message"]},
        [1],
    ):
        with pytest.raises(ParleyError):
            boxes(BUYER, cards).open(lied(cards, said, inside))
    with pytest.raises(SealedDiffers):
        boxes(BUYER, cards).open(lied(cards, said, honest, open_by=said.body.open_by + 1))
    with pytest.raises(SealedDiffers):
        boxes(BUYER, cards).open(lied(cards, said, honest, previous=word("another")))
    assert boxes(BUYER, cards).open(lied(cards, said, honest)) == said


def test_a_key_counts_only_on_its_agents_own_card_while_both_are_good():
    known, mine = Cards(), key(BUYER).public
    asking = boxes(SELLER, known)
    good = Key("encryption", mine, NOW + 50)
    for spoil in (
        lambda: None,
        lambda: known.publish(BUYER),
        lambda: known.publish(BUYER, replace(good, expires_at=NOW)),
        lambda: known.publish(BUYER, good, expires_at=NOW),
        lambda: known.publish(BUYER, good, by=STRANGER),
    ):
        spoil()
        with pytest.raises(EncryptionKeyMissing):
            asking.key_of(BUYER.address)
    known.publish(BUYER, good)
    assert asking.key_of(BUYER.address) == mine


def test_all_offers_of_a_negotiation_fill_boxes_of_one_length(cards):
    on = proposed()
    small = offer(on, BUYER, subject(on, unit_price=10, quantity=1))
    large = offer(on, BUYER, subject(on, unit_price=1000, quantity=1000))
    lengths = {
        len(box)
        for said in (small, large)
        for box in boxes(BUYER, cards).seal(said, SELLER.address).sealed.boxes.values()
    }
    assert len(lengths) == 1
    held = canonical({"message": large.body.to_message(), "detail": large.detail.to_json()})
    assert 2 * len(held) < BLOCK * 2 - 1000  # an offer with a thousand bytes of delivery, too
