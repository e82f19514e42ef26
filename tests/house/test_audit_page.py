"""The auditor's page: each attack is a test, and each test an attack of the page."""

import ast
import re
from pathlib import Path

from marketplace.core.report import Finding

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/audit.md").read_text()
SUITE = ast.parse((ROOT / "tests/audit/test_attacks.py").read_text())


def test_every_attack_of_the_page_is_a_test_and_every_test_is_on_the_page():
    told = re.findall(r"\| `(test_\w+)` \|$", PAGE, re.MULTILINE)
    made = [
        node.name
        for node in SUITE.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(told) == len(set(told))
    assert set(told) == set(made) - {"test_honest_registry_is_found_nothing_against"}


def test_kinds_of_findings_on_the_page_are_those_that_a_report_names():
    section = PAGE.split("| finding | means |")[1].split("\n\n")[0]
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    documented = str(Finding.__doc__).split("a stable word:")[1].split(".")[0]
    assert sorted(told) == sorted(re.findall(r"\b(?!or\b)\w+", documented))
