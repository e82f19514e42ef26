"""Who may not do what, and when: each refusal names the two values that disagree."""

from dataclasses import dataclass, replace

import pytest
from calls import DELIVER, DISPUTE, OPEN, Move
from figures import ARBITRATION, CHARGE, DELIVERY, NOTICE, OPEN_WINDOW, PRICE, REVIEW
from stage import STATES

CLAIM = Move("claim", "seller")
CLOSE_UNUSED = Move("close", "buyer", DELIVERY + REVIEW, (0,))
DELIVERED = (OPEN, DELIVER)
DISPUTED = (*DELIVERED, DISPUTE)

# What came before, who calls what, and the part that alone may.
CALLERS = {
    "the buyer cannot deliver": ((OPEN,), Move("deliver", "buyer"), "seller"),
    "a stranger cannot deliver": ((OPEN,), Move("deliver", "stranger"), "seller"),
    "the seller cannot release": (DELIVERED, Move("release", "seller"), "buyer"),
    "a stranger cannot release": ((OPEN,), Move("release", "stranger"), "buyer"),
    "the buyer cannot claim": (DELIVERED, Move("claim", "buyer"), "seller"),
    "a stranger cannot refund": ((OPEN,), Move("refund", "stranger"), "buyer"),
    "the seller cannot dispute": (DELIVERED, Move("dispute", "seller"), "buyer"),
    "the buyer cannot rule": (DISPUTED, Move("resolve", "buyer"), "arbiter"),
    "the seller cannot rule": (DISPUTED, Move("resolve", "seller"), "arbiter"),
}

# What came before, who calls what, the state that is and the one that the call needs.
MISPLACED = {
    "an unopened deal is not delivered": ((), DELIVER, "NONE", "FUNDED"),
    "an unopened deal is not released": ((), Move("release", "buyer"), "NONE", "FUNDED"),
    "an unopened deal is not refunded": ((), Move("refund", "seller"), "NONE", "FUNDED"),
    "an unopened deal is not settled": ((), Move("settle", "seller"), "NONE", "FUNDED"),
    "a delivery happens once": (DELIVERED, DELIVER, "DELIVERED", "FUNDED"),
    "what is undelivered is not claimed": ((OPEN,), CLAIM, "FUNDED", "DELIVERED"),
    "what is undelivered is not disputed": ((OPEN,), DISPUTE, "FUNDED", "DELIVERED"),
    "what is delivered is not refunded": (
        DELIVERED,
        Move("refund", "seller"),
        "DELIVERED",
        "FUNDED",
    ),
    "what is disputed is not claimed": (DISPUTED, CLAIM, "DISPUTED", "DELIVERED"),
    "what nobody disputes has no ruling": (
        DELIVERED,
        Move("resolve", "arbiter"),
        "DELIVERED",
        "DISPUTED",
    ),
}

# The rail, who calls what there: the rail has no such operation.
FOREIGN = {
    "nothing is delivered by the meter": ("metered", DELIVER),
    "a metered deal is closed, not refunded": ("metered", Move("refund", "seller")),
    "a metered deal has no disputes": ("metered", DISPUTE),
    "an exchange has no disputes": ("exchange", DISPUTE),
    "an exchange has no vouchers": ("exchange", Move("redeem", "seller")),
    "only a metered deal closes": ("escrow", Move("close", "seller")),
    "only an atomic deal swaps": ("escrow", Move("swap", "seller")),
}


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call at the instant on one side of which it is refused."""

    rail: str
    before: tuple[Move, ...]
    move: Move
    error: str


BOUNDARIES = {
    "open": Boundary("escrow", (), Move("open", "stranger", OPEN_WINDOW), "OpenExpired"),
    "deliver": Boundary("escrow", (OPEN,), Move("deliver", "seller", DELIVERY), "TooLate"),
    "refund": Boundary("escrow", (OPEN,), Move("refund", "buyer", DELIVERY), "TooEarly"),
    "claim": Boundary("escrow", DELIVERED, Move("claim", "seller", REVIEW), "TooEarly"),
    "dispute": Boundary("escrow", DELIVERED, Move("dispute", "buyer", REVIEW), "TooLate"),
    "resolve": Boundary("escrow", DISPUTED, Move("resolve", "arbiter", ARBITRATION), "TooLate"),
    "expire": Boundary("escrow", DISPUTED, Move("expire", "stranger", ARBITRATION), "TooEarly"),
    "notice": Boundary("metered", (OPEN,), Move("notice", "seller", DELIVERY - NOTICE), "TooLate"),
    "redeem": Boundary("metered", (OPEN,), Move("redeem", "seller", DELIVERY + REVIEW), "TooLate"),
    "close": Boundary(
        "metered", (OPEN,), Move("close", "buyer", DELIVERY + REVIEW, (0,)), "TooEarly"
    ),
}


@pytest.mark.parametrize(("before", "move", "required"), CALLERS.values(), ids=CALLERS)
def test_only_the_one_party_may_call(stage, before, move, required):
    stage.play(*before)
    caller, allowed = stage.cast[move.by].address, stage.cast[required].address
    assert stage.refused(move) == ("WrongCaller", {"caller": caller, "required": allowed})


@pytest.mark.parametrize(
    ("before", "move", "actual", "required"), MISPLACED.values(), ids=MISPLACED
)
def test_an_operation_needs_its_state(stage, before, move, actual, required):
    stage.play(*before)
    values = {"actual": STATES.index(actual), "required": STATES.index(required)}
    assert stage.refused(move) == ("WrongState", values)


@pytest.mark.parametrize(("rail", "move"), FOREIGN.values(), ids=FOREIGN)
def test_a_rail_has_only_its_own_operations(stage, rail, move):
    stage.on_rail(rail)
    stage.play(OPEN)
    name, values = stage.refused(move)
    assert (name, values["rail"]) == ("WrongRail", stage.terms["rail"])


def test_an_atomic_deal_swaps_and_does_not_open(stage):
    stage.on_rail("atomic")
    assert stage.refused(OPEN)[0] == "WrongRail"


@pytest.mark.parametrize("seconds", [-1, 0, 1])
@pytest.mark.parametrize("boundary", BOUNDARIES.values(), ids=BOUNDARIES)
def test_a_deadline_is_half_open(stage, boundary, seconds):
    stage.on_rail(boundary.rail)
    stage.play(*boundary.before)
    move = replace(boundary.move, after=boundary.move.after + seconds)
    instant = stage.now + move.after
    if (seconds < 0) is (boundary.error == "TooEarly"):
        name, values = stage.refused(move)
        assert (name, values["blockTime"]) == (boundary.error, instant)
    else:
        assert stage.play(move)[0].timestamp == instant


@pytest.mark.parametrize(
    ("before", "move", "most"),
    [
        pytest.param((OPEN,), "deliver", PRICE, id="a charge above the price"),
        pytest.param((OPEN,), "release", PRICE, id="a release above the price"),
        pytest.param(DELIVERED, "release", CHARGE, id="a release above the charge"),
        pytest.param((OPEN,), "settle", PRICE, id="a settlement above the price"),
        pytest.param(DISPUTED, "resolve", CHARGE, id="a ruling above the charge"),
    ],
)
def test_nobody_is_paid_more_than_there_is(stage, before, move, most):
    stage.play(*before)
    by = {"deliver": "seller", "resolve": "arbiter"}.get(move, "buyer")
    name, values = stage.refused(Move(move, by, amounts=(most + 1,)))
    assert (name, values) == ("AmountTooHigh", {"amount": most + 1, "most": most})


def test_a_voucher_above_the_charge_is_good_for_the_charge(stage):
    stage.play(*DELIVERED, Move("redeem", "stranger", amounts=(PRICE,)))
    assert stage.state() == "RELEASED"
    assert stage.holdings()["escrow"] == 0


def test_a_settlement_lapses(stage):
    stage.play(OPEN)
    instant = stage.now + 1
    settle = Move("settle", "stranger", amounts=(CHARGE, 0, instant))
    assert stage.refused(settle) == ("TooLate", {"deadline": instant, "blockTime": instant})


def test_a_voucher_pays_once(stage):
    redeem = Move("redeem", "seller")
    stage.play(OPEN, redeem)
    assert stage.refused(redeem)[0] == "AmountTooLow"


def test_a_deal_opens_once(stage):
    stage.play(OPEN)
    signer, nonce = stage.terms["buyer"], stage.terms["buyerNonce"]
    assert stage.refused(OPEN) == ("NonceSpent", {"signer": signer, "nonce": nonce})


@pytest.mark.parametrize("party", ["buyer", "seller"])
def test_a_cancelled_nonce_opens_nothing(stage, party):
    nonce = stage.terms[f"{party}Nonce"]
    stage.escrow.cancel(nonce, sender=stage.cast[party])
    assert stage.refused(OPEN) == ("NonceSpent", {"signer": stage.terms[party], "nonce": nonce})


@pytest.mark.parametrize("party", ["buyer", "seller"])
def test_a_new_epoch_takes_back_whatever_was_signed(stage, party):
    stage.escrow.cancelAll(sender=stage.cast[party])
    name, values = stage.refused(OPEN)
    assert (name, values["signer"], values["signed"]) == ("EpochStale", stage.terms[party], 0)
    assert values["current"] == stage.escrow.epoch(stage.cast[party]) > 0


@pytest.mark.parametrize("short", ["buyer", "seller"])
def test_a_deal_that_one_party_cannot_fund_does_not_open(stage, short):
    needed = stage.terms["price" if short == "buyer" else "bond"]
    surplus = stage.token.balanceOf(stage.cast[short]) - needed
    stage.token.transfer(stage.cast["stranger"], surplus + 1, sender=stage.cast[short])
    name, values = stage.refused(OPEN)
    assert name == "FundsShort"
    assert values == {"account": stage.terms[short], "held": needed - 1, "needed": needed}
