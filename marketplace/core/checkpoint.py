"""Checkpoints: how large a log is and over which root, signed twice.

A note signature (Ed25519) is for the verifiers of the ecosystem, an EIP-712 signature
(secp256k1) for contracts. Both are below one note. A log's name is its origin and its
EIP-712 key's address; whoever signs two checkpoints of one size and different roots has
shown two histories, and both signatures together prove it to anybody.

Source: C2SP tlog-checkpoint; EIP-712.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from coincurve import PrivateKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace.core.eip712 import Domain
from marketplace.core.errors import CheckpointForeign, NoteMalformed, NoteUnsigned
from marketplace.core.note import OTHER, Line, Note, Verifier, key_id, line_of
from marketplace.core.signature import Signature, address_of, sign, verify
from marketplace.core.values import Address, Digest, Json, keccak, shown

NAME: Final = "Parley Log"
VERSION: Final = "1"
TYPE: Final = "Checkpoint(string origin,uint64 size,bytes32 root)"
TYPE_HASH: Final = keccak(TYPE.encode())
KIND: Final = OTHER + b"parley.org/eip712-checkpoint"
ROOT_BYTES: Final = 32
# What the struct's uint64 holds.
LARGEST_SIZE: Final = (1 << 64) - 1

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\Z")


def log_domain(chain_id: int, anchor: Address) -> Domain:
    """The EIP-712 domain of a chain's checkpoints."""
    return Domain(chain_id, anchor, NAME, VERSION)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at a size.

    Attributes:
        origin: the log's name: the registry's URL without its scheme.
        size: how many entries.
        root: over just these, 32 bytes (RFC 6962).
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What a note says of it."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @property
    def tree(self) -> tuple[int, bytes]:
        """Size and root, as proofs are checked against them."""
        return self.size, self.root

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """A checkpoint from a note's text; raises NoteMalformed.

        Lines after the third are extensions, which nothing here has.
        """
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.match(lines[1]):  # noqa: PLR2004 three lines and the end of the last
            raise NoteMalformed(shown(text), "origin, size and root, a line each")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        found = cls(lines[0], int(lines[1]), root)
        if len(root) != ROOT_BYTES or found.text != text:
            raise NoteMalformed(shown(lines[2]), "32 bytes in base64")
        return found

    def digest(self, domain: Domain) -> Digest:
        """What the EIP-712 key signs."""
        words = (
            TYPE_HASH,
            keccak(self.origin.encode()),
            self.size.to_bytes(32, "big"),
            self.root,
        )
        return "0x" + keccak(b"\x19\x01" + domain.separator + keccak(b"".join(words))).hex()

    def typed_data(self, domain: Domain) -> dict[str, Json]:
        """The whole EIP-712 document, for foreign verifiers."""
        members = (part.split(" ") for part in TYPE[TYPE.index("(") + 1 : -1].split(","))
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                "Checkpoint": [{"name": name, "type": kind} for kind, name in members],
            },
            "primaryType": "Checkpoint",
            "domain": domain.to_json(),
            "message": {
                "origin": self.origin,
                "size": str(self.size),
                "root": "0x" + self.root.hex(),
            },
        }


@dataclass(frozen=True, slots=True)
class LogName:
    """What a reader must know of a log to believe its checkpoints, and nothing else.

    Attributes:
        origin: its name.
        key: the address of its EIP-712 key.
        verifier: its note key.
        domain: of its EIP-712 signatures.
    """

    origin: str
    key: Address
    verifier: Verifier
    domain: Domain

    def check(self, checkpoint: Checkpoint, signature: Signature) -> None:
        """Raise CheckpointForeign or WrongSigner unless this log's EIP-712 key signed it."""
        if checkpoint.origin != self.origin:
            raise CheckpointForeign(self.origin, shown(checkpoint.origin))
        verify(checkpoint.digest(self.domain), signature, self.key)

    def open(self, told: str) -> tuple[Checkpoint, Signature]:
        """A checkpoint from its note, both signatures checked.

        Raises:
            NoteMalformed: no checkpoint's note.
            NoteUnsigned: one of the two keys did not sign it.
            CheckpointForeign: it is another log's.
        """
        note = Note.parse(told)
        checkpoint = Checkpoint.parse(note.text)
        if checkpoint.origin != self.origin:
            raise CheckpointForeign(self.origin, shown(checkpoint.origin))
        self.verifier.check(note)
        line = line_of(note.lines, self.origin, _id(self.origin, self.key))
        if line is None:
            raise NoteUnsigned(self.key, ", ".join(line.name for line in note.lines))
        signature = "0x" + line.signature.hex()
        self.check(checkpoint, signature)
        return checkpoint, signature


@dataclass(frozen=True)
class LogKey:
    """Both keys of a log, from one secret of 32 bytes."""

    origin: str
    domain: Domain
    secret: bytes = field(repr=False)

    @cached_property
    def name(self) -> LogName:
        """What readers know it by."""
        public = self._ed25519.public_key().public_bytes_raw()
        key = address_of(self._secp256k1)
        return LogName(self.origin, key, Verifier(self.origin, public), self.domain)

    def sign(self, checkpoint: Checkpoint) -> Signature:
        """The EIP-712 signature."""
        return sign(checkpoint.digest(self.domain), self._parsed)

    def note(self, checkpoint: Checkpoint, signature: Signature) -> str:
        """The note that carries both signatures, the EIP-712 one as it was made."""
        name, text = self.name, checkpoint.text
        lines = (
            Line(self.origin, name.verifier.id, self._ed25519.sign(text.encode())),
            Line(self.origin, _id(self.origin, name.key), bytes.fromhex(signature[2:])),
        )
        return str(Note(text, lines))

    @cached_property
    def _ed25519(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._derived(b"parley log ed25519"))

    @cached_property
    def _parsed(self) -> PrivateKey:
        return PrivateKey(self._secp256k1)

    @cached_property
    def _secp256k1(self) -> bytes:
        # One secret in 2^127 gives no key of the group; coincurve refuses it by name.
        return self._derived(b"parley log secp256k1")

    def _derived(self, purpose: bytes) -> bytes:
        return HKDF(hashes.SHA256(), 32, None, purpose).derive(self.secret)


def origin_hash(origin: str) -> Digest:
    """How the anchor contract names an origin."""
    return "0x" + keccak(origin.encode()).hex()


def _id(origin: str, key: Address) -> bytes:
    return key_id(origin, KIND + bytes.fromhex(key[2:]))
