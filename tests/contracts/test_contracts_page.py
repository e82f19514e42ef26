"""docs/contracts.md says what the contract has: its errors, its calls, its states, its gas."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/contracts.md").read_text()
ABI = json.loads((ROOT / "marketplace/adapters/evm/artifacts/Escrow.json").read_text())["abi"]
INTERFACE = (ROOT / "contracts/interfaces/IEscrow.sol").read_text()
GAS = json.loads((ROOT / "tests/contracts/snapshots/Escrow.json").read_text())


def first_cells(section: str) -> list[str]:
    """The first cell of each row of a section's tables, without its backticks."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (.+?) \|", text, flags=re.MULTILINE)
    return [cell.strip("`") for cell in cells if "---" not in cell]


def test_the_errors_are_those_of_the_interface_in_its_order():
    declared = re.findall(r"^    error (\w+)", INTERFACE, flags=re.MULTILINE)
    assert first_cells("Errors")[1:] == declared


@pytest.mark.parametrize("name", [each["name"] for each in ABI if each["type"] == "function"])
def test_every_function_is_on_the_page(name: str):
    assert f"`{name}`" in PAGE


def test_every_operation_has_its_row_of_gas():
    rows = dict(re.findall(r"^\| `?([\w ]+?)`? \| ([\d,]+) \|$", PAGE, flags=re.MULTILINE))
    assert {name: value.replace(",", "") for name, value in rows.items()} == GAS
    changing = {e["name"] for e in ABI if e.get("stateMutability") == "nonpayable" and "name" in e}
    assert changing <= set(GAS)


def test_the_states_are_those_of_the_interface():
    states = re.search(r"enum State \{(.*?)\}", INTERFACE, flags=re.DOTALL)
    assert states is not None
    for state in re.findall(r"\w+", states[1]):
        assert state in PAGE
