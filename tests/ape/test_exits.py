"""Every way out of a deal: who ends up with what, and that there is no second way after it."""

from dataclasses import dataclass
from itertools import product

import pytest
from calls import CALLS, DELIVER, DISPUTE, OPEN, Move
from figures import (
    ARBITER_FEE,
    ARBITRATION,
    BOND,
    CHARGE,
    CREDITS,
    DELIVERY,
    NOTICE,
    PART,
    PRICE,
    REVIEW,
    RULED,
    RULED_BOND,
    fee,
    share,
)

# What a call on a deal that is over can meet.
OVER = {"WrongState", "WrongCaller", "WrongRail", "NonceSpent", "OpenExpired"}


@dataclass(frozen=True, slots=True)
class Exit:
    """The rail, the moves, the state after them, and what each has gained since before."""

    rail: str
    moves: tuple[Move, ...]
    state: str
    gains: dict[str, int]


def paid(charge, bond_kept=0, to_arbiter=0):
    """The gains where the seller is paid a charge and loses some of its bond."""
    return {
        "buyer": -charge + bond_kept - to_arbiter,
        "seller": charge - fee(charge) - bond_kept,
        "recipient": fee(charge),
        "arbiter": to_arbiter,
    }


DELIVER_BY_ARBITER = Move("deliver", "arbiter")
RELEASE_PART = Move("release", "buyer", amounts=(PART,))
RELEASE_CHARGE = Move("release", "buyer", amounts=(CHARGE,))
RELEASE = Move("release", "buyer")
RELEASE_ONE_MORE = Move("release", "buyer", amounts=(PART + 1,))
CLOSE_CHARGE = Move("close", "seller", amounts=(CHARGE,))
CLOSE_AFTER_ALL = Move("close", "buyer", DELIVERY + REVIEW)
REDEEM = Move("redeem", "stranger")
RULING = paid(RULED, BOND - RULED_BOND)

EXITS = {
    "release of what was delivered": Exit(
        "escrow",
        (OPEN, DELIVER, RELEASE_CHARGE),
        "RELEASED",
        paid(CHARGE),
    ),
    "release undelivered": Exit("escrow", (OPEN, RELEASE), "RELEASED", paid(PRICE)),
    "release in two parts": Exit("escrow", (OPEN, RELEASE_PART, RELEASE), "RELEASED", paid(PRICE)),
    "a voucher for all": Exit(
        "escrow", (OPEN, Move("redeem", "stranger", amounts=(PRICE,))), "RELEASED", paid(PRICE)
    ),
    "claim after a silent review": Exit(
        "escrow", (OPEN, DELIVER, Move("claim", "seller", REVIEW)), "RELEASED", paid(CHARGE)
    ),
    "a voucher for all of a series": Exit(
        "escrow",
        (Move("openSeries", "stranger"), Move("redeemSeries", "stranger", amounts=(PRICE,))),
        "RELEASED",
        paid(PRICE),
    ),
    "a buyer that gives in": Exit(
        "escrow",
        (OPEN, DELIVER, DISPUTE, RELEASE_CHARGE),
        "RELEASED",
        paid(CHARGE, -ARBITER_FEE),
    ),
    "the seller gives up": Exit("escrow", (OPEN, Move("refund", "seller")), "REFUNDED", paid(0)),
    "refund after a silent delivery window": Exit(
        "escrow", (OPEN, Move("refund", "buyer", DELIVERY)), "REFUNDED", paid(0)
    ),
    "refund of what no voucher released": Exit(
        "escrow", (OPEN, REDEEM, Move("refund", "seller")), "REFUNDED", paid(PART)
    ),
    "a ruling": Exit(
        "escrow",
        (OPEN, DELIVER, DISPUTE, Move("resolve", "arbiter")),
        "RESOLVED",
        paid(RULED, BOND - RULED_BOND, ARBITER_FEE),
    ),
    "a silent arbiter": Exit(
        "escrow",
        (OPEN, DELIVER, DISPUTE, Move("expire", "stranger", ARBITRATION)),
        "RESOLVED",
        paid(share(CHARGE), BOND - share(BOND)),
    ),
    "a settlement": Exit("escrow", (OPEN, Move("settle", "stranger")), "SETTLED", RULING),
    "a settlement of a dispute": Exit(
        "escrow", (OPEN, DELIVER, DISPUTE, Move("settle", "stranger")), "SETTLED", RULING
    ),
    "a swap": Exit("atomic", (Move("swap", "stranger"),), "NONE", paid(PRICE)),
    "the seller closes with the last voucher": Exit(
        "metered",
        (OPEN, REDEEM, CLOSE_CHARGE),
        "RELEASED",
        paid(CHARGE),
    ),
    "the seller closes though the buyer let one unit more go first": Exit(
        "metered",
        (OPEN, REDEEM, RELEASE_ONE_MORE, Move("close", "seller", amounts=(PART,))),
        "RELEASED",
        paid(PART + 1),
    ),
    "the buyer closes after window and grace": Exit(
        "metered", (OPEN, REDEEM, CLOSE_AFTER_ALL), "RELEASED", paid(PART)
    ),
    "the buyer closes after its notice": Exit(
        "metered",
        (OPEN, REDEEM, Move("notice", "buyer"), Move("close", "buyer", NOTICE + REVIEW)),
        "RELEASED",
        paid(PART),
    ),
    "claim of what the arbiter contract delivered": Exit(
        "exchange",
        (OPEN, DELIVER_BY_ARBITER, Move("claim", "seller", REVIEW)),
        "RELEASED",
        paid(CHARGE),
    ),
    "a ruling on what was exchanged": Exit(
        "exchange", (OPEN, DELIVER_BY_ARBITER, Move("resolve", "arbiter")), "RESOLVED", RULING
    ),
}
each_exit = pytest.mark.parametrize("way", EXITS.values(), ids=EXITS)


@each_exit
def test_each_exit_pays_as_its_row_says_and_leaves_nothing_behind(stage, way):
    stage.on_rail(way.rail)
    before = stage.holdings()
    stage.play(*way.moves)
    assert stage.state() == way.state
    gained = {part: held - before[part] for part, held in stage.holdings().items()}
    assert gained == {"escrow": 0, "stranger": 0} | way.gains


@each_exit
def test_nothing_moves_a_deal_after_its_exit(stage, way):
    stage.on_rail(way.rail)
    stage.play(*way.moves)
    after = stage.holdings()
    # A series passes over a deal that is over: see below.
    for operation, caller in product(
        CALLS.keys() - {"redeemSeries"}, ["buyer", "seller", "arbiter"]
    ):
        name, _ = stage.refused(Move(operation, caller))
        assert name in OVER, (operation, caller)
    assert stage.holdings() == after


def test_a_series_passes_over_a_deal_that_is_over(stage):
    stage.play(OPEN, Move("refund", "seller"))
    after = stage.holdings()
    stage.play(Move("redeemSeries", "stranger", amounts=(PRICE,)))
    assert (stage.state(), stage.holdings()) == ("REFUNDED", after)


def test_an_open_deal_holds_price_and_bond(stage):
    stage.play(OPEN)
    assert stage.holdings()["escrow"] == PRICE + BOND


def test_a_swap_moves_the_credits_against_the_money(stage):
    stage.on_rail("atomic")
    stage.play(Move("swap", "stranger"))
    owned = {part: stage.credits.balanceOf(stage.cast[part]) for part in ("buyer", "seller")}
    assert owned == {"buyer": CREDITS, "seller": 0}


def test_every_operation_on_a_deal_has_its_rows(stage):
    methods = stage.escrow.contract_type.mutable_methods
    on_a_deal = {each.name for each in methods if each.inputs and each.inputs[0].name == "terms"}
    ways = {move.operation for way in EXITS.values() for move in way.moves}
    assert on_a_deal | {"open"} == set(CALLS) == ways
