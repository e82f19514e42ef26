"""The machine's rules, one by one: who breaks one is refused with both values.

Beside each refusal stands its nearest neighbour that is taken.
"""

from dataclasses import replace

import pytest
from market import (
    ARBITER,
    BUYER,
    NOW,
    SELLER,
    STRANGER,
    accept,
    agreed,
    content,
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

from marketplace.core.errors import ParleyError
from marketplace.core.listing import Settlement
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation, State, advance
from marketplace.core.terms import Rail
from marketplace.core.values import ZERO_ADDRESS
from marketplace.core.words import Reason

MINUTE = 60


def refusal(on: Negotiation, message: Message, at: int = NOW) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        advance(on, message, at)
    return refused.value


def told(error: ParleyError) -> tuple[str, tuple[str | int, ...]]:
    return error.code, tuple(error.values.values())


# ------------------------------------------------------------------ 1: parties


@pytest.mark.parametrize("say", [accept, reject, withdraw, offer])
def test_stranger_says_nothing(say):
    on = proposed()
    refused = refusal(on, say(on, STRANGER))
    parties = f"{BUYER.address} {SELLER.address}"
    assert told(refused) == ("NotAParty", (STRANGER.address, parties))


# ------------------------------------------------------------------ 2: deadline


def test_word_at_the_deadline_is_refused_and_one_second_before_it_is_taken():
    on = talk(deadline=NOW + 100)
    first = offer(on, SELLER)
    assert told(refusal(on, first, NOW + 100)) == ("DeadlinePassed", (NOW + 100, NOW + 100))
    assert advance(on, first, NOW + 99).state is State.PROPOSED


# ------------------------------------------------------------------ 3: states


def test_nothing_follows_an_agreement():
    on = agreed()
    assert told(refusal(on, withdraw(on, BUYER))) == ("EventRefused", ("withdrawal", "ACCEPTED"))


@pytest.mark.parametrize("leave", [reject, withdraw])
def test_offer_that_was_left_or_rejected_can_still_be_accepted(leave):
    left = advance(proposed(), leave(proposed(), BUYER), NOW)
    assert left.state is State.TERMINATED
    assert told(refusal(left, offer(left, BUYER))) == ("EventRefused", ("offer", "TERMINATED"))
    after = advance(left, accept(left, BUYER), NOW)
    assert (after.state, after.length) == (State.ACCEPTED, 4)


@pytest.mark.parametrize("leave", [reject, withdraw])
@pytest.mark.parametrize("reason", [*Reason, 255])
def test_who_leaves_says_why_and_a_later_version_s_reason_is_read_too(leave, reason):
    left = advance(proposed(), leave(proposed(), BUYER, reason), NOW)
    assert (left.state, left.reason) == (State.TERMINATED, reason)
    assert proposed().reason is Reason.UNSPECIFIED


def test_acceptance_that_crosses_the_offerer_s_withdrawal_wins():
    on = proposed()
    crossing = accept(on, BUYER)
    left = advance(on, withdraw(on, SELLER), NOW)
    assert advance(left, crossing, NOW).agreement == advance(on, crossing, NOW).agreement


def test_talk_that_ended_without_an_offer_has_nothing_to_accept():
    left = advance(talk(), withdraw(talk(), BUYER), NOW)
    assert told(refusal(left, accept(left, SELLER))) == (
        "EventRefused",
        ("acceptance", "TERMINATED"),
    )


# ------------------------------------------------------------------ 4: turns


@pytest.mark.parametrize("say", [accept, reject, offer])
def test_who_made_the_standing_offer_waits(say):
    on = proposed()
    refused = refusal(on, say(on, SELLER))
    assert told(refused) == ("WrongTurn", (SELLER.address, BUYER.address))


@pytest.mark.parametrize("party", [BUYER, SELLER])
def test_either_party_leaves_at_any_turn(party):
    for on in (talk(), proposed()):
        assert advance(on, withdraw(on, party), NOW).state is State.TERMINATED


def test_buyer_does_not_open_the_bidding():
    on = talk()
    assert told(refusal(on, offer(on, BUYER))) == ("WrongTurn", (BUYER.address, SELLER.address))


# ------------------------------------------------------------------ 5: the chain of words


@pytest.mark.parametrize("say", [accept, reject, withdraw, offer])
def test_word_that_answers_another_head_is_refused(say):
    on = proposed()
    stale = say(replace(on, head=word("another")), BUYER)
    assert told(refusal(on, stale)) == ("WrongPrevious", (word("another"), on.head))


def test_old_offer_is_not_accepted_once_it_was_countered():
    on = proposed()
    late = accept(on, BUYER)
    countered = advance(on, offer(on, BUYER, subject(on, unit_price=90)), NOW)
    again = advance(countered, offer(countered, SELLER, subject(on, unit_price=95)), NOW)
    assert told(refusal(again, late)) == ("WrongPrevious", (on.head, again.head))


# ------------------------------------------------------------------ 6: rounds


def test_offer_beyond_the_rounds_is_refused_and_the_last_one_is_taken():
    on = proposed(talk(max_rounds=2))
    last = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    assert last.state is State.COUNTER
    more = offer(last, SELLER, subject(on, unit_price=80))
    assert told(refusal(last, more)) == ("RoundsExhausted", (2, 2))
    assert advance(last, accept(last, SELLER), NOW).state is State.ACCEPTED


# ------------------------------------------------------------------ 7: the outcome space


@pytest.mark.parametrize(
    ("issue", "outside", "inside", "space"),
    [
        ("unit_price", 9, 10, "10..1000 step 1"),
        ("unit_price", 1001, 1000, "10..1000 step 1"),
        ("quantity", 0, 1, "1..1000 step 1"),
        ("delivery_window", 61, 120, "60..7200 step 60"),
    ],
)
def test_value_outside_the_space_is_refused(issue: str, outside: int, inside: int, space: str):
    on = talk()
    refused = refusal(on, offer(on, SELLER, subject(on, **{issue: outside})))
    assert told(refused) == ("OutcomeOutsideSpace", (issue, str(outside), space))
    assert advance(on, offer(on, SELLER, subject(on, **{issue: inside})), NOW).offers


def test_issue_that_the_listing_has_not_is_refused():
    on = talk()
    refused = refusal(on, offer(on, SELLER, subject(on, colour=1)))
    assert told(refused) == ("OutcomeOutsideSpace", ("colour", "1", "not an issue of the listing"))


def test_issue_that_is_left_out_is_refused():
    on = talk()
    told_all = subject(on)
    outcome = {name: value for name, value in told_all.outcome.items() if name != "quantity"}
    about = replace(told_all, outcome=outcome)
    signed = terms(on, told_all, subject=about.digest)
    refused = refusal(on, SELLER.say(signed, on.id, about))
    assert told(refused) == ("OutcomeOutsideSpace", ("quantity", "None", "1..1000 step 1"))


# ------------------------------------------------------------------ 8: what the terms are bound to


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("buyer", STRANGER.address),
        ("seller", STRANGER.address),
        ("buyer_nonce", 2),
        ("buyer_epoch", 1),
        ("token", "0x" + "71" * 20),
        ("price", 999),
        ("price", 1001),
        ("bond", 99),
        ("fee_bps", 0),
        ("fee_recipient", STRANGER.address),
        ("review_window", 599),
        ("delivery_window", 601),
        ("rail", 2),
        ("notice_window", 60),
        ("arbiter", STRANGER.address),
        ("arbiter_fee", 1),
        ("arbitration_window", 60),
        ("default_seller_bps", 1),
        ("voucher_signer", SELLER.address),
        ("bundle", word("bundle")),
    ],
)
def test_terms_that_leave_the_negotiation_s_bounds_are_refused(field: str, value: str | int):
    on = talk()
    bound = getattr(terms(on, subject(on)), field)
    refused = refusal(on, offer(on, SELLER, **{field: value}))
    assert told(refused) == ("TermsDisagree", (field, str(value), str(bound)))


@pytest.mark.parametrize(("field", "first"), [("seller_nonce", 9), ("seller_epoch", 0)])
def test_seller_s_first_nonce_and_epoch_bind_every_later_offer(field: str, first: int):
    on = proposed()
    refused = refusal(on, offer(on, BUYER, subject(on, unit_price=90), **{field: 77}))
    assert told(refused) == ("TermsDisagree", (field, "77", str(first)))
    assert advance(talk(), offer(talk(), SELLER, **{field: 77}), NOW).state is State.PROPOSED


def test_offer_about_another_listing_is_refused():
    on = talk()
    about = replace(subject(on), listing=word("another listing"))
    refused = refusal(on, offer(on, SELLER, about))
    assert told(refused) == (
        "TermsDisagree",
        ("listing", word("another listing"), on.invitation.listing),
    )


def test_bond_rounds_down():
    rules = Settlement("0x" + "70" * 20, bond_bps=333, review_window=600)
    on = talk(listing(what=content(settlement=rules)))
    about = subject(on, unit_price=101, quantity=1)
    assert told(refusal(on, offer(on, SELLER, about, bond=4))) == (
        "TermsDisagree",
        ("bond", "4", "3"),
    )
    assert advance(on, offer(on, SELLER, about, bond=3), NOW).state is State.PROPOSED


def test_terms_that_could_not_be_opened_are_refused():
    on = talk()
    expired = refusal(on, offer(on, SELLER, open_by=NOW))
    assert told(expired) == ("OpenExpired", (NOW, NOW))
    assert advance(on, offer(on, SELLER, open_by=NOW + 1), NOW).state is State.PROPOSED
    useless = refusal(on, offer(on, SELLER, goods=word("goods")))
    assert told(useless) == ("FieldUnsupported", ("ESCROW", "goods", int(word("goods"), 16)))


def test_listing_that_names_an_arbiter_binds_every_offer_to_it_and_to_its_conditions():
    rules = Settlement(
        "0x" + "70" * 20,
        bond_bps=100,
        review_window=600,
        arbiter=ARBITER.address,
        arbiter_fee=31,
        arbitration_window=3_600,
        default_seller_bps=5_000,
    )
    on = talk(listing(what=content(settlement=rules)))
    made = advance(on, offer(on, SELLER), NOW).standing
    assert made is not None
    assert (made.terms.arbiter, made.terms.arbiter_fee, made.terms.bond) == (
        ARBITER.address,
        31,
        31,
    )
    for field, value in (("arbiter", ZERO_ADDRESS), ("arbiter_fee", 30), ("bond", 10)):
        bound = getattr(made.terms, field)
        refused = refusal(on, offer(on, SELLER, **{field: value}))
        assert told(refused) == ("TermsDisagree", (field, str(value), str(bound)))


def test_metered_listing_makes_metered_offers():
    rules = Settlement("0x" + "70" * 20, rail=Rail.METERED, notice_window=120)
    on = talk(listing(what=content(settlement=rules)))
    assert advance(on, offer(on, SELLER), NOW).state is State.PROPOSED
    refused = refusal(on, offer(on, SELLER, notice_window=0))
    assert told(refused) == ("TermsDisagree", ("notice_window", "0", "120"))


# ------------------------------------------------------------------ 9: improvement


@pytest.mark.parametrize(("least", "step"), [(5, 5), (0, 1), (1, 1)])
def test_each_side_improves_its_own_last_price_by_the_agreed_step(least: int, step: int):
    on = proposed(talk(min_improvement=least))
    bid = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)

    too_dear = offer(bid, SELLER, subject(on, unit_price=101 - step))
    assert told(refusal(bid, too_dear)) == ("NoImprovement", (101 - step, 100 - step))
    asked = advance(bid, offer(bid, SELLER, subject(on, unit_price=100 - step)), NOW)

    too_low = offer(asked, BUYER, subject(on, unit_price=49 + step))
    assert told(refusal(asked, too_low)) == ("NoImprovement", (49 + step, 50 + step))
    assert advance(asked, offer(asked, BUYER, subject(on, unit_price=50 + step)), NOW).offers


def test_repeated_offer_is_no_improvement():
    on = proposed(talk(min_improvement=0))
    bid = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    assert told(refusal(bid, offer(bid, SELLER))) == ("NoImprovement", (100, 99))


@pytest.mark.parametrize("change", [{"quantity": 11}, {"delivery_window": 660}])
def test_offer_that_changes_another_issue_may_keep_or_worsen_the_price(change: dict[str, int]):
    on = proposed()
    bid = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    after = advance(bid, offer(bid, SELLER, subject(on, unit_price=120, **change)), NOW)
    assert after.state is State.COUNTER


def test_offer_that_changes_what_delivery_means_may_keep_the_price():
    on = proposed()
    bid = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    about = replace(subject(on), delivery={"rows": word("rows")})
    assert advance(bid, offer(bid, SELLER, about), NOW).state is State.COUNTER


def test_buyer_s_first_bid_is_compared_with_nothing():
    on = proposed()
    assert advance(on, offer(on, BUYER, subject(on, unit_price=10)), NOW).state is State.COUNTER


# ------------------------------------------------------------------ 10: expiry of what is accepted


def test_expired_offer_is_not_accepted_and_one_second_earlier_it_is():
    on = talk()
    standing = advance(on, offer(on, SELLER, open_by=NOW + MINUTE), NOW)
    late = refusal(standing, accept(standing, BUYER), NOW + MINUTE)
    assert told(late) == ("OpenExpired", (NOW + MINUTE, NOW + MINUTE))
    in_time = advance(standing, accept(standing, BUYER), NOW + MINUTE - 1)
    assert in_time.state is State.ACCEPTED
