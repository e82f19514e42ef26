"""What each way through the escrow costs, by forge and by Anvil.

`python scripts/gas.py` measures and writes docs/benchmarks/gas.json; `--check` writes nothing and
exits with 1 where a figure has risen by over one per cent, or where forge and Anvil disagree by
more than 100 gas on a transaction that both make.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from anvil_gas import receipts

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs/benchmarks/gas.json"
MEASURED_BY = "GasTest|ExchangeGasTest|AnchorGasTest"
TOLERANCE = 0.01
BETWEEN_METERS = 100  # gas a transaction: signatures differ in how many of their bytes are zero
BATCH = 100
EXCHANGE = ("open", "reveal", "claim")

Steps = dict[str, dict[str, int]]


def main() -> int:
    """Measure, then write or compare; the exit status is 1 when something is dearer or unequal."""
    parser = argparse.ArgumentParser(description="Measure the gas of each way through the escrow.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a rise")
    arguments = parser.parse_args()
    steps = by_forge(ROOT)
    anvil = receipts(ROOT)
    result = totals(steps) | {"steps": steps, "anvil": anvil}
    wrong = disagreements(steps, anvil)
    if arguments.check:
        wrong += rises(json.loads(RESULT.read_text()), result)
    elif not wrong:
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
        print(f"wrote {RESULT.relative_to(ROOT)}")
    for line in wrong:
        print(f"gas: {line}", file=sys.stderr)
    return bool(wrong)


def by_forge(root: Path) -> Steps:
    """Each scenario's transactions, from the snapshots of the gas tests, in a folder of its own."""
    forge = next(root.glob("node_modules/@foundry-rs/forge-*/bin/forge"))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [forge, "test", "--match-contract", MEASURED_BY],
            cwd=root,
            env={**os.environ, "FOUNDRY_SNAPSHOTS": folder, "FORGE_SNAPSHOT_CHECK": "false"},
            check=True,
            stdout=sys.stderr,
        )
        own = json.loads((Path(folder) / "Escrow.json").read_text())
        own |= json.loads((Path(folder) / "Anchor.json").read_text())
        exchange = json.loads((Path(folder) / "Exchange.json").read_text())
    steps: Steps = {}
    for name, gas in own.items():
        scenario, step = re.fullmatch(r"(\w+)\.\d+ (\w+)", name).groups()  # type: ignore[union-attr]  # else it raises
        steps.setdefault(scenario, {})[step] = int(gas)
    steps["exchange"] = {step: int(exchange.pop(step)) for step in EXCHANGE}
    steps["complaint"] = {
        step.removeprefix("complain, "): int(gas) for step, gas in exchange.items()
    }
    return steps


def totals(steps: Steps) -> dict[str, int]:
    """One figure a scenario; a batch's is that of one deal, the bulk signature's what it adds."""
    sums = {scenario: sum(gas.values()) for scenario, gas in steps.items()}
    for name in [name for name in sums if name.startswith("batch100")]:
        sums[f"{name}_per_deal"] = sums.pop(name) // BATCH
    del sums["complaint"]  # ways to complain, of which one comes true
    sums["bulk128_extra"] = sums.pop("bulk128") - steps["escrow"]["open"]
    return dict(sorted(sums.items()))


def disagreements(forge: Steps, anvil: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Transactions on which the two meters differ by more than their signatures can explain."""
    return [
        f"{scenario}, {step}: forge {forge[scenario][step]}, Anvil {gas}"
        for scenario, seen in anvil.items()
        for step, gas in seen.items()
        if abs(forge[scenario][step] - gas) > BETWEEN_METERS
    ]


def rises(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Figures over one per cent above the checked-in ones, and keys that came or went."""
    found = [f"{key} is in one of the two only" for key in sorted(set(before) ^ set(after))]
    for key, gas in after.items():
        old = before.get(key)
        if isinstance(gas, int) and isinstance(old, int) and gas > old * (1 + TOLERANCE):
            found.append(f"{key} was {old} and is {gas}: lower it, or run `make gas` on purpose")
    return found


if __name__ == "__main__":
    sys.exit(main())
