"""The payout table of docs/contracts.md, paid by the deal machine to the unit.

``scripts/payouts.py`` makes the cases from the page; the contract is held to the same file.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from market import ARBITER, BUYER, NOW, SELLER, STRANGER
from scenes import PLAIN, PROOF

from marketplace.core.deal import Call, Deal, Operation, Payout, apply, opened, share
from marketplace.core.terms import Rail, Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST

FILE = Path(__file__).parents[1] / "vectors" / "payouts.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text())["cases"]
PARTIES = {"buyer": BUYER, "seller": SELLER, "arbiter": ARBITER, "anyone": STRANGER}
SIGNERS = frozenset({BUYER.address, SELLER.address})


def terms(stated: dict[str, Any]) -> Terms:
    figures = {name: int(value) for name, value in stated.items() if name != "has_arbiter"}
    arbiter = ARBITER.address if stated["has_arbiter"] else ZERO_ADDRESS
    return replace(PLAIN, **figures, arbiter=arbiter)


def paid(case: dict[str, Any]) -> Payout:
    """What the last call pays."""
    agreed, at, deal, payout = terms(case["terms"]), NOW, Deal(), Payout()
    for one in case["calls"]:
        at += one["after"]
        if one["call"] == "open":
            deal = opened(at)
        elif one["call"] == "swap":
            # A swap has no position, so the machine has no such call: this is all it pays.
            fee = share(agreed.price, agreed.fee_bps)
            payout = Payout(0, agreed.price - fee, fee)
        else:
            call = Call(
                ZERO_DIGEST,
                Operation(one["call"]),
                PARTIES[one["caller"]].address,
                at,
                PROOF,
                int(one.get("amount", 0)),
                int(one.get("bond_to_seller", 0)),
                SIGNERS,
            )
            deal, payout = apply(deal, agreed, call)
    return payout


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_machine_pays_what_the_table_says(case: dict[str, Any]):
    expected = {name: int(value) for name, value in case["expected"].items()}
    assert paid(case) == Payout(**expected)


def test_every_operation_that_pays_is_in_the_table_on_every_rail():
    last = {(case["calls"][-1]["call"], case["terms"]["rail"]) for case in CASES}
    silent = {Operation.DELIVER, Operation.DISPUTE, Operation.NOTICE}
    assert {call for call, _ in last} == set(Operation) - silent | {"swap"}
    assert {rail for _, rail in last} == set(Rail)
