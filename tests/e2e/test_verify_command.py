"""``parley verify``: a stranger's command, in a process of its own, in under a second."""

import json
import resource
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dossier import changed, dossier
from live import OUTCOME, Stage, network, registry, stage
from parley_commands import run
from typer.testing import CliRunner

from marketplace.cli import build

__all__ = ["network", "registry", "stage"]

ROOT = Path(__file__).parents[2]
CAST = next(iter(ROOT.glob("node_modules/@foundry-rs/cast-*/bin/cast")), Path("cast"))
PRICE = OUTCOME["unit_price"] * OUTCOME["quantity"]
MOST_SECONDS = 1.0
MADE = dossier()


@pytest.fixture
def evidence(stage: Stage) -> dict[str, Any]:
    """Of a deal that was delivered and paid."""
    two = stage.pair()
    agreement = two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    selling.deliver(b"done", PRICE)
    buying.release()
    return two.seller.client.evidence(selling)


@pytest.fixture
def file(evidence: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(evidence, indent=2))
    return path


def test_file_holds_offline_and_says_that_no_node_was_asked(file: Path):
    ended = run("verify", str(file), cwd=file.parent)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "the deal is RELEASED" in ended.stdout
    assert "not asked: chain: no node was asked" in ended.stdout
    assert ended.stdout.endswith("OK: all holds that was asked\n")


def test_file_holds_against_the_chain_as_one_json_object(network, file: Path):
    ended = run("verify", str(file), "--rpc", network.rpc, "--json", cwd=file.parent)
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert (told["ok"], told["findings"], told["state"]) == (True, [], "RELEASED")
    assert told["checked"]["events on chain"] == 3
    assert not any("no node" in each for each in told["unchecked"])


def test_key_of_the_log_is_held_to_the_one_that_is_known(evidence, file: Path):
    known = ["verify", str(file), "--log-key", evidence["log"]["key"]]
    assert run(*known, cwd=file.parent).returncode == 0
    other = run("verify", str(file), "--log-key", "0x" + "77" * 20, cwd=file.parent)
    assert (other.returncode, "WrongSigner" in other.stdout) == (1, True)


def test_spoiled_file_is_not_ok_and_says_where(network, evidence, file: Path):
    spoiled = changed(evidence, ("events", 1, "at"), evidence["events"][1]["at"] + 1)
    file.write_text(json.dumps(spoiled))
    assert run("verify", str(file), cwd=file.parent).returncode == 0
    ended = run("verify", str(file), "--rpc", network.rpc, cwd=file.parent)
    assert ended.returncode == 1
    assert "does not hold: chain, events[1]" in ended.stdout
    assert "NOT OK" in ended.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "ValueMalformed"), (b'{"format":1,"format":2}', "ValueMalformed"), (None, "No such")],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content, said):
    path = tmp_path / "evidence.json"
    if content is not None:
        path.write_bytes(content)
    ended = run("verify", str(path), cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("refused ")
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "ValueMalformed"),
        (b"{", "ValueMalformed"),
        (b"{}", "FieldsDiffer"),
        (b'["decided",{}]', "ValueMalformed"),
        (json.dumps({**MADE.decisions[2].to_json(), "verdict": "deny"}).encode(), "verdict"),
        (json.dumps({**MADE.decisions[2].to_json(), "now": 7}).encode(), "DigestMismatch"),
        (json.dumps(MADE.decisions[2].brief()).encode(), "exposure"),
    ],
)
def test_record_that_cannot_be_read_is_refused_by_its_line(tmp_path: Path, line: bytes, said: str):
    path, record = tmp_path / "evidence.json", tmp_path / "decisions.jsonl"
    path.write_text(json.dumps(MADE.file()))
    good = json.dumps(MADE.decisions[1].to_json()).encode()
    record.write_bytes(good + b"\n" + line + b"\n" + good + b"\n")
    ended = run("verify", str(path), "--decisions", str(record), cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("refused DecisionsUnreadable")
    assert "line=2" in ended.stderr
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_record_that_is_not_there_is_refused(tmp_path: Path):
    path = tmp_path / "evidence.json"
    path.write_text(json.dumps(MADE.file()))
    ended = run("verify", str(path), "--decisions", str(tmp_path / "none"), cwd=tmp_path)
    assert (ended.returncode, "No such" in ended.stderr) == (2, True)


def test_node_that_does_not_answer_is_refused_by_name(file: Path):
    ended = run("verify", str(file), "--rpc", "http://127.0.0.1:1", cwd=file.parent)
    assert (ended.returncode, "ChainUnavailable" in ended.stderr) == (2, True)


def test_words_of_a_file_do_not_draw_on_the_terminal(evidence, file: Path):
    file.write_text(json.dumps(changed(evidence, ("deal",), "\x1b[2Jgone")))
    ended = run("verify", str(file), cwd=file.parent)
    assert ended.returncode == 1
    assert "\x1b" not in ended.stdout


def test_command_is_listed_among_the_others_and_tells_its_options(file: Path):
    assert "verify" in CliRunner().invoke(build([]), ["--help"]).stdout
    told = run("verify", "--help", cwd=file.parent)
    assert told.returncode == 0
    assert {"--rpc", "--log-key", "--decisions", "--json"} <= set(
        told.stdout.replace("[", " ").split()
    )
    assert CliRunner().invoke(build([]), ["verify", str(file)]).exit_code == 0


def test_answer_takes_under_a_second_the_chain_s_word_included(network, file: Path):
    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("verify", str(file), "--rpc", network.rpc, cwd=file.parent).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Of the processor: what else the machine does is not the command's.
    assert min(once() for _ in range(3)) < MOST_SECONDS


@pytest.mark.node
@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_signatures_of_the_file_are_verified_by_cast(evidence, role: str):
    signer, signature = evidence["typed_data"]["message"][role], evidence[f"{role}_signature"]
    spoiled = changed(evidence["typed_data"], ("message", "price"), "99")
    for document, status in ((evidence["typed_data"], 0), (spoiled, 1)):
        words = ["wallet", "verify", "--address", signer, "--data", "--from-file"]
        path = ROOT / ".toolchain" / f"evidence-{role}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
        ended = subprocess.run(
            [CAST, *words, str(path), signature], capture_output=True, check=False, cwd=ROOT
        )
        assert ended.returncode == status, ended.stderr
