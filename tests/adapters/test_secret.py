"""The secret's file: one for all workers, whoever starts first."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from marketplace.adapters.system import SECRET_BYTES, read_secret


def test_workers_that_start_at_once_read_one_whole_secret(tmp_path: Path):
    for number in range(20):
        path = tmp_path / str(number) / "secret"
        with ThreadPoolExecutor(8) as workers:
            read = set(workers.map(read_secret, [path] * 8))
        (secret,) = read
        assert len(secret) == SECRET_BYTES
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(path.parent.iterdir()) == [path]


def test_secret_that_is_there_is_kept(tmp_path: Path):
    path = tmp_path / "secret"
    path.write_text("ab" * SECRET_BYTES + "\n")
    assert read_secret(path) == b"\xab" * SECRET_BYTES
