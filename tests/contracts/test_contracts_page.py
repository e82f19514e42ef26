"""docs/contracts.md says what the contract has: its errors, its calls, its states."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/contracts.md").read_text()
ABI = json.loads((ROOT / "marketplace/adapters/evm/artifacts/Escrow.json").read_text())["abi"]
SOURCES = "interfaces/IEscrow.sol", "interfaces/IAccounts.sol", "libraries/Funding.sol"
DECLARED = "\n".join((ROOT / "contracts" / name).read_text() for name in SOURCES)
TYPES = (ROOT / "contracts/interfaces/Types.sol").read_text()


def first_cells(section: str) -> list[str]:
    """The first cell of each row of a section's tables, without its backticks."""
    text = PAGE.split(f"\n## {section}\n")[1].split("\n## ", maxsplit=1)[0]
    cells = re.findall(r"^\| (.+?) \|", text, flags=re.MULTILINE)
    return [cell.strip("`") for cell in cells if "---" not in cell]


def test_the_errors_are_those_of_the_interfaces_in_their_order() -> None:
    declared = re.findall(r"^    error (\w+)", DECLARED, flags=re.MULTILINE)
    assert first_cells("Errors")[1:] == declared


@pytest.mark.parametrize("name", [each["name"] for each in ABI if each["type"] == "function"])
def test_every_function_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_the_states_are_those_of_the_interface() -> None:
    states = re.search(r"enum State \{(.*?)\}", TYPES, flags=re.DOTALL)
    assert states is not None
    table = PAGE.split("\n## States\n")[1]
    for state in re.findall(r"^    ([A-Z]+)", states[1], flags=re.MULTILINE):
        assert state in table


def test_the_rails_are_those_of_the_interface_by_number() -> None:
    rails = re.findall(r"uint8 internal constant (\w+) = (\d);", TYPES)
    told = re.findall(r"^\| (\d) \| ([A-Z]+) \|", PAGE, flags=re.MULTILINE)
    assert told == [(number, name) for name, number in rails]
