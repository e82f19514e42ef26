"""The page about evidence has the file's members and the kinds of findings that the code has."""

import re
from pathlib import Path

from dossier import dossier

from marketplace.core.exhibits import FORMAT, MEMBERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/evidence.md").read_text()
FILE = dossier().file()
SOURCE = "".join(
    (ROOT / f"marketplace/core/{name}.py").read_text()
    for name in ("evidence", "decided", "verdict")
)


def rows(title: str) -> list[list[str]]:
    text = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [re.findall(r"`(\w+)`", line.split(" | ")[0]) for line in lines]


def test_members_of_the_file_and_of_an_entry_are_on_the_page_in_order():
    told = [name for row in rows("The file") for name in row]
    of_entry = ["leaf", "body", "index", "proof", "opened"]
    assert told == [name for name in MEMBERS if name != "format"] + of_entry
    assert f"`format` is `{FORMAT}`" in PAGE


def test_members_of_receipts_anchors_and_events_are_on_the_page():
    text = PAGE.split("A receipt has the members")[1].split("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", text))
    for member in ("receipts", "anchors", "events"):
        assert FILE[member][0].keys() <= named, member


def test_kinds_of_findings_are_those_of_the_code():
    told = [name for row in rows("What is asked") for name in row]
    raised = set(re.findall(r'(?:found|proving)\(\s*"(\w+)"', SOURCE))
    assert sorted(told) == sorted(raised)
    described = re.search(r"as its kind ([\w, \n]+)\.\n", SOURCE)
    assert described
    assert re.findall(r"\w+", described[1].replace(" or ", " ")) == told


def test_what_offline_cannot_be_held_is_told_first():
    [offline] = re.findall(r"^\| offline: (.+?) \|", PAGE, re.MULTILINE)
    for word in ("times", "blocks", "transactions", "places", "sizes", "called"):
        assert word in offline
