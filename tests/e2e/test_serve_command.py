"""``parley serve`` before it serves: what is wrong with its database is one line, at once."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from parley_commands import PARLEY, run
from witness import Witness

from marketplace.bootstrap import build_chores
from marketplace.settings import RegistrySettings

SERVE = ("serve", "--chain-id", "1", "--port", "0", "--database")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_database_that_cannot_be_named_so_is_refused_in_one_line(tmp_path: Path, workers: str):
    database = "postgresql://parley:hush@no.such.host.invalid/parley"
    ended = run(*SERVE, database, "--workers", workers, cwd=tmp_path, seconds=40)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("refused DatabaseRefused: ")
    assert "database=no.such.host.invalid:/parley" in line
    assert "hush" not in line


def test_server_that_is_away_is_named_at_once_while_it_is_waited_for(tmp_path: Path):
    command = [*PARLEY, *SERVE, "postgresql://parley:hush@127.0.0.1:1/parley"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr
        try:
            line = waiting.stderr.readline()
            assert waiting.poll() is None
        finally:
            waiting.kill()
    assert line.startswith("waiting for the database, 60 s more: ")
    assert "127.0.0.1:1/parley" in line
    assert "hush" not in line


def test_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path):
    (tmp_path / "notes.sqlite").write_text("these are notes, and no database of any kind\n" * 9)
    ended = run(*SERVE, "notes.sqlite", cwd=tmp_path, seconds=40)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "StoreUnavailable" in line
    assert "not a database" in line


def test_several_workers_on_a_file_are_refused_before_it_is_made(tmp_path: Path):
    ended = run(*SERVE, "log.sqlite", "--workers", "2", cwd=tmp_path, seconds=40)
    assert ended.returncode == 2
    assert "WorkersRefused" in ended.stderr
    assert list(tmp_path.iterdir()) == []


READ = """
import sys
from marketplace.cli import build
build(sys.argv[1:])
print(sorted({"web3", "eth_account", "fastapi"} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("command", "read"),
    [("serve", "['fastapi']"), ("audit", "['eth_account', 'web3']")],
)
def test_a_command_reads_what_it_needs_and_no_more(command: str, read: str):
    asked = [sys.executable, "-c", READ, command]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == read


def test_a_registry_that_follows_deals_reads_the_chain():
    settings = RegistrySettings("", 1, "0x" + "e5" * 20, rpc="http://127.0.0.1:1")
    witness = Witness()
    chores = len(build_chores(replace(settings, rpc=""), witness.services, witness.store))
    # Settled deals are counted, events logged, the log held against its anchors.
    followed = build_chores(settings, witness.services, witness.store)
    assert len(followed) == chores + 3


def test_without_a_word_every_command_is_listed(tmp_path: Path):
    told = run("--help", cwd=tmp_path).stdout
    assert [name for name in ("serve", "devnet", "audit", "demo") if f" {name} " not in told] == []
