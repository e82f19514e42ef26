"""``parley serve`` before it serves: what is wrong with its database is one line, at once."""

import subprocess
from pathlib import Path

import pytest
from parley_commands import PARLEY, run

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
