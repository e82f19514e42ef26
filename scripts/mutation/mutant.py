"""A mutant: one small change of one contract, and what became of it."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a mutant; the first two say nothing about the tests."""

    STILLBORN = "stillborn"  # does not compile
    SAME = "same"  # compiles to the very code of the original
    KILLED = "killed"  # a test failed
    SURVIVED = "survived"  # every test passed


@dataclass(frozen=True, slots=True)
class Mutant:
    """Bytes `start` to `end` of `file` become `new`; `function` is where that is."""

    file: str
    function: str
    mutator: str
    start: int
    end: int
    new: str

    def text(self, source: bytes) -> str:
        """The mutated source."""
        return (source[: self.start] + self.new.encode() + source[self.end :]).decode()

    def change(self, source: bytes) -> tuple[str, str]:
        """The lines around it, as they were and as they are, each as one line."""
        first = source.rfind(b"\n", 0, self.start) + 1
        last = source.find(b"\n", self.end)
        was = source[first:last].decode()
        now = (source[first : self.start] + self.new.encode() + source[self.end : last]).decode()
        return " ".join(was.split()), " ".join(now.split())

    def key(self, sources: dict[str, bytes]) -> str:
        """Names the mutant among all mutants of all versions of the sources."""
        hashed = hashlib.sha256(f"{self.file}\0{self.text(sources[self.file])}".encode())
        for path, source in sorted(sources.items()):
            hashed.update(path.encode() + b"\0" + source + b"\0")
        return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        outcome: the verdict itself.
        by: the test that failed, or the time-out; empty unless killed.
        code: digest of the mutated bytecode: mutants of one code are one mutant.
        seconds: what the verdict took.
    """

    outcome: Outcome
    by: str = ""
    code: str = ""
    seconds: float = 0.0
