"""Boxes: offers closed for each party and opened by it alone.

HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
Who sealed a box is nobody's question here: the offer inside is signed. ``info`` binds a
box to escrow, negotiation, offer and reader, so that it opens nowhere else.

A party's key comes from its wallet: HKDF over a deterministic signature on
``EncryptionKey``. There is no second file to keep, and no forward secrecy: whoever gets
the wallet's key, or that one signature, reads all that was ever sealed to it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace.core.card import Card, CardContent, Key
from marketplace.core.confidential import EncryptionKey, Sealed
from marketplace.core.eip712 import Domain
from marketplace.core.errors import (
    AgentMissing,
    BoxUnreadable,
    EncryptionKeyMissing,
    ValueMalformed,
)
from marketplace.core.message import Message, parse_message
from marketplace.core.signature import Signature
from marketplace.core.terms import Terms
from marketplace.core.values import Address, Digest, canonical, mapping, parse_json
from marketplace.ports.channel import Channel
from marketplace.ports.clock import Clock

USE = "encryption"
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
# Every usual offer fills one block: a box's length tells nothing.
BLOCK = 4 * 1024

_LABEL = b"parley box 1"
_DERIVED = b"parley encryption key 1"
_END = b"\x80"


@dataclass(frozen=True, slots=True)
class Label:
    """Where a box belongs.

    Attributes:
        domain: of the escrow.
        negotiation: in which the offer was made.
        digest: of the offer's terms.
        reader: for whom it was closed.
    """

    domain: Domain
    negotiation: Digest
    digest: Digest
    reader: Address

    @property
    def info(self) -> bytes:
        """HPKE's ``info``: parts of fixed length, so that it reads one way."""
        parts = self.negotiation, self.digest, self.reader
        return _LABEL + self.domain.separator + b"".join(bytes.fromhex(p[2:]) for p in parts)


def derive(sign: Callable[[Digest], Signature], account: Address, domain: Domain) -> "BoxKey":
    """The key pair of a wallet, the same each time."""
    signature = sign(EncryptionKey(account, 0).digest(domain))
    kdf = HKDF(SHA256(), 32, domain.separator, _DERIVED)
    return BoxKey(X25519PrivateKey.from_private_bytes(kdf.derive(bytes.fromhex(signature[2:]))))


class BoxKey:
    """A private key that opens boxes, and never shows itself."""

    __slots__ = ("__private", "public")

    def __init__(self, private: X25519PrivateKey) -> None:
        self.__private = private
        self.public: Digest = "0x" + private.public_key().public_bytes_raw().hex()

    def open(self, box: str, label: Label) -> bytes:
        """What is in the box; raises BoxUnreadable."""
        try:
            raw = urlsafe_b64decode(box + "=" * (-len(box) % 4))
            padded = SUITE.decrypt(raw, self.__private, label.info)
        except (InvalidTag, ValueError):
            raise BoxUnreadable(label.negotiation, label.digest) from None
        held, end, rest = padded.rpartition(_END)
        if not end or rest.strip(b"\0"):
            raise BoxUnreadable(label.negotiation, label.digest)
        return held

    def __repr__(self) -> str:
        return f"BoxKey({self.public})"

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled: it would leave the process")


def close(held: bytes, public: Digest, label: Label) -> str:
    """A box with these bytes, for the reader that the label names and whose key it is."""
    ended = held + _END
    padded = ended + bytes(-len(ended) % BLOCK)
    try:
        key = X25519PublicKey.from_public_bytes(bytes.fromhex(public[2:]))
        raw = SUITE.encrypt(padded, key, label.info)
    except ValueError:
        # A point of small order: with it all could read along.
        raise EncryptionKeyMissing(label.reader) from None
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Boxes:
    """How one party seals its offers, and opens those that were sealed to it.

    Attributes:
        sign: its wallet's, deterministic (RFC 6979).
        address: the party.
        domain: of the escrow.
        clock: says which keys are good.
        channel: where the other's card is found.
    """

    sign: Callable[[Digest], Signature]
    address: Address
    domain: Domain
    clock: Clock
    channel: Channel

    @cached_property
    def mine(self) -> BoxKey:
        """This party's key pair; the wallet signs once, when it is first needed."""
        return derive(self.sign, self.address, self.domain)

    @property
    def ready(self) -> bool:
        """Whether this party has ever asked for its key here: it seals where it can."""
        return "mine" in vars(self)

    def key(self, expires_at: int) -> Key:
        """This party's public key, as its card tells it."""
        return Key(USE, self.mine.public, expires_at)

    def key_of(self, agent: Address) -> Digest:
        """The public key on an agent's current card; raises EncryptionKeyMissing."""
        try:
            view = self.channel.agent(agent).card
        except AgentMissing:
            view = None
        if view is None:
            raise EncryptionKeyMissing(agent)
        card, now = parse_message(view.message, self.domain), self.clock.now()
        header, content = card.body, card.detail
        if not (isinstance(header, Card) and isinstance(content, CardContent)):
            raise EncryptionKeyMissing(agent)
        key = content.key_for(USE, now)
        if card.signer != agent or header.agent != agent or now >= header.expires_at or not key:
            raise EncryptionKeyMissing(agent)
        return key.key

    def check_mine(self) -> None:
        """Raise EncryptionKeyMissing unless others find this very key."""
        if self.key_of(self.address) != self.mine.public:
            raise EncryptionKeyMissing(self.address)

    def seal(self, offer: Message, other: Address) -> Message:
        """The offer as the world sees it; raises EncryptionKeyMissing."""
        terms = offer.body
        if not isinstance(terms, Terms) or offer.detail is None:
            raise ValueMalformed("kind", offer.kind, "an offer")
        held = canonical({"message": terms.to_message(), "detail": offer.detail.to_json()})
        keys = {self.address: self.mine.public, other: self.key_of(other)}
        boxes = {
            reader: close(held, public, self._label(offer, reader))
            for reader, public in keys.items()
        }
        sealed = Sealed(terms.previous, terms.open_by, boxes)
        return replace(offer, body=None, detail=None, sealed=sealed)

    def open(self, message: Message) -> Message:
        """The offer as its parties see it, proved once more; what is open comes back as it is.

        Raises:
            BoxUnreadable: there is no box for this party, or it does not open.
            SealedDiffers: the outside says another thing than the inside.
            ParleyError: what is inside is not the offer that was signed.
        """
        if message.sealed is None:
            return message
        box = message.sealed.boxes.get(self.address)
        if box is None:
            raise BoxUnreadable(str(message.negotiation), message.digest)
        held = mapping(parse_json(self.mine.open(box, self._label(message, self.address))), "box")
        if set(held) != {"message", "detail"}:
            raise BoxUnreadable(str(message.negotiation), message.digest)
        envelope = {**message.to_json(), **held}
        del envelope["sealed"]
        whole = parse_message(envelope, self.domain)
        if not isinstance(whole.body, Terms):
            raise BoxUnreadable(str(message.negotiation), message.digest)
        message.sealed.check(whole.body)
        return whole

    def _label(self, offer: Message, reader: Address) -> Label:
        return Label(self.domain, str(offer.negotiation), offer.digest, reader)
