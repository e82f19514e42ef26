"""The section "The anchor" of docs/contracts.md says what the contract has."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/contracts.md").read_text()
SECTION = PAGE.split("\n## The anchor\n")[1].split("\n## ", maxsplit=1)[0]
ABI = json.loads((ROOT / "marketplace/adapters/evm/artifacts/CheckpointAnchor.json").read_text())[
    "abi"
]
DECLARED = (ROOT / "contracts/interfaces/ICheckpointAnchor.sol").read_text()


def part(title: str) -> str:
    return SECTION.split(f"\n### {title}\n")[1].split("\n### ", maxsplit=1)[0]


def test_the_errors_are_those_of_the_interface_in_their_order() -> None:
    told = re.findall(r"^\| `(\w+)` \|", part("The anchor's errors"), re.MULTILINE)
    assert told == re.findall(r"^    error (\w+)", DECLARED, re.MULTILINE)


@pytest.mark.parametrize("name", [each["name"] for each in ABI if each["type"] == "function"])
def test_every_function_is_in_the_section(name: str) -> None:
    assert f"`{name}`" in SECTION


def test_the_rows_of_what_selfish_parties_do_name_the_tests_of_it_in_their_order() -> None:
    rows = re.findall(r"^\| .* \| `(\w+)` \|$", part("What selfish parties do"), re.MULTILINE)
    assert rows
    selfish = (ROOT / "tests/contracts/anchor/AnchorSelfish.t.sol").read_text()
    assert rows == re.findall(r"function (test\w+)", selfish)


def test_the_notice_is_as_long_as_the_section_says() -> None:
    source = (ROOT / "contracts/CheckpointAnchor.sol").read_text()
    assert re.findall(r"NOTICE = (\d+ days);", source) == re.findall(r"\((\d+ days)\)", SECTION)
