"""What a fuzzer throws at the parsers: bytes in, and only named refusals out."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from market import DOMAIN, FIRST_DOMAIN, NOW, listing, specimens, talk
from visitor import SITE, login, message, siwe_request, typed_request

from marketplace.core.entry import read, split, timeout_leaf
from marketplace.core.errors import ParleyError
from marketplace.core.login import Login
from marketplace.core.message import Domains, parse_header, parse_message
from marketplace.core.siwe import parse_siwe
from marketplace.core.values import Json, canonical, mapping, parse_json

DOMAINS = Domains((DOMAIN, FIRST_DOMAIN))
SALT = "0x" + "5a" * 32
# What has broken a parser somewhere: each type in another's place, and the edges of each.
STRANGE: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1 << 53,
    -(1 << 63),
    1 << 256,
    10**4_000,
    "",
    "0",
    "00",
    "-1",
    "1" * 79,
    "0x",
    "0x" + "0" * 40,
    "0x" + "F" * 40,
    "0x" + "0" * 64,
    "0x" + "0" * 130,
    "\x00",
    "\u202e",
    "\u200b",
    "\U0001f5a5",
    "\ud800",
    "\uff11",
    "timeout",
    "1",
    "2",
    [],
    [[]],
    [None],
    {},
    {"": {}},
]


def parse(data: bytes) -> str:
    """Read the bytes in every way that the registry has; the code of the last refusal."""
    code = ""
    for reader in (_message, _header, _entry, _login, _siwe):
        refusal = _refusal(reader, data)
        if refusal is not None:
            assert refusal.code in ParleyError.leaves()
            assert len(str(refusal)) < 2_000
            code = refusal.code
    return code


def _refusal(reader: Callable[[bytes], None], data: bytes) -> ParleyError | None:
    try:
        reader(data)
    except ParleyError as error:
        return error
    return None


def _message(data: bytes) -> None:
    given = parse_json(data)
    said = parse_message(given, DOMAINS.of(given))
    # What was taken is one spelling of one word.
    assert parse_message(parse_json(canonical(said.to_json())), said.domain) == said


def _header(data: bytes) -> None:
    given = parse_json(data)
    parse_header(given, DOMAINS.of(given))


def _entry(data: bytes) -> None:
    leaf, _, body = data.partition(b"\n")
    logged = read(leaf, body)
    if logged.envelope is not None:
        parse_message(logged.envelope, DOMAINS.of(logged.envelope))


def _login(data: bytes) -> None:
    given = mapping(parse_json(data), "login")
    told: Json = given.get("message")
    if isinstance(told, str):
        SITE.siwe_claim(told, str(given.get("signature")))
    else:
        SITE.typed_claim(Login.from_message(told), str(given.get("signature")))


def _siwe(data: bytes) -> None:
    parsed = parse_siwe(data.decode("utf-8", "replace"))
    assert parsed.text.encode() == data


def mutated(data: bytes, random: Random) -> bytes:
    """The same JSON with something strange in one place of it; other bytes stay as they are."""
    leaf, line, body = data.partition(b"\n")
    try:
        parts = [json.loads(part) for part in (leaf, body) if part]
    except ValueError:
        return data
    places = [place for part in parts for place in _places(part)]
    if not places:
        return data
    where, key = random.choice(places)
    match random.randrange(4):
        case 0 if isinstance(where, dict):
            where[random.choice(["", "version", "sealed", "delegation", "x"])] = where.pop(key)
        case 1:
            del where[key]
        case 2:
            other, name = random.choice(places)
            where[key] = json.loads(json.dumps(other.get(name) if isinstance(other, dict) else 0))
        case _:
            where[key] = random.choice(STRANGE)
    return line.join(_spelled(part) for part in parts)


def _spelled(part: Any) -> bytes:  # noqa: ANN401 any JSON
    try:
        return canonical(part)
    except ParleyError:
        # What has no canonical spelling is spelled all the same.
        return json.dumps(part).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 any JSON
    if not isinstance(value, dict | list):
        return
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        yield from _places(inner)


def corpus() -> Iterator[bytes]:
    """An honest specimen of everything that is parsed."""
    for said in specimens().values():
        yield canonical(said.to_json())
        yield b"\n".join(split(said.to_json(), NOW, SALT))
    yield canonical({"message": listing(domain=FIRST_DOMAIN).to_json(), "received_at": NOW})
    yield timeout_leaf(talk().id, NOW, NOW)
    yield canonical(typed_request(login()))
    yield canonical(siwe_request(message()))
    yield message().text.encode()
