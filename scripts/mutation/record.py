"""What became of each mutant, kept between runs: one JSON line a verdict."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mutation.mutant import Outcome, Verdict

LASTING = {Outcome.STILLBORN, Outcome.SAME}  # no test was asked


class Record:
    """The verdicts in the file at `path`, under the tests whose digest is `tests`.

    A verdict of other tests counts only where no test was asked, or, with `trust_kills`, where it
    was a kill: good enough while writing a test against a survivor, not for a figure.
    """

    def __init__(self, path: Path, tests: str, *, trust_kills: bool) -> None:
        self._path = path
        self._tests = tests
        self._lasting = LASTING | ({Outcome.KILLED} if trust_kills else set())
        self.verdicts: dict[str, Verdict] = {}
        lines = path.read_text().splitlines() if path.exists() else []
        for told in map(json.loads, lines):
            self._remember(**told)

    def add(self, key: str, verdict: Verdict) -> None:
        """Keep a verdict, on disk at once."""
        told = {"key": key, "tests": self._tests, "verdict": dataclasses.asdict(verdict)}
        with self._path.open("a") as file:
            file.write(json.dumps(told) + "\n")
        self.verdicts[key] = verdict

    def by_code(self) -> dict[str, Verdict]:
        """The verdicts that tests gave, by the digest of the code."""
        return {verdict.code: verdict for verdict in self.verdicts.values() if verdict.code}

    def _remember(self, key: str, tests: str, verdict: dict[str, Any]) -> None:
        outcome = Outcome(verdict["outcome"])
        if tests == self._tests or outcome in self._lasting:
            self.verdicts[key] = Verdict(**(verdict | {"outcome": outcome}))


def digest(root: Path, paths: Iterable[Path]) -> str:
    """One hex digest of some files and their places below `root`."""
    hashed = hashlib.sha256()
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        hashed.update(f"{path.relative_to(root)} {content}\n".encode())
    return hashed.hexdigest()
