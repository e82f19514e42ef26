"""The auditor's page: each attack is a test, and each test an attack of the page."""

import ast
import re
from pathlib import Path

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


def test_every_kind_of_finding_that_an_audit_knows_is_explained():
    source = "".join(path.read_text() for path in (ROOT / "marketplace").rglob("*.py"))
    found = set(re.findall(r"""\bfound\(\s*f?["'](\w+)["']""", source))
    section = PAGE.split("| finding | means |")[1].split("\n\n")[0]
    assert found <= set(re.findall(r"`(\w+)`", section))
