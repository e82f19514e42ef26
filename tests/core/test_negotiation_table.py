"""The transition table, over every pair of state and kind, and what silence makes of a state."""

from dataclasses import replace

import pytest
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    accept,
    agreed,
    card,
    content,
    delegation,
    escalate,
    invite,
    listing,
    offer,
    proposed,
    quote,
    reject,
    request,
    revocation,
    subject,
    talk,
    withdraw,
    word,
)

from marketplace.core.errors import EventRefused, ParleyError
from marketplace.core.message import Message
from marketplace.core.negotiation import (
    LONGEST_NEGOTIATION,
    MOST_ROUNDS,
    OPEN_STATES,
    Negotiation,
    State,
    advance,
    as_of,
    begin,
)
from marketplace.core.words import Kind

# Written out again, not imported: a change of the machine's table must show here.
ALLOWED = {
    State.INIT: {
        Kind.OFFER: State.PROPOSED,
        Kind.REJECTION: State.TERMINATED,
        Kind.WITHDRAWAL: State.TERMINATED,
    },
    State.PROPOSED: {
        Kind.OFFER: State.COUNTER,
        Kind.ACCEPTANCE: State.ACCEPTED,
        Kind.REJECTION: State.TERMINATED,
        Kind.WITHDRAWAL: State.TERMINATED,
        Kind.ESCALATION: State.PROPOSED,
    },
    State.COUNTER: {
        Kind.OFFER: State.COUNTER,
        Kind.ACCEPTANCE: State.ACCEPTED,
        Kind.REJECTION: State.TERMINATED,
        Kind.WITHDRAWAL: State.TERMINATED,
        Kind.ESCALATION: State.COUNTER,
    },
    State.TERMINATED: {Kind.ACCEPTANCE: State.ACCEPTED},
    State.ACCEPTED: {},
    State.FAILED: {},
}


def reached(state: State) -> Negotiation:
    """A negotiation in this state; where there is one, an offer stands."""
    on = proposed()
    return {
        State.INIT: talk,
        State.PROPOSED: lambda: on,
        State.COUNTER: lambda: advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW),
        State.TERMINATED: lambda: advance(on, withdraw(on, SELLER), NOW),
        State.ACCEPTED: agreed,
        # Nobody says FAILED, the clock does; a state that holds it refuses all the same.
        State.FAILED: lambda: replace(on, state=State.FAILED),
    }[state]()


def next_word(on: Negotiation, kind: Kind) -> Message:
    """A word of this kind that is good but for the state."""
    by = SELLER if on.turn == SELLER.address else BUYER
    return {
        Kind.CARD: lambda: card(by),
        Kind.DELEGATION: lambda: delegation(by),
        Kind.REVOCATION: lambda: revocation(delegation(by), by),
        Kind.LISTING: lambda: listing(by),
        Kind.REQUEST: lambda: request(by),
        Kind.QUOTATION: lambda: quote(request(), listing(by), by),
        Kind.INVITATION: lambda: invite(listing(), by),
        Kind.OFFER: lambda: offer(on, by, subject(on, unit_price=60)),
        Kind.ACCEPTANCE: lambda: accept(on, by),
        Kind.REJECTION: lambda: reject(on, by),
        Kind.WITHDRAWAL: lambda: withdraw(on, by),
        Kind.ESCALATION: lambda: escalate(on, by),
    }[kind]()


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("state", list(State))
def test_every_pair_of_state_and_kind_goes_where_the_table_says(state: State, kind: Kind):
    on = reached(state)
    message = next_word(on, kind)
    expected = ALLOWED[state].get(kind)
    if expected is None:
        with pytest.raises(EventRefused) as refused:
            advance(on, message, NOW)
        assert refused.value.values == {"kind": kind, "state": state}
    else:
        after = advance(on, message, NOW)
        assert (after.state, after.length) == (expected, on.length + 1)


@pytest.mark.parametrize("state", list(State))
def test_open_states_read_as_failed_from_the_deadline_on(state: State):
    on = reached(state)
    deadline = on.invitation.deadline
    assert as_of(on, deadline - 1) is state
    assert as_of(on, deadline) is (State.FAILED if state in OPEN_STATES else state)


def test_agreement_holds_both_signatures_over_the_standing_terms():
    on = proposed()
    agreement = advance(on, accept(on, BUYER), NOW).agreement
    assert agreement is not None
    assert on.standing is not None
    assert (agreement.negotiation, agreement.digest) == (on.id, on.head)
    assert (agreement.terms, agreement.subject) == (on.standing.terms, on.standing.subject)
    agreement.check(DOMAIN)


def test_agreement_on_the_buyer_s_counter_keeps_each_signature_on_its_side():
    on = proposed()
    countered = advance(on, offer(on, BUYER, subject(on, unit_price=50)), NOW)
    agreement = advance(countered, accept(countered, SELLER), NOW).agreement
    assert agreement is not None
    assert agreement.buyer_signature == BUYER.sign(countered.head)
    assert agreement.seller_signature == SELLER.sign(countered.head)


def test_last_open_by_is_the_latest_of_all_offers():
    on = talk()
    assert (on.last_open_by, on.standing, on.last_offer_of(BUYER.address)) == (0, None, None)
    first = advance(on, offer(on, SELLER, open_by=NOW + 500), NOW)
    second = advance(first, offer(first, BUYER, subject(on, unit_price=50), open_by=NOW + 400), NOW)
    assert second.last_open_by == NOW + 500


# ------------------------------------------------------------------ begin


def begun(message: Message, listed: Message | None = None, at: int = NOW) -> Negotiation:
    return begin(message, listed or listing(), at)


@pytest.mark.parametrize(
    ("changes", "code", "values"),
    [
        ({"deadline": NOW}, "DeadlineRefused", (NOW, NOW + LONGEST_NEGOTIATION)),
        (
            {"deadline": NOW + LONGEST_NEGOTIATION + 1},
            "DeadlineRefused",
            (NOW + LONGEST_NEGOTIATION + 1, NOW + LONGEST_NEGOTIATION),
        ),
        ({"max_rounds": 0}, "RoundsRefused", (0, MOST_ROUNDS)),
        ({"max_rounds": MOST_ROUNDS + 1}, "RoundsRefused", (MOST_ROUNDS + 1, MOST_ROUNDS)),
        (
            {"seller": STRANGER.address},
            "TermsDisagree",
            ("seller", STRANGER.address, SELLER.address),
        ),
        ({"buyer": STRANGER.address}, "NotAParty", (BUYER.address, STRANGER.address)),
        (
            {"listing": word("another listing")},
            "TermsDisagree",
            ("listing", word("another listing"), listing().digest),
        ),
    ],
)
def test_invitation_that_breaks_a_rule_begins_nothing(
    changes: dict[str, str | int], code: str, values: tuple[str | int, ...]
):
    with pytest.raises(ParleyError) as refused:
        begun(invite(listing(), **changes))
    assert (refused.value.code, tuple(refused.value.values.values())) == (code, values)


@pytest.mark.parametrize(
    "changes",
    [
        {"deadline": NOW + 1},
        {"deadline": NOW + LONGEST_NEGOTIATION},
        {"max_rounds": 1},
        {"max_rounds": MOST_ROUNDS},
    ],
)
def test_invitation_at_the_edge_of_a_rule_begins(changes: dict[str, int]):
    on = begun(invite(listing(), **changes))
    assert (on.state, on.turn, on.head, on.length) == (State.INIT, SELLER.address, on.id, 1)


def test_seller_does_not_invite_itself():
    with pytest.raises(ParleyError) as refused:
        begun(invite(listing(), SELLER))
    assert refused.value.code == "PartiesEqual"


def test_expired_listing_begins_nothing():
    listed = listing(expires_at=NOW + 10)
    assert begun(invite(listed), listed, NOW + 9).state is State.INIT
    with pytest.raises(ParleyError) as refused:
        begun(invite(listed), listed, NOW + 10)
    assert refused.value.values == {"expires_at": NOW + 10, "now": NOW + 10}


def test_only_an_invitation_begins():
    with pytest.raises(EventRefused) as refused:
        begun(listing())
    assert refused.value.values == {"kind": "listing", "state": "none"}


def test_listing_without_a_unit_on_sale_begins_nothing_and_with_one_it_does():
    shut = listing(what=content(capacity=0))
    with pytest.raises(ParleyError) as refused:
        begun(invite(shut), shut)
    assert (refused.value.code, refused.value.values) == ("ListingClosed", {"listing": shut.digest})
    one = listing(what=content(capacity=1))
    assert begun(invite(one), one).state is State.INIT


def test_what_is_no_listing_begins_nothing():
    with pytest.raises(EventRefused) as refused:
        begun(invite(listing()), card())
    assert refused.value.values == {"kind": "card", "state": "none"}
