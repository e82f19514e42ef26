"""Change the contracts in every way slither knows; a test must fail.

`python scripts/mutate.py` judges every mutant, `--shard 2/3` the second third of them, `--sample 20
--seed 7` twenty of them. Verdicts are kept: a run goes on where the last one ended. The exit status
is 1 when a survivor is not explained in tests/mutation/survivors.toml, or too few are killed.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from queue import SimpleQueue

from build_contracts import ROOT, compiler_settings, provide_compiler
from mutation.bench import Bench
from mutation.compiler import QUICK, Compiler
from mutation.mutant import Mutant, Verdict
from mutation.record import Record, digest
from mutation.survivors import Judged, complaints, distinct, read, score
from mutation.tree import FOLDERS, Tree
from project_copy import profile

PLACE = ROOT / ".toolchain/mutation"
READ = {".sol", ".json"}  # what of a tree a test may read
PACE = 200  # so many verdicts to a line of progress
EXPLAINED = ROOT / "tests/mutation/survivors.toml"
# Mocks serve the tests, interfaces have no code, and the credit token is no part of the escrow.
NOT_MUTATED = ("contracts/mocks/", "contracts/interfaces/", "contracts/CreditToken.sol")


class NoMutantsError(Exception):
    """There is nothing to judge; the message is slither's."""


def main() -> int:
    """Judge the mutants that were asked for; the exit status is 1 when something is wrong."""
    asked = arguments()
    PLACE.mkdir(parents=True, exist_ok=True)
    sources = mutated_sources()
    everything = generate(sources)
    mutants = choose(everything, asked)
    record = Record(PLACE / "verdicts.jsonl", tests_digest(), trust_kills=asked.trust_kills)
    todo = [mutant for mutant in mutants if mutant.key(sources) not in record.verdicts]
    if todo:
        judge(todo, sources, record, asked.workers)
    return report(mutants, sources, record, whole=len(mutants) == len(everything))


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Mutation tests of the contracts.")
    parser.add_argument("--shard", default="1/1", help="the i-th of n parts of the mutants: i/n")
    parser.add_argument("--sample", type=int, help="only so many of them")
    parser.add_argument("--seed", type=int, default=0, help="which ones the sample takes")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--trust-kills", action="store_true", help="kills of older tests count")
    return parser.parse_args()


def mutated_sources() -> dict[str, bytes]:
    """The contracts that are worth a mutant, by their path below the project."""
    paths = {str(path.relative_to(ROOT)): path for path in ROOT.glob("contracts/**/*.sol")}
    return {
        name: path.read_bytes()
        for name, path in sorted(paths.items())
        if not name.startswith(NOT_MUTATED)
    }


def generate(sources: dict[str, bytes]) -> list[Mutant]:
    """Every mutant of the sources, from slither's own environment."""
    contents = {path: {"content": source.decode()} for path, source in sources.items()}
    settings = compiler_settings(profile()) | QUICK
    request = {"language": "Solidity", "sources": contents, "settings": settings}
    compiler = provide_compiler(ROOT, ROOT / profile()["solc"])
    made = subprocess.run(
        [ROOT / ".venv-slither/bin/python", ROOT / "scripts/mutation/generate.py", compiler],
        cwd=ROOT,
        input=json.dumps(request),
        capture_output=True,  # stderr holds, above all, what slither cannot read of OpenZeppelin
        text=True,
        check=False,
    )
    if made.returncode:
        raise NoMutantsError(f"slither made no mutants:\n{made.stderr}")
    return [Mutant(**json.loads(line)) for line in made.stdout.splitlines()]


def choose(mutants: Sequence[Mutant], asked: argparse.Namespace) -> list[Mutant]:
    """The shard, then the sample of it."""
    part, parts = map(int, asked.shard.split("/"))
    shard = list(mutants[part - 1 :: parts])
    if asked.sample is None or asked.sample >= len(shard):
        return shard
    return random.Random(asked.seed).sample(shard, asked.sample)  # noqa: S311  no secret


def tests_digest() -> str:
    """Names all that a verdict depends on beside the mutant."""
    files = [path for each in FOLDERS for path in (ROOT / each).rglob("*") if path.suffix in READ]
    return digest(ROOT, [*files, ROOT / "foundry.toml", ROOT / "package-lock.json"])


def judge(todo: list[Mutant], sources: dict[str, bytes], record: Record, workers: int) -> None:
    """Judge the mutants on as many benches as there are workers."""
    judged = record.by_code()
    with ThreadPoolExecutor(workers) as pool, benches(sources, workers) as free:

        def one(mutant: Mutant) -> tuple[Mutant, Verdict]:
            bench = free.get()
            try:
                return mutant, bench.judge(mutant, sources[mutant.file], judged)
            finally:
                free.put(bench)

        try:
            done = as_completed([pool.submit(one, mutant) for mutant in todo])
            for count, each in enumerate(done, start=1):
                mutant, verdict = each.result()
                judged[verdict.code] = verdict
                record.add(mutant.key(sources), verdict)
                if count % PACE == 0:
                    print(f"{count} of {len(todo)} judged", flush=True)
        finally:
            pool.shutdown(
                cancel_futures=True
            )  # what is judged is kept; the rest is for the next run


@contextmanager
def benches(sources: dict[str, bytes], count: int) -> Iterator[SimpleQueue[Bench]]:
    """Benches that tell good from bad: one is seen to, and the others are its like."""
    trees = Tree.plant(PLACE / "tree").copies(count)
    settings = compiler_settings(profile())
    with ExitStack() as stack:
        free: SimpleQueue[Bench] = SimpleQueue()
        compilers = [stack.enter_context(Compiler(ROOT, settings, sources)) for _ in range(count)]
        found = [Bench(*each) for each in zip(compilers, trees, strict=True)]
        found[0].prove()
        for bench in found:
            free.put(bench)
        yield free


def report(
    mutants: Sequence[Mutant], sources: dict[str, bytes], record: Record, *, whole: bool
) -> int:
    """Print the count and what is wrong; the exit status is 1 when something is."""
    judged = [
        Judged(mutant, record.verdicts[mutant.key(sources)], *mutant.change(sources[mutant.file]))
        for mutant in mutants
    ]
    explained = read(EXPLAINED)
    killed, counted = score(judged, explained)
    told = Counter(str(each.verdict.outcome) for each in judged)
    print(f"{len(mutants)} mutants: {dict(told)}, {len(distinct(judged))} distinct")
    print(f"{killed} of {counted} that are not equivalent killed")
    found = complaints(judged, explained, whole=whole)
    for each in found:
        print(f"mutate: {each}", file=sys.stderr)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
