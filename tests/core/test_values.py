"""Values: one spelling each, and hostile JSON refused by name in a short sentence."""

import json
from time import process_time
from typing import Any

import pytest
import rfc8785
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.errors import ValueMalformed
from marketplace.core.values import (
    DEEPEST,
    LONGEST_QUOTE,
    Json,
    address,
    canonical,
    checksum,
    decimal,
    digest,
    integer,
    keccak,
    mapping,
    parse_json,
    text,
)

ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


def test_keccak_is_not_nist_sha3():
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak(b"").hex() == empty


@given(ADDRESSES)
def test_checksum_is_eip_55_and_parses_to_lower_case(lower: str):
    assert checksum(lower) == to_checksum_address(lower)
    assert address(checksum(lower)) == address(lower) == lower


@pytest.mark.parametrize(
    "value",
    [
        "",
        "0x",
        "0x" + "a" * 39,
        "0x" + "a" * 41,
        "0X" + "a" * 40,
        "0x" + "A" * 40,
        "0x" + "a" * 39 + "g",
        "0x" + "a" * 40 + "\n",
        "0x" + "\u0661" * 40,
        to_checksum_address("0x" + "ab" * 20).swapcase().replace("X", "x"),
        0,
        True,
        None,
        ["0x" + "a" * 40],
    ],
)
def test_address_in_another_form_is_refused(value: Json):
    with pytest.raises(ValueMalformed) as refused:
        address(value, "seller")
    assert refused.value.field == "seller"


@pytest.mark.parametrize(
    "value", ["0x" + "A" * 64, "0x" + "a" * 63, "a" * 64, "0x" + "a" * 64 + "\n", 1, None, {}]
)
def test_digest_in_another_form_is_refused(value: Json):
    with pytest.raises(ValueMalformed):
        digest(value)


@pytest.mark.parametrize("value", [True, False, -1, 256, "1", None, 10**4000])
def test_integer_out_of_range_or_of_another_type_is_refused(value: Json):
    with pytest.raises(ValueMalformed) as refused:
        integer(value, "rail", 0, 255)
    assert refused.value.form == "an integer from 0 to 255"
    assert len(refused.value.value) <= LONGEST_QUOTE


def test_integer_takes_both_ends():
    assert (integer(0, "rail", 0, 255), integer(255, "rail", 0, 255)) == (0, 255)


@pytest.mark.parametrize(
    "value",
    ["", "01", "-1", "+1", "1.0", "1e3", " 1", "1\n", "\u0661", "0x1", str(1 << 256), "9" * 100, 1],
)
def test_decimal_in_another_form_is_refused(value: Json):
    with pytest.raises(ValueMalformed):
        decimal(value, "price")


@given(st.integers(0, (1 << 256) - 1))
def test_decimal_takes_every_256_bit_number(number: int):
    assert decimal(str(number), "price") == number


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 41,
        "a\nb",
        "a\x00b",
        "zero\u200bwidth",
        "right\u202eleft",
        "bom\ufeff",
        "soft\u00adhyphen",
        "lone\ud800",
        "\U000e0041tag",
        1,
    ],
)
def test_text_that_a_reader_could_be_deceived_by_is_refused(value: Json):
    with pytest.raises(ValueMalformed) as refused:
        text(value, "title", 40)
    assert refused.value.value.isprintable()


def test_text_takes_its_longest_and_other_scripts():
    assert text("x" * 40, "title", 40)
    assert text("Stunden 時間 🖥", "title", 40)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"nope",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":1e999999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":["\\ud800"]}',
        b'"\\ud800"',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda data: repr(data[:24]),
)
def test_hostile_json_is_refused_in_a_short_sentence(data: bytes):
    with pytest.raises(ValueMalformed) as refused:
        parse_json(data)
    assert len(str(refused.value).encode()) < 500


def test_nesting_is_bounded_whatever_the_interpreter_would_take():
    deepest = b"[" * DEEPEST + b"]" * DEEPEST
    assert canonical(parse_json(deepest)) == deepest
    with pytest.raises(ValueMalformed) as refused:
        parse_json(b"[" + deepest + b"]")
    assert refused.value.form == "JSON nested 64 deep at most"


def test_brackets_in_strings_and_beside_each_other_are_not_nesting():
    told = {"a": "[" * 1_000, 'quoted \\" [': ["]"] * 1_000, "b": [[]] * 1_000}
    assert parse_json(json.dumps(told).encode()) == told


def test_body_of_quotes_is_judged_in_a_moment():
    body = b"[" * (DEEPEST + 1) + b'"' + b'\\"' * 32_000
    begun = process_time()
    with pytest.raises(ValueMalformed):
        parse_json(body)
    # Milliseconds; if each quote were tried to the end, it would be many seconds.
    assert process_time() - begun < 2


@given(JSON)
def test_canonical_json_parses_to_the_same_value(value: Json):
    assert parse_json(canonical(value)) == value
    assert canonical(value) == rfc8785.dumps(value)


def strictly(data: bytes) -> Json:
    """What the standard library alone makes of the bytes, each key once and no float."""

    def once(pairs: list[tuple[str, Json]]) -> Json:
        if len({key for key, _ in pairs}) < len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    def never(literal: str) -> Json:
        raise ValueError(literal)

    hooks: dict[str, Any] = {"object_pairs_hook": once, "parse_float": never}
    parsed: Json = json.loads(data.decode(), parse_constant=never, **hooks)
    json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


@given(JSON, st.lists(st.tuples(st.integers(0), st.sampled_from(b'{}[]:,"\\eE.-+0123 au\xff'))))
def test_quick_reader_and_the_standard_library_s_never_disagree(
    value: Json, changes: list[tuple[int, int]]
):
    data = bytearray(canonical(value))
    for place, byte in changes:
        data[place % len(data)] = byte
    try:
        expected = strictly(bytes(data))
    except ValueError:
        with pytest.raises(ValueMalformed):
            parse_json(bytes(data))
        return
    assert parse_json(bytes(data)) == expected


@pytest.mark.parametrize(
    "data", [b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'[{"":0,"":0}]', b'{"a":1,"\\u0061":1}']
)
def test_key_that_comes_twice_is_refused_even_with_the_same_value(data: bytes):
    with pytest.raises(ValueMalformed, match="each key once"):
        parse_json(data)


UNUSUAL = [
    {"é": 1, "z": 2},
    {"\U00010000": 1, "\uffff": 2},
    {"\u20ac": 1, "\r": 2, "1": 3},
    {"a": 2**53 - 1},
    {"a": -(2**53) + 1},
    [10**15, 10**14, -(10**15)],
    10**15,
    {"a": "x:1234567890123456", "b": [",12.5"]},
    "\x00\x1f\x7f\u2028",
    {"a": True, "b": None, "c": [False]},
]


@pytest.mark.parametrize("value", UNUSUAL)
def test_what_the_quick_way_could_spell_otherwise_is_spelled_as_the_reference_does(value: Json):
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), [1, 2**60], {"a": 10**30}, {1: 2}, {"a": {1}}])
def test_what_has_no_spelling_is_refused_whichever_way_it_took(value: Json):
    with pytest.raises(ValueMalformed):
        canonical(value)


@given(st.binary(max_size=60) | st.text().map(lambda s: json.dumps(s).encode()))
def test_bytes_parse_to_what_can_be_spelled_again_or_are_refused_by_name(data: bytes):
    try:
        parsed = parse_json(data)
        canonical(parsed)
    except ValueMalformed:
        pass


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), "\ud800", {"\ud800": 1}, {"a": "\ud800"}, ["\ud800"]]
)
def test_value_without_a_canonical_spelling_is_refused_by_name(value: Json):
    with pytest.raises(ValueMalformed):
        canonical(value)


@pytest.mark.parametrize("value", [None, 1, "x", [], True])
def test_anything_but_an_object_is_no_mapping(value: Json):
    with pytest.raises(ValueMalformed) as refused:
        mapping(value, "message")
    assert refused.value.form == "a JSON object"
