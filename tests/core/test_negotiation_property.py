"""Whatever anybody says, in whatever order: named refusals, and one history."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    NOW,
    SELLER,
    STRANGER,
    Party,
    accept,
    offer,
    reject,
    subject,
    talk,
    withdraw,
    word,
)

from marketplace.core.errors import ParleyError
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation, State, advance
from marketplace.core.words import Kind

Say = Callable[[Negotiation, Party, int, int], Message]


def _offer(on: Negotiation, by: Party, price: int, open_by: int) -> Message:
    return offer(on, by, subject(on, unit_price=price), open_by=open_by)


SAY: dict[str, Say] = {
    "offer": _offer,
    "dearer": lambda on, by, price, open_by: _offer(on, by, price + 500, open_by),
    "forged price": lambda on, by, price, _: offer(on, by, price=price),
    "stale": lambda on, by, price, _: offer(on, by, previous=word(str(price))),
    "accept": lambda on, by, *_: accept(on, by),
    "reject": lambda on, by, *_: reject(on, by),
    "withdraw": lambda on, by, *_: withdraw(on, by),
}
# Endings are rare, or no example would be long.
WORDS = st.sampled_from(["offer"] * 12 + ["dearer", "forged price", "stale"] * 2 + list(SAY))
# Mostly whose turn it is; else who must not speak.
SPEAKERS = st.sampled_from(["turn"] * 8 + ["other", "stranger"])
STEPS = st.lists(
    st.tuples(WORDS, SPEAKERS, st.integers(5, 505), st.integers(-1, 500), st.integers(0, 60)),
    min_size=1,
    max_size=25,
)
TURNS = {SELLER.address: SELLER, BUYER.address: BUYER}


def speaker(on: Negotiation, who: str) -> Party:
    return {
        "turn": TURNS[on.turn],
        "other": TURNS[on.other(on.turn)],
        "stranger": STRANGER,
    }[who]


def play(
    steps: list[tuple[str, str, int, int, int]],
) -> tuple[Negotiation, list[tuple[Message, int]]]:
    """Say it all; what is refused must be refused by name and change nothing."""
    on, at = talk(max_rounds=6, deadline=NOW + 600), NOW
    taken = []
    for said, who, price, open_for, pause in steps:
        at += pause
        message = SAY[said](on, speaker(on, who), price, at + open_for)
        try:
            on = advance(on, message, at)
        except ParleyError:
            continue
        taken.append((message, at))
    return on, taken


@given(STEPS)
def test_replay_of_the_words_that_were_taken_gives_the_same_state(
    steps: list[tuple[str, str, int, int, int]],
):
    on, taken = play(steps)
    again = talk(max_rounds=6, deadline=NOW + 600)
    for message, at in taken:
        again = advance(again, message, at)
    assert again == on


@given(STEPS)
def test_every_history_alternates_chains_and_ends_at_most_once(
    steps: list[tuple[str, str, int, int, int]],
):
    on, taken = play(steps)
    offers = [message for message, _ in taken if message.kind is Kind.OFFER]
    signers = [message.signer for message in offers]
    assert on.length == 1 + len(taken)
    assert signers == [(SELLER if turn % 2 == 0 else BUYER).address for turn in range(len(offers))]
    assert len(offers) == len(on.offers) <= on.invitation.max_rounds

    heads = [on.id, *(message.digest for message in offers)]
    assert [offer.terms.previous for offer in on.offers] == heads[:-1]
    assert on.head == heads[-1]

    acceptances = [message for message, _ in taken if message.kind is Kind.ACCEPTANCE]
    assert len(acceptances) == (on.state is State.ACCEPTED) == (on.agreement is not None)
    assert not acceptances or taken[-1][0] is acceptances[0]


@given(STEPS)
def test_prices_only_move_towards_the_other_side(steps: list[tuple[str, str, int, int, int]]):
    on, _ = play(steps)
    for party, sign in ((SELLER, -1), (BUYER, 1)):
        own = [o.subject.outcome["unit_price"] for o in on.offers if o.signer == party.address]
        assert all((b - a) * sign >= 5 for a, b in pairwise(own))


def test_the_sequences_above_do_reach_agreements_and_counters():
    # A property over histories that never get anywhere would hold of itself.
    on, taken = play(
        [
            ("offer", "turn", 300, 400, 1),
            ("offer", "turn", 100, 400, 1),
            ("stale", "turn", 100, 400, 1),
            ("accept", "turn", 0, 0, 1),
        ]
    )
    assert (on.state, len(taken)) == (State.ACCEPTED, 3)
