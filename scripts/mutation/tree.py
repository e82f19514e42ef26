"""A copy of the project in which forge tests any bytecode as it is.

The tests are compiled once. They deploy a contract by its artifact, so that other code in the
artifact is tested by the tests as they are. The copy's compiler is sealed after that first run, so
that forge can never put the original code back.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from project_copy import copy_project, forge

FOLDERS = ("contracts", "tests/contracts", "tests/vectors")
# Gas tells every mutant from the original and knows nothing of right and wrong.
# Walks and zoos take as long as all the others together: what only they would kill deserves a test
# of its own, that says what is wrong.
NO_TESTS = shutil.ignore_patterns(
    *("*Gas.t.sol", "*Static.t.sol", "Dynamic.t.sol", "Zoo*.t.sol"),
    *("snapshots", "*.py", "__pycache__"),
)
GAUGES = "test_a_batch_stops_where_too_little_gas_is_left_and_keeps_what_it_did"  # counts gas, too
SPARINGLY = ("--fail-fast", "--json", "--no-match-test", GAUGES)
# Which tests judge a contract, by the beginning of its path: what is near it judges it fastest.
MUTANTS, ARBITERS, BATCH, ANCHOR = "Mutants.t.sol", "arbiters/**", "Batch.t.sol", "anchor/**"
JUDGES = {
    "contracts/CheckpointAnchor.sol": ("--match-path", f"tests/contracts/{ANCHOR}"),
    "contracts/libraries/Rfc6962.sol": ("--match-path", f"tests/contracts/{ANCHOR}"),
    "contracts/arbiters/": ("--match-path", f"tests/contracts/{{{ARBITERS},{MUTANTS}}}"),
    "contracts/Batch.sol": ("--match-path", f"tests/contracts/{BATCH}"),
    "": ("--no-match-path", f"tests/contracts/{{{ARBITERS},{BATCH},{ANCHOR}}}"),
}
# No IR: the tests do the same and are built in less time.
# Fewer examples than `make contracts` tries: what they miss survives, and is looked at.
KNOBS = {
    "FOUNDRY_DENY": "never",  # such code is too long for a chain, which is a warning
    "FOUNDRY_VIA_IR": "false",
    "FOUNDRY_FUZZ_RUNS": "16",
    "FOUNDRY_INVARIANT_RUNS": "4",
    "FOUNDRY_INVARIANT_DEPTH": "25",
}
BUILDING = 900  # seconds for the first time, compiler and all
PATIENCE = 60  # seconds for the tests of one mutant; they take about one
SEALED = """#!/bin/sh
test "$*" = --version || { echo "sealed: nothing is to be compiled here" >&2; exit 1; }
echo '%s'
"""


class TreeBrokenError(Exception):
    """Forge did not come to run tests; the message is forge's own."""


class Tree:
    """The copy at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._out = path / ".toolchain/forge/out"

    @classmethod
    def plant(cls, path: Path) -> "Tree":
        """Copy the project, compile its tests, seal the compiler."""
        compiler = copy_project(path, FOLDERS, NO_TESTS)
        tree = cls(path)
        tree._forge(BUILDING, "build")
        tree.seal(compiler)
        return tree

    @staticmethod
    def seal(compiler: Path) -> None:
        """Put in the place of `compiler` what tells its version and does nothing else."""
        said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
        compiler.unlink()
        compiler.write_text(SEALED % said.stdout.strip())
        compiler.chmod(0o755)

    def copies(self, count: int) -> list["Tree"]:
        """So many trees like this one, beside it: in itself no code is ever replaced."""
        paths = [self.path.with_name(f"bench-{i}") for i in range(count)]
        for path in paths:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(self.path, path, symlinks=True)
        return [Tree(path) for path in paths]

    @contextmanager
    def deploying(self, codes: Mapping[str, str]) -> Iterator[None]:
        """For a while, the tests deploy these codes, by "path:Contract"."""
        originals = {path: path.read_text() for path in map(self._artifact, codes)}
        for name, code in codes.items():
            artifact = json.loads(originals[self._artifact(name)])
            artifact["bytecode"]["object"] = f"0x{code}"
            self._artifact(name).write_text(json.dumps(artifact))
        try:
            yield
        finally:
            for path, text in originals.items():
                path.write_text(text)

    def failing_test(self, judges: Sequence[str] = ()) -> str:
        """Run the tests until one fails; its name, or "" when all pass.

        Args:
            judges: forge's arguments that choose among them.

        Raises:
            TreeBrokenError: forge ran no tests.
        """
        try:
            told = self._forge(PATIENCE, "test", *SPARINGLY, *judges)
        except subprocess.TimeoutExpired:
            return f"not within {PATIENCE} s"
        return first_failure(told)

    def _forge(self, patience: int, *arguments: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FOUNDRY_")}
        ended = subprocess.run(
            [forge(), *arguments],
            cwd=self.path,
            env=environment | KNOBS,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
        # A failed test is a report like any other; a failed build has none.
        if ended.returncode and not ended.stdout.startswith("{"):
            raise TreeBrokenError(f"forge {arguments[0]}: {ended.stdout}{ended.stderr}")
        return ended.stdout

    def _artifact(self, name: str) -> Path:
        path, contract = name.split(":")
        return self._out / Path(path).name / f"{contract}.json"


def judges_of(contract: str) -> Sequence[str]:
    """Forge's arguments for the tests that judge what is at the path `contract`."""
    return next(judges for start, judges in JUDGES.items() if contract.startswith(start))


def first_failure(told: str) -> str:
    """The failed test that forge's report names first in the alphabet, "" when none failed."""
    failed = [
        f"{suite.split(':')[1]}.{test.split('(')[0]}"
        for suite, report in json.loads(told).items()
        for test, result in report["test_results"].items()
        if result["status"] == "Failure"
    ]
    return min(failed, default="")
