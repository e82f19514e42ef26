"""The deal machine does what the table of docs/protocol.md says, and nothing else."""

from dataclasses import replace

import pytest
from market import BUYER
from scenes import ALLOWED, EARLY, LATE, PARTIES, RAILS, REACHED, call, standing

from marketplace.core.deal import (
    OPEN_STATES,
    OPERATIONS,
    Deal,
    DealState,
    Operation,
    apply,
    due,
    opened,
)
from marketplace.core.errors import ParleyError
from marketplace.core.terms import Rail, Terms

FINAL = {DealState.RELEASED, DealState.REFUNDED, DealState.RESOLVED, DealState.SETTLED}


def after(deal: Deal, terms: Terms, operation: Operation, caller: str, at: int) -> DealState | None:
    """The next state, or None where the machine refuses."""
    made = call(terms, operation, caller, at)
    if operation is Operation.RELEASE:
        made = replace(made, amount=due(deal, terms))
    try:
        return apply(deal, terms, made)[0].state
    except ParleyError:
        return None


@pytest.mark.parametrize("at", [EARLY, LATE], ids=["early", "late"])
@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize(("rail", "state"), sorted(REACHED), ids=str)
def test_every_caller_gets_where_the_table_says(
    rail: str, state: DealState, operation: Operation, at: int
):
    for who, party in PARTIES.items():
        expected = ALLOWED.get((rail, state, operation, who, at))
        assert after(standing(state), RAILS[rail], operation, party.address, at) == expected, who


@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("state", [DealState.NONE, *sorted(FINAL)])
@pytest.mark.parametrize("rail", RAILS)
def test_nothing_moves_a_deal_that_is_not_open(rail: str, state: DealState, operation: Operation):
    for party in PARTIES.values():
        for at in (EARLY, LATE):
            with pytest.raises(ParleyError):
                apply(standing(state), RAILS[rail], call(RAILS[rail], operation, party.address, at))


def test_operations_and_states_are_all_in_the_table():
    assert {operation for _, _, operation, _, _ in ALLOWED} == set(Operation) == set(OPERATIONS)
    assert {state for _, state in REACHED} == set(OPEN_STATES)
    assert set(DealState) == {DealState.NONE, *OPEN_STATES, *FINAL}


@pytest.mark.parametrize("silent", ["buyer", "seller", "arbiter"])
@pytest.mark.parametrize(("rail", "state"), sorted(REACHED), ids=str)
def test_whoever_is_silent_for_ever_another_ends_the_deal_without_any_signature(
    rail: str, state: DealState, silent: str
):
    others = [party for who, party in PARTIES.items() if who != silent]
    ways = []
    for operation, party in ((o, p) for o in Operation for p in others):
        made = replace(call(RAILS[rail], operation, party.address, LATE), signed_by=frozenset())
        if operation in (Operation.RELEASE, Operation.REDEEM):
            made = replace(made, amount=due(standing(state), RAILS[rail]))
        try:
            ways.append(apply(standing(state), RAILS[rail], made)[0].state in FINAL)
        except ParleyError:
            continue
    assert any(ways)


def test_opening_is_numbered_and_placed_as_the_contract_does():
    assert [state.value for state in DealState] == list(range(9))
    assert opened(EARLY, 3) == Deal(DealState.FUNDED, EARLY, 3, 0, 0)
    assert opened(EARLY) == Deal(DealState.FUNDED, EARLY, 0, 0, 0)


def test_atomic_deal_has_no_life():
    swap = replace(RAILS["ESCROW"], rail=Rail.ATOMIC)
    for operation in Operation:
        with pytest.raises(ParleyError):
            apply(Deal(), swap, call(swap, operation, BUYER.address, EARLY))
