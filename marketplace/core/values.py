"""Values: addresses, digests, integers, canonical JSON.

Addresses and digests are lower-case hex strings with ``0x``; amounts are integers
in a token's base units; instants are integer seconds UTC.
"""

import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, TypeAlias

import msgspec
import rfc8785
import sha3

from marketplace.core.errors import ValueMalformed

# The second argument is the Solidity type, from which EIP-712 encodings are built.
Address = Annotated[str, "address"]
Bytes32 = Annotated[str, "bytes32"]
Bool = Annotated[bool, "bool"]
Uint8 = Annotated[int, "uint8"]
Uint16 = Annotated[int, "uint16"]
Uint32 = Annotated[int, "uint32"]
Uint40 = Annotated[int, "uint40"]
Uint104 = Annotated[int, "uint104"]
Uint128 = Annotated[int, "uint128"]
Uint256 = Annotated[int, "uint256"]

Digest: TypeAlias = str
Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"

ZERO_ADDRESS = "0x" + "00" * 20
ZERO_DIGEST = "0x" + "00" * 32
BPS = 10_000
LONGEST_QUOTE = 80
DEEPEST = 64

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_DIGEST = re.compile(r"0x[0-9a-f]{64}\Z")
# A string that never ends is taken whole, or each of its quotes would be tried to the end.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
# Wherever a number can begin; in a text it is found for nothing.
_LONG_NUMBER = re.compile(rb"[:,\[]-?[0-9]{16}")
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,77})\Z")
# Beyond it a double skips integers, and RFC 8785 has no spelling (RFC 7493 §2.2).
_HIGHEST = (1 << 53) - 1


def keccak(data: bytes) -> bytes:
    """Keccak-256 of the data, 32 bytes."""
    digest: bytes = sha3.keccak_256(data).digest()
    return digest


def address(value: Json, field: str = "address") -> Address:
    """A 20-byte address in lower case; a mixed-case one must pass its EIP-55 checksum."""
    form = "0x and 40 hex digits (mixed case only as an EIP-55 checksum)"
    if not isinstance(value, str) or not _ADDRESS.match(value):
        raise ValueMalformed(field, shown(value), form)
    lower = value.lower()
    # Most are lower case already, and a checksum costs a hash.
    if value != lower and value != checksum(lower):
        raise ValueMalformed(field, value, form)
    return lower


def checksum(lower: Address) -> str:
    """The EIP-55 spelling of a lower-case address."""
    nibbles = keccak(lower[2:].encode()).hex()
    pairs = zip(lower[2:], nibbles, strict=False)
    return "0x" + "".join(c.upper() if n >= "8" else c for c, n in pairs)


def digest(value: Json, field: str = "digest") -> Digest:
    """A 32-byte digest: ``0x`` and 64 lower-case hex digits."""
    if not isinstance(value, str) or not _DIGEST.match(value):
        raise ValueMalformed(field, shown(value), "0x and 64 lower-case hex digits")
    return value


def integer(value: Json, field: str, low: int, high: int) -> int:
    """A JSON integer in [low, high]; a bool is not one."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueMalformed(field, shown(value), f"an integer from {low} to {high}")
    return value


def boolean(value: Json, field: str) -> bool:
    """A JSON truth value; 1 is not one."""
    if not isinstance(value, bool):
        raise ValueMalformed(field, shown(value), "true or false")
    return value


def decimal(value: Json, field: str, bits: int = 256) -> int:
    """An unsigned integer that travels as a decimal string without leading zeros."""
    if isinstance(value, str) and _DECIMAL.match(value):
        found = int(value)
        if not found >> bits:
            return found
    raise ValueMalformed(field, shown(value), f"a decimal string of at most {bits} bits")


def text(value: Json, field: str, longest: int) -> str:
    """Printable text of 1 to ``longest`` characters, without control or format characters."""
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueMalformed(field, shown(value), f"1 to {longest} printable characters")
    return value


def mapping(value: Json, field: str) -> Mapping[str, Json]:
    """A JSON object."""
    # Asked first, for asking an abstract class takes as long as all the rest.
    if type(value) is dict:
        return value
    if not isinstance(value, Mapping):
        raise ValueMalformed(field, shown(value), "a JSON object")
    return value


def canonical(value: Json) -> bytes:
    """The value's one spelling as JSON (RFC 8785); raises ValueMalformed where it has none."""
    try:
        if _usual(value):
            # The same bytes, twenty times as fast.
            return _WRITER.encode(value)
        encoded: bytes = rfc8785.dumps(value)
    except ValueError as error:
        raise ValueMalformed("json", shown(str(error)), "JSON as in RFC 8785") from None
    return encoded


def parse_json(data: bytes) -> Json:
    """JSON without duplicate keys, NaN, floats, invalid UTF-8, lone surrogates or deep nesting."""
    if _deepest(data) > DEEPEST:
        raise ValueMalformed("body", f"{len(data)} bytes", f"JSON nested {DEEPEST} deep at most")
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        quick: Json = _READER.decode(data)
        # What is written again as it came has no key twice, and none of the rarer spellings.
        if _WRITER.encode(quick) == data:
            return quick
    try:
        parsed: Json = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_number,
            parse_float=_refuse_number,
        )
        if b"\\u" in data:
            # An escaped lone surrogate parses, and then no answer that quotes it could be sent.
            json.dumps(parsed, ensure_ascii=False).encode()
    except ValueError as error:
        raise ValueMalformed("body", shown(str(error)), "JSON in UTF-8") from None
    return parsed


def parse_canonical(data: bytes) -> Json:
    """JSON in its one spelling (RFC 8785); raises ValueMalformed where it is in another.

    The same as ``parse_json`` and comparing ``canonical`` of that, for who reads many.
    """
    # ASCII, so that keys sort alike; and no integer that could be beyond what a double holds.
    if data.isascii() and not _LONG_NUMBER.search(data) and _deepest(data) <= DEEPEST:
        try:
            quick: Json = _READER.decode(data)
            if _WRITER.encode(quick) == data:
                return quick
        except (msgspec.MsgspecError, ValueMalformed):
            pass  # the slow way says what is wrong
    found = parse_json(data)
    if canonical(found) != data:
        raise ValueMalformed("json", f"{len(data)} bytes", "canonical JSON (RFC 8785)")
    return found


def _usual(value: Json) -> bool:
    # Plain objects whose keys sort alike as code points and as UTF-16, and integers.
    if type(value) is dict:
        for key, inner in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(inner) is not str and not _usual(inner):
                return False
        return True
    if type(value) is list:
        return all(type(inner) is str or _usual(inner) for inner in value)
    if type(value) is int:
        return -_HIGHEST <= value <= _HIGHEST
    return value is None or value is True or value is False


def shown(value: Json) -> str:
    """The value as an error quotes it: short and printable, whatever came in."""
    told = repr(value)
    return told if len(told) <= LONGEST_QUOTE else told[: LONGEST_QUOTE - 3] + "..."


def _deepest(data: bytes) -> int:
    # Asked before parsing: the parser recurses, and a library may have raised the interpreter's
    # recursion limit beyond what the stack holds, so that no RecursionError would come.
    brackets = data.count(b"[") + data.count(b"{")
    if brackets <= DEEPEST:
        return brackets
    deepest = depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, Json]]) -> Mapping[str, Json]:
    once = dict(pairs)
    if len(once) != len(pairs):
        raise ValueMalformed("body", shown([key for key, _ in pairs]), "JSON with each key once")
    return once


def _refuse_number(literal: str) -> Json:
    raise ValueMalformed("number", shown(literal), "an integer, or a decimal string")


# Made once, and last: the first refuses what it cannot tell apart.
_READER = msgspec.json.Decoder(float_hook=_refuse_number)
_WRITER = msgspec.json.Encoder(order="sorted")
