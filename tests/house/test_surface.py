"""The public surface is one sorted list, documented, and the problems are complete."""

import json
import re
from pathlib import Path

import pytest

from marketplace import sdk
from marketplace.adapters.evm.artifact import load
from marketplace.core.errors import ParleyError
from marketplace.core.negotiation import TRANSITIONS
from marketplace.wire.problems import status_of

ROOT = Path(__file__).parents[2]
MOST_NAMES = 33

# Refusals of the escrow that Python spells otherwise: none.
SOLIDITY_ONLY: set[str] = set()
# The libraries that the escrow is built on bring errors of their own; these are theirs.
OPENZEPPELIN = {
    "InvalidShortString",
    "ReentrancyGuardReentrantCall",
    "SafeERC20FailedOperation",
    "StringTooLong",
}


def test_the_sdk_exports_one_sorted_list_and_nothing_leaks():
    public = {name for name in vars(sdk) if not name.startswith("_")}
    modules = {"auditing", "breaker", "client", "devnet", "evidence", "genuine", "ledger", "login"}
    modules |= {"decisions", "patience", "people", "receipts", "seeking", "tiles"}
    modules |= {"means", "registry", "settlement", "signer", "talk", "wallet"}
    modules |= {"contradiction", "downloading", "remembered"}
    modules |= {"book", "boxes", "direct", "inbox", "peer", "reception", "shelf", "strangers"}
    assert sorted(sdk.__all__) == sdk.__all__
    assert public - modules == set(sdk.__all__)
    assert len(sdk.__all__) <= MOST_NAMES


def test_every_public_name_is_in_the_api_page():
    page = (ROOT / "docs/api.md").read_text()
    assert [name for name in sdk.__all__ if f"`{name}`" not in page] == []


def test_every_error_has_a_title_a_hint_and_a_status():
    for leaf in ParleyError.leaves().values():
        assert leaf.__doc__
        assert leaf.hint != ParleyError.hint, leaf
        assert 400 <= status_of(leaf) <= 599


def test_every_error_is_in_the_protocol_page():
    page = (ROOT / "docs/errors.md").read_text()
    assert [code for code in ParleyError.leaves() if f"`{code}`" not in page] == []


@pytest.mark.parametrize("contract", ["Escrow", "CheckpointAnchor"])
def test_every_error_of_a_contract_has_the_same_name_and_arity_in_python(contract: str):
    leaves = ParleyError.leaves()
    for entry in load(contract).abi:
        if entry["type"] != "error" or entry["name"] in OPENZEPPELIN:
            continue
        fields = getattr(leaves[entry["name"]], "__match_args__", ())
        assert len(fields) == len(entry["inputs"]), entry["name"]


def test_the_transition_table_of_the_protocol_page_is_the_machines():
    page = (ROOT / "docs/protocol.md").read_text()
    rows = set(re.findall(r"^\| ([A-Z]+) \| ([a-z]+) \| ([A-Z]+) \|$", page, re.MULTILINE))
    assert rows == {(state, kind, after) for (state, kind), after in TRANSITIONS.items()}


def test_requirements_name_no_package_index_and_the_lock_no_address():
    for path in (ROOT / "requirements").glob("*.txt"):
        assert "http" not in re.sub(
            r"^(aio)?http\w*==.*$", "", path.read_text(), flags=re.MULTILINE
        )
    assert "resolved" not in json.dumps(json.loads((ROOT / "package-lock.json").read_text()))


def test_every_dependency_has_its_reason():
    reasons = (ROOT / "docs/adr/0002-dependencies.md").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    declared = re.search(r"^dependencies = \[(.*?)\]", project, re.DOTALL | re.MULTILINE)
    assert declared
    named = re.findall(r'"([a-z0-9-]+)', declared[1])
    named += re.findall(
        r"^([a-z][a-z-]+)", (ROOT / "requirements/dev.in").read_text(), re.MULTILINE
    )
    named += json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert [name for name in named if f"`{name}`" not in reasons] == []
