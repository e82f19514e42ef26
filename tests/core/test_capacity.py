"""Capacity: whatever opens can be served, and no crowd of talks keeps a buyer out."""

from collections import Counter
from dataclasses import replace
from itertools import count, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from market import word

from marketplace.core.capacity import UNCOUNTED, Asked, Capacity, Servable
from marketplace.core.deal import OPEN_STATES, DealState
from marketplace.core.errors import Unservable

TOTALS = st.integers(1, 40)
TEN = Capacity(10)


class Till:
    """A seller that offers: the capacity, and every offer by its nonce."""

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.names = count()
        self.signed: dict[int, dict[str, int]] = {}

    def offer(self, talk: str, units: int) -> tuple[int, str]:
        """As the signer does: a nonce that holds the units, then the offer; raises Unservable."""
        nonce, held = self.capacity.assign(talk, units, next(self.names))
        self.capacity = self.capacity.held_for(nonce, talk, held)
        deal = f"deal {next(self.names)}"
        held = self.capacity.holding(nonce, units)
        self.capacity = self.capacity.offered(nonce, deal, Asked(talk, units), held)
        self.signed.setdefault(nonce, {})[deal] = units
        return nonce, deal

    def fund(self, nonce: int, deal: str) -> None:
        """The chain has opened the offer, and spent the nonce."""
        self.capacity = self.capacity.sold(nonce, deal)
        del self.signed[nonce]


def asked(till: Till, talk: str, units: int) -> bool:
    try:
        till.offer(talk, units)
    except Unservable:
        return False
    return True


class CapacityModel(RuleBasedStateMachine):
    """Buyers that ask, leave, fund and end, against the plain list of what was signed."""

    def __init__(self) -> None:
        super().__init__()
        self.till = Till(TEN)
        self.taken: dict[str, int] = {}
        self.ever_sold = False

    @rule(talk=st.integers(0, 12), units=st.integers(1, 11))
    def ask(self, talk, units):
        room = self.till.capacity.room(word(f"talk {talk}"))
        assert asked(self.till, word(f"talk {talk}"), units) is (units <= room)

    @precondition(lambda self: self.till.signed)
    @rule(data=st.data())
    def fund(self, data):
        nonce = data.draw(st.sampled_from(sorted(self.till.signed)))
        deal = data.draw(st.sampled_from(sorted(self.till.signed[nonce])))
        self.taken[deal] = self.till.signed[nonce][deal]
        self.till.fund(nonce, deal)
        self.ever_sold = True

    @precondition(lambda self: self.till.signed)
    @rule(data=st.data())
    def expire(self, data):
        nonce = data.draw(st.sampled_from(sorted(self.till.signed)))
        self.till.capacity = self.till.capacity.freed(nonce)
        del self.till.signed[nonce]

    @precondition(lambda self: self.till.capacity.deals)
    @rule(data=st.data(), back=st.booleans())
    def end(self, data, back):
        deal = data.draw(st.sampled_from(sorted(self.till.capacity.deals)))
        self.till.capacity = self.till.capacity.over(deal, back=back)
        if back:
            del self.taken[deal]

    @invariant()
    def whatever_opens_together_can_be_served(self):
        # Of the offers under one nonce one opens at most; the costliest choice is the worst.
        worst = sum(max(offers.values()) for offers in self.till.signed.values())
        assert worst + sum(self.taken.values()) <= 10
        assert self.till.capacity.committed == sum(self.taken.values())

    @invariant()
    def a_single_unit_is_servable_while_one_is_unsold(self):
        capacity = self.till.capacity
        assert isinstance(capacity.probe(1), Servable) is (capacity.unsold > 0)

    @invariant()
    def half_of_what_is_unsold_is_servable_until_somebody_has_paid(self):
        capacity = self.till.capacity
        if not self.ever_sold:
            assert isinstance(capacity.probe((capacity.unsold + 1) // 2), Servable)


TestCapacityModel = CapacityModel.TestCase


@given(TOTALS, st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=6))
def test_every_subset_of_offers_that_can_open_together_fits(total, requests):
    till = Till(Capacity(total))
    for talk, units in requests:
        asked(till, word(f"talk {talk}"), units)
    choices = [(0, *offers.values()) for offers in till.signed.values()]
    assert all(sum(chosen) <= total for chosen in product(*choices))


@given(TOTALS, st.data())
def test_a_thousand_free_identities_cannot_starve_a_buyer_that_pays(total, data):
    till = Till(Capacity(total))
    wants = data.draw(st.lists(st.integers(1, total), min_size=1, max_size=5))
    for stranger in range(1_000):
        asked(till, word(f"stranger {stranger}"), wants[stranger % len(wants)])
    needed = data.draw(st.integers(1, (total + 1) // 2))
    nonce, deal = till.offer(word("honest"), needed)
    stranded = till.capacity.stranded(nonce, deal)
    till.fund(nonce, deal)
    assert till.capacity.deals == {deal: needed}
    assert word("honest") not in stranded


def test_a_crowd_of_small_holds_does_not_break_up_the_half_that_a_large_buyer_needs():
    till = Till(TEN)
    assert all(asked(till, word(f"stranger {n}"), 1) for n in range(1_000))
    assert Counter(lot.units for lot in till.capacity.lots.values()) == {1: 5, 5: 1}
    assert isinstance(till.capacity.probe(5), Servable)
    assert till.offer(word("honest"), 5)
    assert isinstance(till.capacity.probe(6), Unservable)


def test_a_crowd_is_spread_over_the_lots_that_are_large_enough():
    till = Till(TEN)
    for n in range(600):
        till.offer(word(f"stranger {n}"), 1)
    assert {len(lot.talks) for lot in till.capacity.lots.values()} == {100}


def test_talks_have_lots_of_their_own_while_half_remains_in_one_piece():
    till = Till(TEN)
    nonces = [till.offer(word(f"talk {n}"), 2)[0] for n in range(4)]
    assert len(set(nonces[:3])) == 3
    assert till.capacity.lots[nonces[2]].units == 6
    assert till.capacity.free == 0
    assert [till.capacity.probe(2), till.capacity.probe(7)][0] == Servable(2, alone=False)


def test_two_talks_about_the_last_unit_share_one_nonce_and_the_loser_is_named():
    till = Till(Capacity(1))
    (first, won), (second, _) = till.offer(word("a"), 1), till.offer(word("b"), 1)
    assert first == second
    assert till.capacity.stranded(first, won) == (word("b"),)
    till.fund(first, won)
    refused = till.capacity.probe(1)
    assert isinstance(refused, Unservable)
    assert (refused.units, refused.available) == (1, 0)


def test_a_talk_keeps_its_nonce_and_grows_only_by_what_is_free():
    till = Till(TEN)
    nonce, _ = till.offer(word("a"), 2)
    assert till.offer(word("a"), 4)[0] == nonce
    assert till.capacity.lots[nonce].units == 4
    till.offer(word("b"), 6)
    with pytest.raises(Unservable) as refused:
        till.offer(word("a"), 5)
    assert (refused.value.units, refused.value.available) == (5, 4)
    assert till.offer(word("a"), 1)[0] == nonce
    assert till.capacity.lots[nonce].units == 4


def test_a_lot_that_is_sold_gives_back_what_the_deal_did_not_take():
    till = Till(TEN)
    till.offer(word("a"), 9)
    nonce, deal = till.offer(word("a"), 3)
    assert till.capacity.held == 9
    till.fund(nonce, deal)
    assert (till.capacity.committed, till.capacity.held, till.capacity.free) == (3, 0, 7)


@pytest.mark.parametrize(
    ("renews", "state", "back"),
    [
        *((renews, state, None) for renews in (True, False) for state in OPEN_STATES),
        *((renews, DealState.NONE, None) for renews in (True, False)),
        *((renews, DealState.REFUNDED, True) for renews in (True, False)),
        *((True, end, True) for end in (DealState.RELEASED, DealState.RESOLVED, DealState.SETTLED)),
        *(
            (False, end, False)
            for end in (DealState.RELEASED, DealState.RESOLVED, DealState.SETTLED)
        ),
    ],
)
def test_a_refund_gives_units_back_and_another_end_only_where_they_renew(renews, state, back):
    assert Capacity(10, renews=renews).outcome(state) is back


def test_a_total_that_was_lowered_below_what_is_sold_sells_nothing_and_forgets_nothing():
    till = Till(TEN)
    till.fund(*till.offer(word("a"), 6))
    lowered = replace(till.capacity, total=5)
    assert (lowered.committed, lowered.unsold, lowered.free) == (6, 0, 0)
    assert isinstance(lowered.probe(1), Unservable)


def test_who_does_not_count_never_runs_out_and_shares_no_nonce():
    till = Till(Capacity())
    assert not till.capacity.counted
    nonces = {till.offer(word(f"talk {n}"), 1 << 64)[0] for n in range(100)}
    assert len(nonces) == 100
    assert till.capacity.unsold == UNCOUNTED
