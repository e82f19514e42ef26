"""Typed structs: strict JSON, exact ranges, and hashes as eth-account computes them."""

from dataclasses import dataclass
from typing import Any

import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st
from market import DOMAIN, invite, listing, proposed, subject, talk, terms

from marketplace.core.consent import Bulk, Settlement, Voucher
from marketplace.core.eip712 import Domain, Typed, exactly, typed_data
from marketplace.core.errors import FieldsDiffer, ValueMalformed
from marketplace.core.listing import Listing
from marketplace.core.terms import Credits, Terms
from marketplace.core.values import Bytes32, keccak
from marketplace.core.words import Invitation, Rejection, Upload, Withdrawal

STRUCTS: list[type[Typed]] = [
    Terms,
    Credits,
    Voucher,
    Settlement,
    Bulk,
    Listing,
    Invitation,
    Rejection,
    Withdrawal,
    Upload,
]


def some(kind: str) -> st.SearchStrategy[str | int]:
    """Any value of a Solidity type, its ends more often than others."""
    if kind == "bool":
        return st.booleans()
    if kind.startswith("uint"):
        highest = (1 << int(kind.removeprefix("uint"))) - 1
        return st.sampled_from([0, 1, highest]) | st.integers(0, highest)
    size = 20 if kind == "address" else 32
    return st.binary(min_size=size, max_size=size).map(lambda raw: "0x" + raw.hex())


ANY_STRUCT = st.sampled_from(STRUCTS).flatmap(
    lambda cls: st.builds(cls, **{field.name: some(field.type) for field in cls.FIELDS})
)
ANY_DOMAIN = st.builds(
    Domain, st.integers(1, (1 << 256) - 1), some("address"), st.text("ab", min_size=1)
)


@given(struct=ANY_STRUCT, domain=ANY_DOMAIN)
def test_digest_of_every_struct_equals_eth_account_s(struct: Typed, domain: Domain):
    foreign = encode_typed_data(full_message=typed_data(struct, domain))
    assert foreign.body == struct.struct_hash()
    assert foreign.header == domain.separator
    assert struct.digest(domain) == "0x" + keccak(b"\x19\x01" + foreign.header + foreign.body).hex()


@given(ANY_STRUCT)
def test_message_parses_back_to_the_same_struct(struct: Typed):
    assert type(struct).from_message(struct.to_message()) == struct


NUMERALS = ["", "0", "01", "-1", "1 0", "\N{ARABIC-INDIC DIGIT ONE}"]
NUMERALS += [str(1 << bits) for bits in (104, 255, 256)]
HEX = ["0x", "0x" + "Ab" * 20, "0x" + "ab" * 20, "0x" + "ab" * 32, "0x" + "ab" * 20 + "\n"]
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
ODD = st.sampled_from(
    [None, True, False, 0, 1, -1, 1 << 300, 1.5, [], {}, CHECKSUMMED, *NUMERALS, *HEX]
)


@given(struct=ANY_STRUCT, data=st.data())
def test_one_look_at_all_fields_and_a_look_at_each_never_disagree(
    struct: Typed, data: st.DataObject
):
    given = struct.to_message()
    for wire in data.draw(st.lists(st.sampled_from(sorted(given)), max_size=2)):
        given[wire] = data.draw(ODD)
    match data.draw(st.sampled_from(["as it is", "one more", "one less"])):
        case "one more":
            given["other"] = data.draw(ODD)
        case "one less":
            del given[data.draw(st.sampled_from(sorted(given)))]
    quick = struct.LAYOUT.usual(given)
    try:
        exactly(given, {field.wire for field in struct.FIELDS})
        slow = [field.parse(given[field.wire], field.wire) for field in struct.FIELDS]
    except (FieldsDiffer, ValueMalformed):
        assert quick is None
        return
    # The rarer spellings are left to the second look, and mean the same.
    assert quick is None or (quick == slow and [*map(type, quick)] == [*map(type, slow)])
    if given == struct.to_message():
        assert quick == slow


@dataclass(frozen=True, slots=True)
class Alone(Typed):
    """A struct of one member."""

    one: Bytes32


def test_struct_of_one_member_is_read_and_hashed_as_any_other():
    alone = Alone("0x" + "ab" * 32)
    assert Alone.from_message(alone.to_message()) == alone
    assert alone.struct_hash() == encode_typed_data(full_message=typed_data(alone, DOMAIN)).body


@pytest.mark.parametrize("cls", STRUCTS)
def test_every_single_field_is_in_the_digest(cls: type[Typed]):
    # Two values a field that differ from each other and from every other field's.
    def build(spoiled: str | None) -> str:
        values: dict[str, Any] = {}
        for number, field in enumerate(cls.FIELDS, start=1):
            if field.type == "bool":
                values[field.name] = field.name == spoiled
                continue
            value = number + 100 * (field.name == spoiled)
            size = {"address": 40, "bytes32": 64}.get(field.type)
            values[field.name] = f"0x{value:0{size}x}" if size else value
        return cls(**values).digest(DOMAIN)

    digests = {build(None), *(build(field.name) for field in cls.FIELDS)}
    assert len(digests) == len(cls.FIELDS) + 1


BAD: dict[str, list[Any]] = {
    "uint8": [-1, 256, "1", True, None, 1.0],
    "uint16": [-1, 1 << 16, "1", False],
    "uint32": [-1, 1 << 32, "1", []],
    "uint40": [-1, 1 << 40, "1", {}],
    "bool": [0, 1, "true", None],
    "uint104": [1, "-1", str(1 << 104), "01", "", None],
    "uint128": [1, "-1", str(1 << 128), "01", "", None],
    "uint256": [0, str(1 << 256), "1.0", " 1", True],
    "address": ["0x" + "AA" * 20, "0x", 0, None],
    "bytes32": ["0x" + "AA" * 32, "0x", 0, None],
}


@pytest.mark.parametrize("cls", STRUCTS)
def test_every_field_refuses_every_other_form_by_its_name(cls: type[Typed]):
    good = {"address": "0x" + "ab" * 20, "bytes32": "0x" + "ab" * 32, "bool": True}
    good |= dict.fromkeys(("uint104", "uint128", "uint256"), "1")
    plain = {field.wire: good.get(field.type, 1) for field in cls.FIELDS}
    cls.from_message(plain)
    for field in cls.FIELDS:
        for value in BAD[field.type]:
            with pytest.raises(ValueMalformed) as refused:
                cls.from_message({**plain, field.wire: value})
            assert refused.value.field == field.wire


def test_checksummed_address_parses_but_no_struct_holds_one():
    mixed = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    on = talk()
    message = terms(on, subject(on)).to_message()
    parsed = Terms.from_message({**message, "token": mixed})
    assert parsed.token == mixed.lower()
    with pytest.raises(ValueMalformed) as refused:
        terms(on, subject(on), token=mixed)
    assert refused.value.form == "a lower-case address"


def test_missing_and_unknown_fields_are_both_named():
    on = talk()
    message = terms(on, subject(on)).to_message()
    del message["price"]
    with pytest.raises(FieldsDiffer) as refused:
        Terms.from_message({**message, "prices": "1"})
    assert refused.value.values == {"unknown": "prices", "missing": "price"}


def test_hundred_thousand_unknown_fields_are_named_in_a_short_sentence():
    with pytest.raises(FieldsDiffer) as refused:
        exactly({f"key {n}": n for n in range(100_000)}, {"price"})
    assert len(refused.value.unknown) == 200


def test_range_is_checked_when_a_struct_is_made():
    on = proposed()
    with pytest.raises(ValueMalformed):
        terms(on, subject(on), price=1 << 104)
    with pytest.raises(ValueMalformed):
        invite(listing(), max_rounds=-1)
