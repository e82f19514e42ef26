"""Decisions: what was recorded is read as it was, and asked again it has the same answer."""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import ARBITER, BUYER, DOMAIN, NOW, SELLER, STRANGER, TOKEN, subject, talk, terms, word

from marketplace.core.capacity import Capacity
from marketplace.core.decision import MEMBERS, YES, Answer, Decision, Question, reevaluate
from marketplace.core.errors import DigestMismatch, MalformedValue, Unservable, ValueMalformed
from marketplace.core.guardrails import Commitment, Exposure, Limits, Proposal
from marketplace.core.outcome import Subject
from marketplace.core.terms import Rail, Terms
from marketplace.core.values import ZERO_DIGEST, Json, checksum

ON = talk()
ABOUT = subject(ON)  # 10 units at 100
TERMS = terms(ON, ABOUT)
LIMITS = Limits(TOKEN, 5_000, highest_unit_price=100, lowest_unit_price=100, most_quantity=10)
VECTORS = Path(__file__).parents[1] / "vectors" / "decisions.json"


def question(**changes: Any) -> Question:  # noqa: ANN401 any member
    about: Subject = changes.pop("about", ABOUT)
    signed: Terms = changes.pop("terms", TERMS)
    plain = Question(
        limits=LIMITS,
        exposure=Exposure(),
        signer=BUYER.address,
        negotiation=ON.id,
        domain=DOMAIN,
        proposal=Proposal(signed.digest(DOMAIN), signed, about),
        now=NOW,
    )
    return replace(plain, **changes)


def decided(asked: Question, previous: str = ZERO_DIGEST) -> Decision:
    return Decision(asked, asked.answer(), previous, word("salt of the decision"))


def reread(told: dict[str, Json]) -> Decision:
    return Decision.from_json(json.loads(json.dumps(told)))


def sealed(told: dict[str, Json]) -> dict[str, Json]:
    """The record with its own digests made anew, as who changes it would."""
    policy = "0x" + sha256(plain(told["policy"])).hexdigest()
    rest = {**told, "policy_digest": policy}
    del rest["digest"]
    return {**rest, "digest": "0x" + sha256(plain(rest)).hexdigest()}


def plain(told: Json) -> bytes:
    """Canonical JSON as the standard library makes it, of names and texts in ASCII."""
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# ------------------------------------------------------------------ any record

AMOUNTS = st.sampled_from([0, 1, 99, 100, 101, 999, 1_000, 5_000, (1 << 256) - 1])
PARTIES = st.sampled_from([BUYER.address, SELLER.address, STRANGER.address, ARBITER.address])
SPANS = st.sampled_from([0, 1_799, 1_800, 7_200, 10**9])
LIMIT_SETS = st.builds(
    Limits,
    st.sampled_from([TOKEN, "0x" + "11" * 20]),
    AMOUNTS,
    AMOUNTS,
    AMOUNTS,
    st.sampled_from([0, 9, 10, 1_000]),
    SPANS,
    SPANS,
    st.integers(0, 3),
    st.lists(st.sampled_from([*Rail, 9]), max_size=4).map(tuple),
    st.lists(PARTIES, max_size=3).map(tuple),
)
DEALS = st.sampled_from([word("one"), word("two"), word("three")])
COMMITMENTS = st.builds(
    Commitment, AMOUNTS, st.integers(0, NOW), AMOUNTS, st.lists(DEALS, max_size=3).map(tuple)
)
EXPOSURES = st.dictionaries(st.integers(0, 12), COMMITMENTS, max_size=3).map(Exposure)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Good terms and bad ones, and subjects that are not theirs."""
    outcome = {
        "unit_price": draw(st.integers(98, 102)),
        "quantity": draw(st.integers(8, 11)),
    }
    about = subject(ON, **outcome)
    signed = terms(
        ON,
        about,
        rail=draw(st.sampled_from([0, 0, 2, 1, 9])),
        arbiter=draw(st.sampled_from(["0x" + "00" * 20, ARBITER.address])),
        voucher_signer=draw(st.sampled_from(["0x" + "00" * 20, STRANGER.address])),
        buyer_nonce=draw(st.integers(0, 12)),
        open_by=NOW + draw(st.sampled_from([1, 1_800, 1_801])),
    )
    spoiled = draw(st.sampled_from([{}, {}, {"price": signed.price + 1}]))
    told = draw(st.sampled_from([about, about, replace(about, salt=word("another"))]))
    return question(
        limits=draw(LIMIT_SETS),
        exposure=draw(EXPOSURES),
        signer=draw(PARTIES),
        about=told,
        terms=replace(signed, **spoiled),
        now=draw(st.sampled_from([NOW, NOW + 5_000])),
    )


@given(questions())
def test_a_record_is_read_as_it_was_and_asked_again_has_the_same_answer(asked: Question):
    made = decided(asked)
    again = reread(made.to_json())
    assert again == made
    assert again.digest == made.digest
    assert reevaluate(again) is None
    assert Decision.from_json(json.loads(json.dumps(made.brief())), asked.exposure) == made


@given(questions(), st.data())
def test_another_answer_than_the_question_s_is_found(asked: Question, data: st.DataObject):
    made = decided(asked)
    others = [YES, Answer("LimitExceeded", {"limit": "most_quantity", "value": "11"})]
    others += [Answer(made.answer.rule, {**made.answer.values, "more": "1"})]
    others += [Answer("RailForbidden", made.answer.values)]
    wrong = data.draw(st.sampled_from([one for one in others if one != made.answer and one.rule]))
    assert reevaluate(replace(made, answer=wrong)) is not None
    if made.answer != YES:
        assert "by its own policy deny" in str(reevaluate(replace(made, answer=YES)))


def leaves(told: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where each value of a record stands."""
    inner = told.items() if isinstance(told, dict) else enumerate(told)  # type: ignore[arg-type]
    for key, value in inner:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def flipped(value: Json) -> list[Json]:
    """Other values of its kind, and of others."""
    match value:
        case str() if value.startswith("0x"):
            last = "0" if value[-1] != "0" else "1"
            return [value[:-1] + last, value.upper(), value + "0", ""]
        case str() if value.isdecimal():
            return [str(int(value) + 1), "0" + value, "-" + value, int(value)]
        case str():
            return [value + "x", "", None]
        case int():
            return [value + 1, -1, str(value), True]
        case _:
            return ["LimitExceeded", 0, {"a": "b"}, ["0x"]]


JUDGED = question(
    limits=replace(LIMITS, trusted=(ARBITER.address,), most_exposure=500),
    exposure=Exposure({7: Commitment(40, NOW, 0, (word("one"),))}),
)
PATHS = sorted(leaves(decided(JUDGED).to_json()), key=str)


@pytest.mark.parametrize("asked", [question(), JUDGED], ids=["allowed", "denied"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_no_value_of_a_record_can_be_changed_unseen(path: tuple[Any, ...], asked: Question):
    made = decided(asked)
    told = made.to_json()
    *outer, name = path
    try:
        value: Any = told
        for key in path:
            value = value[key]
    except (LookupError, TypeError):
        return  # only the other of the two has it
    for other in flipped(value):
        spoiled = json.loads(json.dumps(told))
        inside = spoiled
        for key in outer:
            inside = inside[key]
        inside[name] = other
        with pytest.raises(MalformedValue):
            Decision.from_json(spoiled)
        if path in {("digest",), ("policy_digest",)}:
            continue  # sealed anew it would be what it was
        try:
            again = Decision.from_json(sealed(spoiled))
        except MalformedValue:
            continue
        # It has become another record: it is not the one that was published by its digest.
        assert again.digest != made.digest


# ------------------------------------------------------------------ its form


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_too_few_or_too_many_is_refused(name: str):
    told = decided(question()).to_json()
    less = {key: value for key, value in told.items() if key != name}
    for spoiled in (less, {**told, name + "_": 1}):
        with pytest.raises(MalformedValue):
            Decision.from_json(spoiled)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"verdict": "deny"},
        {"rule": "LimitExceeded"},
        {"values": {"limit": "x"}},
        {"verdict": "deny", "rule": "", "values": {}},
        {"verdict": "maybe"},
        {"values": {"limit": 1}},
        {"values": []},
        {"format": "parley.decision.2"},
        {"exposure": {"01": {"amount": "1", "open_by": 1, "epoch": "0", "deals": []}}},
        {"exposure": {"1": {"amount": "1", "open_by": 1 << 40, "epoch": "0", "deals": []}}},
        {"exposure": {"1": {"amount": "1", "open_by": 1, "epoch": "0", "deals": "0x"}}},
        {"subject": {**ABOUT.to_json(), "outcome": {"unit_price": "100"}}},
        {"now": True},
    ],
)
def test_a_record_that_was_sealed_anew_is_still_held_to_its_form(spoiled: dict[str, Json]):
    with pytest.raises(MalformedValue):
        Decision.from_json(sealed({**decided(question()).to_json(), **spoiled}))


def test_the_deal_is_the_digest_of_the_terms():
    told = decided(question()).to_json()
    with pytest.raises(DigestMismatch):
        Decision.from_json(sealed({**told, "deal": word("another")}))


@pytest.mark.parametrize(
    "path",
    [
        ("signer",),
        ("terms", "buyer"),
        ("policy", "trusted", 0),
        ("domain", "verifyingContract"),
    ],
)
def test_an_address_in_another_case_is_another_spelling(path: tuple[Any, ...]):
    # Its digest would be the same: who compares records as texts would take them for two.
    told = json.loads(json.dumps(decided(JUDGED).to_json()))
    *outer, name = path
    inside: Any = told
    for key in outer:
        inside = inside[key]
    assert checksum(inside[name]) != inside[name]
    inside[name] = checksum(inside[name])
    with pytest.raises(ValueMalformed):
        Decision.from_json(told)


@pytest.mark.parametrize("given", [None, [], "x", 7, {}, [["decided"]]])
def test_what_is_no_record_is_refused(given: Json):
    with pytest.raises(MalformedValue):
        Decision.from_json(given)


def test_the_same_decision_under_another_salt_has_another_digest():
    # A digest that was published can be found by trying only by who has the salt.
    made = decided(question())
    assert replace(made, salt=word("another")).digest != made.digest


@pytest.mark.parametrize(
    "wrong",
    [
        {"most_exposure": -1},
        {"longest_open": 1 << 256},
        {"token": "0x" + "AB" * 20},
        {"trusted": (ARBITER.address.upper(),)},
        {"rails": (256,)},
        {"most_quantity": True},
    ],
)
def test_limits_that_no_record_could_say_are_no_limits(wrong: dict[str, Any]):
    with pytest.raises(ValueMalformed):
        replace(LIMITS, **wrong)


def test_a_policy_s_name_changes_with_each_of_its_limits():
    names = {LIMITS.digest}
    for limit in ("most_exposure", "longest_lock", "confirmations", "lowest_unit_price"):
        names.add(replace(LIMITS, **{limit: 7}).digest)
    names |= {replace(LIMITS, rails=(0,)).digest, replace(LIMITS, trusted=(TOKEN,)).digest}
    assert len(names) == 7


# ------------------------------------------------------------------ units


def refused(units: int, available: int) -> Answer:
    return Answer.of(Unservable(units, available))


def test_a_refusal_of_the_capacity_is_judged_as_far_as_the_record_goes():
    with pytest.raises(Unservable) as by_capacity:
        Capacity(9).holding(9, 10)
    asked = question(signer=SELLER.address)
    made = replace(decided(asked), answer=Answer.of(by_capacity.value))
    assert made.answer == refused(10, 9)
    assert reevaluate(reread(made.to_json())) is None
    for wrong in (refused(10, 10), refused(11, 9), Answer("Unservable", {"units": "10"})):
        assert reevaluate(replace(made, answer=wrong)) is not None
    # A buyer counts no units, and what the limits refuse the capacity was not asked.
    assert reevaluate(replace(made, question=question())) is not None
    forbidding = replace(asked, limits=replace(LIMITS, most_exposure=0))
    assert reevaluate(replace(made, question=forbidding)) is not None


@pytest.mark.parametrize("available", ["-1", "x", "09"])
def test_what_was_available_is_a_number(available: str):
    answer = Answer("Unservable", {"units": "10", "available": available})
    made = replace(decided(question(signer=SELLER.address)), answer=answer)
    assert reevaluate(made) is not None


# ------------------------------------------------------------------ golden


def test_the_golden_records_are_read_and_judged_as_on_the_day_they_were_made():
    golden = json.loads(VECTORS.read_text())
    for told in golden:
        assert Decision.from_json(told).to_json() == told
        # Hashed a second way, from the published bytes alone.
        assert sealed(told) == told
        assert reevaluate(Decision.from_json(told)) is None
    assert [told["verdict"] for told in golden] == ["allow", "deny"]
