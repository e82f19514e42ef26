"""Replay: every rail's events lead where the deal machine leads, and no other ones do."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from market import ARBITER, BUYER, HOT_KEY, SELLER, STRANGER, Party, word
from story import Story, spoiled

from marketplace.core.audit import ChainEvent, LoggedEntry
from marketplace.core.deal import DealState, Operation
from marketplace.core.errors import ParleyError
from marketplace.core.replay import Followed, follow
from marketplace.core.terms import Rail, Terms

Log = tuple[list[LoggedEntry], str, Terms]

JUDGED = {"arbiter": ARBITER.address, "arbiter_fee": 31, "arbitration_window": 7_200}
METERED = {"rail": Rail.METERED, "notice_window": 120, "voucher_signer": HOT_KEY.address}
EXCHANGE = {"rail": Rail.EXCHANGE, "arbiter": ARBITER.address, "goods": word("goods")}
ATOMIC = {"rail": Rail.ATOMIC, "goods": word("goods")}


def ruled(story: Story) -> Story:
    story.deliver(400).dispute()
    return story.then(Operation.RESOLVE, ARBITER.address, amount=250, bond_to_seller=40)


def expired(story: Story) -> Story:
    story.deliver(400).dispute()
    return story.then(Operation.EXPIRE, STRANGER.address, story.at + 7_200)


def conceded(story: Story) -> Story:
    story.deliver(400).dispute().then(Operation.RELEASE, BUYER.address, amount=100)
    return story.then(Operation.RELEASE, BUYER.address, amount=400)


def outrun(story: Story) -> Story:
    story.deliver(400).dispute().then(Operation.REDEEM, STRANGER.address, amount=100)
    return story.then(Operation.RESOLVE, ARBITER.address, amount=0, bond_to_seller=0)


def metered(story: Story) -> Story:
    story.then(Operation.REDEEM, STRANGER.address, amount=7).then(Operation.NOTICE, BUYER.address)
    return story.then(Operation.CLOSE, BUYER.address, story.grace_end, amount=7)


def passed(story: Story) -> Story:
    story.then(Operation.RELEASE, BUYER.address, amount=8)
    return story.then(Operation.CLOSE, SELLER.address, amount=7)


def exchanged(story: Story) -> Story:
    return story.deliver(400).then(Operation.RESOLVE, ARBITER.address, amount=0)


OTHERS: dict[str, tuple[dict[str, object], Callable[[Story], Story]]] = {
    "ruled": (JUDGED, ruled),
    "expired": (JUDGED | {"default_seller_bps": 3_333}, expired),
    "the buyer gave in": (JUDGED, conceded),
    "a voucher outran the ruling": (JUDGED, outrun),
    "metered": (METERED, metered),
    "metered, closed on a total that was passed": (METERED, passed),
    "exchanged": (EXCHANGE, exchanged),
    "swapped": (ATOMIC, lambda story: story),
}


def followed(terms: Terms, events: list[ChainEvent]) -> Followed:
    held = Followed()
    for event in events:
        held = follow(held, terms, event)
    return held


@pytest.mark.parametrize(("changes", "tell"), OTHERS.values(), ids=list(OTHERS))
def test_every_rail_s_events_are_followed_to_the_position_that_the_machine_has(
    log: Log, changes: dict[str, object], tell: Callable[[Story], Story]
):
    story = tell(Story(replace(log[2], **changes)))
    held = followed(story.terms, story.events)
    assert held.ruling is None
    if story.terms.rail != Rail.ATOMIC:
        assert held.deal == story.deal


FIGURES = {
    "Opened": ["price", "bond", "buyerNonce", "sellerNonce"],
    "Swapped": ["price", "fee", "buyerNonce", "sellerNonce"],
    "Noticed": ["endsAt"],
    "Disputed": ["stake"],
    "Paid": ["state", "released", "toSeller", "fee", "toBuyer"],
}


# What events do not tell apart: how a ruling's total splits into charge and bond, and a default
# from a settlement on the same figures.
UNSEEN = {("ruled", "released"), ("exchanged", "released"), ("expired", "state")}


@pytest.mark.parametrize("ending", OTHERS)
def test_every_figure_of_every_event_is_held_to_the_unit(log: Log, ending: str):
    changes, tell = OTHERS[ending]
    story = tell(Story(replace(log[2], **changes)))
    for place, event in enumerate(story.events):
        for name in FIGURES.get(event.name, []):
            if (ending, name) in UNSEEN:
                continue
            wrong = spoiled(story.events, place, **{name: int(event.values[name]) + 1})
            with pytest.raises(ParleyError):
                followed(story.terms, wrong)


@pytest.mark.parametrize(("changes", "tell"), OTHERS.values(), ids=list(OTHERS))
def test_no_event_can_be_left_out_or_come_twice(
    log: Log, changes: dict[str, object], tell: Callable[[Story], Story]
):
    story = tell(Story(replace(log[2], **changes)))
    for place, event in enumerate(story.events):
        if event.name in ("Ruled", "Noticed") or event is story.events[-1]:
            continue
        with pytest.raises(ParleyError):
            followed(story.terms, story.events[:place] + story.events[place + 1 :])
    with pytest.raises(ParleyError):
        followed(story.terms, [*story.events, story.events[-1]])


def test_ruling_by_anybody_but_the_arbiter_is_found(log: Log):
    story = ruled(Story(replace(log[2], **JUDGED)))
    for values in ({"caller": SELLER.address}, {"caller": BUYER.address}):
        with pytest.raises(ParleyError, match="WrongCaller"):
            followed(story.terms, spoiled(story.events, -1, **values))


def test_payment_of_a_ruling_is_no_default_and_a_default_is_no_ruling(log: Log):
    story = ruled(Story(replace(log[2], **JUDGED)))
    unruled = [event for event in story.events if event.name != "Ruled"]
    with pytest.raises(ParleyError, match="TooEarly"):
        followed(story.terms, unruled)
    silent = expired(Story(story.terms))
    ruling = ChainEvent("Ruled", silent.digest, {}, silent.at)
    with pytest.raises(ParleyError, match="WrongCaller"):
        followed(silent.terms, [*silent.events[:-1], ruling, silent.events[-1]])


@pytest.mark.parametrize("caller", [BUYER, STRANGER])
@pytest.mark.parametrize("amount", [400, 999])
def test_voucher_for_all_that_is_disputed_pays_and_leaves_the_deal_to_its_arbiter(
    log: Log, caller: Party, amount: int
):
    story = Story(replace(log[2], **JUDGED)).deliver(400).dispute()
    story.then(Operation.REDEEM, caller.address, amount=amount)
    held = followed(story.terms, story.events)
    assert held == Followed(story.deal, unproved=True)
    assert (held.deal.state, held.deal.released) == (DealState.DISPUTED, 400)
    # Told as the buyer's own release, which ends the deal, the same payment is found.
    with pytest.raises(ParleyError):
        followed(story.terms, spoiled(story.events, -1, state=DealState.RELEASED))


def test_stake_of_a_buyer_who_gave_in_is_found_in_any_other_pocket(log: Log):
    story = conceded(Story(replace(log[2], **JUDGED)))
    paid = story.events[-1].values
    back = {"toSeller": int(paid["toSeller"]) - 31, "toBuyer": int(paid["toBuyer"]) + 31}
    with pytest.raises(ParleyError, match="payout"):
        followed(story.terms, spoiled(story.events, -1, **back))


def test_opening_tells_the_rail_apart(log: Log):
    swap, plain = Story(replace(log[2], **ATOMIC)), Story(log[2])
    opened = [replace(swap.events[0], name="Opened", values={**swap.events[0].values, "bond": 0})]
    swapped = [
        replace(plain.events[0], name="Swapped", values={**plain.events[0].values, "fee": 0})
    ]
    for story, events in ((swap, opened), (plain, swapped)):
        with pytest.raises(ParleyError, match="WrongRail"):
            followed(story.terms, events)


def test_settlement_that_takes_from_what_was_released_is_found(log: Log):
    story = Story(log[2]).then(Operation.SETTLE, STRANGER.address, amount=500, bond_to_seller=0)
    paid = story.events[-1].values
    less = {"toSeller": int(paid["toSeller"]) - 1, "toBuyer": int(paid["toBuyer"]) + 1}
    with pytest.raises(ParleyError, match="payout"):
        followed(story.terms, spoiled(story.events, -1, **less))
