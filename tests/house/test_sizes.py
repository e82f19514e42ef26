"""What no linter knows: files and functions stay small enough to read in one sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
LONGEST_DOC = 72

# One noun each: splitting them would hide the one list that they are.
ONE_NOUN = {"marketplace/core/errors.py": "the tree of every refusal"}

SOURCES = sorted(
    path
    for folder in ("marketplace", "agents", "scripts")
    for path in (ROOT / folder).rglob("*.py")
)
IDS = [str(path.relative_to(ROOT)) for path in SOURCES]


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_file_is_short_unless_it_is_one_noun(path):
    name = str(path.relative_to(ROOT))
    assert len(path.read_text().splitlines()) <= LONGEST_FILE or name in ONE_NOUN


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_function_fits_on_a_screen(path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= LONGEST_FUNCTION]
    assert long == []


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_module_says_what_it_is_in_one_line(path):
    described = ast.get_docstring(ast.parse(path.read_text()))
    assert described
    first = described.splitlines()[0]
    assert len(first) <= LONGEST_DOC, first
