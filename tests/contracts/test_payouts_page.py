"""The payout table is what is tested: its vectors are fresh, and a row cannot lose a unit."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = "scripts/payouts.py", "docs/contracts.md", "tests/vectors/payouts.json"
REFUND = "| `price - released` | `bond` |"


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/payouts.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The table, its reader and its vectors, free to be changed."""
    for part in PARTS:
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / part, tmp_path / part)
    return tmp_path


def rewrite(root: Path, old: str, new: str) -> None:
    page = root / "docs/contracts.md"
    assert page.read_text().count(old) == 1
    page.write_text(page.read_text().replace(old, new))


def test_the_vectors_are_those_of_the_table():
    result = run(ROOT, "--check")
    assert result.returncode == 0, result.stderr


def test_a_changed_row_makes_the_vectors_stale(copy: Path):
    rewrite(copy, REFUND, "| `price - released + bond` | `0` |")
    result = run(copy, "--check")
    assert result.returncode == 1
    assert result.stderr == "stale: payouts.json; run python scripts/payouts.py\n"


def test_a_row_that_loses_a_unit_is_refused_with_both_sums(copy: Path):
    rewrite(copy, REFUND, "| `price - released - 1` | `bond` |")
    result = run(copy)
    assert result.returncode == 1
    assert "price 1000003: pays 1050023, has to pay 1050024" in result.stderr


@pytest.mark.parametrize("formula", ["profit", "bond * 2", "__import__('os')", "fee(1, 2)"])
def test_a_formula_outside_the_tables_language_is_refused(copy: Path, formula: str):
    rewrite(copy, REFUND, f"| `price - released` | `{formula}` |")
    result = run(copy)
    assert result.returncode == 1
    assert "only names, integers, +, -, fee() and share() are known" in result.stderr
