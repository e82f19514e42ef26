"""Escalations, reasons and timeouts: what changes little, and must change no more."""

import pytest
from market import (
    BUYER,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    accept,
    agreed,
    escalate,
    listing,
    offer,
    proposed,
    reject,
    subject,
    talk,
    withdraw,
)

from marketplace.core.errors import EventRefused, ParleyError
from marketplace.core.message import Message
from marketplace.core.negotiation import OPEN_STATES, Negotiation, State, advance, as_of, time_out
from marketplace.core.words import Reason


def refusal(on: Negotiation, message: Message, at: int = NOW) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        advance(on, message, at)
    return refused.value


# ------------------------------------------------------------------ escalations


def test_escalation_leaves_everything_but_the_length_as_it_was():
    on = proposed()
    after = advance(on, escalate(on, BUYER), NOW)
    assert (after.length, after.escalated) == (on.length + 1, on.head)
    assert (after.state, after.turn, after.head) == (on.state, on.turn, on.head)
    assert (after.offers, after.reason, after.last_open_by) == (
        on.offers,
        on.reason,
        on.last_open_by,
    )


def test_who_escalated_still_accepts_counters_rejects_or_leaves():
    on = proposed()
    after = advance(on, escalate(on, BUYER), NOW)
    assert advance(after, accept(after, BUYER), NOW).state is State.ACCEPTED
    counter = offer(after, BUYER, subject(after, unit_price=50))
    assert advance(after, counter, NOW).state is State.COUNTER
    assert advance(after, reject(after, BUYER), NOW).state is State.TERMINATED
    for party in (BUYER, SELLER):
        assert advance(after, withdraw(after, party), NOW).state is State.TERMINATED


def test_head_is_escalated_once_and_the_next_head_again():
    on = proposed()
    once = advance(on, escalate(on, BUYER), NOW)
    told = refusal(once, escalate(once, BUYER, answer_by=NOW + 601))
    assert (told.code, told.values) == (
        "EscalationRepeated",
        {"signer": BUYER.address, "head": on.head},
    )
    countered = advance(once, offer(once, BUYER, subject(once, unit_price=50)), NOW)
    theirs = advance(countered, escalate(countered, SELLER), NOW)
    assert theirs.escalated == countered.head
    again = advance(theirs, offer(theirs, SELLER, subject(theirs, unit_price=90)), NOW)
    assert advance(again, escalate(again, BUYER), NOW).escalated == again.head


def test_only_whose_turn_it_is_escalates_and_only_on_an_offer():
    on = proposed()
    assert refusal(on, escalate(on, SELLER)).code == "WrongTurn"
    assert refusal(on, escalate(on, STRANGER)).code == "NotAParty"
    begun = talk()
    assert refusal(begun, escalate(begun, SELLER)).values == {"kind": "escalation", "state": "INIT"}


def test_escalation_answers_the_head_and_does_not_stop_the_clock():
    on = proposed()
    countered = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    assert refusal(countered, escalate(on, SELLER)).code == "WrongPrevious"
    after = advance(on, escalate(on, BUYER, answer_by=on.invitation.deadline + 999), NOW)
    assert as_of(after, on.invitation.deadline) is State.FAILED


# ------------------------------------------------------------------ reasons


@pytest.mark.parametrize("leave", [reject, withdraw])
@pytest.mark.parametrize("reason", [*Reason, 4, 255])
def test_reason_is_kept_also_one_of_a_later_version(leave, reason: int):
    on = proposed()
    after = advance(on, leave(on, BUYER, reason), NOW)
    assert (after.state, after.reason) == (State.TERMINATED, reason)


@pytest.mark.parametrize("leave", [reject, withdraw])
def test_reason_has_eight_bits(leave):
    with pytest.raises(ParleyError) as refused:
        leave(proposed(), BUYER, 256)
    assert refused.value.values["field"] == "reason"


@pytest.mark.parametrize("leave", [reject, withdraw])
def test_version_that_gave_no_reason_leaves_it_unspecified(leave):
    on = proposed(talk(listing(domain=FIRST_DOMAIN)))
    assert advance(on, leave(on, BUYER), NOW).reason is Reason.UNSPECIFIED


def test_agreement_after_a_rejection_is_not_called_off_by_its_reason():
    on = proposed()
    left = advance(on, reject(on, BUYER, Reason.UNSERVABLE), NOW)
    assert advance(left, accept(left, BUYER), NOW).state is State.ACCEPTED


# ------------------------------------------------------------------ timeouts


def reached() -> list[Negotiation]:
    on = proposed()
    countered = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    escalated = advance(on, escalate(on, BUYER), NOW)
    return [talk(), on, countered, escalated, advance(on, withdraw(on, SELLER), NOW), agreed()]


@pytest.mark.parametrize("on", reached(), ids=lambda on: f"{on.state}-{on.length}")
def test_timeout_is_noted_from_the_deadline_on_and_says_what_the_clock_says(on: Negotiation):
    deadline = on.invitation.deadline
    if on.state not in OPEN_STATES:
        with pytest.raises(EventRefused) as refused:
            time_out(on, deadline)
        assert refused.value.values == {"kind": "timeout", "state": on.state}
        return
    with pytest.raises(EventRefused):
        time_out(on, deadline - 1)
    after = time_out(on, deadline)
    assert after.state is as_of(on, deadline) is State.FAILED
    assert (after.length, after.head, after.turn) == (on.length + 1, on.head, on.turn)
    assert after.last_open_by == on.last_open_by


def test_nothing_follows_a_timeout_not_even_another():
    on = proposed()
    deadline = on.invitation.deadline
    after = time_out(on, deadline)
    with pytest.raises(EventRefused):
        time_out(after, deadline + 1)
    # As a clock that went back would have it: the note stands all the same.
    for say in (accept, reject, withdraw, escalate):
        told = refusal(after, say(after, BUYER), deadline - 1)
        assert (told.code, told.values["state"]) == ("EventRefused", "FAILED")
