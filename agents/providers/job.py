"""What a buyer of computation sends, and what comes back.

Both are documents with one spelling (see `canonical`). The job's digest is what a deal's subject
can commit to; the result's digest is what the seller records as its deliverable.
"""

from dataclasses import asdict, dataclass
from typing import Self

from agents.providers.canonical import Layout
from agents.providers.digest import digest_of
from agents.providers.faults import Fault, JobMalformed, ResultMalformed

MODULE_BYTES = 256 * 1024
INPUT_BYTES = 4 * 1024 * 1024
OUTPUT_BYTES = 4 * 1024 * 1024
ENGINE_CHARACTERS = 64
FUEL_LIMIT = 2**53 - 1
"""The largest integer that every JSON reader keeps (RFC 8785 §3.2.2.3)."""

# Base64 makes four characters of three bytes; a kilobyte is ample for keys and numbers.
_JOB = Layout(
    "parley.job.v1",
    {"module": bytes, "input": bytes},
    4 * (MODULE_BYTES + INPUT_BYTES) // 3 + 1024,
    JobMalformed,
)
_RESULT = Layout(
    "parley.result.v1",
    {"output": bytes, "fuel_used": int, "engine": str},
    4 * OUTPUT_BYTES // 3 + 1024,
    ResultMalformed,
)


@dataclass(frozen=True, slots=True)
class Job:
    """A WebAssembly module and the bytes it is to work on.

    Args:
        module: a binary module, or its text (WAT) in UTF-8.
        input: any bytes; their meaning is the module's affair.

    Raises:
        JobMalformed: if either is longer than the format allows.
    """

    module: bytes
    input: bytes

    def __post_init__(self) -> None:
        _fits(self.module, MODULE_BYTES, "a module", JobMalformed)
        _fits(self.input, INPUT_BYTES, "an input", JobMalformed)

    def encode(self) -> bytes:
        """The job's canonical bytes."""
        return _JOB.encode(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The job behind canonical bytes.

        Raises:
            JobMalformed: for anything that `encode` would not have written.
        """
        return cls(**_JOB.decode(data))

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical bytes."""
        return digest_of(self.encode())


@dataclass(frozen=True, slots=True)
class Result:
    """What a run returned, and what it is billed by.

    Args:
        output: the module's bytes; the same under every engine.
        fuel_used: units of fuel; a property of the engine, so the engine is named.
        engine: name and version, such as `wasmtime-50.0.1`.

    Raises:
        ResultMalformed: if a field is out of its range.
    """

    output: bytes
    fuel_used: int
    engine: str

    def __post_init__(self) -> None:
        _fits(self.output, OUTPUT_BYTES, "an output", ResultMalformed)
        _fits(self.engine, ENGINE_CHARACTERS, "an engine's name", ResultMalformed)
        if not 0 <= self.fuel_used <= FUEL_LIMIT:
            raise ResultMalformed(f"{self.fuel_used} units of fuel", f"0 to {FUEL_LIMIT}")

    def encode(self) -> bytes:
        """The result's canonical bytes."""
        return _RESULT.encode(asdict(self))

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The result behind canonical bytes.

        Raises:
            ResultMalformed: for anything that `encode` would not have written.
        """
        return cls(**_RESULT.decode(data))

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical bytes."""
        return digest_of(self.encode())


def _fits(value: bytes | str, limit: int, what: str, fault: type[Fault]) -> None:
    if len(value) > limit:
        raise fault(f"{what} of length {len(value)}", f"at most {limit}")
