"""Prove that money is conserved, and that the proofs can fail.

`python scripts/prove.py [NAMES]` runs halmos on tests/proofs twice: on the contracts, where each
proof must hold, and on a copy with a planted fault, where each must be refuted. The exit status
is 1 when one is not.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from build_contracts import ROOT
from project_copy import Faults, copy_project, forge, plant, profile

PLACE = ROOT / ".toolchain/proofs"
FOLDERS = ("contracts", "tests/contracts", "tests/proofs")
# Every exit ends in one place, so that one fault there spoils them all: a unit of others' money.
FAULTS: Faults = {
    "contracts/Escrow.sol": {"toSeller += bondToSeller;": "toSeller += bondToSeller + 1;"}
}
# Halmos's exit codes of one proof.
ENDED = ("holds", "refuted", "not within the time", "stuck", "vacuous: all reverts", "broken")
HOLDS, REFUTED = 0, 1
QUIETLY = ("--no-status", "--early-exit")
FORGE = {
    "FOUNDRY_TEST": "tests/proofs",
    "FOUNDRY_DENY": "never",  # a build also lints, which no test run does
    "FOUNDRY_VIA_IR": "false",  # what is proved is the same, and is built in less time
}

Json = dict[str, Any]


class ProofsBrokenError(Exception):
    """The proofs cannot be run; the message says why."""


def main(proofs: str = "") -> int:
    """Run the proofs on the contracts and on the fault; the exit status is 1 when one misleads.

    Args:
        proofs: a regular expression for the names of those to run.
    """
    sound, faulty = PLACE / "contracts", PLACE / "faults"
    copy_project(sound, FOLDERS)
    copy_project(faulty, FOLDERS)
    plant(faulty, FAULTS)
    with ThreadPoolExecutor() as pool:
        holding, refuted = pool.map(prove, [sound, faulty], [proofs, proofs])
    found = [
        *unexpected(holding, HOLDS, "is not proved"),
        *unexpected(refuted, REFUTED, "does not see the planted fault"),
    ]
    for line in found:
        print(f"prove: {line}", file=sys.stderr)
    return int(bool(found))


def prove(tree: Path, proofs: str) -> list[Json]:
    """Run halmos in the tree; what it says of each proof.

    Raises:
        ProofsBrokenError: it says nothing.
    """
    told, log = tree / "told.json", tree / "halmos.log"
    told.unlink(missing_ok=True)
    tools = ROOT / ".venv-halmos/bin"
    search = os.pathsep.join([str(tools), str(forge().parent), os.environ["PATH"]])
    out = "--forge-build-out", profile()["out"]
    with log.open("w") as file:
        subprocess.run(
            [tools / "halmos", *out, "--match-test", proofs, "--json-output", str(told), *QUIETLY],
            cwd=tree,
            env=os.environ | FORGE | {"PATH": search},
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if not told.exists():
        raise ProofsBrokenError(f"halmos reports nothing; see {log.relative_to(ROOT)}")
    suites = json.loads(told.read_text())["test_results"].values()
    found = [proof for suite in suites for proof in suite]
    for proof in found:
        print(
            f"{tree.name}: {name_of(proof)}: {ENDED[proof['exitcode']]}, {proof['time'][0]:.0f} s"
        )
    return found


def unexpected(proofs: list[Json], wanted: int, complaint: str) -> list[str]:
    """The proofs that ended otherwise; bounded loops leave something unproved, too."""
    if not proofs:
        return ["there are no proofs"]
    return [
        f"{name_of(proof)} {complaint}"
        for proof in proofs
        if proof["exitcode"] != wanted or proof["num_bounded_loops"]
    ]


def name_of(proof: Json) -> str:
    """The proof's name without the types of its arguments."""
    return str(proof["name"]).split("(", maxsplit=1)[0]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
