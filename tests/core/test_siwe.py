"""The reader of EIP-4361: the very bytes or nothing, as a foreign reader has it."""

from dataclasses import fields

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, NOW
from pydantic import AnyUrl, ValidationError
from siwe import SiweMessage
from visitor import message

from marketplace.core.errors import ValueMalformed
from marketplace.core.signature import recover
from marketplace.core.siwe import (
    LONGEST,
    Siwe,
    instant_of,
    moment,
    parse_siwe,
    personal_digest,
)
from marketplace.core.values import checksum

LETTERS = "abcxyzABCXYZ0189"
WORDS = st.text(LETTERS, min_size=1, max_size=12)
HOSTS = st.builds(
    # A last label that begins with a digit would be an IPv4 address to the foreign reader.
    lambda labels, port: ".".join(labels) + "x.test" + (f":{port}" if port else ""),
    st.lists(WORDS, min_size=1, max_size=3),
    st.none() | st.integers(1, 65_535),
)
PCHARS = st.text(LETTERS + "-._~!$&'()*+,;=:@", max_size=8)
SCHEMES = st.sampled_from(["https", "http", "ipfs", "urn", "x-a.b+c"])
PATHS = st.lists(PCHARS, max_size=3).map(lambda parts: "".join("/" + part for part in parts))
TAILS = st.sampled_from(["", "?", "?a=b/c?d", "#", "#f/?", "?q#f", "?%20#%aF"])
URIS = st.builds("{}://{}{}{}".format, SCHEMES, HOSTS, PATHS, TAILS) | st.builds(
    "{}:{}{}{}".format, SCHEMES, WORDS, PATHS, TAILS
)
STATEMENTS = st.text(LETTERS + " -._~:/?#[]@!$&'()*+,;=", min_size=1, max_size=60)
SECONDS = st.integers(0, 4_000_000_000)
INSTANTS = st.builds(
    lambda second, fraction, zone: instant_of(second)[:-1] + fraction + zone,
    SECONDS,
    st.sampled_from(["", ".5", ".123", ".999999", ".123456789"]),
    st.sampled_from(["Z", "+00:00", "-00:00", "+05:30", "-11:45"]),
)
MESSAGES = st.builds(
    Siwe,
    scheme=st.none() | st.sampled_from(["https", "http"]),
    domain=HOSTS,
    address=st.binary(min_size=20, max_size=20).map(lambda raw: checksum("0x" + raw.hex())),
    statement=st.none() | STATEMENTS,
    uri=URIS,
    chain_id=st.integers(1, 1 << 64).map(str),
    nonce=st.text(LETTERS, min_size=8, max_size=64),
    issued_at=INSTANTS,
    expiration_time=st.none() | INSTANTS,
    not_before=st.none() | INSTANTS,
    request_id=st.none() | PCHARS,
    resources=st.none() | st.lists(URIS, max_size=3).map(tuple),
)
WHOLE = message(not_before=instant_of(NOW), request_id="req-7", scheme="https")
ANY_BYTE = st.integers(0, 255).map(chr)


def told(foreign: SiweMessage) -> dict[str, object]:
    """What the foreign reader read, under our names."""
    read = foreign.model_dump()
    return {one.name: read[one.name] for one in fields(Siwe)}


def check_taken_or_refused(text: str, origin: Siwe) -> Siwe | None:
    """A changed text is refused, or it is another message, spelled just so."""
    try:
        parsed = parse_siwe(text)
    except ValueMalformed:
        return None
    assert parsed != origin
    assert parsed.text == text
    return parsed


@given(MESSAGES)
def test_a_message_is_read_back_from_its_text_as_it_was(one: Siwe):
    assert parse_siwe(one.text) == one


@given(MESSAGES)
def test_the_foreign_reader_reads_the_same_members(one: Siwe):
    expected = {name: getattr(one, name) for name in one.__slots__}
    expected["chain_id"] = int(one.chain_id)
    expected["resources"] = list(one.resources or ()) if one.resources is not None else None
    assert told(SiweMessage.from_message(one.text)) == expected


def is_url(given: str) -> bool:
    """Whether it is a URI (RFC 3986) that is a URL to the foreign reader too (WHATWG)."""
    try:
        AnyUrl(given)
    except ValidationError:
        # As "https:?a", which has no host: that is asked of no URI.
        return False
    return True


@given(MESSAGES, st.integers(0, LONGEST), ANY_BYTE)
def test_what_is_taken_after_a_change_the_foreign_reader_takes_too(one, place, byte):
    text = one.text
    at = place % len(text)
    changed = (
        check_taken_or_refused(text[:at] + byte + text[at + 1 :], one)
        if (text[at] != byte)
        else None
    )
    if changed is not None and all(map(is_url, (changed.uri, *(changed.resources or ())))):
        assert SiweMessage.from_message(changed.text).domain == changed.domain


def test_every_changed_added_or_dropped_byte_is_refused_or_another_message():
    text = WHOLE.text
    for place, here in enumerate(text):
        before, after = text[:place], text[place + 1 :]
        check_taken_or_refused(before + after, WHOLE)
        for byte in set(map(chr, range(256))) - {here}:
            check_taken_or_refused(before + byte + after, WHOLE)
            check_taken_or_refused(before + byte + here + after, WHOLE)


@pytest.mark.parametrize("strange", ["\u0430", "\u200b", "\u202e", "\uff11", "\u2028", "\0", "\t"])
def test_a_letter_that_only_looks_right_is_refused_wherever_it_stands(strange: str):
    text = WHOLE.text
    for place in range(len(text)):
        for rest in (text[place:], text[place + 1 :]):
            with pytest.raises(ValueMalformed):
                parse_siwe(text[:place] + strange + rest)


@pytest.mark.parametrize("line", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028"])
@pytest.mark.parametrize("name", ["statement", "uri", "request_id", "nonce", "domain", "chain_id"])
def test_no_member_brings_lines_of_its_own(name, line):
    value = f"{getattr(WHOLE, name)}{line}URI: https://elsewhere.example"
    with pytest.raises(ValueMalformed):
        parse_siwe(message(**{name: value}).text)


def test_a_second_message_after_the_first_is_refused():
    for joined in ("\n", "\n\n", ""):
        with pytest.raises(ValueMalformed):
            parse_siwe(WHOLE.text + joined + WHOLE.text)


@pytest.mark.parametrize("ending", ["\n", "\r\n", " ", "\0", "\nResources:\n- ", "\n- "])
def test_nothing_may_follow(ending: str):
    with pytest.raises(ValueMalformed):
        parse_siwe(WHOLE.text + ending)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("domain", "registry.example@elsewhere.example"),
        ("domain", "registry.example/path"),
        ("domain", ""),
        ("domain", "registry.example:"),
        ("domain", "registry.example:443210"),
        ("scheme", ""),
        ("scheme", "1https"),
        ("address", BUYER.address),
        ("address", BUYER.address.upper().replace("0X", "0x")),
        ("address", checksum(BUYER.address)[:-1]),
        ("address", checksum(BUYER.address)[2:]),
        ("statement", ""),
        ("statement", "100 %"),
        ("statement", 'say "yes"'),
        ("uri", "registry.example"),
        ("uri", "https://registry.example/a b"),
        ("uri", "https://registry.example/%zz"),
        ("uri", "https://registry.example/#a#b"),
        ("chain_id", "0"),
        ("chain_id", "031337"),
        ("chain_id", "+1"),
        ("chain_id", "0x1"),
        ("chain_id", "1e3"),
        ("chain_id", "-1"),
        ("nonce", "1234567"),
        ("nonce", "12345678-"),
        ("issued_at", "2026-01-01"),
        ("issued_at", "2026-01-01T00:00:00"),
        ("issued_at", "2026-01-01 00:00:00Z"),
        ("issued_at", "2026-01-01t00:00:00z"),
        ("issued_at", "2026-02-30T00:00:00Z"),
        ("issued_at", "2026-01-01T24:00:00Z"),
        ("issued_at", "2026-01-01T23:59:60Z"),
        ("issued_at", "2026-01-01T00:00:00+24:00"),
        ("issued_at", "0001-01-01T00:00:00+99:99"),
        ("issued_at", "0000-01-01T00:00:00Z"),
        ("expiration_time", "never"),
        ("expiration_time", ""),
        ("not_before", "2026-13-01T00:00:00Z"),
        ("request_id", "a/b"),
        ("resources", ("not a uri",)),
        ("resources", ("",)),
        ("resources", ("urn:parley:scope:read\nResources:",)),
    ],
)
def test_a_member_of_another_form_is_refused(name: str, value: object):
    with pytest.raises(ValueMalformed):
        parse_siwe(message(**{name: value}).text)


def test_members_in_another_order_twice_or_without_their_gap_are_refused():
    lines = WHOLE.text.split("\n")
    for place in range(len(lines)):
        with pytest.raises(ValueMalformed):
            parse_siwe("\n".join(lines[:place] + lines[place + 1 :] + ["URI: https://a.example"]))
    for place in range(len(lines) - 1):
        swapped = [*lines]
        swapped[place : place + 2] = reversed(swapped[place : place + 2])
        check_taken_or_refused("\n".join(swapped), WHOLE) if swapped != lines else None


def test_another_version_is_refused():
    for version in ("2", "01", "1.0", ""):
        with pytest.raises(ValueMalformed):
            parse_siwe(WHOLE.text.replace("Version: 1", f"Version: {version}"))


def test_a_text_that_never_ends_is_refused_at_once_and_quoted_short():
    for endless in ("a" * 10_000_000, WHOLE.text + "\n- urn:a:b" * 1_000_000):
        with pytest.raises(ValueMalformed) as refused:
            parse_siwe(endless)
        assert len(refused.value.value) <= 80


@pytest.mark.parametrize(
    "part", ["a" * LONGEST, "a." * 2_000, "/" * 4_000, "a:" * 2_000, "[" * 4_000]
)
def test_no_text_is_slow_to_refuse(part: str):
    for text in (part, f"https://{part}", WHOLE.text.replace("req-7", part)[:LONGEST]):
        check_taken_or_refused(text, WHOLE)


@given(st.text(max_size=300), st.binary(min_size=32, max_size=32))
def test_a_wallet_signs_the_same_digest_for_any_text(text: str, key: bytes):
    try:
        signed = Account.sign_message(encode_defunct(text=text), key)
    except ValueError:
        return  # no key of the curve
    assert "0x" + signed.message_hash.hex() == personal_digest(text)
    assert recover(personal_digest(text), "0x" + signed.signature.hex()) == (
        Account.from_key(key).address.lower()
    )


@pytest.mark.parametrize(
    ("instant", "second"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.999999999Z", 0),
        ("1969-12-31T23:59:59.5Z", -1),
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2027-01-15T13:30:00+05:30", 1_800_000_000),
    ],
)
def test_an_instant_lies_in_its_second(instant: str, second: int):
    assert moment(instant) == second


@given(SECONDS)
def test_a_second_is_read_back_from_its_instant(second: int):
    assert moment(instant_of(second)) == second


def test_the_example_of_the_standard_is_taken():
    text = (
        "service.org wants you to sign in with your Ethereum account:\n"
        "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2\n\n"
        "I accept the ServiceOrg Terms of Service: https://service.org/tos\n\n"
        "URI: https://service.org/login\nVersion: 1\nChain ID: 1\nNonce: 32891756\n"
        "Issued At: 2021-09-30T16:25:24Z\nResources:\n"
        "- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/\n"
        "- https://example.com/my-web2-claim.json"
    )
    parsed = parse_siwe(text)
    assert parsed.text == text
    assert parsed.resources == (
        "ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/",
        "https://example.com/my-web2-claim.json",
    )
    assert parsed.account == "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"


def test_no_statement_leaves_two_empty_lines_as_the_grammar_has_it():
    text = message(statement=None).text
    assert "\n\n\nURI: " in text
    assert parse_siwe(text).statement is None
    with pytest.raises(ValueMalformed):
        parse_siwe(text.replace("\n\n\n", "\n\n"))
