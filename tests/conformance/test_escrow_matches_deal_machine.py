"""Escrow.sol and the deal machine, side by side: same positions, payouts and refusals."""

from collections.abc import Iterator
from typing import Any

import pytest
from escrow_stage import ARBITER, Stage, staged
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)
from market import BUYER, SELLER, STRANGER
from side_by_side import PROOF, VOUCHERER, Step, World, escrow_terms

from marketplace.core.deal import OPERATIONS, DealState, Operation
from marketplace.core.terms import Credits, Rail
from marketplace.core.values import ZERO_DIGEST

DELIVER, RELEASE, REDEEM = Operation.DELIVER, Operation.RELEASE, Operation.REDEEM
CLAIM, REFUND, DISPUTE = Operation.CLAIM, Operation.REFUND, Operation.DISPUTE
RESOLVE, EXPIRE, SETTLE = Operation.RESOLVE, Operation.EXPIRE, Operation.SETTLE
NOTICE, CLOSE = Operation.NOTICE, Operation.CLOSE

# What makes a deal one of its kind; `judged` and `vouched` are kinds of the escrow rail.
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "judged": {
        "arbiter": ARBITER.address,
        "arbiter_fee": 77,
        "arbitration_window": 900,
        "default_seller_bps": 3_333,
    },
    "vouched": {"voucher_signer": VOUCHERER.address},
    "metered": {"rail": Rail.METERED, "notice_window": 120},
    "endless": {"rail": Rail.METERED},
    "exchange": {"rail": Rail.EXCHANGE, "arbiter": ARBITER.address, "goods": PROOF},
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as ready:
        yield ready


# ------------------------------------------------------------------ lives that are written out


def soon(operation: Operation, **changes: Any) -> Step:  # noqa: ANN401 any of a step's names
    return Step(operation, **changes)


def at(deadline: str, beside: int, operation: Operation, **changes: Any) -> Step:  # noqa: ANN401 any of a step's names
    return Step(operation, when=(deadline, beside), **changes)


Life = tuple[str, list[Step], list[str]]
LIVES: dict[str, Life] = {
    "delivered in the last second, claimed in the first": (
        "plain",
        [
            at("delivery", -1, REFUND),
            at("delivery", -1, DELIVER, amount="half"),
            at("review", -1, CLAIM),
            at("review", 0, CLAIM, by=STRANGER.address),
            at("review", 0, CLAIM),
            soon(RELEASE),
        ],
        ["TooEarly", "taken", "TooEarly", "WrongCaller", "taken", "WrongState"],
    ),
    "too late by a second, refunded in that second": (
        "plain",
        [
            at("delivery", 0, DELIVER),
            at("delivery", 0, REFUND, by=STRANGER.address),
            at("delivery", 0, REFUND),
            soon(SETTLE),
        ],
        ["TooLate", "WrongCaller", "taken", "WrongState"],
    ),
    "released in parts, before and after the delivery": (
        "plain",
        [
            soon(CLAIM),
            soon(RELEASE, by=SELLER.address),
            soon(RELEASE, amount="one more"),
            soon(RELEASE, amount="released"),
            soon(DELIVER, amount="nothing"),
            soon(DELIVER, amount="half"),
            soon(RELEASE, amount="half"),
            soon(RELEASE, amount="above due"),
            soon(RELEASE),
        ],
        [
            *("WrongState", "WrongCaller", "taken", "AmountTooLow", "AmountTooLow", "taken"),
            *("taken", "AmountTooHigh", "taken"),
        ],
    ),
    "charged too much, delivered nothing, then billed for nothing": (
        "plain",
        [
            soon(DELIVER, amount="above price"),
            soon(DELIVER, digest=ZERO_DIGEST),
            soon(DELIVER, amount="nothing"),
            soon(DISPUTE),
            soon(RELEASE),
        ],
        ["AmountTooHigh", "DeliverableMissing", "taken", "FieldMissing", "taken"],
    ),
    "given back by the seller, after a part was released": (
        "plain",
        [soon(RELEASE, amount="half"), soon(REFUND, by=SELLER.address), soon(EXPIRE)],
        ["taken", "taken", "WrongState"],
    ),
    "disputed and ruled in the last seconds": (
        "judged",
        [
            soon(DISPUTE),
            soon(DELIVER),
            soon(RELEASE, amount="half"),
            soon(DISPUTE, by=SELLER.address),
            at("review", -1, DISPUTE),
            soon(CLAIM),
            soon(RESOLVE, by=BUYER.address),
            soon(RESOLVE, amount="above due"),
            soon(RESOLVE, bond="above"),
            at("arbitration", -1, EXPIRE),
            at("arbitration", -1, RESOLVE, amount="half", bond="half"),
            soon(RESOLVE),
        ],
        [
            *("WrongState", "taken", "taken", "WrongCaller", "taken", "WrongState", "WrongCaller"),
            *("AmountTooHigh", "AmountTooHigh", "TooEarly", "taken", "WrongState"),
        ],
    ),
    "a ruling for less than vouchers have paid already": (
        "judged",
        [
            soon(DELIVER),
            soon(DISPUTE),
            soon(REDEEM, amount="half"),
            soon(RESOLVE, amount="nothing", bond="nothing"),
        ],
        ["taken"] * 4,
    ),
    "a voucher for all of a disputed charge ends nothing": (
        "judged",
        [
            soon(DELIVER, amount="half"),
            soon(DISPUTE),
            soon(REDEEM, amount="price"),
            soon(REDEEM, amount="price"),
            at("arbitration", 0, EXPIRE),
        ],
        ["taken", "taken", "taken", "AmountTooLow", "taken"],
    ),
    "disputed too late, claimed": (
        "judged",
        [soon(DELIVER), at("review", 0, DISPUTE), soon(CLAIM)],
        ["taken", "TooLate", "taken"],
    ),
    "an arbiter that is silent": (
        "judged",
        [
            soon(DELIVER),
            soon(RELEASE, amount="half"),
            soon(DISPUTE),
            at("arbitration", 0, RESOLVE),
            at("arbitration", 0, EXPIRE),
        ],
        ["taken", "taken", "taken", "TooLate", "taken"],
    ),
    "a buyer who gives in, with the stake in the escrow": (
        "judged",
        [soon(DELIVER), soon(DISPUTE), soon(REDEEM, amount="half"), soon(RELEASE)],
        ["taken", "taken", "taken", "taken"],
    ),
    "settled by both out of a dispute": (
        "judged",
        [
            soon(DELIVER),
            soon(DISPUTE),
            soon(SETTLE, signed="nobody"),
            soon(SETTLE, signed=BUYER.address),
            soon(SETTLE, signed=SELLER.address),
            soon(SETTLE, lasts=0, signed="nobody"),
            soon(SETTLE, amount="above price"),
            soon(SETTLE, bond="above"),
            soon(RELEASE, amount="one more"),
            soon(SETTLE, amount="nothing"),
            soon(SETTLE, amount="half", bond="nothing"),
        ],
        [
            *("taken", "taken", *["WrongSigner"] * 3, "TooLate", "AmountTooHigh"),
            *("AmountTooHigh", "taken", "AmountTooLow", "taken"),
        ],
    ),
    "vouchers of a key that the terms name": (
        "vouched",
        [
            soon(REDEEM, signed=BUYER.address, amount="half"),
            soon(REDEEM, signed="nobody", amount="half"),
            soon(REDEEM, amount="half"),
            soon(REDEEM, amount="released"),
            soon(CLOSE),
            soon(NOTICE),
            soon(REDEEM, amount="above price"),
        ],
        [
            "WrongSigner",
            "WrongSigner",
            "taken",
            "AmountTooLow",
            "WrongRail",
            "FieldMissing",
            "taken",
        ],
    ),
    "metered to its end, closed by the buyer": (
        "metered",
        [
            soon(DELIVER),
            soon(REFUND),
            soon(DISPUTE),
            at("delivery", 0, REDEEM, amount="half"),
            at("last notice", 0, NOTICE),
            at("grace", -1, REDEEM, amount="one more"),
            at("grace", -1, CLOSE, by=BUYER.address, amount="released"),
            at("grace", 0, REDEEM, amount="one more"),
            at("grace", 0, CLOSE, amount="one more"),
            soon(CLOSE, by=STRANGER.address),
            soon(CLOSE, by=BUYER.address, amount="released"),
        ],
        [
            *["WrongRail"] * 3,
            *("taken", "TooLate", "taken", "TooEarly", "TooLate", "TooLate", "WrongCaller"),
            "taken",
        ],
    ),
    "metered, with notice": (
        "metered",
        [
            soon(NOTICE, by=STRANGER.address),
            at("last notice", -1, NOTICE, by=BUYER.address),
            soon(NOTICE),
            at("grace", -1, REDEEM, amount="half"),
            at("grace", 0, CLOSE, amount="released"),
        ],
        # Closing at what was released needs no voucher, so it is not late either.
        ["WrongCaller", "taken", "WrongState", "taken", "taken"],
    ),
    "metered, closed by the seller with a last voucher": (
        "endless",
        [
            soon(NOTICE),
            soon(REDEEM, amount="half"),
            soon(CLOSE, amount="above price"),
            soon(CLOSE, amount="one more", signed=SELLER.address),
            soon(CLOSE, amount="one more"),
            soon(CLOSE),
        ],
        [
            *("FieldMissing", "taken", "AmountTooHigh", "WrongSigner", "taken"),
            "WrongState",
        ],
    ),
    "metered, closed by the seller behind a release of one unit more": (
        "metered",
        [
            soon(REDEEM, amount="half"),
            soon(RELEASE, amount="one more"),
            soon(CLOSE, signed="nobody", amount="nothing"),
        ],
        ["taken", "taken", "taken"],
    ),
    "metered, closed by the buyer on nothing after what was released": (
        "metered",
        [
            soon(REDEEM, amount="half"),
            at("grace", 0, CLOSE, by=BUYER.address, amount="one more"),
            soon(CLOSE, by=BUYER.address, signed="nobody", amount="nothing"),
        ],
        ["taken", "TooLate", "taken"],
    ),
    "data exchanged, claimed in silence": (
        "exchange",
        [
            soon(DELIVER, by=SELLER.address),
            soon(DELIVER),
            soon(DISPUTE),
            soon(REDEEM),
            at("review", 0, RESOLVE, amount="nothing", bond="nothing"),
            at("review", 0, CLAIM),
        ],
        ["WrongCaller", "taken", "WrongRail", "WrongRail", "TooLate", "taken"],
    ),
    "data exchanged, complained of": (
        "exchange",
        [
            soon(RESOLVE),
            soon(DELIVER),
            at("review", -1, RESOLVE, amount="nothing", bond="nothing"),
        ],
        ["WrongState", "taken", "taken"],
    ),
}


def open_terms(world: World, changes: dict[str, Any]) -> str:
    terms = escrow_terms(world.stage, 1_000 + len(world.deals), **changes)
    assert world.open(terms) == "taken"
    return next(reversed(world.deals))


@pytest.mark.parametrize("inside", ["wallets", "balances"])
@pytest.mark.parametrize("life", LIVES)
def test_boundary_seconds_and_units_are_the_same_in_both(stage: Stage, life: str, inside: str):
    kind, steps, expected = LIVES[life]
    with stage.undone():
        world = World(stage)
        if inside == "balances":
            for party in (BUYER, SELLER):
                assert world.deposit(party.address, 10**6) == "taken"
        deal = open_terms(world, KINDS[kind])
        outcomes = [world.step(deal, step) for step in steps]
    assert outcomes == expected


def test_the_lives_take_every_operation_and_meet_every_refusal_of_an_open_deal():
    told = [pair for _, steps, ends in LIVES.values() for pair in zip(steps, ends, strict=True)]
    assert {step.operation for step, end in told if end == "taken"} == set(OPERATIONS)
    assert {end for _, end in told} == {
        *("taken", "WrongRail", "WrongState", "WrongCaller", "WrongSigner", "FieldMissing"),
        *("TooLate", "TooEarly", "AmountTooHigh", "AmountTooLow", "DeliverableMissing"),
    }


# ------------------------------------------------------------------ swaps


GOODS = {"multi": False, "id": 0, "amount": 40}
ATOMIC: dict[str, Any] = {"rail": Rail.ATOMIC, "bond": 0, "delivery_window": 0, "review_window": 0}


def swapped(world: World, changes: dict[str, Any]) -> str:
    stage = world.stage
    goods = Credits(token=stage.credits, **GOODS)
    named = {"goods": "0x" + goods.struct_hash().hex()}
    terms = escrow_terms(stage, 2_000, **(ATOMIC | named | changes))
    before = stage.view.balance(stage.credits, BUYER.address)
    outcome = world.swap(terms, goods)
    moved = stage.view.balance(stage.credits, BUYER.address) - before
    assert moved == (goods.amount if outcome == "taken" else 0)
    return outcome


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "taken"),
        ({"price": 1, "fee_bps": 0}, "taken"),
        ({"goods": PROOF}, "WrongGoods"),
        ({"rail": Rail.ESCROW}, "WrongRail"),
        ({"bond": 1}, "FieldUnsupported"),
        ({"open_by": 1}, "OpenExpired"),
    ],
)
def test_a_swap_is_the_same_in_both(stage: Stage, changes: dict[str, Any], expected: str):
    with stage.undone():
        assert swapped(World(stage), changes) == expected


def test_a_swap_is_paid_by_wallets_of_bound_accounts_too_and_only_once(stage: Stage):
    with stage.undone():
        world = World(stage)
        assert world.deposit(BUYER.address, 5) == "taken"
        assert swapped(world, {}) == "taken"
        assert swapped(world, {}) == "NonceSpent"


def test_an_atomic_deal_is_not_opened_in_either(stage: Stage):
    with stage.undone():
        terms = escrow_terms(stage, 2_001, **ATOMIC, goods=PROOF)
        assert World(stage).open(terms) == "WrongRail"


# ------------------------------------------------------------------ whole lives, at random

BONDS = st.sampled_from(["nothing", "half", "whole", "above"])
AMOUNTS = ["nothing", "released", "one more", "half", "due", "above due", "price", "above price"]
# The right one most of the time, or no deal would get far.
WHEN = st.one_of(
    *[st.just(("right", 0))] * 3,
    st.tuples(
        st.sampled_from(["delivery", "review", "arbitration", "grace", "last notice"]),
        st.sampled_from([-1, 0, 1]),
    ),
)
ANYBODY = [BUYER.address, SELLER.address, ARBITER.address, STRANGER.address]
BY = st.sampled_from(["right"] * 8 + ANYBODY)
SIGNED = st.sampled_from(["right"] * 8 + ["nobody", BUYER.address, SELLER.address])
SMALL = st.sampled_from([1, 3, 10_000]) | st.integers(1, 10**15)


@st.composite
def kinds(draw: st.DrawFn) -> dict[str, Any]:
    """Terms of some kind, with figures that can be opened."""
    kind = KINDS[draw(st.sampled_from(sorted(KINDS)))]
    price = draw(SMALL)
    fee_bps = draw(st.sampled_from([0, 1, 250, 9_999, 10_000]))
    bond = draw(st.sampled_from([0, 1]) | SMALL)
    made = kind | {
        "price": price,
        # A fee that would round to nothing cannot be opened; that is the other file's matter.
        "fee_bps": fee_bps if price * fee_bps >= 10_000 else 0,
        "bond": bond,
        "delivery_window": draw(st.sampled_from([60, 61, 3600])),
        "review_window": draw(st.sampled_from([60, 600])),
    }
    if "arbiter_fee" in kind:
        made["arbiter_fee"] = draw(st.integers(0, bond))
        made["default_seller_bps"] = draw(st.sampled_from([0, 1, 5_000, 9_999, 10_000]))
    return made


# What a deal does next where both parties keep to it, so that the random calls meet every state.
ONWARD = {
    DealState.FUNDED: [DELIVER],
    DealState.DELIVERED: [DISPUTE, DISPUTE, CLAIM],
    DealState.DISPUTED: [RESOLVE, EXPIRE],
}


class Lives(RuleBasedStateMachine):
    """Deals and accounts in both machines, whatever comes next."""

    deals = Bundle("deals")
    stage: Stage

    @initialize(target=deals, changes=kinds(), inside=st.tuples(st.booleans(), st.booleans()))
    def begin(self, changes: dict[str, Any], inside: tuple[bool, bool]) -> str:
        self.snapshot = self.stage.remember()
        self.world = World(self.stage)
        for who, bound in zip(ANYBODY, inside, strict=False):
            if bound:
                assert self.world.deposit(who, 2 * 10**15) == "taken"
        return open_terms(self.world, changes)

    def teardown(self) -> None:
        self.world.check()
        self.stage.forget(self.snapshot)

    @rule(target=deals, changes=kinds())
    def open(self, changes: dict[str, Any]) -> object:
        terms = escrow_terms(self.stage, 3_000 + len(self.world.deals), **changes)
        taken = self.world.open(terms) == "taken"
        return next(reversed(self.world.deals)) if taken else multiple()

    @rule(deal=deals, amount=st.sampled_from(["half", "due"]), bond=BONDS, data=st.data())
    def go_on(self, deal: str, amount: str, bond: str, data: st.DataObject) -> None:
        held, metered = self.world.deals[deal], self.world.terms[deal].rail == Rail.METERED
        onward = [NOTICE, CLOSE, REDEEM] if metered else ONWARD.get(held.state, [RELEASE])
        operation = data.draw(st.sampled_from(onward))
        self.world.step(deal, Step(operation, when=("right", 0), amount=amount, bond=bond))

    @rule(
        deal=deals,
        operation=st.sampled_from(Operation),
        when=WHEN,
        by=BY,
        amount=st.sampled_from(AMOUNTS),
        bond=BONDS,
        signed=SIGNED,
        lasts=st.sampled_from([1, 1, 1, 0]),
    )
    def call(self, deal: str, operation: Operation, **drawn: Any) -> None:  # noqa: ANN401 what is drawn
        self.world.step(deal, Step(operation, **drawn))

    @rule(
        who=st.sampled_from(ANYBODY[:2]),
        amount=st.sampled_from([0, 9_999, 10**15, 10**19]),
        act=st.sampled_from(["deposit", "announce", "withdraw", "cancel"]),
        beside=st.sampled_from([-1, 0, 1]),
    )
    def account(self, who: str, amount: int, act: str, beside: int) -> None:
        acts = {
            "deposit": lambda: self.world.deposit(who, amount),
            "announce": lambda: self.world.announce(who),
            "withdraw": lambda: self.world.withdraw(who, amount, beside),
            "cancel": lambda: self.world.cancel(who, 9_000 + self.stage.view.now()),
        }
        acts[act]()


def test_random_lives_of_deals_and_accounts_are_the_same_in_both(stage: Stage):
    machine = type("StagedLives", (Lives,), {"stage": stage})
    # Few and long: a block costs more than a function call, and the first steps are much alike.
    lives = settings(max_examples=settings.default.max_examples // 6, stateful_step_count=40)
    run_state_machine_as_test(machine, settings=lives)


def test_an_account_that_leaves_is_bound_to_the_second_in_both(stage: Stage):
    with stage.undone():
        world, who = World(stage), BUYER.address
        assert world.announce(who) == "AccountUnbound"
        assert world.deposit(who, 100) == "taken"
        assert world.withdraw(who, 1) == "AccountBound"
        assert world.cancel(who, 8_000) == "AccountBound"
        assert world.announce(who) == "taken"
        assert world.announce(who) == "AccountBound"
        assert world.withdraw(who, 1, beside=-1) == "AccountBound"
        assert world.withdraw(who, 101) == "BalanceShort"
        assert world.withdraw(who, 100) == "taken"
        assert world.cancel(who, 8_000) == "taken"


@pytest.mark.parametrize("left", [76, 77])
def test_a_bound_buyer_stakes_from_its_balance_while_that_lasts_in_both(stage: Stage, left: int):
    with stage.undone():
        world = World(stage)
        assert world.deposit(BUYER.address, 10_001 + left) == "taken"
        deal = open_terms(world, KINDS["judged"])
        assert world.step(deal, soon(DELIVER)) == "taken"
        assert world.step(deal, soon(DISPUTE)) == "taken"
        assert stage.view.holding(stage.token, BUYER.address).amount == (76 if left == 76 else 0)


def test_a_deal_that_a_bound_account_opened_pays_inside_after_it_has_left(stage: Stage):
    with stage.undone():
        world = World(stage)
        assert world.deposit(SELLER.address, 999) == "taken"
        deal = open_terms(world, KINDS["plain"])
        assert world.announce(SELLER.address) == "taken"
        assert world.withdraw(SELLER.address, 0) == "taken"
        assert world.step(deal, soon(RELEASE)) == "taken"
        assert stage.view.holding(stage.token, SELLER.address).amount == 999 + 10_001 - 333
