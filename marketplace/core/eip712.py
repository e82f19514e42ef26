"""EIP-712: domains, flat typed structs, and their digests.

A typed struct is a frozen dataclass whose annotations name the Solidity types; its
type string, encoding, JSON form and range checks all come from that one table. Only
flat structs exist here: wallets disagree on nested arrays, so lists travel as
``bytes32`` digests.

A registry parses and hashes a struct for each word that it takes, so both are done on the
struct as a whole: one look at all its texts (``Layout``) instead of one at each. What does
not pass at that look is parsed field by field, which knows the rarer spellings and says
what is wrong.

Source: EIP-712, "Definition of encodeData" and "Definition of hashStruct".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import ClassVar, Self, cast, get_type_hints

from marketplace.core.errors import FieldsDiffer, ValueMalformed
from marketplace.core.values import (
    Address,
    Digest,
    Json,
    address,
    boolean,
    decimal,
    digest,
    integer,
    keccak,
    mapping,
)

# Integers up to this size are JSON numbers; larger ones travel as decimal strings,
# because a JSON reader in another language may hold numbers as doubles.
JSON_SAFE_BITS = 48

DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

Value = str | int
Read = Callable[[Json, str], Value]
Codec = tuple[Read, Read, str, str, int]


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a struct: both spellings, its type, and how it is checked and encoded.

    Attributes:
        name: in Python.
        wire: in the type string and in JSON.
        type: in Solidity.
        check: refuses a value that the struct must not hold.
        parse: the value of what JSON has.
        form: a pattern of its usual text in JSON; empty where it is no text there.
        word: how ``%`` spells its 32 bytes in hex, of a text without its "0x".
        highest: of what is a number, or a truth value; 0 of anything else.
    """

    name: str
    wire: str
    type: str
    check: Read
    parse: Read
    form: str
    word: str
    highest: int


class Layout:
    """A struct's fields, ready to be read and encoded at once.

    Attributes:
        names: the fields, in order.
        wires: their names in JSON.
        words: how ``%`` spells all the values in hex, 32 bytes each.
        values_of: the values of a struct, in order.
        numerals: which numbers travel as decimal strings.
    """

    __slots__ = (
        "_form",
        "_numbers",
        "_pick",
        "_pick_texts",
        "names",
        "numerals",
        "values_of",
        "wires",
        "words",
    )

    def __init__(self, fields: Sequence[Field]) -> None:
        self.names = tuple(field.name for field in fields)
        self.wires = tuple(field.wire for field in fields)
        self.words = "".join(field.word for field in fields)
        self.numerals = tuple(field.wire for field in fields if field.form and field.highest)
        texts = tuple(field.wire for field in fields if field.form)
        self.values_of = _together(attrgetter, self.names)
        self._pick = _together(itemgetter, self.wires)
        self._pick_texts = _together(itemgetter, texts)
        # No form has a space in it, so that each text is held to its own.
        self._form = re.compile(" ".join(field.form for field in fields if field.form) + r"\Z")
        self._numbers = tuple(
            (place, bool(field.form), bool if field.type == "bool" else int, field.highest)
            for place, field in enumerate(fields)
            if field.highest
        )

    def usual(self, given: Mapping[str, Json]) -> list[Value] | None:
        """The values in order, if all are there in their usual spelling, and nothing else is."""
        if len(given) != len(self.wires):
            return None
        try:
            # What is no text cannot be joined.
            told = " ".join(cast("tuple[str, ...]", self._pick_texts(given)))
            values = list(self._pick(given))
        except (KeyError, TypeError):
            return None
        if not self._form.match(told):
            return None
        for place, numeral, kind, highest in self._numbers:
            value = values[place]
            if numeral:
                values[place] = value = int(value)
            if type(value) is not kind or not 0 <= value <= highest:
                return None
        return values


class Typed:
    """A flat EIP-712 struct; subclasses are frozen dataclasses with annotated fields."""

    __slots__ = ()

    NAME: ClassVar[str]
    FIELDS: ClassVar[tuple[Field, ...]]
    LAYOUT: ClassVar[Layout]
    TYPE: ClassVar[str]
    TYPE_HASH: ClassVar[bytes]

    def __init_subclass__(cls) -> None:
        """Build the table from the annotations, once (dataclass slots make the class twice)."""
        hints = get_type_hints(cls, include_extras=True)
        own = {name: hint for name, hint in hints.items() if hasattr(hint, "__metadata__")}
        cls.NAME = cls.__name__
        cls.FIELDS = tuple(_field(name, hint.__metadata__[0]) for name, hint in own.items())
        cls.LAYOUT = Layout(cls.FIELDS)
        cls.TYPE = f"{cls.NAME}({','.join(f'{f.type} {f.wire}' for f in cls.FIELDS)})"
        cls.TYPE_HASH = keccak(cls.TYPE.encode())

    def __post_init__(self) -> None:
        """Refuse a value outside its type's range: an out-of-range struct cannot exist."""
        for field in self.FIELDS:
            field.check(getattr(self, field.name), field.wire)

    def struct_hash(self) -> bytes:
        """``keccak256(typeHash ‖ encodeData)``, 32 bytes."""
        layout = self.LAYOUT
        # Without the "0x" of what is hex already.
        bare = [value[2:] if type(value) is str else value for value in layout.values_of(self)]
        return keccak(self.TYPE_HASH + bytes.fromhex(layout.words % tuple(bare)))

    def digest(self, domain: "Domain") -> Digest:
        """What is signed, and this struct's only name: hex of 32 bytes."""
        return "0x" + keccak(b"\x19\x01" + domain.separator + self.struct_hash()).hex()

    def to_message(self) -> dict[str, Json]:
        """The EIP-712 JSON message, as any wallet's ``eth_signTypedData_v4`` takes it."""
        layout = self.LAYOUT
        told: dict[str, Json] = dict(zip(layout.wires, layout.values_of(self), strict=True))
        for wire in layout.numerals:
            told[wire] = str(told[wire])
        return told

    @classmethod
    def from_message(cls, message: Json) -> Self:
        """Parse the JSON message strictly: exactly the struct's fields, each in its one form."""
        given = mapping(message, cls.NAME)
        values = cls.LAYOUT.usual(given)
        if values is None:
            exactly(given, {field.wire for field in cls.FIELDS})
            values = [field.parse(given[field.wire], field.wire) for field in cls.FIELDS]
        parsed = object.__new__(cls)
        for name, value in zip(cls.LAYOUT.names, values, strict=True):
            # Parsing is stricter than the check of a made struct, which need not follow.
            object.__setattr__(parsed, name, value)
        return parsed


def _together(
    getter: "type[attrgetter[object] | itemgetter[str]]", names: Sequence[str]
) -> Callable[[object], tuple[Value, ...]]:
    if len(names) > 1:
        return cast("Callable[[object], tuple[Value, ...]]", getter(*names))
    # Of one name alone, the library's getter gives no tuple.
    return lambda of: tuple(_together(getter, (name, name))(of)[0] for name in names)


def exactly(given: Mapping[str, Json], required: AbstractSet[str]) -> None:
    """Refuse an object that has not exactly the required keys."""
    if given.keys() != required:
        unknown, missing = given.keys() - required, required - given.keys()
        raise FieldsDiffer(", ".join(sorted(unknown))[:200], ", ".join(sorted(missing)))


@dataclass(frozen=True)
class Domain:
    """Binds every signature to one chain, one escrow and one protocol version."""

    chain_id: int
    verifying_contract: Address
    name: str = "Parley"
    version: str = "2"

    @cached_property
    def separator(self) -> bytes:
        """The domain separator, 32 bytes."""
        words = (
            keccak(DOMAIN_TYPE.encode()),
            keccak(self.name.encode()),
            keccak(self.version.encode()),
            self.chain_id.to_bytes(32, "big"),
            bytes(12) + bytes.fromhex(self.verifying_contract[2:]),
        )
        return keccak(b"".join(words))

    @cached_property
    def separator_hex(self) -> Digest:
        """The separator as envelopes name their domain by it."""
        return "0x" + self.separator.hex()

    def to_json(self) -> dict[str, Json]:
        """The domain as ``eth_signTypedData_v4`` takes it."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": self.verifying_contract,
        }


def typed_data(struct: Typed, domain: Domain) -> dict[str, Json]:
    """The whole EIP-712 document, for wallets and foreign verifiers."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            struct.NAME: [{"name": f.wire, "type": f.type} for f in struct.FIELDS],
        },
        "primaryType": struct.NAME,
        "domain": domain.to_json(),
        "message": struct.to_message(),
    }


def _field(name: str, kind: str) -> Field:
    head, *rest = name.split("_")
    wire = head + "".join(part.capitalize() for part in rest)
    make = _PLAIN.get(kind) or _uint(int(kind.removeprefix("uint") or 0))
    return Field(name, wire, kind, *make)


def _lower_address(value: Json, field: str) -> Value:
    # One spelling inside: a struct that holds a checksummed address would not equal its twin.
    if address(value, field) != value:
        raise ValueMalformed(field, str(value), "a lower-case address")
    return str(value)


def _uint(bits: int) -> Codec:
    highest = (1 << bits) - 1

    def number(value: Json, field: str) -> Value:
        return integer(value, field, 0, highest)

    def numeral(value: Json, field: str) -> Value:
        return decimal(value, field, bits)

    if bits <= JSON_SAFE_BITS:
        return number, number, "", "%064x", highest
    return number, numeral, "(?:0|[1-9][0-9]{0,77})", "%064x", highest


_PLAIN: dict[str, Codec] = {
    "address": (_lower_address, address, "0x[0-9a-f]{40}", "0" * 24 + "%s", 0),
    "bytes32": (digest, digest, "0x[0-9a-f]{64}", "%s", 0),
    "bool": (boolean, boolean, "", "%064x", 1),
}
