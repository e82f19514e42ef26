"""Series of deals: opened by one signature each, and redeemed wherever a voucher is taken."""

from collections.abc import Iterator
from typing import Any

import pytest
from escrow_stage import ARBITER, Stage, staged
from market import BUYER, SELLER, STRANGER
from side_by_side import PROOF, Step, World, escrow_terms

from marketplace.core.consent import Own, bulk_of_terms, bulk_proof, series, with_proof
from marketplace.core.deal import DealState, Operation
from marketplace.core.terms import Rail
from marketplace.ports.chain import Opening, Series

JUDGED = {"arbiter": ARBITER.address, "arbiter_fee": 77, "arbitration_window": 900}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as ready:
        yield ready


def some(stage: Stage, count: int, **changes: Any) -> Series:  # noqa: ANN401 any field
    owns = tuple(Own(PROOF, f"0x{n:064x}", 100 + n, 900 - n) for n in range(count))
    return Series(escrow_terms(stage, 0, **changes), owns)


@pytest.mark.parametrize("inside", [(), (BUYER,), (SELLER,), (BUYER, SELLER)])
def test_a_series_opens_and_a_voucher_pays_where_it_is_taken(stage: Stage, inside: tuple):
    with stage.undone():
        world, several = World(stage), some(stage, 6, **JUDGED)
        for party in inside:
            assert world.deposit(party.address, 10**6) == "taken"
        assert world.open_series(several) == "taken"
        refunded, delivered, disputed, ahead, *_ = world.deals
        for deal, step in (
            (refunded, Step(Operation.REFUND, by=SELLER.address)),
            (delivered, Step(Operation.DELIVER, amount="half")),
            (disputed, Step(Operation.DELIVER, amount="half")),
            (disputed, Step(Operation.DISPUTE)),
            (ahead, Step(Operation.RELEASE, amount="half")),
        ):
            assert world.step(deal, step) == "taken"
        # Half of the price is 5,000: what was billed there, and one less than was released.
        assert world.redeem_series(several, 5_000) == "taken"
        states = [held.state.name for held in world.deals.values()]
        assert states == ["REFUNDED", "RELEASED", "DISPUTED", *["FUNDED"] * 3]
        assert world.redeem_series(several, 5_000) == "taken"
        assert world.redeem_series(several, 10**6) == "taken"


def test_a_series_that_spends_a_nonce_twice_or_again_does_not_open_in_either(stage: Stage):
    with stage.undone():
        world, several = World(stage), some(stage, 3)
        twice = Series(several.terms, (*several.owns, several.owns[0]))
        assert world.open_series(twice) == "NonceSpent"
        assert world.open_series(several) == "taken"
        assert world.open_series(some(stage, 1)) == "NonceSpent"


def test_a_series_that_a_party_has_not_signed_does_not_open_in_either(stage: Stage):
    with stage.undone():
        world, several = World(stage), some(stage, 2)
        assert world.open_series(several, (STRANGER, SELLER)) == "WrongSigner"
        assert world.open_series(several, (BUYER, STRANGER)) == "WrongSigner"


def test_vouchers_of_a_stranger_pay_nothing_in_either(stage: Stage):
    with stage.undone():
        world, several = World(stage), some(stage, 2, rail=Rail.METERED)
        assert world.open_series(several) == "taken"
        assert world.redeem_series(several, 10, STRANGER) == "WrongSigner"


def test_a_series_that_nobody_could_open_is_refused_alike(stage: Stage):
    with stage.undone():
        world = World(stage)
        assert world.open_series(some(stage, 2, open_by=1)) == "OpenExpired"
        assert world.open_series(some(stage, 2, price=0)) == "PriceTooLow"


def test_the_signatures_of_a_series_open_each_of_its_deals_alone(stage: Stage):
    several = some(stage, 5)
    members = series(several.terms, several.owns)
    signed = bulk_of_terms(members).digest(stage.view.domain)
    leaves = [terms.struct_hash() for terms in members]
    with stage.undone():
        for place, terms in enumerate(members):
            agreement = stage.agreement(terms)
            proof = bulk_proof(leaves, place)
            object.__setattr__(agreement, "buyer_signature", with_proof(BUYER.sign(signed), proof))
            object.__setattr__(
                agreement, "seller_signature", with_proof(SELLER.sign(signed), proof)
            )
            stage.escrow(STRANGER.address).open(Opening(agreement))
            assert stage.view.position(agreement.digest).state is DealState.FUNDED


def test_an_exchange_takes_no_voucher_in_a_series_either(stage: Stage):
    with stage.undone():
        exchange = {"rail": Rail.EXCHANGE, "arbiter": ARBITER.address, "goods": PROOF}
        world, several = World(stage), some(stage, 2, **exchange)
        assert world.open_series(several) == "taken"
        assert world.redeem_series(several, 10) == "WrongRail"
