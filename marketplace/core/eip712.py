"""EIP-712: domains, flat typed structs, and their digests.

A typed struct is a frozen dataclass whose annotations name the Solidity types; its
type string, encoding, JSON form and range checks all come from that one table. Only
flat structs exist here: wallets disagree on nested arrays, so lists travel as
``bytes32`` digests.

Source: EIP-712, "Definition of encodeData" and "Definition of hashStruct".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self, get_type_hints

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
Codec = tuple[Read, Read, Callable[[Value], Value], Callable[[Value], bytes]]


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a struct: both spellings, its type, and how it is checked and encoded."""

    name: str
    wire: str
    type: str
    check: Read
    parse: Read
    show: Callable[[Value], Value]
    encode: Callable[[Value], bytes]


class Typed:
    """A flat EIP-712 struct; subclasses are frozen dataclasses with annotated fields."""

    __slots__ = ()

    NAME: ClassVar[str]
    FIELDS: ClassVar[tuple[Field, ...]]
    TYPE: ClassVar[str]
    TYPE_HASH: ClassVar[bytes]

    def __init_subclass__(cls) -> None:
        """Build the table from the annotations, once (dataclass slots make the class twice)."""
        hints = get_type_hints(cls, include_extras=True)
        own = {name: hint for name, hint in hints.items() if hasattr(hint, "__metadata__")}
        cls.NAME = cls.__name__
        cls.FIELDS = tuple(_field(name, hint.__metadata__[0]) for name, hint in own.items())
        cls.TYPE = f"{cls.NAME}({','.join(f'{f.type} {f.wire}' for f in cls.FIELDS)})"
        cls.TYPE_HASH = keccak(cls.TYPE.encode())

    def __post_init__(self) -> None:
        """Refuse a value outside its type's range: an out-of-range struct cannot exist."""
        for field in self.FIELDS:
            field.check(getattr(self, field.name), field.wire)

    def struct_hash(self) -> bytes:
        """``keccak256(typeHash ‖ encodeData)``, 32 bytes."""
        encoded = [field.encode(getattr(self, field.name)) for field in self.FIELDS]
        return keccak(self.TYPE_HASH + b"".join(encoded))

    def digest(self, domain: "Domain") -> Digest:
        """What is signed, and this struct's only name: hex of 32 bytes."""
        return "0x" + keccak(b"\x19\x01" + domain.separator + self.struct_hash()).hex()

    def to_message(self) -> dict[str, Json]:
        """The EIP-712 JSON message, as any wallet's ``eth_signTypedData_v4`` takes it."""
        return {field.wire: field.show(getattr(self, field.name)) for field in self.FIELDS}

    @classmethod
    def from_message(cls, message: Json) -> Self:
        """Parse the JSON message strictly: exactly the struct's fields, each in its one form."""
        given = mapping(message, cls.NAME)
        exactly(given, {field.wire for field in cls.FIELDS})
        parsed = object.__new__(cls)
        for field in cls.FIELDS:
            # Parsing is stricter than the check of a made struct, which need not follow.
            object.__setattr__(parsed, field.name, field.parse(given[field.wire], field.wire))
        return parsed


def exactly(given: Mapping[str, Json], required: set[str]) -> None:
    """Refuse an object that has not exactly the required keys."""
    unknown, missing = set(given) - required, required - set(given)
    if unknown or missing:
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


def _encode_hex(value: Value) -> bytes:
    return bytes.fromhex(str(value)[2:]).rjust(32, b"\0")


def _encode_int(value: Value) -> bytes:
    return int(value).to_bytes(32, "big")


def _lower_address(value: Json, field: str) -> Value:
    # One spelling inside: a struct that holds a checksummed address would not equal its twin.
    if address(value, field) != value:
        raise ValueMalformed(field, str(value), "a lower-case address")
    return str(value)


def _same(value: Value) -> Value:
    return value


def _uint(bits: int) -> Codec:
    highest = (1 << bits) - 1

    def number(value: Json, field: str) -> Value:
        return integer(value, field, 0, highest)

    def numeral(value: Json, field: str) -> Value:
        return decimal(value, field, bits)

    if bits <= JSON_SAFE_BITS:
        return number, number, _same, _encode_int
    return number, numeral, str, _encode_int


_PLAIN: dict[str, Codec] = {
    "address": (_lower_address, address, _same, _encode_hex),
    "bytes32": (digest, digest, _same, _encode_hex),
    "bool": (boolean, boolean, _same, _encode_int),
}
