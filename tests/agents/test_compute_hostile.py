"""A seller runs whatever a stranger sends, and comes to no harm."""

import time

import pytest
from compute_guests import BOUNDS, ECHO, HEAD, LOOP, answer, guest, refused

from agents.providers import faults
from agents.providers.compute import Bounds, Job, module, run

# ---------------------------------------------------------------- modules that are refused


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"(module",
        b"(component)",
        b"\xff\xfe",
        b"\x00asm",
        b"\x00asm\x01\x00\x00\x00\xff\xff",
        b"(module (func (result i32)))",
        guest(ECHO, HEAD.replace("1 4)", "1 4 shared)")),
        guest("(i64.atomic.load (i32.const 0))"),
        guest(ECHO, HEAD.replace("1 4)", "i64 1 4)")),
        guest(ECHO, HEAD + "(memory 1 70000)"),
        guest(ECHO, HEAD + "(memory 1 1)"),
        guest(ECHO, HEAD.replace("1 4)", "1 4 (pagesize 1))")),
        guest(ECHO, HEAD + "(tag $thrown)"),
        guest(ECHO, HEAD + "(type $call (func)) (func (param (ref $call)))"),
        guest(ECHO, HEAD + "(type $call (func)) (type (cont $call))"),
        guest(ECHO, HEAD + "(type (struct (field i32)))"),
        guest(
            "(drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0)"
            " (v128.const i64x2 0 0))) (i64.const 0)"
        ),
        guest(ECHO, HEAD + "(table 10001 funcref)"),
    ],
)
def test_an_invalid_or_unbounded_module_is_refused(source: bytes):
    refused(faults.ModuleRefused, source)


def test_an_import_is_refused_by_its_name():
    source = b'(module (import "wasi_snapshot_preview1" "fd_write" (func)))'
    assert "wasi_snapshot_preview1.fd_write" in str(refused(faults.ModuleRefused, source))


@pytest.mark.parametrize("name", ["memory", "input", "run"])
def test_a_missing_export_is_named(name: str):
    source = guest(ECHO).replace(f'"{name}"'.encode(), b'"other"')
    assert f"nothing as its export {name}" in str(refused(faults.ModuleRefused, source))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("(param i32) (result i32) (i32.const 0)", "(result i32) (i32.const 0)", "() -> (i32)"),
        ("(param i32) (result i32) (i32.const 0)", "(param i32)", "(i32) -> ()"),
        ('(func (export "input")', '(global (export "input") i32 (i32.const 0)) (func', "Global"),
    ],
)
def test_a_wrong_signature_is_shown_beside_the_right_one(before: str, after: str, found: str):
    fault = refused(faults.ModuleRefused, guest(ECHO, HEAD.replace(before, after)))
    assert found in str(fault.found)
    assert fault.bound == "(i32) -> (i32)"


def test_a_memory_must_declare_its_maximum():
    source = guest(ECHO, HEAD.replace("1 4)", "1)"))
    assert "without a maximum" in str(refused(faults.ModuleRefused, source))


def test_a_memory_above_the_bound_is_refused_before_it_runs():
    fault = refused(faults.MemoryExceeded, guest(LOOP), Bounds(fuel=2**50, memory_bytes=3 * 65_536))
    assert (fault.found, fault.bound) == (4 * 65_536, 3 * 65_536)


# ---------------------------------------------------------------- guests that misbehave


@pytest.mark.parametrize(
    "source",
    [guest(LOOP), guest(ECHO, HEAD + "(start $s) (func $s (loop $again (br $again)))")],
    ids=["run", "start"],
)
def test_an_endless_loop_ends_with_its_fuel(source: bytes):
    fault = refused(faults.FuelExhausted, source)
    assert (fault.found, fault.bound) == (BOUNDS.fuel + 1, BOUNDS.fuel)


def test_straight_code_cannot_run_past_its_fuel_between_two_checks():
    body = "(drop (i32.const 1)) " * 500 + "(i64.const 0)"
    used = run(Job(guest(body), b""), BOUNDS).fuel_used
    fault = refused(faults.FuelExhausted, guest(body), Bounds(fuel=used - 1))
    assert (fault.found, fault.bound) == (used, used - 1)


def test_one_unit_less_than_the_work_needs_is_not_enough():
    job = Job(module("search"), b"\x05")
    used = run(job, BOUNDS).fuel_used
    assert run(job, Bounds(fuel=used)).fuel_used == used
    with pytest.raises(faults.FuelExhausted):
        run(job, Bounds(fuel=used - 1))


def test_an_endless_loop_with_endless_fuel_ends_with_the_wall_clock():
    began = time.monotonic()
    refused(faults.TimeExceeded, guest(LOOP), Bounds(fuel=2**53 - 1, wall_seconds=1))
    assert 1 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("unreachable", "unreachable"),
        ("(call $run (local.get 0) (local.get 1))", "stack overflow"),
        ("(i64.load (i32.const -1))", "memory out of bounds"),
        ("(i64.div_u (i64.const 1) (i64.const 0))", "integer division by zero"),
        ("(i64.trunc_f64_s (f64.const nan))", "bad conversion to integer"),
    ],
)
def test_a_trap_is_named(body: str, reason: str):
    assert refused(faults.ModuleTrapped, guest(body)).found == reason


def test_data_beyond_the_memory_traps_at_the_start():
    head = HEAD + '(data (i32.const 65535) "ab")'
    assert refused(faults.ModuleTrapped, guest(ECHO, head)).found == "memory out of bounds"


@pytest.mark.parametrize(
    "packed", [-1, 65_537, 65_537 << 32, (65_536 << 32) | 1, (65_535 << 32) | 2]
)
def test_an_output_outside_the_memory_is_refused(packed: int):
    refused(faults.PointerOutside, guest(f"(i64.const {packed})"))


def test_an_input_placed_outside_the_memory_is_refused():
    head = HEAD.replace("(i32.const 0)", "(i32.const -1)")
    with pytest.raises(faults.PointerOutside, match="3 bytes at 4294967295"):
        answer(guest(ECHO, head), b"abc")


def test_an_output_one_byte_too_long_is_refused():
    bounds = Bounds(fuel=1000, output_bytes=100)
    assert len(answer(guest("(i64.const 100)"), b"", bounds)) == 100
    fault = refused(faults.OutputTooLarge, guest("(i64.const 101)"), bounds)
    assert (fault.found, fault.bound) == (101, 100)


# ---------------------------------------------------------------- compilers under attack


def leb(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb(rest) if rest else bytes([low])


def section(kind: int, *items: bytes) -> bytes:
    content = leb(len(items)) + b"".join(items)
    return bytes([kind]) + leb(len(content)) + content


def bomb(body: bytes, count: int) -> bytes:
    """A binary of `count` functions without parameters or results."""
    code = leb(len(body)) + body
    sections = section(1, b"\x60\x00\x00"), section(3, *[b"\x00"] * count)
    return b"\x00asm\x01\x00\x00\x00" + b"".join(sections) + section(10, *[code] * count)


def test_a_compilation_that_takes_too_long_is_ended():
    fifty_thousand_locals = b"\x01" + leb(50_000) + b"\x7e\x0b"
    source = bomb(fifty_thousand_locals, 30_000)
    refused(faults.TimeExceeded, source, Bounds(fuel=1, wall_seconds=1))


def test_a_compilation_that_takes_too_much_memory_dies_alone():
    branches = b"".join(
        b"\x41\x00\x04\x40\x20" + leb(i % 2000) + b"\x41\x01\x6a\x21" + leb(i * 7 % 2000) + b"\x0b"
        for i in range(17_000)
    )
    source = bomb(b"\x01" + leb(2000) + b"\x7f" + branches + b"\x0b", 1)
    assert "memory allocation" in str(refused(faults.SandboxDied, source))
