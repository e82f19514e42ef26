"""Runs one stranger's module in a process of its own.

Started by `compute.run` as a script, in Python's isolated mode and with an empty environment. It
therefore imports nothing of this project: no key, setting or path is within a guest's reach, and
the process is up in a tenth of a second. One request comes in on standard input, one answer goes
out on standard output: a line of JSON, then raw bytes.

1. The process gives up files, sockets, children and memory before it reads a foreign byte.
2. A module may import nothing and must export what `ABI` says. It knows no clock, no chance
   and no neighbour, so its output is a function of its input.
3. Its memory must declare a maximum. What `memory.grow` answers is then the module's own affair
   and the same on every machine, whatever the seller's bound.
4. Stack depth and fuel cannot be told from inside: running out of either ends the run.

There is no epoch interruption: the parent's clock has to end a compilation too, which an epoch
cannot, and what ends both is enough.
"""

import json
import resource
import sys
from typing import BinaryIO, cast

from wasmtime import (
    Config,
    Engine,
    Func,
    FuncType,
    Instance,
    Memory,
    MemoryType,
    Module,
    Store,
    Trap,
    TrapCode,
    WasmtimeError,
)

PAGE_BYTES = 65_536
STACK_BYTES = 512 * 1024
TABLE_ELEMENTS = 10_000
HEADROOM_BYTES = 512 * 1024 * 1024
"""What interpreter and compiler may take; as much again for the run, beside the guest's memory."""

ABI = {
    "memory": "memory",
    "input": "(i32) -> (i32)",
    "run": "(i32, i32) -> (i64)",
}

# Each is off because it brings in chance (threads, relaxed SIMD), a second address width, a
# memory that rule 3 cannot see, or an allocator (GC, exceptions) that no bound of ours measures.
REFUSED_FEATURES = (
    "threads",
    "relaxed_simd",
    "memory64",
    "multi_memory",
    "custom_page_sizes",
    "function_references",
    "gc",
    "exceptions",
    "stack_switching",
)


class Refusal(Exception):
    """A fault's name and the two values that disagree, on their way to the parent."""


def serve(request: dict[str, int], incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answers one request.

    Args:
        request: the line before them: `fuel`, `memory_bytes`, `output_bytes`, `cpu_seconds` and
            `module_bytes`.
        incoming: the module and its input.
        outgoing: takes a JSON line with `fuel_used`, then the output; or a line with `fault`,
            `found` and `bound`.
    """
    module = incoming.read(request["module_bytes"])
    try:
        output, fuel_used = _execute(module, incoming.read(), request)
        answer: dict[str, int | str] = {"fuel_used": fuel_used}
    except Refusal as refusal:
        output, answer = b"", dict(zip(("fault", "found", "bound"), refusal.args, strict=True))
    outgoing.write(json.dumps(answer).encode() + b"\n" + output)


def confine(request: dict[str, int]) -> None:
    """Gives up, for good, what a guest that broke out could use."""
    limits = {
        resource.RLIMIT_CPU: request["cpu_seconds"],  # for the case that the parent dies
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    most = 2 * HEADROOM_BYTES + request["memory_bytes"]
    resource.setrlimit(resource.RLIMIT_DATA, (HEADROOM_BYTES, most))


def _lend_memory() -> None:
    """Frees the guest's share, which a greedy compilation could not touch.

    Otherwise `memory.grow` could fail on one machine and not on the next, and the guest would
    know.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _execute(source: bytes, job_input: bytes, request: dict[str, int]) -> tuple[bytes, int]:
    engine = Engine(_config())
    module = _compiled(engine, source)
    _admit(module, request["memory_bytes"])
    _lend_memory()
    store = Store(engine)
    # Fuel is only checked at calls and loops, and an overdrawn store reads 0. The one unit above
    # the bound tells a run that took all of it from one that took more, and is not to be billed.
    store.set_fuel(request["fuel"] + 1)
    store.set_limits(table_elements=TABLE_ELEMENTS, instances=1)
    try:
        output = _call(store, module, job_input, request["output_bytes"])
    except Trap as trap:
        raise _refusal_of(trap, request["fuel"]) from trap
    if not store.get_fuel():
        raise Refusal("FuelExhausted", request["fuel"] + 1, request["fuel"])
    return output, request["fuel"] + 1 - store.get_fuel()


def _config() -> Config:
    config = Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = True
    config.max_wasm_stack = STACK_BYTES
    config.parallel_compilation = False  # threads are processes to RLIMIT_NPROC
    config.memory_init_cow = False  # it needs a file
    config.memory_may_move = False  # a move could fail where growing in place does not
    for feature in REFUSED_FEATURES:
        setattr(config, f"wasm_{feature}", False)
    return config


def _compiled(engine: Engine, source: bytes) -> Module:
    try:
        return Module(engine, source)
    except WasmtimeError as error:
        raise Refusal("ModuleRefused", _said(error), "a valid module") from error


def _admit(module: Module, memory_bytes: int) -> None:
    for wanted in module.imports:
        found = f"an import of {wanted.module:.80}.{wanted.name or '':.80}"
        raise Refusal("ModuleRefused", found, "to import nothing")
    exports = {export.name: export.type for export in module.exports}
    for name, shape in ABI.items():
        found = _shape(exports[name]) if name in exports else "nothing"
        if found != shape:
            raise Refusal("ModuleRefused", f"{found:.200} as its export {name}", shape)
    declared = cast("MemoryType", exports["memory"]).limits.max
    if declared is None:
        raise Refusal("ModuleRefused", "a memory without a maximum", "one that declares it")
    if declared * PAGE_BYTES > memory_bytes:
        raise Refusal("MemoryExceeded", declared * PAGE_BYTES, memory_bytes)


def _shape(kind: object) -> str:
    if isinstance(kind, FuncType):
        return f"({', '.join(map(str, kind.params))}) -> ({', '.join(map(str, kind.results))})"
    return "memory" if isinstance(kind, MemoryType) else type(kind).__name__


def _call(store: Store, module: Module, job_input: bytes, output_bytes: int) -> bytes:
    try:
        exports = Instance(store, module, []).exports(store)
    except WasmtimeError as error:
        raise Refusal("ModuleRefused", _said(error), "to start within the limits") from error
    # `_admit` has seen these types.
    memory = cast("Memory", exports["memory"])
    place, run = cast("Func", exports["input"]), cast("Func", exports["run"])
    pointer = place(store, len(job_input)) & 0xFFFFFFFF
    _inside(memory, store, pointer, len(job_input))
    if job_input:  # the binding refuses even an empty write at the memory's end
        memory.write(store, job_input, pointer)
    packed = run(store, pointer, len(job_input)) & 0xFFFFFFFFFFFFFFFF
    pointer, length = packed >> 32, packed & 0xFFFFFFFF
    _inside(memory, store, pointer, length)
    if length > output_bytes:
        raise Refusal("OutputTooLarge", length, output_bytes)
    return bytes(memory.read(store, pointer, pointer + length))


def _inside(memory: Memory, store: Store, pointer: int, length: int) -> None:
    size = memory.data_len(store)
    if pointer + length > size:
        raise Refusal("PointerOutside", f"{length} bytes at {pointer}", f"a memory of {size}")


def _said(error: WasmtimeError) -> str:
    return f"{' '.join(str(error).split()):.300}"


def _refusal_of(trap: Trap, fuel: int) -> Refusal:
    code = trap.trap_code
    if code is TrapCode.OUT_OF_FUEL:
        return Refusal("FuelExhausted", fuel + 1, fuel)
    named = code.name.lower().replace("_", " ") if code else trap.message
    return Refusal("ModuleTrapped", f"{named:.200}", "returning")


if __name__ == "__main__":
    asked = json.loads(sys.stdin.buffer.readline())
    confine(asked)
    serve(asked, sys.stdin.buffer, sys.stdout.buffer)
