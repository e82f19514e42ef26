"""Listings: content parses strictly, and the header is bound to it."""

from dataclasses import fields, replace
from typing import Any

import pytest
from market import TOKEN, content, listing

from marketplace.core.errors import DigestMismatch, FieldsDiffer, ListingRefused, ParleyError
from marketplace.core.listing import (
    MOST_ATTRIBUTES,
    Content,
    Listing,
    Settlement,
    check_content,
)

SETTLEMENT = content().settlement.to_json()


def test_content_survives_its_json_with_the_same_digest():
    what = content()
    assert Content.from_json(what.to_json()) == what
    assert Content.from_json(what.to_json()).digest == what.digest


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ""},
        {"kind": "x" * 41},
        {"title": "x" * 121},
        {"title": "right\u202eleft"},
        {"unit": None},
        {"issues": "unit_price"},
        {"issues": []},
        {"issues": [[]]},
        {"attributes": []},
        {"attributes": {"": "x"}},
        {"attributes": {"zero\u200bwidth": "x"}},
        {"attributes": {"x" * 41: "x"}},
        {"attributes": {"a": 1}},
        {"attributes": {"a": "x" * 8_001}},
        {"attributes": {str(n): "x" for n in range(MOST_ATTRIBUTES + 1)}},
        {"settlement": {}},
        {"settlement": {**SETTLEMENT, "token": "0x"}},
        {"settlement": {**SETTLEMENT, "bond_bps": 100_001}},
        {"settlement": {**SETTLEMENT, "fee_bps": 10_001}},
        {"settlement": {**SETTLEMENT, "fee_bps": True}},
        {"settlement": {**SETTLEMENT, "review_window": 1 << 32}},
        {"settlement": {**SETTLEMENT, "notice_window": 1 << 32}},
        {"settlement": {**SETTLEMENT, "arbitration_window": -1}},
        {"settlement": {**SETTLEMENT, "rail": 4}},
        {"settlement": {**SETTLEMENT, "rail": "0"}},
        {"settlement": {**SETTLEMENT, "arbiter": "0x"}},
        {"settlement": {**SETTLEMENT, "arbiter_fee": 1}},
        {"settlement": {**SETTLEMENT, "arbiter_fee": str(1 << 104)}},
        {"settlement": {**SETTLEMENT, "default_seller_bps": 10_001}},
        {"settlement": {k: v for k, v in SETTLEMENT.items() if k != "arbiter"}},
        {"capacity": 1},
        {"capacity": "-1"},
        {"capacity": str(1 << 96)},
        {"heartbeat": "60"},
        {"heartbeat": -1},
        {"heartbeat": 1 << 32},
        {"more": 1},
    ],
)
def test_content_in_another_form_is_refused(change: dict[str, Any]):
    with pytest.raises(ParleyError) as refused:
        Content.from_json({**content().to_json(), **change})
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("member", ["capacity", "heartbeat"])
def test_content_without_a_member_is_refused(member: str):
    told = {key: value for key, value in content().to_json().items() if key != member}
    with pytest.raises(FieldsDiffer) as refused:
        Content.from_json(told)
    assert refused.value.missing == member


def test_capacity_and_heartbeat_are_in_the_digest():
    said = [content(), content(capacity=0), content(capacity=1), content(heartbeat=60)]
    assert len({what.digest for what in said}) == 4
    assert all(Content.from_json(what.to_json()) == what for what in said)


def test_content_takes_as_many_attributes_as_it_says():
    many = {str(n): "x" for n in range(MOST_ATTRIBUTES)}
    assert content(attributes=many).attributes == many
    with pytest.raises(ListingRefused) as refused:
        content(attributes={**many, "one more": "x"})
    assert refused.value.values == {"field": "attributes", "value": "33", "rule": "at most 32"}


def test_every_rule_of_settlement_is_in_the_digest():
    plain = content().settlement
    changed = {
        rule.name: 7 if isinstance(getattr(plain, rule.name), int) else "0x" + "77" * 20
        for rule in fields(plain)
        if rule.name != "rail"
    }
    spoiled = [replace(plain, **{name: value}) for name, value in {**changed, "rail": 2}.items()]
    digests = {content(settlement=rules).digest for rules in (plain, *spoiled)}
    assert len(digests) == len(fields(plain)) + 1
    full = content(settlement=replace(plain, **changed, rail=2))
    assert Content.from_json(full.to_json()) == full


def test_header_is_bound_to_its_content():
    header = listing().body
    assert isinstance(header, Listing)
    check_content(header, content())
    with pytest.raises(DigestMismatch) as refused:
        check_content(header, content(unit="day"))
    assert refused.value.stated == content().digest


@pytest.mark.parametrize(
    ("price", "bps", "bond"), [(0, 500, 0), (19, 500, 0), (20, 500, 1), (7, 10_000, 7), (7, 0, 0)]
)
def test_bond_is_a_share_of_the_price_rounded_down(price: int, bps: int, bond: int):
    assert replace(Settlement(TOKEN), bond_bps=bps).bond(price) == bond


def test_bond_covers_what_a_lost_dispute_costs_at_any_price():
    rules = Settlement(TOKEN, bond_bps=500, arbiter_fee=31)
    assert [rules.bond(price) for price in (1, 620, 640)] == [31, 31, 32]
