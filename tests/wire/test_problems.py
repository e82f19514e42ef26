"""Problems: each error crosses HTTP and comes back as itself."""

from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.errors import ParleyError, PolicyDenied, RegistryRefused
from marketplace.wire.problems import Problem, from_problem, status_of, to_problem

LEAVES = ParleyError.leaves()
OWN = PolicyDenied.leaves()


def some_error(leaf: type[ParleyError]) -> st.SearchStrategy[ParleyError]:
    types = get_type_hints(leaf)
    kinds = {int: st.integers(0, (1 << 256) - 1), str: st.text(st.characters(codec="utf-8"))}
    return st.builds(leaf, *(kinds[types[name]] for name in leaf.__match_args__))


@given(
    st.sampled_from(sorted(LEAVES.keys() - OWN.keys())).flatmap(
        lambda code: some_error(LEAVES[code])
    )
)
def test_error_comes_back_as_the_same_class_with_the_same_values(error: ParleyError):
    crossed = Problem.model_validate_json(to_problem(error).model_dump_json())
    back = from_problem(crossed)
    assert (type(back), back.values) == (type(error), error.values)


@given(st.sampled_from(sorted(OWN)).flatmap(lambda code: some_error(OWN[code])))
def test_a_registry_cannot_say_that_a_signer_s_own_limit_was_exceeded(error: ParleyError):
    assert type(from_problem(to_problem(error))) is RegistryRefused


@pytest.mark.parametrize("code", sorted(LEAVES))
def test_every_error_has_a_status_that_says_whose_turn_it_is(code: str):
    leaf = LEAVES[code]
    problem = to_problem(leaf(*("1" for _ in leaf.__match_args__)))
    assert 400 <= problem.status < 600
    assert problem.status == status_of(leaf)
    assert (problem.code, problem.type) == (code, f"urn:parley:problem:{code}")
    assert (problem.title, problem.hint, problem.retryable) == (
        problem.title.strip(),
        leaf.hint,
        leaf.retryable,
    )


def test_integer_beyond_a_double_travels_as_a_string():
    problem = to_problem(LEAVES["FundsShort"]("0x", 1 << 53, (1 << 53) - 1))
    assert problem.values == {"account": "0x", "held": "9007199254740992", "needed": (1 << 53) - 1}


@pytest.mark.parametrize(
    "change",
    [
        {"code": "FromTheFuture"},
        {"code": "ParleyError"},
        {"code": "MalformedValue"},
        {"values": {}},
        {"values": {"deadline": 1}},
        {"values": {"deadline": 1, "now": 2, "more": 3}},
        {"values": {"deadline": "soon", "now": 2}},
        {"values": {"__class__": "x", "now": 2}},
    ],
)
def test_problem_that_this_version_does_not_know_is_told_as_it_came(change: dict[str, object]):
    known = to_problem(LEAVES["DeadlinePassed"](1, 2))
    back = from_problem(known.model_copy(update=change))
    assert back.values == {"status": 409, "detail": known.detail}
