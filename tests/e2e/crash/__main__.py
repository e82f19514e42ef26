"""``python -m crash --kills N --seed N --database sqlite|postgresql|both``: kill, and check."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

from crash.run import Plan, go

RECORD = Path(__file__).parents[3] / "docs" / "benchmarks" / "crash.json"
LONG = 20
DATABASES = {"both": ("sqlite", "postgresql")}


def main() -> int:
    """Run, print a table and one JSON line; 1 if anything was wrong."""
    asked = _asked()
    kinds = DATABASES.get(asked.database, (asked.database,))
    reports = [
        asyncio.run(go(kind, Plan(asked.kills, asked.births, asked.seed, 60 * asked.minutes)))
        for kind in kinds
    ]
    for report in reports:
        for line in report.pop("wrong"):  # type: ignore[attr-defined]
            sys.stderr.write(f"WRONG ({report['database']}) {line}\n")
    _show(reports)
    sys.stdout.write(json.dumps(reports) + "\n")
    if asked.kills >= LONG:
        _keep(reports)
    return int(any(report["violations"] for report in reports))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crash", description="kill -9 under load, and check")
    parser.add_argument("--kills", type=int, default=100, help="of each database")
    parser.add_argument("--births", type=int, default=2, help="of them before its first entry")
    parser.add_argument("--minutes", type=float, default=120, help="at most, each database")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    return parser.parse_args()


def _show(reports: list[dict[str, object]]) -> None:
    for name in reports[0]:
        cells = "".join(f"{_cell(report[name]):>24}" for report in reports)
        sys.stdout.write(f"{name:20}{cells}\n")


def _cell(value: object) -> str:
    return f"{len(value)} kinds" if isinstance(value, dict) else str(value)


def _keep(reports: list[dict[str, object]]) -> None:
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    kept |= {str(report["database"]): report for report in reports}
    RECORD.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
