"""Confidential offers: two views of one history, which agree on all that both can see."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    Party,
    accept,
    closed,
    escalate,
    invite,
    listing,
    offer,
    proposed,
    reject,
    subject,
    talk,
    terms,
    withdraw,
    word,
)

from marketplace.core.confidential import LONGEST_BOX, Sealed
from marketplace.core.errors import ParleyError, SealedDiffers
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import Negotiation, State, advance
from marketplace.core.outcome import Subject
from marketplace.core.terms import Terms
from marketplace.core.values import Json, canonical, checksum, parse_json
from marketplace.core.words import Kind

OFFER = offer(talk(), SELLER)


def refusal(on: Negotiation, message: Message, at: int = NOW) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        advance(on, message, at)
    return refused.value


def inside(message: Message) -> tuple[Terms, Subject]:
    assert isinstance(message.body, Terms)
    assert isinstance(message.detail, Subject)
    return message.body, message.detail


def hidden(on: Negotiation | None = None) -> Negotiation:
    """After the seller's first offer, where one cannot look inside."""
    begun = on or talk()
    return advance(begun, closed(offer(begun, SELLER)), NOW)


# ------------------------------------------------------------------ the envelope


def test_closed_offer_travels_and_its_parties_open_it_to_the_very_offer():
    shut = closed(OFFER)
    again = parse_message(parse_json(canonical(shut.to_json())), DOMAIN)
    assert again == shut
    assert again.key == OFFER.key
    assert again.opened(*inside(OFFER)) == OFFER


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"previous": word("another")}, ("previous", word("another"), OFFER.body.previous)),
        ({"open_by": NOW + 1801}, ("open_by", str(NOW + 1801), str(NOW + 1800))),
    ],
)
def test_offer_that_says_one_thing_outside_and_another_inside_is_not_opened(
    change: dict[str, Any], told: tuple[str, str, str]
):
    shut = closed(OFFER)
    assert shut.sealed is not None
    spoiled = replace(shut, sealed=replace(shut.sealed, **change))
    # Nothing of the outside is signed: whoever cannot look inside takes it for what it says.
    assert parse_message(spoiled.to_json(), DOMAIN) == spoiled
    with pytest.raises(SealedDiffers) as refused:
        spoiled.opened(*inside(OFFER))
    assert tuple(refused.value.values.values()) == told


def test_box_with_other_terms_or_another_subject_than_were_signed_is_not_opened():
    shut = closed(OFFER)
    signed, about = inside(OFFER)
    other = replace(about, salt=word("another salt"))
    for spoiled in (
        (replace(signed, price=signed.price + 1), about),
        (signed, other),
        (replace(signed, subject=other.digest), other),
    ):
        with pytest.raises(ParleyError) as refused:
            shut.opened(*spoiled)
        assert refused.value.code == "DigestMismatch"


@pytest.mark.parametrize(
    "boxes",
    [
        {},
        {BUYER.address: "Ym94", SELLER.address: "Ym94", "0x" + "11" * 20: "Ym94"},
        {"nobody": "Ym94"},
        {BUYER.address: ""},
        {BUYER.address: "Ym94="},
        {BUYER.address: "a b"},
        {BUYER.address: 1},
        {BUYER.address: "a" * (LONGEST_BOX + 1)},
        # One party under two spellings of its address.
        {BUYER.address: "Ym94", checksum(BUYER.address): "Ym95"},
        [],
    ],
)
def test_boxes_in_another_form_are_refused(boxes: Json):
    good = closed(OFFER).to_json()["sealed"]
    with pytest.raises(ParleyError) as refused:
        Sealed.from_json({**good, "boxes": boxes})
    assert refused.value.code == "ValueMalformed"
    assert Sealed.from_json({**good, "boxes": {BUYER.address: "a" * LONGEST_BOX}})


@pytest.mark.parametrize("change", [{"open_by": 1 << 40}, {"previous": "0x"}, {"more": 1}])
def test_outside_in_another_form_is_refused(change: dict[str, Json]):
    with pytest.raises(ParleyError):
        Sealed.from_json({**closed(OFFER).to_json()["sealed"], **change})


def test_envelope_is_closed_or_open_and_only_an_offer_s_can_be_closed():
    shut = closed(OFFER).to_json()
    both = {**OFFER.to_json(), "sealed": shut["sealed"]}
    for envelope in (both, {**invite(listing()).to_json(), "sealed": shut["sealed"]}):
        with pytest.raises(ParleyError) as refused:
            parse_message(envelope, DOMAIN)
        assert refused.value.code == "FieldsDiffer"


def test_closed_offer_is_signed_like_an_open_one():
    stolen = {**closed(OFFER).to_json(), "signer": BUYER.address}
    with pytest.raises(ParleyError) as refused:
        parse_message(stolen, DOMAIN)
    assert refused.value.code == "WrongSigner"


# ------------------------------------------------------------------ the rules


def test_negotiation_is_confidential_as_a_whole_or_not_at_all():
    open_talk, shut_talk = proposed(), hidden()
    bid = offer(open_talk, BUYER, subject(open_talk, unit_price=50))
    told = refusal(open_talk, closed(bid))
    assert (told.code, told.values) == ("RuleMixed", {"offer": "sealed", "before": "open"})
    told = refusal(shut_talk, bid)
    assert (told.code, told.values) == ("RuleMixed", {"offer": "open", "before": "sealed"})
    assert advance(shut_talk, closed(bid), NOW).state is State.COUNTER
    assert advance(open_talk, bid, NOW).state is State.COUNTER


def test_turn_chain_rounds_and_deadline_bind_who_cannot_look_inside():
    on = hidden(talk(max_rounds=2))
    bid = closed(offer(on, BUYER, subject(on, unit_price=50)))
    assert refusal(on, closed(offer(on, SELLER))).code == "WrongTurn"
    stale = closed(offer(replace(on, head=word("another")), BUYER))
    assert refusal(on, stale).code == "WrongPrevious"
    assert refusal(on, bid, on.invitation.deadline).code == "DeadlinePassed"
    last = advance(on, bid, NOW)
    assert refusal(last, closed(offer(last, SELLER))).values == {"rounds": 2, "maximum": 2}


def test_closed_offer_expires_to_the_second_when_made_and_when_accepted():
    on = talk()
    shut = closed(offer(on, SELLER, open_by=NOW + 60))
    assert refusal(on, shut, NOW + 60).values == {"open_by": NOW + 60, "block_time": NOW + 60}
    standing = advance(on, shut, NOW + 59)
    late = refusal(standing, accept(standing, BUYER), NOW + 60)
    assert late.values == {"open_by": NOW + 60, "block_time": NOW + 60}
    assert advance(standing, accept(standing, BUYER), NOW + 59).state is State.ACCEPTED


def test_confidential_agreement_is_a_digest_that_both_signed_and_nothing_more():
    on = hidden()
    after = advance(on, accept(on, BUYER), NOW)
    assert (after.agreed, after.agreement, after.offers) == (OFFER.digest, None, ())
    assert on.agreed is None


def test_what_only_the_parties_can_judge_is_judged_where_one_sees_inside():
    on = talk()
    dear = offer(on, SELLER, subject(on, unit_price=1001))
    assert refusal(on, dear).code == "OutcomeOutsideSpace"
    assert advance(on, closed(dear), NOW).state is State.PROPOSED


# ------------------------------------------------------------------ two views of one history

TURNS = {SELLER.address: SELLER, BUYER.address: BUYER}
SAID = st.sampled_from(["offer"] * 8 + ["escalate", "escalate", "accept", "reject", "withdraw"])
STEPS = st.lists(
    st.tuples(SAID, st.booleans(), st.integers(0, 40), st.integers(-1, 300), st.integers(0, 3)),
    min_size=1,
    max_size=20,
)


def say(on: Negotiation, said: str, by: Party, open_by: int, reason: int) -> Message:
    if said == "offer":
        # Always another quantity, so that nobody has to improve.
        about = subject(on, quantity=1 + on.length)
        return by.say(terms(on, about, open_by=open_by), on.id, about)
    if said in ("reject", "withdraw"):
        return {"reject": reject, "withdraw": withdraw}[said](on, by, reason)
    return {"escalate": escalate, "accept": accept}[said](on, by)


def seen(on: Negotiation) -> tuple[object, ...]:
    return (
        (on.state, on.turn, on.head, on.length, on.rounds, on.last_open_by),
        (on.agreed, on.escalated, on.reason),
    )


@given(STEPS)
def test_registry_and_parties_agree_on_all_that_both_can_see(
    steps: list[tuple[str, bool, int, int, int]],
):
    within = without = talk(max_rounds=6, deadline=NOW + 400)
    at = NOW
    for said, in_turn, pause, open_for, reason in steps:
        at += pause
        by = TURNS[within.turn if in_turn else within.other(within.turn)]
        message = say(within, said, by, at + open_for, reason)
        shut = closed(message) if message.kind is Kind.OFFER else message
        codes = []
        for view, told in ((within, message), (without, shut)):
            try:
                advance(view, told, at)
            except ParleyError as error:
                codes.append((error.code, error.values))
            else:
                codes.append(("", {}))
        assert codes[0] == codes[1]
        if codes[0] == ("", {}):
            within, without = advance(within, message, at), advance(without, shut, at)
        assert seen(within) == seen(without)
        assert (without.offers, without.agreement, within.sealed) == ((), None, ())
