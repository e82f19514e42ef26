"""Which surviving mutants are explained, and whether enough are killed."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutation.mutant import Mutant, Outcome, Verdict

THRESHOLD = 95  # per cent of the mutants that are not equivalent must be killed


@dataclass(frozen=True, slots=True)
class Judged:
    """A mutant of `function`, its verdict, and the line as it was and as it is."""

    mutant: Mutant
    verdict: Verdict
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a survivor may live.

    Attributes:
        was: the line, or the part of it, as it was.
        now: the same as it is.
        why: the reason.
        equivalent: the mutant does what the original does, so that no test can kill it.
        function: where; empty when the reason holds everywhere.
    """

    was: str
    now: str
    why: str
    equivalent: bool
    function: str = ""

    def covers(self, judged: Judged) -> bool:
        """Whether this, in one place of the line, is the whole change."""
        if self.function not in {"", judged.mutant.function}:
            return False
        parts = judged.was.split(self.was)
        changed = (
            self.was.join(parts[:i]) + self.now + self.was.join(parts[i:])
            for i in range(1, len(parts))
        )
        return judged.now in changed


def read(path: Path) -> list[Explanation]:
    """The explained survivors of the file at `path`."""
    return [Explanation(**each) for each in tomllib.loads(path.read_text()).get("survivor", [])]


def distinct(judged: Sequence[Judged]) -> list[Judged]:
    """One mutant a bytecode: those that do not compile, or to the original's code, are none."""
    return list({each.verdict.code: each for each in judged if each.verdict.code}.values())


def score(judged: Sequence[Judged], explained: Sequence[Explanation]) -> tuple[int, int]:
    """How many are killed, of how many that are not equivalent."""
    survivors = [each for each in distinct(judged) if each.verdict.outcome is Outcome.SURVIVED]
    equivalent = [
        each for each in survivors if any(e.equivalent and e.covers(each) for e in explained)
    ]
    counted = len(distinct(judged)) - len(equivalent)
    return len(distinct(judged)) - len(survivors), counted


def complaints(
    judged: Sequence[Judged], explained: Sequence[Explanation], *, whole: bool
) -> list[str]:
    """What is wrong; nothing, when enough are killed and every survivor is explained.

    Args:
        judged: mutants with their verdicts.
        explained: the survivors that may live.
        whole: these are all the mutants there are, so that what explains none of them is stale.
    """
    survivors = [each for each in judged if each.verdict.outcome is Outcome.SURVIVED]
    found = [
        f"{each.mutant.function} survives {each.mutant.mutator}: kill it with a test, or explain it"
        f"\n    was = {each.was!r}\n    now = {each.now!r}"
        for each in survivors
        if not any(explanation.covers(each) for explanation in explained)
    ]
    if whole:
        stale = [each for each in explained if not any(map(each.covers, survivors))]
        found += [f"nothing survives as explained: {each.was!r} to {each.now!r}" for each in stale]
    killed, counted = score(judged, explained)
    if 100 * killed < THRESHOLD * counted:
        found.append(f"{killed} of {counted} killed, at least {THRESHOLD} % are wanted")
    return found
