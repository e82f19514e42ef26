"""The page about HTTP names every route, parameter, header, member and limit as the code has it."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from witness import Witness

from marketplace.cli import build

NONE = "\N{EN DASH}"
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/api.md").read_text().split("\n## HTTP\n")[1].split("\n## ")[0]
OPERATOR = (ROOT / "docs/operator.md").read_text()
DOCUMENT: dict[str, Any] = Witness().app().openapi()
OPERATIONS = {
    operation["operationId"]: (f"{method.upper()} {path}", operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
SCHEMAS = DOCUMENT["components"]["schemas"]


def rows(text: str) -> list[list[str]]:
    lines = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines]


ROUTES = {row[1].strip("`"): row for row in rows(PAGE) if row[0].startswith("`/") or "/" in row[0]}


def named(cell: str) -> set[str]:
    return set(re.findall(r"`([\w-]+)`", cell))


def test_routes_of_the_page_are_those_of_the_document():
    told = {name: row[0].strip("`") for name, row in ROUTES.items()}
    assert told == {name: route for name, (route, _) in OPERATIONS.items()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_parameter_and_header_of_a_route_is_on_the_page_and_no_other(name: str):
    sent = {one["name"] for one in OPERATIONS[name][1]["parameters"] if one["in"] != "path"}
    told = named(ROUTES[name][2])
    assert told - {"Upload", "url"} == sent


def members(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    return set(schema.get("properties", {}))


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_member_of_an_answer_is_on_the_page(name: str):
    answers = OPERATIONS[name][1]["responses"]
    success = next(code for code in answers if code.startswith("2"))
    for media, body in answers[success].get("content", {}).items():
        if media != "application/json" or body["schema"].get("$ref", "").endswith("/MessageView"):
            continue
        assert members(body["schema"]) <= named(ROUTES[name][3])
    assert success == "200" or success in ROUTES[name][3]


def test_each_member_of_a_message_is_on_the_page():
    told = PAGE.split("A message is answered as")[1].split("\n\n")[0]
    assert members(SCHEMAS["MessageView"]) <= named(told)


def test_each_limit_is_the_code_s():
    limits = [row for row in rows(PAGE) if re.fullmatch(r"[\d,]+", row[1])]
    assert len(limits) == 22
    for _, most, constant in limits:
        module, _, name = constant.strip("`").rpartition(".")
        assert most == f"{getattr(import_module('marketplace.' + module), name):,}", constant


# ------------------------------------------------------------------ the operator's page


def test_options_of_serve_on_the_operator_s_page_are_the_command_s():
    command = get_command(build(["serve"])).commands["serve"]  # type: ignore[attr-defined]  # a group
    options = {each.opts[0]: each for each in command.params if each.opts[0] != "--help"}
    told = {row[0].strip("`"): row[1] for row in rows(OPERATOR) if row[0].startswith("`--")}
    assert list(told) == list(options)
    for name, default in told.items():
        each = options[name]
        if each.required:
            assert default == NONE
        elif default.startswith("`"):
            assert default.strip("`") == str(each.default).lower()


def test_operator_s_page_is_short():
    assert len(OPERATOR.splitlines()) <= 140
