"""Writes the shipped daylight table, or checks that it is fresh.

    python scripts/dataset.py [--check]

The table is Parley's own work under Apache-2.0; `agents.providers.daylight` holds the formula.
"""

import sys

from agents.providers.dataset import TABLE
from agents.providers.daylight import table


def main(arguments: list[str]) -> int:
    """Returns the exit status: 1 if `--check` finds another table than the formula gives."""
    if "--check" in arguments:
        fresh = TABLE.read_bytes() == table()
        print(f"{TABLE.name} is {'fresh' if fresh else 'stale: run python scripts/dataset.py'}")
        return 0 if fresh else 1
    TABLE.write_bytes(table())
    print(f"wrote {TABLE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
