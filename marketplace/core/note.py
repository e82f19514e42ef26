"""Signed notes: a text, and below it lines of who signed it.

Verifiers of the ecosystem read them; a line of a key that a verifier does not know is
passed over, so that one note carries signatures of any kinds.

Source: C2SP signed-note, with Ed25519 (RFC 8032) as its algorithm 1.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from marketplace.core.errors import NoteMalformed, NoteUnsigned
from marketplace.core.values import shown

ED25519 = b"\x01"
# What the specification leaves to others; the name of the kind follows.
OTHER = b"\xff"
ID_BYTES = 4
LARGEST_NOTE = 16 * 1024
MOST_LINES = 16

_DASH = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class Line:
    """One signature below a note.

    Attributes:
        name: the key's.
        id: four bytes that tell the keys of a name apart.
        signature: as the key's kind has it.
    """

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {_base64(self.id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a line's end, and who signed it."""

    text: str
    lines: tuple[Line, ...] = ()

    @classmethod
    def parse(cls, told: str) -> "Note":
        """A note from its bytes as text; raises NoteMalformed."""
        text, empty, below = told.rpartition("\n\n")
        ended = empty and below.endswith("\n")
        if not ended or len(told) > LARGEST_NOTE or _CONTROL.search(told):
            raise NoteMalformed(shown(told), "a text, an empty line, signatures")
        lines = below.removesuffix("\n").split("\n")
        if len(lines) > MOST_LINES:
            raise NoteMalformed(f"{len(lines)} signatures", f"at most {MOST_LINES}")
        return cls(text + "\n", tuple(_line(line) for line in lines))

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.lines))


@dataclass(frozen=True, slots=True)
class Verifier:
    """An Ed25519 key that signs notes, under a name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """A key as ``name+id+key``, as Go's and others' tools take it; raises NoteMalformed."""
        name, _, rest = vkey.partition("+")
        id_, _, encoded = rest.partition("+")
        key = _decoded(encoded)
        found = cls(name, key[1:])
        if key[:1] != ED25519 or found.id.hex() != id_ or not _fits(name):
            raise NoteMalformed(shown(vkey), "name+id+key of an Ed25519 key")
        return found

    @property
    def id(self) -> bytes:
        """What its signatures begin with."""
        return key_id(self.name, ED25519 + self.public)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.public)}"

    def check(self, note: Note) -> None:
        """Raise NoteUnsigned unless this key signed the note."""
        # The key's first line decides: a note with a wrong one is wrong, whatever stands below.
        line = line_of(note.lines, self.name, self.id)
        if line is None or not self._signed(note.text, line):
            raise NoteUnsigned(str(self), ", ".join(line.name for line in note.lines))

    def _signed(self, text: str, line: Line) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(line.signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def key_id(name: str, key: bytes) -> bytes:
    """The id of a key: four bytes of the hash over its name, kind and bytes."""
    return sha256(name.encode() + b"\n" + key).digest()[:ID_BYTES]


def line_of(lines: Sequence[Line], name: str, id_: bytes) -> Line | None:
    """The first signature of a key."""
    return next((line for line in lines if (line.name, line.id) == (name, id_)), None)


def _line(told: str) -> Line:
    name, space, encoded = told.removeprefix(_DASH).partition(" ")
    raw = _decoded(encoded)
    if not told.startswith(_DASH) or not space or not _fits(name) or len(raw) <= ID_BYTES:
        raise NoteMalformed(shown(told), "— name base64")
    return Line(name, raw[:ID_BYTES], raw[ID_BYTES:])


def _fits(name: str) -> bool:
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if _base64(raw) != encoded:
        raise NoteMalformed(shown(encoded), "base64 in its one spelling")
    return raw
