"""Metered computation: run a stranger's module, bill its fuel, check it.

    job, bounds = Job(module("sha256"), b"abc"), Bounds(fuel=1_000_000)
    result = run(job, bounds)
    check(job, result, bounds)      # anybody, later, elsewhere

The guest runs in a process of its own (see `sandbox`), which is ended when its time is up. What
comes back is either a `Result` or one named fault; a run that faults bills nothing, since how far
it came depends on the machine.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, fields
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from agents.providers import faults
from agents.providers.digest import digest_of
from agents.providers.job import FUEL_LIMIT, OUTPUT_BYTES, Job, Result

__all__ = ["ENGINE", "MODULES", "Bounds", "Job", "Result", "check", "module", "run"]

MODULES = ("kernel", "search", "sha256")
ENGINE = f"wasmtime-{version('wasmtime')}"
MEMORY_LIMIT = 4 * 1024**3
WALL_LIMIT = 24 * 3600

_SANDBOX = Path(__file__).with_name("sandbox.py")
# What a guest can be refused for, under the names that the sandbox uses.
_REFUSALS = {
    fault.__name__: fault
    for fault in (
        faults.ModuleRefused,
        faults.ModuleTrapped,
        faults.PointerOutside,
        faults.FuelExhausted,
        faults.MemoryExceeded,
        faults.OutputTooLarge,
    )
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a seller lends to one job.

    Args:
        fuel: units that the guest may use; the most that can be billed.
        memory_bytes: the largest memory that a module may declare.
        output_bytes: the longest output.
        wall_seconds: how long compilation and run may take together.

    Raises:
        BoundsInvalid: if one is not a positive integer inside its range.
    """

    fuel: int
    memory_bytes: int = 64 * 1024**2
    output_bytes: int = 1024**2
    wall_seconds: int = 30

    def __post_init__(self) -> None:
        limits = (FUEL_LIMIT, MEMORY_LIMIT, OUTPUT_BYTES, WALL_LIMIT)
        for field, limit in zip(fields(self), limits, strict=True):
            value = getattr(self, field.name)
            if type(value) is not int or not 1 <= value <= limit:
                raise faults.BoundsInvalid(
                    f"{field.name} {value!r}", f"an integer from 1 to {limit}"
                )


def run(job: Job, bounds: Bounds) -> Result:
    """Runs a job inside its bounds.

    Returns:
        The output with the fuel used, from the start function to the last return.

    Raises:
        ModuleRefused, ModuleTrapped, PointerOutside: the module is at fault.
        FuelExhausted, MemoryExceeded, TimeExceeded, OutputTooLarge: a bound is too small.
        SandboxDied: the process gave no answer, as when a compilation asks for too much memory.
    """
    header, _, output = _answer(job, bounds).partition(b"\n")
    answer = json.loads(header)
    if "fault" in answer:
        raise _REFUSALS[answer["fault"]](answer["found"], answer["bound"])
    return Result(output, answer["fuel_used"], ENGINE)


def check(job: Job, result: Result, bounds: Bounds) -> None:
    """Runs a job again and compares.

    Args:
        job: what was asked for.
        result: what was delivered for it.
        bounds: at least the seller's, else the run faults where the seller's did not.

    Raises:
        OutputDiffers: the work is wrong.
        EngineDiffers: the work is right, and its meter cannot be read here.
        FuelDiffers: the work is right, and its bill is not.
        Fault: whatever `run` raises.
    """
    again = run(job, bounds)
    if result.output != again.output:
        raise faults.OutputDiffers(digest_of(result.output), digest_of(again.output))
    if result.engine != again.engine:
        raise faults.EngineDiffers(result.engine, again.engine)
    if result.fuel_used != again.fuel_used:
        raise faults.FuelDiffers(result.fuel_used, again.fuel_used)


def module(name: str) -> bytes:
    """The text of a shipped module.

    Raises:
        ModuleUnknown: if it is none of `MODULES`.
    """
    if name not in MODULES:
        raise faults.ModuleUnknown(repr(name), ", ".join(MODULES))
    return files("agents.providers").joinpath("modules", f"{name}.wat").read_bytes()


def _answer(job: Job, bounds: Bounds) -> bytes:
    try:
        # An empty environment, since a seller keeps keys in its own.
        ended = subprocess.run(  # noqa: S603 - our interpreter and our file; the guest is data
            [sys.executable, "-I", str(_SANDBOX)],
            input=_request(job, bounds),
            capture_output=True,
            timeout=bounds.wall_seconds,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        raise faults.TimeExceeded("still running", bounds.wall_seconds) from expired
    if ended.returncode:
        last_words = " ".join(ended.stderr.decode(errors="replace").split())[-300:]
        raise faults.SandboxDied(f"status {ended.returncode} ({last_words})", "an answer")
    return ended.stdout


def _request(job: Job, bounds: Bounds) -> bytes:
    header = {
        "fuel": bounds.fuel,
        "memory_bytes": bounds.memory_bytes,
        "output_bytes": bounds.output_bytes,
        "cpu_seconds": bounds.wall_seconds + 1,
        "module_bytes": len(job.module),
    }
    return json.dumps(header).encode() + b"\n" + job.module + job.input
