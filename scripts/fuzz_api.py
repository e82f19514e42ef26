"""Fuzz the registry's HTTP by its own OpenAPI document."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from fuzzing import fuzz, registry, shown  # noqa: E402 found once the path is set

PHASES = {"examples", "coverage", "fuzzing", "stateful"}
# Whether everybody may read, and whether the fuzzer has logged in.
HOUSES = {"public": (True, False), "closed": (False, False), "closed, as the buyer": (False, True)}


def main() -> int:
    """Print what each house came to; 1 where one did not keep to its document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="a phase and operation")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    failed = False
    for name, (public, known) in HOUSES.items():
        outcome = fuzz(registry(public=public), PHASES, asked.examples, asked.seed, known=known)
        print(f"{name}: {shown(outcome)}", flush=True)
        for failure in dict.fromkeys(outcome.failures):
            print(f"  {failure}", flush=True)
        failed = failed or bool(outcome.failures)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
