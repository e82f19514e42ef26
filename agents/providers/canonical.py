"""One spelling of a flat document: canonical JSON with base64 bytes.

A digest is only as good as the spelling under it. A document has a fixed set of fields, its JSON
is RFC 8785's, and what does not come out of `encode` byte for byte is refused by `decode`: this
one comparison catches duplicate keys, white space, escapes, 1.0 for 1 and loose base64.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785

from agents.providers.faults import Fault

Value = bytes | int | str
MOST_BRACKETS = 8  # base64 has none, and a text field few


@dataclass(frozen=True, slots=True)
class Layout:
    """The shape of one kind of document.

    Args:
        format: its name and version; it keeps a digest of one kind from passing for another.
        fields: the type behind each key: `bytes`, `int` or `str`.
        limit: the longest encoding that is read, in bytes.
        fault: what is raised for anything else.
    """

    format: str
    fields: Mapping[str, type[Value]]
    limit: int
    fault: type[Fault]

    def encode(self, values: Mapping[str, Value]) -> bytes:
        """The canonical bytes of some values."""
        written = {key: _write(value) for key, value in values.items()}
        return rfc8785.dumps({"format": self.format, **written})

    def decode(self, data: bytes) -> dict[str, Any]:
        """The values behind canonical bytes, each of its field's type.

        Raises:
            Fault: the layout's own, naming the first thing that is not as it must be.
        """
        if len(data) > self.limit:
            raise self.fault(f"{len(data)} bytes", f"at most {self.limit}")
        body = self._body(data)
        values = {key: self._read(key, body[key]) for key in self.fields}
        if self._spelled(values) != data:
            raise self.fault("another spelling of these values", "the one of RFC 8785")
        return values

    def _spelled(self, values: Mapping[str, Value]) -> bytes:
        try:
            return self.encode(values)
        except ValueError as error:  # integers past 2^53, lone surrogates
            raise self.fault(f"what JSON cannot carry ({error})", "what RFC 8785 can") from error

    def _body(self, data: bytes) -> dict[str, object]:
        # Every layout is flat. Asked before parsing: the parser recurses, and a library may have
        # raised the interpreter's recursion limit beyond what the stack holds.
        brackets = data.count(b"[") + data.count(b"{")
        if brackets > MOST_BRACKETS:
            raise self.fault(f"{brackets} brackets", "one flat object")
        try:
            body = json.loads(data)
        except ValueError as error:
            raise self.fault(f"no JSON ({error})", f"a {self.format} object") from error
        expected = {"format", *self.fields}
        if not isinstance(body, dict) or set(body) != expected:
            keys = sorted(body)[:8] if isinstance(body, dict) else type(body).__name__
            raise self.fault(f"{keys!s:.200}", f"exactly {sorted(expected)}")
        if body["format"] != self.format:
            raise self.fault(f"format {body['format']!r:.80}", repr(self.format))
        return body

    def _read(self, key: str, value: object) -> Value:
        wanted = self.fields[key]
        if wanted is bytes and isinstance(value, str):
            return self._octets(key, value)
        # The exact type: True is an int to isinstance, and would be billed as 1.
        if isinstance(value, int | str) and type(value) is wanted:
            return value
        raise self.fault(f"{key} {value!r:.80}", f"a value of type {wanted.__name__}")

    def _octets(self, key: str, text: str) -> bytes:
        try:
            return b64decode(text, validate=True)
        except ValueError as error:
            raise self.fault(f"{key} {text!r:.80}", "base64 text") from error


def _write(value: Value) -> int | str:
    return b64encode(value).decode() if isinstance(value, bytes) else value
