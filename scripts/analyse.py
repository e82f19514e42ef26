"""Run slither on the contracts, and see that it can find something.

`python scripts/analyse.py` exits with 1 on a finding that neither slither.config.json nor a line of
the contracts excuses, and when slither does not see the fault that is planted for it. It works on a
copy: slither has forge delete what it has built.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from build_contracts import ROOT
from project_copy import Faults, copy_project, forge, plant

PLACE = ROOT / ".toolchain/slither"
# Put beside what is there and not in its place, so that it hides nothing.
BEGINS = "contract Escrow is Openings {"
FAULTS: Faults = {
    "contracts/Escrow.sol": {
        BEGINS: f"{BEGINS} function planted() external view {{ require(tx.origin != address(0)); }}"
    }
}
PLANTED = "tx-origin", "Escrow.planted()"
# Slither reads the syntax: which code is made of it does not matter, and how fast does.
FORGE = {"FOUNDRY_VIA_IR": "false", "FOUNDRY_OPTIMIZER": "false"}

Json = dict[str, Any]


class AnalysisBrokenError(Exception):
    """Slither did not come to an end; the message says where its words are."""


def main() -> int:
    """Analyse the contracts with the fault in them; print what is not as it must be."""
    copy_project(PLACE, ["contracts"])
    plant(PLACE, FAULTS)
    findings = analyse(PLACE)
    wanted = [each for each in findings if is_planted(each)]
    found = [each["description"] for each in findings if each not in wanted]
    if len(wanted) != 1:
        found.append(f"slither sees the planted {PLANTED[0]} {len(wanted)} times, not once")
    for each in found:
        print(f"analyse: {each}", file=sys.stderr)
    print(f"slither: {len(findings)} found, {len(wanted)} of them planted")
    return int(bool(found))


def is_planted(finding: Json) -> bool:
    """Whether it is the planted fault, of that very kind and in that very place."""
    kind, place = PLANTED
    return (finding["check"], finding["description"].startswith(place)) == (kind, True)


def analyse(tree: Path) -> list[Json]:
    """Run slither in the tree; its findings.

    Raises:
        AnalysisBrokenError: it made no report.
    """
    told, log = tree / "told.json", tree / "slither.log"
    told.unlink(missing_ok=True)
    tools = ROOT / ".venv-slither/bin"
    search = os.pathsep.join([str(tools), str(forge().parent), os.environ["PATH"]])
    with log.open("w") as file:
        subprocess.run(
            [tools / "slither", ".", "--config-file", ROOT / "slither.config.json", "--json", told],
            cwd=tree,
            env=os.environ | FORGE | {"PATH": search},
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    report: Json = json.loads(told.read_text()) if told.exists() else {}
    if not report.get("success"):
        raise AnalysisBrokenError(f"slither reports nothing; see {log.relative_to(ROOT)}")
    found: list[Json] = report["results"].get("detectors", [])
    return found


if __name__ == "__main__":
    sys.exit(main())
