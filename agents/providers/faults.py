"""Everything that can be wrong with a job, its run or a delivery.

    Fault
    ├── BoundsInvalid       ├── ModuleTrapped      ├── EngineDiffers
    ├── JobMalformed        ├── FuelExhausted      ├── FuelDiffers
    ├── ResultMalformed     ├── MemoryExceeded     ├── OutputDiffers
    ├── DigestMalformed     ├── TimeExceeded       ├── QuantityOutOfRange
    ├── ModuleUnknown       ├── OutputTooLarge     ├── ChunkDiffers
    ├── ModuleRefused       └── SandboxDied        └── SliceTooLong
    └── PointerOutside

Each fault carries the two values that disagree, as `found` and `bound`, and its sentence ends
with the next step of whoever reads it.
"""

from typing import ClassVar


class Fault(Exception):
    """What was found does not keep to what was agreed.

    Args:
        found: the value that was seen.
        bound: the value, limit or shape that it had to keep to.
    """

    sentence: ClassVar[str] = "Found {found}; expected {bound}."

    def __init__(self, found: object, bound: object) -> None:
        super().__init__(found, bound)
        self.found = found
        self.bound = bound

    def __str__(self) -> str:
        return self.sentence.format(found=self.found, bound=self.bound)


class BoundsInvalid(Fault):
    """The seller's own limits make no sense."""

    sentence = "A bound is {found}; it must be {bound}. Correct the seller's settings."


class JobMalformed(Fault):
    """The bytes are no job."""

    sentence = "The job holds {found} where the format wants {bound}. Encode it with Job.encode."


class ResultMalformed(Fault):
    """The bytes are no result."""

    sentence = (
        "The result holds {found} where the format wants {bound}. Ask for it as Result.encode."
    )


class DigestMalformed(Fault):
    """The text is no SHA-256 digest as Parley writes it."""

    sentence = "{found} is no digest; write it as {bound}."


class ModuleUnknown(Fault):
    """No module of that name is shipped."""

    sentence = "No module is called {found}; choose one of {bound}, or send your own."


class ModuleRefused(Fault):
    """The module does not compile, or breaks the rules for guests."""

    sentence = "The module has {found}; it needs {bound}. Build it against docs/providers.md."


class PointerOutside(Fault):
    """The guest named bytes that its memory does not hold."""

    sentence = "The module points at {found}, outside {bound}. Return a range inside the memory."


class ModuleTrapped(Fault):
    """The guest stopped itself."""

    sentence = "The module stopped with '{found}' instead of {bound}. Correct it or its input."


class FuelExhausted(Fault):
    """The work costs more than the bound; nothing is billed."""

    sentence = "The module needs at least {found} units of fuel of {bound}. Agree on more fuel."


class MemoryExceeded(Fault):
    """The module declares more memory than the seller lends."""

    sentence = "The module declares {found} bytes of memory; the bound is {bound}. Declare less."


class TimeExceeded(Fault):
    """The wall clock ran out, in compilation or in the run; nothing is billed."""

    sentence = "The job was {found} after {bound} s and was ended. Send a smaller one."


class OutputTooLarge(Fault):
    """The output is longer than the seller will carry."""

    sentence = "The output is {found} bytes long; the bound is {bound}. Return a digest of it."


class SandboxDied(Fault):
    """The process around the guest ended without an answer."""

    sentence = (
        "The sandbox ended with {found} instead of {bound}. Refuse the job; if every job ends so, "
        "reinstall wasmtime."
    )


class OutputDiffers(Fault):
    """Running the job again gives other bytes."""

    sentence = "The output's digest is {found}; running again gives {bound}. Refuse the result."


class EngineDiffers(Fault):
    """The output is right, but the meter cannot be read on this machine."""

    sentence = "Fuel was metered by {found}; this machine has {bound}. Check it with the former."


class FuelDiffers(Fault):
    """The output is right and the bill is not."""

    sentence = "{found} units of fuel were claimed; running again uses {bound}. Refuse the charge."


class QuantityOutOfRange(Fault):
    """The table has no such number of chunks."""

    sentence = "{found} chunks were asked for; the listing has {bound}. Ask within it."


class ChunkDiffers(Fault):
    """A delivered chunk is not the listed one."""

    sentence = "The delivery holds {found}; the listing says {bound}. Ask for this chunk again."


class SliceTooLong(Fault):
    """More was delivered than the agreed chunks."""

    sentence = "The delivery is {found} bytes long; its agreed chunks end at {bound}. Refuse it."
