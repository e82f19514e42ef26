"""The documents say what the code does: each table is compared with what it describes."""

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
from forger import logged
from market import BUYER, NOW, SELLER, accept, offer, proposed, talk

from marketplace import sdk
from marketplace.adapters.evm.artifact import load
from marketplace.api import auth
from marketplace.api.routes import router
from marketplace.core import version1
from marketplace.core.confidential import Sealed
from marketplace.core.consent import Bulk, Settlement, Voucher
from marketplace.core.decision import MEMBERS
from marketplace.core.eip712 import DOMAIN_TYPE
from marketplace.core.entry import timeout_leaf
from marketplace.core.errors import ParleyError, TermsInfeasible, Unavailable
from marketplace.core.feasibility import REQUIRED, UNUSED
from marketplace.core.guardrails import Limits
from marketplace.core.identity import ROLES, SCOPE_OF, Scope
from marketplace.core.message import VERSION_1, VERSION_2
from marketplace.core.sighting import Sighting
from marketplace.core.terms import Credits, Rail, Terms
from marketplace.core.values import parse_json
from marketplace.core.words import Kind, Reason, Upload
from marketplace.wire.problems import Problem, status_of

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
TESTS = [path for end in ("*.py", "*.sol") for path in (ROOT / "tests").rglob(end)]
LONGEST_DECISION = 40


def page(name):
    return (ROOT / "docs" / name).read_text()


def rows(text):
    """The cells of every row of every table in the text."""
    lines = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)) for line in lines]


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_table_of_errors_is_the_code_s():
    abis = [entry for name in ("Escrow", "CheckpointAnchor") for entry in load(name).abi]
    solidity = {entry["name"] for entry in abis if entry["type"] == "error"}
    expected = [
        (
            f"`{code}`",
            leaf.__mro__[1].__name__,
            str(status_of(leaf)),
            ", ".join(f"`{name}`" for name in leaf.__match_args__),
            "yes" if code in solidity else "no",
            leaf.hint,
        )
        for code, leaf in ParleyError.leaves().items()
    ]
    assert [
        row for row in rows(page("errors.md")) if row[0] in {e[0] for e in expected}
    ] == expected


def test_the_retryable_errors_are_the_ones_that_the_page_names():
    retryable = {code for code, leaf in ParleyError.leaves().items() if leaf.retryable}
    assert retryable >= Unavailable.leaves().keys()
    assert retryable - Unavailable.leaves().keys() == {
        "SequenceTaken",
        "ArtifactMissing",
        "Unservable",
    }


def test_the_type_strings_of_the_protocol_page_are_the_structs():
    words = [shape.body for shape in VERSION_2.values() if shape.body]
    structs = *words, Upload, Voucher, Settlement, Bulk, Credits
    text = page("protocol.md")
    assert DOMAIN_TYPE in text
    told = [(row[0], row[2].strip("`")) for row in rows(section(text, "The domain")) if row[2:]]
    assert told[2:] == [(struct.NAME, struct.TYPE) for struct in structs]


def test_the_members_of_each_kind_of_message_are_the_envelope_s():
    header, _, *told = rows(section(page("protocol.md"), "Messages"))
    always = set(re.findall(r"`(\w+)`", header[1]))
    for (kind, shape), cells in zip(VERSION_2.items(), told, strict=True):
        named = {header[at].strip("`") for at in (2, 3, 4) if cells[at] != "no"}
        assert cells[0] == kind
        assert named | always == shape.members({}) | {"version"}
        assert cells[3] == (shape.body.__name__ if shape.body else "no")
        assert (cells[4] != "no") is (shape.detail is not None)
        if kind is not Kind.REVOCATION:
            assert cells[5] == (SCOPE_OF[kind].name if kind in SCOPE_OF else "no")


def test_the_scopes_and_the_roles_of_the_protocol_page_are_the_code_s():
    told = rows(section(page("protocol.md"), "Identity"))
    scopes = [row[:2] for row in told if row[1].isdigit()]
    assert scopes == [(scope.name, str(scope.value)) for scope in Scope]
    roles = {row[0]: set(row[1].split(", ")) for row in told if row[0] in ROLES}
    assert roles == {
        role: {scope.name for scope in Scope if scope in held} for role, held in ROLES.items()
    }


def test_the_reasons_of_the_protocol_page_are_the_code_s():
    told = [row[:2] for row in rows(section(page("protocol.md"), "The negotiation"))]
    assert [row for row in told if row[0] in Reason.__members__] == [
        (reason.name, str(reason.value)) for reason in Reason
    ]


def test_the_members_of_a_confidential_offer_are_on_the_page():
    told = [row[0] for row in rows(section(page("protocol.md"), "Confidential offers"))[2:]]
    assert told == [f"`{field.name}`" for field in fields(Sealed)]


def test_the_structs_of_version_1_are_on_the_page():
    told = rows(section(page("protocol.md"), "Versions"))[2:]
    other = [shape.body for shape in VERSION_1.values() if shape.body]
    differing = [body for body in other if body.__module__ == version1.__name__]
    assert told == [(body.NAME, f"`{body.TYPE}`") for body in differing]


def test_the_guide_from_version_1_is_short():
    guide = page("protocol.md").split("### From version 1 to version 2")[1].split("\n## ")[0]
    assert len(guide.strip().splitlines()) <= LONGEST_DECISION


SEEN = Sighting(31337, "0x" + "e5" * 20, "Paid", "0x" + "11" * 32, {}, NOW, 1, "0x" + "22" * 32, 0)


def test_the_two_parts_of_an_entry_are_as_the_page_says():
    carrying, bare, event, timeout, first = rows(section(page("protocol.md"), "The log"))[2:]
    on, said = proposed(), offer(talk(), SELLER)
    leaf, body = map(parse_json, logged(said, NOW))
    left_out = {"message", "detail", "sealed"}
    assert leaf.keys() == (said.to_json().keys() - left_out) | {"received_at", "body"}
    assert set(re.findall(r"`(\w+)`", carrying[1])) == left_out | {"received_at", "body"}
    assert set(re.findall(r"`(\w+)`", carrying[2])) == left_out | {"salt"} == {*body, "sealed"}
    shown, nothing = logged(accept(on, BUYER), NOW)
    assert parse_json(shown).keys() - accept(on, BUYER).to_json().keys() == {"received_at"}
    assert (nothing, bare[2], timeout[2], first[2]) == (b"", "none", "none", "none")
    seen = parse_json(SEEN.leaf(NOW))
    assert set(re.findall(r"`(\w+)`", event[1])) == seen.keys() | {seen["kind"]}
    assert event[2] == "none"
    noted = parse_json(timeout_leaf(on.id, NOW, NOW))
    assert set(re.findall(r"`(\w+)`", timeout[1])) == noted.keys() | {noted["kind"]}
    assert re.findall(r"`(\w+)`", first[1]) == ["message", "received_at"]


def test_the_rules_of_feasibility_are_in_the_code_s_order():
    told = re.findall(r"^\| \d+ \| `(\w+)` \|", page("protocol.md"), re.MULTILINE)
    assert told == list(TermsInfeasible.leaves())


def test_the_table_of_rails_says_what_each_leaves_at_zero_and_what_it_needs():
    names = {field.wire: field.name for field in Terms.FIELDS}
    for number, rail, unused, needed in rows(section(page("protocol.md"), "Feasibility"))[-4:]:
        always, *_ = unused.split("; without an arbiter")
        assert Rail(int(number)).name == rail
        assert {names[wire] for wire in re.findall(r"`(\w+)`", always)} == UNUSED[int(number)]
        required = REQUIRED.get(int(number), set())
        assert {names[wire] for wire in re.findall(r"`(\w+)`", needed)} == required


def test_every_route_is_on_the_page_with_its_operation():
    told = {row[:2] for row in rows(section(page("api.md"), "HTTP"))}
    routes = {
        (f"`{method} {route.path}`", f"`{route.operation_id}`")
        for route in (*router.routes, *auth.router.routes)
        for method in route.methods
    }
    assert routes <= told


def test_every_field_of_a_problem_is_on_the_page():
    told = [
        row[0].strip("`")
        for row in rows(page("api.md"))
        if row[0].strip("`") in Problem.model_fields
    ]
    assert told == list(Problem.model_fields)


def test_every_method_that_the_api_page_names_exists():
    named = set(re.findall(r"`(\w+)\.(\w+)`", page("api.md")))
    objects = {(owner, name) for owner, name in named if owner in sdk.__all__}
    absent = [f"{o}.{name}" for o, name in objects if not hasattr(getattr(sdk, o), name)]
    assert objects
    assert absent == []


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_a_page_imports_from_the_sdk_what_the_sdk_exports(path: Path):
    lines = re.findall(r"^from marketplace\.sdk import (.+)$", path.read_text(), re.MULTILINE)
    named = {name.split(" as ")[0] for line in lines for name in line.split(", ")}
    assert named <= {*sdk.__all__, "…"}


def test_every_test_that_the_threats_page_names_exists():
    written = "\n".join(path.read_text() for path in TESTS)
    named = set(re.findall(r"`((?:test|testFuzz|invariant)_\w+)`", page("threats.md")))
    assert named
    assert [name for name in named if not re.search(rf"(def|function) {name}\(", written)] == []


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_link_leads_somewhere(path):
    targets = re.findall(r"\]\((?!https?:)([^)#]*)(?:#[\w-]*)?\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_every_anchor_is_a_heading(path):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([\w-]+)\)", path.read_text()):
        aimed = path.parent / target if target else path
        titles = re.findall(r"^#+ (.+)$", aimed.read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", t).lower().replace(" ", "-") for t in titles}


@pytest.mark.parametrize("path", sorted((ROOT / "docs/adr").glob("*.md")), ids=lambda p: p.name)
def test_a_decision_is_short_and_says_its_four_parts(path):
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_DECISION
    parts = "Context", "Decision", "Consequences", "What would change our mind"
    assert [part for part in parts if f"**{part}.**" not in text] == []


@pytest.mark.node
@pytest.mark.parametrize(("spoiled", "status"), [(False, 0), (True, 1)])
def test_an_offer_is_verified_by_hand_as_the_page_says(spoiled, status):
    script = re.findall(r"^```sh\n(.*?)^```", page("protocol.md"), re.MULTILINE | re.DOTALL)[-1]
    if spoiled:
        script = script.replace(
            "v['typed_data'])", "v['typed_data']).replace('1234567', '1234568')"
        )
    ended = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == status, ended.stderr
    assert (b"Validation succeeded" in ended.stdout) is not spoiled


def test_the_members_of_a_decision_are_on_its_page():
    told = [row[0].strip("`") for row in rows(page("guardrails.md"))]
    assert [name for name in told if name in MEMBERS] == list(MEMBERS)


def test_every_limit_is_on_the_page_of_guardrails():
    told = re.findall(r"`(\w+)`", page("guardrails.md").split("\n## Decisions\n")[0])
    assert {field.name for field in fields(Limits)} <= set(told)
