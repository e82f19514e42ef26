"""Compile the contracts into the artifacts that Python reads.

`python scripts/build_contracts.py` writes one JSON file a contract; `--check` writes nothing and
exits with 1, naming what is stale. Settings come from foundry.toml, so that forge tests the very
bytes that are deployed. Running Parley needs no compiler: the artifacts are checked in.
"""

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import solcx

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = Path("marketplace/adapters/evm/artifacts")
LAUNCHER = Path("scripts/solc_launcher.js")
CONTRACTS = {
    "Batch": "contracts/Batch.sol",
    "CheckpointAnchor": "contracts/CheckpointAnchor.sol",
    "CreditToken": "contracts/CreditToken.sol",
    "Erc792Arbiter": "contracts/arbiters/Erc792Arbiter.sol",
    "Escrow": "contracts/Escrow.sol",
    "ExchangeArbiter": "contracts/arbiters/ExchangeArbiter.sol",
    "PanelArbiter": "contracts/arbiters/PanelArbiter.sol",
}
CODE_LIMIT = 24_576  # bytes of deployed code, EIP-170

Json = dict[str, Any]


class BuildFailedError(Exception):
    """The contracts cannot be built; the message says why and what to do."""


def main() -> int:
    """Write or check the artifacts; the exit status is 1 when one is stale or does not build."""
    parser = argparse.ArgumentParser(description="Compile the contracts into checked-in artifacts.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    arguments = parser.parse_args()
    try:
        artifacts = build(ROOT)
    except BuildFailedError as error:
        print(f"build_contracts: {error}", file=sys.stderr)
        return 1
    if arguments.check:
        return report(stale(ROOT, artifacts))
    for path, text in artifacts.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
        print(f"wrote {path}")
    return 0


def build(root: Path) -> dict[Path, str]:
    """Compile every contract of the tree at `root`.

    Returns:
        The text of each artifact by its path below `root`.

    Raises:
        BuildFailedError: no compiler, an error or a warning of it, or code over the EIP-170 limit.
    """
    profile = tomllib.loads((root / "foundry.toml").read_text())["profile"]["default"]
    compiler = provide_compiler(root, root / profile["solc"])
    settings = compiler_settings(profile)
    output = compile_sources(root, compiler, settings)
    refuse_diagnostics(output, profile["ignored_error_codes"])
    common = {"compiler": version_of(compiler), "settings": settings}
    texts = {}
    for name, path in CONTRACTS.items():
        compiled = output["contracts"][path][name]
        sources = {"source_sha256": source_digests(root, compiled)}
        texts[ARTIFACTS / f"{name}.json"] = render(common | sources | artifact(name, compiled))
    return texts


def stale(root: Path, artifacts: Mapping[Path, str]) -> list[str]:
    """Say which files under `root` differ from what the sources compile to, and where."""
    found = []
    for path, text in artifacts.items():
        stored = json.loads((root / path).read_text()) if (root / path).exists() else {}
        fresh = json.loads(text)
        entries = sorted(key for key in stored | fresh if stored.get(key) != fresh.get(key))
        if entries:
            found.append(f"{path}: {', '.join(entries)}")
    return found


def report(lines: list[str]) -> int:
    """Print what is stale and the next step; the exit status is 1 when there is any."""
    for line in lines:
        print(f"stale: {line}", file=sys.stderr)
    if lines:
        print("run: python scripts/build_contracts.py", file=sys.stderr)
    return int(bool(lines))


def provide_compiler(root: Path, wanted: Path) -> Path:
    """Put a compiler at `wanted` unless there is one: a native solc of that version, else npm's."""
    if wanted.exists():
        return wanted
    native = shutil.which("solc")
    if native is not None and version_of(Path(native)).split("+")[0] in wanted.name:
        found = Path(native)
    elif (root / "node_modules" / "solc").is_dir():
        found = root / LAUNCHER
    else:
        raise BuildFailedError(
            f"no compiler for {wanted.name}: run `npm install` or install that solc"
        )
    wanted.parent.mkdir(parents=True, exist_ok=True)
    wanted.unlink(missing_ok=True)  # a link to a compiler that is gone
    wanted.symlink_to(found)
    return wanted


def version_of(compiler: Path) -> str:
    """The release and commit, without the platform: native and WebAssembly make the same bytes."""
    answer = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"Version: (\S+?\+commit\.\w+)", answer.stdout)
    if found is None:
        said = (answer.stdout + answer.stderr).strip()
        raise BuildFailedError(
            f"{compiler.name} does not tell its version but {said!r}: is Node 20 there?"
        )
    return found[1]


def compiler_settings(profile: Json) -> Json:
    """Translate foundry.toml's names into solc's Standard JSON names."""
    return {
        "evmVersion": profile["evm_version"],
        "metadata": {
            "appendCBOR": profile["cbor_metadata"],
            "bytecodeHash": profile["bytecode_hash"],
        },
        "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
        "remappings": profile["remappings"],
        "viaIR": profile["via_ir"],
    }


def compile_sources(root: Path, compiler: Path, settings: Json) -> Json:
    """Compile the contracts with every import they reach."""
    wanted = ["abi", "metadata", "evm.bytecode.object", "evm.deployedBytecode"]
    sources = {path: {"content": (root / path).read_text()} for path in CONTRACTS.values()}
    request = {
        "language": "Solidity",
        "sources": sources,
        "settings": settings | {"outputSelection": {"*": {"": [], "*": wanted}}},
    }
    try:
        output: Json = solcx.compile_standard(
            request, base_path=root, allow_paths=root, solc_binary=compiler
        )
    except solcx.exceptions.SolcError as error:
        raise BuildFailedError(str(error)) from error
    return output


def refuse_diagnostics(output: Json, ignored: list[int]) -> None:
    """A warning is an error, but for the codes that foundry.toml ignores with a reason."""
    problems = [
        each["formattedMessage"]
        for each in output.get("errors", [])
        if int(each["errorCode"]) not in ignored
    ]
    if problems:
        raise BuildFailedError("the compiler is not content:\n" + "\n".join(problems))


def artifact(name: str, compiled: Json) -> Json:
    """Keep what a deployer and an auditor need of one compiled contract."""
    deployed = compiled["evm"]["deployedBytecode"]
    size = len(deployed["object"]) // 2
    if size > CODE_LIMIT:
        raise BuildFailedError(f"{name} has {size} bytes of code, EIP-170 allows {CODE_LIMIT}")
    # The compiler groups the places by the id of a syntax node, which says nothing outside its run.
    places = [place for group in deployed["immutableReferences"].values() for place in group]
    return {
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "contract": name,
        "deployed_bytecode": "0x" + deployed["object"],
        "immutable_references": sorted(places, key=lambda place: int(place["start"])),
    }


def source_digests(root: Path, compiled: Json) -> dict[str, str]:
    """Hex SHA-256 of every source file that the compiler says the contract is made of."""
    paths = json.loads(compiled["metadata"])["sources"]
    return {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in paths}


def render(content: Json) -> str:
    """The one text of an artifact: sorted keys, so that a diff shows only what changed."""
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
