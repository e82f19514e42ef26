"""Whatever is called, in whatever order: named refusals only, and no unit lost or made."""

from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import event, given
from hypothesis import strategies as st
from market import ARBITER, BUYER, DOMAIN, HOT_KEY, NOW, SELLER, STRANGER
from scenes import PROOF, RAILS

from marketplace.core.deal import (
    OPEN_STATES,
    Call,
    DealState,
    Operation,
    Payout,
    apply,
    due,
    opened,
    share,
)
from marketplace.core.errors import ParleyError
from marketplace.core.feasibility import check_feasible
from marketplace.core.terms import Rail, Terms

MOST = (1 << 104) - 1
SIGNERS = frozenset({BUYER.address, SELLER.address, HOT_KEY.address})
CALLERS = [party.address for party in (BUYER, SELLER, ARBITER, STRANGER)]


@st.composite
def deals(draw: st.DrawFn) -> Terms:
    """Any feasible terms of a rail that has a life."""
    plain = RAILS[draw(st.sampled_from(sorted(RAILS)))]
    small = st.integers(1, 1_000)
    price, bond = draw(small | st.integers(1, MOST)), draw(small | st.integers(0, MOST))
    # A fee that would round to nothing is infeasible.
    bps = draw(st.sampled_from([0, *(b for b in (1, 333, 9_999, 10_000) if share(price, b))]))
    stake = draw(st.integers(0, bond)) if plain.rail == Rail.ESCROW else 0
    return replace(plain, price=price, bond=bond, fee_bps=bps, arbiter_fee=stake)


# A life begins on one of these ways, and goes on with anything.
PART = Fraction(1, 3)
WAYS: dict[int, list[list[Operation]]] = {
    Rail.ESCROW: [
        [],
        [Operation.REDEEM],
        [Operation.DELIVER],
        [Operation.DELIVER, Operation.DISPUTE],
        [Operation.REDEEM, Operation.DELIVER, Operation.RELEASE, Operation.DISPUTE],
    ],
    Rail.METERED: [
        [],
        [Operation.REDEEM],
        [Operation.NOTICE],
        [Operation.NOTICE, Operation.REDEEM],
    ],
    Rail.EXCHANGE: [[], [Operation.RELEASE], [Operation.DELIVER]],
}
WAITS = st.sampled_from([1] * 6 + [60, 599, 600, 7_200])
PARTS = st.sampled_from([Fraction(0), Fraction(1), Fraction(2)]) | st.fractions(0, 1)
SIGNED = st.sampled_from([True, True, False])
CALLS = st.tuples(st.sampled_from(list(Operation)), st.sampled_from(CALLERS), WAITS, PARTS, SIGNED)


@st.composite
def lives(draw: st.DrawFn):
    """Terms, and calls: operation, caller, wait, share of what is due, whether it is signed."""
    terms = draw(deals())
    deliverer = ARBITER if terms.rail == Rail.EXCHANGE else SELLER
    callers = {Operation.DELIVER: deliverer.address}
    share_of = {Operation.DELIVER: 2 * PART, Operation.RELEASE: 2 * PART}
    way = [
        (operation, callers.get(operation, BUYER.address), 1, share_of.get(operation, PART), True)
        for operation in draw(st.sampled_from(WAYS[terms.rail]))
    ]
    return terms, way + draw(st.lists(CALLS, min_size=3, max_size=15))


@dataclass
class Till:
    """What the escrow holds for the deal, by what it was told to pay."""

    held: int
    fees: int = 0

    def pay(self, paid: Payout) -> None:
        figures = paid.to_buyer, paid.to_seller, paid.fee, paid.to_arbiter, paid.staked
        assert min(figures) >= 0
        self.held += paid.staked - sum(figures[:4])
        self.fees += paid.fee
        assert self.held >= 0


@given(lives())
def test_every_life_pays_out_exactly_what_came_in(life):
    terms, steps = life
    check_feasible(terms, NOW)
    deal, at, till = opened(NOW), NOW, Till(terms.price + terms.bond)
    for operation, caller, wait, part, signed in steps:
        at += wait
        amount, bond = int(due(deal, terms) * part), int(terms.bond * part)
        signers = SIGNERS if signed else frozenset[str]()
        call = Call(terms.digest(DOMAIN), operation, caller, at, PROOF, amount, bond, signers)
        try:
            after, paid = apply(deal, terms, call)
        except ParleyError:
            continue
        event(f"{deal.state.name} {operation} {after.state.name}")
        assert deal.state in OPEN_STATES
        assert deal.released <= after.released <= terms.price
        assert deal.since <= after.since <= at
        till.pay(paid)
        deal = after
        assert till.fees == share(deal.released, terms.fee_bps)
        if deal.state not in OPEN_STATES:
            assert till.held == 0


@given(terms=deals(), cuts=st.lists(st.fractions(0, 1), max_size=8))
def test_fee_does_not_depend_on_how_many_vouchers_there_were(terms: Terms, cuts):
    metered = replace(RAILS["METERED"], price=terms.price, bond=terms.bond, fee_bps=terms.fee_bps)
    deal, paid = opened(NOW), []
    for total in sorted({int(terms.price * cut) for cut in cuts} - {0} | {terms.price}):
        call = Call("0x", Operation.REDEEM, STRANGER.address, NOW, amount=total, signed_by=SIGNERS)
        deal, payout = apply(deal, metered, call)
        paid.append(payout)
    assert deal.state is DealState.RELEASED
    assert sum(one.fee for one in paid) == share(terms.price, terms.fee_bps)
    assert sum(one.to_seller for one in paid) == terms.price + terms.bond - share(
        terms.price, terms.fee_bps
    )
