"""The main job in one command, on both chains, and its refusals."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from parley_commands import PARLEY, devnet, run

ROOT = Path(__file__).parents[2]
CHAINS = ["embedded", pytest.param("anvil", marks=pytest.mark.node)]
MOST_SECONDS = 60


@pytest.mark.parametrize("chain", CHAINS)
def test_the_demo_settles_three_deals_and_the_auditor_finds_nothing(chain, tmp_path):
    if chain == "anvil":
        (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    ended = run("demo", "--json", "--chain", chain, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert len(lines) == 1
    report = json.loads(lines[0])
    assert report.keys() == {"ok", "elapsed_s", "chain", "deals", "audit"}
    assert (report["ok"], report["chain"]) == (True, chain)
    assert report["elapsed_s"] < MOST_SECONDS
    assert [(deal["kind"], deal["state"]) for deal in report["deals"]] == [
        ("compute", "RELEASED"),
        ("data", "RELEASED"),
        ("undelivered", "REFUNDED"),
    ]
    for deal in report["deals"]:
        assert deal["rounds"] >= 3
        assert deal["gas"] > 100_000
        evidence = json.loads(Path(deal["evidence"]).read_text())
        assert evidence["deal"] == deal["id"]
        assert evidence["typed_data"]["message"]["price"] == str(deal["price"])
        judged = run("verify", deal["evidence"], cwd=tmp_path)
        assert (judged.returncode, judged.stderr) == (0, "")
        assert f"the deal is {deal['state']}" in judged.stdout
    assert report["audit"]["ok"] is True
    assert report["audit"]["findings"] == []
    assert report["audit"]["checked"]["deals"] == 3


PLANTED = {
    "wrong rows": (
        (
            "from agents.data import Table; made = Table.produce;"
            "Table.produce = lambda s, a: (made(s, a)[0].replace(b'7', b'8', 1), a.terms.price)"
        ),
        "ChunkDiffers",
    ),
    "a wrong result": (
        (
            "from agents.compute import Compute, Result; made = Compute.produce;"
            "Compute.produce = lambda s, a: (Result(b'no queens', 51316165, 'wasmtime-50.0.1')"
            ".encode(), made(s, a)[1])"
        ),
        "OutputDiffers",
    ),
    "an overcharge": (
        (
            "from agents.compute import Compute; made = Compute.produce;"
            "Compute.produce = lambda s, a: (made(s, a)[0], a.terms.price)"
        ),
        "ChargeWrong",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_of_a_seller_fails_the_demo_by_name(fault, tmp_path):
    planted, name = PLANTED[fault]
    code = f"{planted}\nfrom marketplace.cli import main\nmain()"
    words = ["demo", "--json", "--chain", "embedded"]
    ended = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_what_the_demo_shows_a_person_has_no_key_in_it(tmp_path):
    ended = run("demo", "--chain", "embedded", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "audit OK" in ended.stdout
    held = [p for p in tmp_path.rglob("*") if p.suffix in {".key", ".logkey", ".secret"}]
    keys = [path.read_text().strip() for path in held]
    # Of four parties and of who pays for anchoring; what signs the log, and tokens.
    assert len(keys) == 7
    for path in [p for p in tmp_path.rglob("*") if p.is_file() and p not in held]:
        assert not any(key.encode() in path.read_bytes() for key in keys), path
    assert not any(key in ended.stdout + ended.stderr for key in keys)


def test_a_missing_anvil_is_refused_by_name_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = run("demo", "--chain", "anvil", cwd=tmp_path)
    assert ended.returncode == 2
    assert "no Anvil binary" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.rglob("*.key")) == []


def test_a_directory_that_is_not_a_devnets_is_never_emptied(tmp_path):
    precious = tmp_path / "work" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of it")
    ended = run("devnet", "--dir", "work", "--chain", "embedded", cwd=tmp_path)
    assert ended.returncode == 2
    assert "work" in ended.stderr
    assert precious.read_text() == "years of it"


def test_the_command_is_installed_under_its_name():
    assert shutil.which("parley", path=str(Path(PARLEY[0]).parent))


def test_a_second_devnet_leaves_the_running_one_its_keys(tmp_path):
    with devnet(tmp_path, "--dir", "net", "--chain", "embedded") as network:
        second = run("devnet", "--dir", "net", "--chain", "embedded", cwd=tmp_path)
        assert second.returncode == 2
        assert "a devnet is running in net" in second.stderr
        assert all(Path(key).is_file() for key in network["keys"].values())


def test_an_audit_that_could_not_be_made_is_told_apart_from_one_that_found_something(tmp_path):
    bad = ("http://127.0.0.1:PORT", "http://127.0.0.1:1")
    for url in bad:
        ended = run("audit", "--rpc", url, "--log", url, cwd=tmp_path)
        assert ended.returncode == 2, url
        assert "RegistryUnavailable" in ended.stderr
        assert "Traceback" not in ended.stderr
