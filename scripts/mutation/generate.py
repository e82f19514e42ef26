"""Every mutant that slither's mutators make of some contracts.

Runs in slither's own environment: a Standard JSON request on stdin, whose sources are the files to
mutate; one mutant a line on stdout. Nothing is run or judged here.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from operator import is_
from typing import Any

from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson
from slither import Slither
from slither.core.declarations import Contract
from slither.tools.mutator.mutators import all_mutators
from slither.tools.mutator.mutators.abstract_mutator import AbstractMutator

# What crytic-compile reads of an answer.
SELECTION = {"*": {"": ["ast"], "*": ["abi", "evm.bytecode", "evm.deployedBytecode", "metadata"]}}

Json = dict[str, Any]


def main(compiler: str) -> None:
    """Read the request, write the mutants; `compiler` speaks Standard JSON."""
    request = json.load(sys.stdin)
    request["settings"]["outputSelection"] = SELECTION
    asked = SolcStandardJson(request, solc=compiler)
    project = CryticCompile(asked, solc=compiler, solc_working_dir=".")
    for contract in Slither(project).contracts:
        if contract.source_mapping.filename.used in request["sources"]:
            for mutant in mutants(contract):
                print(json.dumps(mutant))


def mutants(contract: Contract) -> Iterator[Json]:
    """The mutants of one contract, in the order of the mutators' names, each once."""
    told = set()
    for mutator in MUTATORS:
        for patch in patches(mutator, contract):
            change = (patch["start"], patch["end"], patch["new_string"])
            if change not in told:
                told.add(change)
                yield {
                    "file": contract.source_mapping.filename.used,
                    "function": function_at(contract, patch["start"]),
                    "mutator": mutator.NAME,
                    "start": patch["start"],
                    "end": patch["end"],
                    "new": patch["new_string"],
                }


def patches(mutator: type[AbstractMutator], contract: Contract) -> list[Json]:
    """What one mutator would change.

    Some fail on a statement that they do not expect, such as a choice within a call, and would lose
    all the others with it: then they get one statement at a time.
    """
    try:
        return changes(mutator, contract, lambda _: True)
    except IndexError:
        found = []
        for function in contract.functions_and_modifiers_declared:
            for node in function.nodes:
                with suppress(IndexError):
                    found += changes(mutator, contract, partial(is_, node))
        return found


def changes(
    mutator: type[AbstractMutator], contract: Contract, wanted: Callable[[object], bool]
) -> list[Json]:
    """What one mutator would change in the statements that are wanted."""
    made = mutator(contract.compilation_unit, 0, "", "", contract, None, False, None, [])  # noqa: FBT003  its signature
    made.should_mutate_node = wanted
    found = made._mutate()  # noqa: SLF001  its public method would also run tests
    return [patch for each in found.get("patches", {}).values() for patch in each]


def function_at(contract: Contract, start: int) -> str:
    """The function or modifier around a byte of the contract's file, else the contract."""
    for function in contract.functions_and_modifiers_declared:
        at = function.source_mapping
        if at.start <= start < at.start + at.length:
            return f"{contract.name}.{function.name}"
    return str(contract.name)


MUTATORS: list[type[AbstractMutator]] = sorted(
    (
        each
        for each in vars(all_mutators).values()
        if isinstance(each, type) and issubclass(each, AbstractMutator)
    ),
    key=lambda mutator: mutator.NAME,
)

if __name__ == "__main__":
    main(sys.argv[1])
