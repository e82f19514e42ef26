"""One worker: a warm compiler makes a mutant, a tree's tests judge it."""

import hashlib
import json
import time
from collections.abc import Mapping

from mutation.compiler import Compiler
from mutation.mutant import Mutant, Outcome, Verdict
from mutation.tree import Tree, judges_of

UNDEPLOYABLE = "fe"  # the INVALID opcode


class BenchBrokenError(Exception):
    """The bench cannot tell good from bad; the message says how that was seen."""


class Bench:
    """Judges mutants one after another."""

    def __init__(self, compiler: Compiler, tree: Tree) -> None:
        self._compiler = compiler
        self._tree = tree

    def prove(self) -> None:
        """See that the bench can tell good from bad.

        Raises:
            BenchBrokenError: the original fails a test, or code that cannot deploy passes them all.
        """
        original = self._compiler.original
        # The compiler's own code of it, as the code of the mutants will be, and not forge's.
        with self._tree.deploying(original):
            failed = self._tree.failing_test()
        if failed:
            raise BenchBrokenError(f"the original fails {failed}: mend that first")
        for name in original:
            with self._tree.deploying({name: UNDEPLOYABLE}):
                if not self._tree.failing_test(judges_of(name)):
                    raise BenchBrokenError(f"no test deploys {name} by its artifact: write one")

    def judge(self, mutant: Mutant, source: bytes, judged: Mapping[str, Verdict]) -> Verdict:
        """Compile the mutant of `source` and test it, unless the very code was `judged` already."""
        began = time.monotonic()
        codes = self._compiler.codes(mutant.file, mutant.text(source))
        if codes is None:
            return Verdict(Outcome.STILLBORN)
        original = self._compiler.original
        changed = {name: code for name, code in codes.items() if code != original[name]}
        if not changed:
            return Verdict(Outcome.SAME)
        code = hashlib.sha256(json.dumps(changed, sort_keys=True).encode()).hexdigest()
        if code in judged:
            return judged[code]
        with self._tree.deploying(changed):
            failed = self._tree.failing_test(judges_of(mutant.file))
        outcome = Outcome.KILLED if failed else Outcome.SURVIVED
        return Verdict(outcome, failed, code, round(time.monotonic() - began, 2))
