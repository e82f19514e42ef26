"""One deal on each rail, and every move that the page of the protocol allows."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from market import (
    ARBITER,
    BUYER,
    DOMAIN,
    HOT_KEY,
    NOW,
    SELLER,
    STRANGER,
    subject,
    talk,
    terms,
    word,
)

from marketplace.core.deal import Call, Deal, DealState, Operation, Payout, apply, opened
from marketplace.core.errors import ParleyError
from marketplace.core.terms import Rail, Terms

ON = talk()
PLAIN = terms(ON, subject(ON), fee_bps=333, bond=107)
JUDGED = replace(
    PLAIN,
    arbiter=ARBITER.address,
    arbiter_fee=31,
    arbitration_window=7_200,
    default_seller_bps=3_333,
)
METERED = replace(PLAIN, rail=Rail.METERED, notice_window=120, voucher_signer=HOT_KEY.address)
EXCHANGE = replace(PLAIN, rail=Rail.EXCHANGE, arbiter=ARBITER.address, goods=word("goods"))
RAILS: dict[str, Terms] = {"ESCROW": JUDGED, "METERED": METERED, "EXCHANGE": EXCHANGE}
PARTIES = {"buyer": BUYER, "seller": SELLER, "arbiter": ARBITER, "anyone": STRANGER}

# Of a deal in its present state: before and after every deadline of every rail here.
EARLY, LATE = NOW + 1, NOW + 10_000_000
CHARGE = 400
PROOF = word("deliverable")

FUNDED = opened(NOW)
DELIVERED = Deal(DealState.DELIVERED, NOW, 0, CHARGE, 0)
DISPUTED = replace(DELIVERED, state=DealState.DISPUTED)
NOTICED = Deal(DealState.NOTICED, NOW)
SIGNERS = frozenset({BUYER.address, SELLER.address, HOT_KEY.address})
DELIVERY, REVIEW = PLAIN.delivery_window, PLAIN.review_window
PRICE, BOND, STAKE = PLAIN.price, PLAIN.bond, JUDGED.arbiter_fee

Move = tuple[str, DealState, Operation, str, int]


INSTANTS = {"before": [EARLY], "from": [LATE], "at": [EARLY, LATE]}


def allowed() -> dict[Move, DealState]:
    """The table of docs/protocol.md, one entry a rail, state, call, caller and instant."""
    page = (Path(__file__).parents[1] / "docs" / "protocol.md").read_text()
    section = page.split("\n## The deal\n")[1].split("\n## ")[0]
    moves: dict[Move, DealState] = {}
    for row in re.findall(r"^\| ([A-Z].*) \|$", section, re.MULTILINE):
        rails, state, call, who, when, after = (cell.strip() for cell in row.split(" | "))
        callers = list(PARTIES) if who == "anyone" else who.split(", ")
        for rail, caller in product(rails.split(", "), callers):
            for at in INSTANTS[when.split()[0]]:
                moves[rail, DealState[state], Operation(call), caller, at] = DealState[after]
    return moves


ALLOWED = allowed()
REACHED = {(rail, state) for rail, state, *_ in ALLOWED}


def standing(state: DealState) -> Deal:
    """A deal that has just entered a state."""
    return Deal(state, NOW, 0, CHARGE if state >= DealState.DELIVERED else 0)


def call(signed: Terms, operation: Operation, caller: str, at: int) -> Call:
    """A call whose amount, signatures and deliverable are in order: all that is due, if any.

    A settlement lapses between the two instants.
    """
    whole = operation in (Operation.RELEASE, Operation.REDEEM)
    amounts = {Operation.CLOSE: 0, Operation.DELIVER: CHARGE, Operation.RESOLVE: CHARGE}
    signers = frozenset({BUYER.address, SELLER.address, HOT_KEY.address})
    amount = signed.price if whole else amounts.get(operation, CHARGE)
    deal = signed.digest(DOMAIN)
    return Call(deal, operation, caller, at, PROOF, amount, 0, signers, valid_before=LATE)


def step(
    deal: Deal, terms: Terms, operation: Operation, caller: str, at: int = NOW, **named: object
) -> tuple[Deal, Payout]:
    """One call, by default now and with every signature."""
    made = Call(terms.digest(DOMAIN), operation, caller, at, PROOF, signed_by=SIGNERS)
    return apply(deal, terms, replace(made, **named))


def refusal(
    deal: Deal, terms: Terms, operation: Operation, caller: str, at: int = NOW, **named: object
) -> tuple[str, tuple[object, ...]]:
    """The code and the values of the error that the call meets."""
    with pytest.raises(ParleyError) as refused:
        step(deal, terms, operation, caller, at, **named)
    return refused.value.code, tuple(refused.value.values.values())


def fee(total: int) -> int:
    """On what the seller is paid in all."""
    return total * PLAIN.fee_bps // 10_000
