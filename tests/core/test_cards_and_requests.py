"""Cards and requests: content parses strictly, and the header is bound to it."""

from typing import Any

import pytest
from market import NOW, card, card_content, demand, request, word

from marketplace.core.card import (
    LATEST,
    MOST_CAPABILITIES,
    MOST_KEYS,
    Card,
    CardContent,
    Key,
    check_card,
)
from marketplace.core.errors import CardRefused, DigestMismatch, ParleyError, RequestRefused
from marketplace.core.message import parse_message
from marketplace.core.request import (
    LONGEST_VALUE,
    MOST_PREDICATES,
    Comparison,
    Demand,
    Predicate,
    Request,
    check_demand,
)
from marketplace.core.values import Json

KEY: dict[str, Json] = {"use": "encryption", "key": word("a key"), "expires_at": NOW}
PREDICATE: dict[str, Json] = {"name": "region", "comparison": "=", "value": "north"}


def test_content_survives_its_json_with_the_same_digest():
    for what in (card_content(), card_content(endpoint="", capabilities=(), keys=())):
        assert CardContent.from_json(what.to_json()) == what
        assert CardContent.from_json(what.to_json()).digest == what.digest
    for asked in (demand(), demand(where=())):
        assert Demand.from_json(asked.to_json()) == asked
        assert Demand.from_json(asked.to_json()).digest == asked.digest


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"name": "right\u202eleft"},
        {"endpoint": None},
        {"endpoint": "ftp://hours.example"},
        {"endpoint": "javascript:alert(1)"},
        {"endpoint": "https://" + "x" * 400},
        {"capabilities": "compute"},
        {"capabilities": [""]},
        {"capabilities": ["x" * 61]},
        {"capabilities": [str(n) for n in range(MOST_CAPABILITIES + 1)]},
        {"keys": {}},
        {"keys": [KEY] * (MOST_KEYS + 1)},
        {"keys": [{**KEY, "use": "signing"}]},
        {"keys": [{**KEY, "key": "0x"}]},
        {"keys": [{**KEY, "expires_at": -1}]},
        {"keys": [{**KEY, "expires_at": LATEST + 1}]},
        {"keys": [{**KEY, "more": 1}]},
        {"more": 1},
    ],
)
def test_card_in_another_form_is_refused(change: dict[str, Any]):
    with pytest.raises(ParleyError) as refused:
        CardContent.from_json({**card_content().to_json(), **change})
    assert len(str(refused.value)) < 700


def test_card_takes_as_much_as_it_says():
    full = card_content(
        capabilities=tuple(str(n) for n in range(MOST_CAPABILITIES)),
        keys=tuple(Key("encryption", word(str(n)), LATEST) for n in range(MOST_KEYS)),
    )
    assert CardContent.from_json(full.to_json()) == full
    with pytest.raises(CardRefused) as refused:
        card_content(keys=(*full.keys, full.keys[0]))
    assert refused.value.values == {"field": "keys", "value": "9", "rule": "at most 8"}


def test_key_to_use_is_the_one_that_lasts_longest_and_none_from_its_end_on():
    short, long = (Key("encryption", word(str(n)), NOW + n) for n in (1, 2))
    what = card_content(keys=(short, long))
    assert what.key_for("encryption", NOW) == long
    assert what.key_for("encryption", NOW + 1) == long
    assert what.key_for("encryption", NOW + 2) is None
    assert what.key_for("signing", NOW) is None


@pytest.mark.parametrize(
    "change",
    [
        {"kind": ""},
        {"title": "x" * 121},
        {"quantity": 1},
        {"quantity": "-1"},
        {"quantity": "01"},
        {"quantity": str(1 << 96)},
        {"highest_unit_price": str(1 << 96)},
        {"where": None},
        {"where": {}},
        {"where": [PREDICATE] * (MOST_PREDICATES + 1)},
        {"where": [{**PREDICATE, "comparison": "~"}]},
        {"where": [{**PREDICATE, "comparison": ""}]},
        {"where": [{**PREDICATE, "name": "x" * 41}]},
        {"where": [{**PREDICATE, "value": "x" * (LONGEST_VALUE + 1)}]},
        {"where": [{**PREDICATE, "more": 1}]},
        {"more": 1},
    ],
)
def test_demand_in_another_form_is_refused(change: dict[str, Any]):
    with pytest.raises(ParleyError) as refused:
        Demand.from_json({**demand().to_json(), **change})
    assert len(str(refused.value)) < 700


def test_demand_takes_as_many_conditions_as_it_says_and_every_comparison():
    many = tuple(
        Predicate(str(n), list(Comparison)[n % len(Comparison)], "x" * LONGEST_VALUE)
        for n in range(MOST_PREDICATES)
    )
    full = demand(where=many, quantity=(1 << 96) - 1)
    assert Demand.from_json(full.to_json()) == full
    with pytest.raises(RequestRefused) as refused:
        demand(where=(*many, many[0]))
    assert refused.value.values == {"field": "where", "value": "17", "rule": "at most 16"}


def test_each_header_is_bound_to_its_content():
    header, asked = card().body, request().body
    assert isinstance(header, Card)
    assert isinstance(asked, Request)
    check_card(header, card_content())
    check_demand(asked, demand())
    with pytest.raises(DigestMismatch) as refused:
        check_card(header, card_content(name="Somebody else"))
    assert refused.value.stated == card_content().digest
    with pytest.raises(DigestMismatch) as refused:
        check_demand(asked, demand(quantity=11))
    assert refused.value.stated == demand().digest


@pytest.mark.parametrize(
    ("message", "other"),
    [
        (card(), card_content(endpoint="").to_json()),
        (request(), demand(title="Another").to_json()),
    ],
    ids=["card", "request"],
)
def test_envelope_carries_the_content_that_was_signed(message, other: Json):
    with pytest.raises(DigestMismatch):
        parse_message({**message.to_json(), "detail": other}, message.domain)
