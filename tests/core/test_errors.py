"""Every refusal has a name, both values and a next step, in Python and in the contract."""

import pytest

from marketplace.adapters.evm.artifact import load
from marketplace.core.errors import ParleyError

LEAVES = ParleyError.leaves()
# What OpenZeppelin's parts of the contract declare; their names are not ours to choose.
FOREIGN = {
    "InvalidShortString",
    "StringTooLong",
    "ReentrancyGuardReentrantCall",
    "SafeERC20FailedOperation",
}
CONTRACT = {
    entry["name"]: [argument["name"] for argument in entry["inputs"]]
    for entry in load("Escrow").abi
    if entry["type"] == "error" and entry["name"] not in FOREIGN
}
# The families whose leaves the contract raises, but for what only Python can find.
ONLY_PYTHON = {"DeliverableWrong", "TransactionFailed", "EscrowAbsent", "EscrowUnknown"}


def fields(leaf: type[ParleyError]) -> tuple[str, ...]:
    return getattr(leaf, "__match_args__", ())


@pytest.mark.parametrize("code", sorted(LEAVES))
def test_every_error_says_what_is_wrong_and_what_to_do(code: str):
    leaf = LEAVES[code]
    error = leaf(*range(len(fields(leaf))))
    assert leaf.__dict__["hint"].endswith(".")
    assert error.title.endswith(".")
    assert error.code == code
    assert str(error).startswith(f"{code}: {error.title}")
    assert all(f"{name}={value}" in str(error) for name, value in error.values.items())
    assert str(error).endswith(error.hint)


@pytest.mark.parametrize("code", sorted(LEAVES))
def test_every_error_carries_at_least_one_value(code: str):
    assert fields(LEAVES[code])


def test_codes_are_unique_although_leaves_are_found_by_name():
    def count(error: type[ParleyError]) -> int:
        return sum(map(count, error.__subclasses__())) or 1

    assert count(ParleyError) == len(LEAVES)


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_every_error_of_the_contract_has_a_python_error_of_its_name_and_values(name: str):
    assert len(fields(LEAVES[name])) == len(CONTRACT[name])


def test_every_error_of_deals_and_feasibility_is_the_contract_s():
    families = ("TermsInfeasible", "DealRefused")
    ours = {code for code, leaf in LEAVES.items() if leaf.__mro__[1].__name__ in families}
    assert ours - ONLY_PYTHON == CONTRACT.keys() - {"WrongSigner"}


@pytest.mark.parametrize("name", sorted(CONTRACT))
def test_values_have_the_same_names_in_both_languages(name: str):
    def wire(python: str) -> str:
        head, *rest = python.split("_")
        return head + "".join(part.capitalize() for part in rest)

    assert [wire(field) for field in fields(LEAVES[name])] == CONTRACT[name]


def test_family_without_values_can_still_be_told():
    assert str(ParleyError()).startswith("ParleyError: Something was refused.")
