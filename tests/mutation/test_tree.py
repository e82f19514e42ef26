"""Which tests judge which contract, and what forge's report says of them."""

import json
import tomllib

import pytest
from build_contracts import ROOT
from mutation.tree import first_failure, judges_of
from project_copy import one_profile


@pytest.mark.parametrize(
    ("contract", "chosen", "suites"),
    [
        (
            "contracts/arbiters/Sealing.sol",
            "--match-path",
            "tests/contracts/{arbiters/**,Mutants.t.sol}",
        ),
        (
            "contracts/Batch.sol:Batch",
            "--match-path",
            "tests/contracts/Batch.t.sol",
        ),
        (
            "contracts/libraries/Rfc6962.sol",
            "--match-path",
            "tests/contracts/anchor/**",
        ),
        (
            "contracts/CheckpointAnchor.sol:CheckpointAnchor",
            "--match-path",
            "tests/contracts/anchor/**",
        ),
        (
            "contracts/Escrow.sol:Escrow",
            "--no-match-path",
            "tests/contracts/{arbiters/**,Batch.t.sol,anchor/**}",
        ),
    ],
)
def test_a_contract_is_judged_by_the_tests_near_it(contract, chosen, suites):
    assert judges_of(contract) == (chosen, suites)


def test_a_report_names_the_failure_that_is_first_in_the_alphabet():
    def suite(tests):
        return {"test_results": {f"{name}()": {"status": told} for name, told in tests.items()}}

    report = {
        "tests/B.t.sol:B": suite({"test_x": "Failure", "test_a": "Success"}),
        "tests/A.t.sol:A": suite({"test_z": "Failure"}),
    }
    assert first_failure(json.dumps(report)) == "A.test_z"
    del report["tests/A.t.sol:A"]
    assert first_failure(json.dumps(report)) == "B.test_x"
    report["tests/B.t.sol:B"] = suite({"test_a": "Success"})
    assert first_failure(json.dumps(report)) == ""


def test_a_copy_compiles_everything_under_one_profile():
    settings = (ROOT / "foundry.toml").read_text()
    here, there = (
        tomllib.loads(text)["profile"]["default"] for text in (settings, one_profile(settings))
    )
    gone = {"additional_compiler_profiles", "compilation_restrictions"}
    assert gone <= here.keys()
    assert there == {name: value for name, value in here.items() if name not in gone}
