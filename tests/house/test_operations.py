"""Each call has its page in docs/operations, which names what exists."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
CALLED = "interfaces/IEscrow.sol", "interfaces/IAccounts.sol", "Batch.sol"
DECLARED = "\n".join((CONTRACTS / name).read_text() for name in (*CALLED, "libraries/Funding.sol"))
INDEX = ROOT / "docs/operations/README.md"
PAGES = {path.stem: path.read_text() for path in INDEX.parent.glob("*.md") if path != INDEX}
HEADINGS = ["Who and when", "What moves", "What can go wrong", "Selfish play", "Gas"]
LONGEST_PAGE = 60


def operations() -> dict[str, str]:
    """Each call that changes something, by its page's name: `Batch.openBatch(Opening[] …)`."""
    found = {}
    for name in CALLED:
        prefix = "" if name.startswith("interfaces/") else f"{Path(name).stem}."
        source = (CONTRACTS / name).read_text()
        for call, arguments, rest in re.findall(r"function (\w+)\(([^)]*)\)([^;{]*)", source):
            if "external" in rest and not re.search(r"\b(view|pure)\b", rest):
                plain = " ".join(re.sub(r"\b(calldata|memory)\b", "", arguments).split())
                found[re.sub(r"(?=[A-Z])", "-", call).lower()] = f"{prefix}{call}({plain})"
    return found


def section(page: str, title: str) -> str:
    return page.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def resolves(figures: object, key: str) -> bool:
    """Whether a dotted key leads to a figure."""
    for part in key.split("."):
        if not isinstance(figures, dict) or part not in figures:
            return False
        figures = figures[part]
    return isinstance(figures, int)


def test_every_call_that_changes_something_has_a_page_and_no_page_is_of_nothing() -> None:
    assert set(PAGES) == set(operations())


def test_the_index_leads_to_every_page() -> None:
    assert set(re.findall(r"\]\(([\w-]+)\.md\)", INDEX.read_text())) == set(PAGES)


@pytest.mark.parametrize(("name", "signature"), operations().items(), ids=operations())
def test_a_page_begins_with_its_call_as_it_is_declared(name: str, signature: str) -> None:
    assert PAGES[name].startswith(f"# {name}\n\n`{signature}`")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_short_and_has_the_headings_of_all(name: str) -> None:
    assert re.findall(r"^##+ (.+)$", PAGES[name], re.MULTILINE) == HEADINGS
    assert len(PAGES[name].splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("name", PAGES)
def test_what_can_go_wrong_is_named_as_in_the_contracts(name: str) -> None:
    named = re.findall(r"`([A-Z]\w+)`", section(PAGES[name], "What can go wrong"))
    assert named
    assert [one for one in named if not re.search(rf"\b(error|event) {one}\(", DECLARED)] == []


def test_every_error_can_go_wrong_somewhere() -> None:
    told = "\n".join(section(page, "What can go wrong") for page in PAGES.values())
    errors = re.findall(r"^    error (\w+)\(", DECLARED, re.MULTILINE)
    assert [error for error in errors if f"`{error}`" not in told] == []


@pytest.mark.parametrize("name", PAGES)
def test_the_gas_is_a_figure_that_is_measured(name: str) -> None:
    figures = json.loads((ROOT / "docs/benchmarks/gas.json").read_text())
    keys = re.findall(r"`([a-z_\d]+(?:\.\w+)*)`", section(PAGES[name], "Gas"))
    assert keys
    assert [key for key in keys if not resolves(figures, key)] == []
