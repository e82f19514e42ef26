"""The checked-in artifacts are what the sources compile to, and a stale one is caught."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "marketplace/adapters/evm/artifacts"
SOURCES = {
    "Batch": "contracts/Batch.sol",
    "CheckpointAnchor": "contracts/CheckpointAnchor.sol",
    "CreditToken": "contracts/CreditToken.sol",
    "Erc792Arbiter": "contracts/arbiters/Erc792Arbiter.sol",
    "Escrow": "contracts/Escrow.sol",
    "ExchangeArbiter": "contracts/arbiters/ExchangeArbiter.sol",
    "PanelArbiter": "contracts/arbiters/PanelArbiter.sol",
}
NAMES = sorted(SOURCES)
EIP_170_LIMIT = 24_576


def artifact(name: str) -> dict:
    return json.loads((ARTIFACTS / f"{name}.json").read_text())


def build(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/build_contracts.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree as far as the build reads it, free to be changed."""
    for part in ("contracts", "scripts", "marketplace/adapters/evm/artifacts"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "foundry.toml", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_artifact_was_built_from_the_sources_of_this_tree(name: str):
    ours = {
        path: digest
        for path, digest in artifact(name)["source_sha256"].items()
        if path.startswith("contracts/")
    }
    assert SOURCES[name] in ours
    for path, digest in ours.items():
        assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == digest, path


@pytest.mark.parametrize("name", NAMES)
def test_code_size_is_within_eip_170(name: str):
    code = bytes.fromhex(artifact(name)["deployed_bytecode"].removeprefix("0x"))
    assert 0 < len(code) <= EIP_170_LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_immutables_are_the_only_gaps_in_the_deployed_code(name: str):
    content = artifact(name)
    code = bytes.fromhex(content["deployed_bytecode"].removeprefix("0x"))
    assert content["immutable_references"]
    for place in content["immutable_references"]:
        assert code[place["start"] :][: place["length"]] == bytes(place["length"])


def test_artifacts_name_no_machine():
    for name in NAMES:
        assert str(ROOT) not in (ARTIFACTS / f"{name}.json").read_text()


@pytest.mark.node
def test_check_passes_on_a_copy_elsewhere(copy: Path):
    result = build(copy, "--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.node
def test_check_names_the_stale_artifact_when_a_source_changed(copy: Path):
    source = copy / "contracts/libraries/Feasibility.sol"
    text = source.read_text()
    assert "365 days" in text
    source.write_text(text.replace("365 days", "366 days"))
    result = build(copy, "--check")
    assert result.returncode == 1
    assert "Escrow.json: bytecode, deployed_bytecode, source_sha256" in result.stderr
    assert "CreditToken.json" not in result.stderr


@pytest.mark.node
def test_check_names_every_artifact_when_the_settings_changed(copy: Path):
    table = copy / "foundry.toml"
    told = re.sub(r"(?m)^optimizer_runs = \S+$", "optimizer_runs = 1", table.read_text())
    assert told != table.read_text()
    table.write_text(told)
    result = build(copy, "--check")
    assert result.returncode == 1
    assert [name for name in NAMES if f"{name}.json" not in result.stderr] == []


@pytest.mark.node
def test_a_warning_of_the_compiler_stops_the_build(copy: Path):
    source = copy / "contracts/CreditToken.sol"
    text = source.read_text()
    spoiled = text.replace("minter = minter_;", "minter = minter_; uint256 unused;")
    assert spoiled != text
    source.write_text(spoiled)
    result = build(copy)
    assert result.returncode == 1
    assert "Unused local variable" in result.stderr


@pytest.mark.node
def test_forge_tests_the_very_bytes_that_are_deployed(tmp_path: Path):
    forge = ROOT / "node_modules/.bin/forge"
    # The first build of a fresh tree also puts the compiler where forge looks for it.
    assert build(ROOT, "--check").returncode == 0
    command = [forge, "build", *SOURCES.values()]
    places = ["--out", tmp_path / "out", "--cache-path", tmp_path / "cache"]
    subprocess.run([*command, *places], cwd=ROOT, capture_output=True, check=True)
    for name in NAMES:
        built = json.loads((tmp_path / f"out/{name}.sol/{name}.json").read_text())
        assert built["bytecode"]["object"] == artifact(name)["bytecode"]
        assert built["deployedBytecode"]["object"] == artifact(name)["deployed_bytecode"]
