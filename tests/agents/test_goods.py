"""Goods: what both sign says how a delivery is recognised, and nothing else is taken."""

import pytest
from hall import BUYER, SELLER, WIDE, Hall
from market import TOKEN

from agents import compute, data
from agents.compute import FUEL_PER_UNIT, Compute
from agents.data import CHUNK_DIGESTS, Rows, Table
from agents.faults import ChargeWrong
from agents.negotiator import Negotiator
from agents.providers.compute import ENGINE, Result
from agents.providers.dataset import Dataset, slice_digest
from agents.providers.faults import ChunkDiffers, FuelExhausted, JobMalformed, SliceTooLong
from agents.strategies import buyer, seller
from marketplace.core.words import Kind
from marketplace.sdk import Content

TABLE = Table(Dataset.load())
ROWS = data.listing(TOKEN, TABLE, "Minutes of daylight")
FUEL = compute.listing(TOKEN)
JOB = Compute.of("sha256", b"abc")
CHEAP_FUEL = {"unit_price": 10, "quantity": 2, "delivery_window": 300}
CHEAP_ROWS = {"unit_price": 100, "quantity": 2, "delivery_window": 300}


def agreed(content: Content, outcome, good):
    """An agreement on an outcome, without bargaining."""
    hall = Hall(content)
    hall.talk(SELLER).offer(outcome, good.delivery(outcome))
    talk = hall.talk(BUYER)
    talk.sync()
    return talk.accept()


def test_a_job_is_bought_by_its_digest_and_the_engine_that_meters_it():
    assert JOB.delivery(CHEAP_FUEL) == {"method": "rerun", "job": JOB.job.digest, "engine": ENGINE}
    assert Compute.requested(JOB.request) == JOB


def test_rows_are_bought_by_the_digest_of_their_chunks_on_both_sides_alike():
    rows = Rows.listed(ROWS)
    for quantity in (1, 2, len(rows.chunk_digests)):
        outcome = {**CHEAP_ROWS, "quantity": quantity}
        digest = slice_digest(rows.chunk_digests, quantity)
        assert rows.delivery(outcome) == {"method": "chunks", "digest": digest}
        assert TABLE.delivery(outcome) == rows.delivery(outcome)


def test_a_listing_tells_every_chunks_digest():
    assert ROWS.attributes[CHUNK_DIGESTS].split() == TABLE.dataset.chunk_digests
    assert Content.from_json(ROWS.to_json()) == ROWS


@pytest.mark.parametrize(
    ("content", "outcome", "good", "change"),
    [
        (FUEL, CHEAP_FUEL, JOB, {"job": "0x" + "11" * 32}),
        (FUEL, CHEAP_FUEL, JOB, {"engine": "wasmtime-1.0.0"}),
        (FUEL, CHEAP_FUEL, JOB, {"method": "trust me"}),
        (FUEL, CHEAP_FUEL, JOB, {"further": "clause"}),
        (ROWS, CHEAP_ROWS, Rows.listed(ROWS), {"digest": "0x" + "11" * 32}),
        (ROWS, CHEAP_ROWS, Rows.listed(ROWS), {"method": "trust me"}),
    ],
)
def test_the_best_offer_under_another_delivery_is_never_accepted(content, outcome, good, change):
    hall = Hall(content)
    hall.talk(SELLER).offer(outcome, {**good.delivery(outcome), **change})
    assert Negotiator(hall.talk(BUYER), buyer(content, 2), good).run() is None
    assert Kind.ACCEPTANCE not in [view.message["kind"] for view in hall.views]


def test_what_is_signed_is_the_delivery_that_both_computed():
    hall = Hall(ROWS)
    shop = Negotiator(hall.talk(SELLER), seller(ROWS), TABLE)

    def turn() -> bool:
        shop.talk.sync()
        if shop.talk.my_turn:
            shop.step()
            return True
        return False

    hall.otherwise = turn
    demand = Rows.listed(ROWS)
    agreement = Negotiator(hall.talk(BUYER, WIDE), buyer(ROWS, 40), demand).run()
    assert agreement.subject.delivery == demand.delivery(agreement.subject.outcome)
    rows, charge = TABLE.produce(agreement)
    assert charge == agreement.terms.price
    demand.check(agreement, rows, charge)


def test_a_job_is_charged_by_the_million_begun_and_checks_out():
    agreement = agreed(FUEL, CHEAP_FUEL, JOB)
    made, charge = JOB.produce(agreement)
    used = Result.decode(made).fuel_used
    assert charge == min(20, -(-used // FUEL_PER_UNIT) * 10)
    JOB.check(agreement, made, charge)
    for wrong in (charge - 1, charge + 1):
        with pytest.raises(ChargeWrong):
            JOB.check(agreement, made, wrong)


def test_a_job_that_needs_more_fuel_than_was_bought_is_a_fault_and_no_bill():
    hungry = Compute.of("search", bytes([12]))
    with pytest.raises(FuelExhausted):
        hungry.produce(agreed(FUEL, CHEAP_FUEL, hungry))


def test_a_request_that_is_no_job_is_refused_by_name():
    with pytest.raises(JobMalformed):
        Compute.requested(b"rm -rf /")


def test_rows_that_differ_or_are_too_many_are_refused():
    demand = Rows.listed(ROWS)
    agreement = agreed(ROWS, CHEAP_ROWS, demand)
    right = TABLE.dataset.slice_bytes(2)
    demand.check(agreement, right, 0)
    with pytest.raises(ChunkDiffers):
        demand.check(agreement, right.replace(b"0", b"1", 1), 0)
    with pytest.raises(ChunkDiffers):
        demand.check(agreement, b"", 0)
    with pytest.raises(SliceTooLong):
        demand.check(agreement, right + b"more\n", 0)
