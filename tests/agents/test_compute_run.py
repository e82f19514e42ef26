"""A guest gets its input, gives its output, and costs the same wherever it runs."""

import io
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import wasmtime
from compute_guests import BOUNDS, ECHO, HEAD, LOOP, answer, guest, refused

import agents
from agents.providers import compute, faults, sandbox
from agents.providers.compute import ENGINE, Bounds, Job, Result, check, module, run

# ---------------------------------------------------------------- what a guest gets and gives


@pytest.mark.parametrize("job_input", [b"", b"hello", bytes(range(256)), bytes(65_536)])
def test_a_guest_returns_its_input(job_input: bytes):
    assert answer(guest(ECHO), job_input) == job_input


def test_an_empty_input_fits_at_the_very_end_of_a_memory():
    head = HEAD.replace("(i32.const 0)", "(i32.const 65536)")
    assert answer(guest(ECHO, head)) == b""


def test_a_binary_module_runs_like_its_text():
    binary = bytes(wasmtime.wat2wasm(guest(ECHO)))
    text, compiled = run(Job(guest(ECHO), b"x"), BOUNDS), run(Job(binary, b"x"), BOUNDS)
    assert text == compiled


def test_the_same_job_gives_the_same_digest_and_fuel_whatever_its_bounds():
    job = Job(module("search"), b"\x07")
    wide = Bounds(fuel=2**53 - 1, memory_bytes=2**30, wall_seconds=20)
    first, second = run(job, BOUNDS), run(job, wide)
    assert first == second
    assert first.digest == second.digest


def test_the_tariff_is_the_one_that_the_engines_name_stands_for():
    # A new version of wasmtime may count otherwise: bills of the old one then differ in `engine`.
    assert run(Job(module("sha256"), b""), BOUNDS).fuel_used == 9_624


def test_the_module_in_the_documentation_works():
    page = Path(agents.__file__).parent.parent / "docs" / "providers.md"
    source = page.read_text().split("```wat\n")[1].split("```")[0]
    assert answer(source.encode(), bytes(range(256)) * 1000) == bytes(range(256)) * 1000


def test_fuel_counts_each_instruction_once_more():
    more = run(Job(guest("(drop (i32.const 1)) " + ECHO), b""), BOUNDS).fuel_used
    # A constant costs one unit; dropping it, which compiles to nothing, none.
    assert more == run(Job(guest(ECHO), b""), BOUNDS).fuel_used + 1


def test_filling_memory_costs_fuel_by_the_byte():
    fill = "(memory.fill (i32.const 0) (i32.const 7) (i32.const 65536)) (i64.const 0)"
    assert run(Job(guest(fill), b""), BOUNDS).fuel_used > 65_536


def test_memory_grows_to_its_declared_maximum_and_no_further():
    grow = """(drop (memory.grow (i32.const 3)))
      (i32.store (i32.const 0) (memory.grow (i32.const 1))) (i64.const 4)"""
    assert answer(guest(grow)) == struct.pack("<i", -1)


@pytest.mark.parametrize(
    "expression",
    [
        "(f64.div (f64.const 0) (f64.const 0))",
        "(f64.sqrt (f64.const -1))",
        "(f64.sub (f64.const inf) (f64.const inf))",
        "(f64.add (f64.const nan:0xfffff) (f64.const 1))",
        "(f64.mul (f64.const -nan:0x8000000000001) (f64.const 1))",
        "(f64.promote_f32 (f32.div (f32.const 0) (f32.const 0)))",
    ],
)
def test_every_nan_has_one_bit_pattern(expression: str):
    store = f"(f64.store (i32.const 0) {expression}) (i64.const 8)"
    assert answer(guest(store)).hex() == "000000000000f87f"


# ---------------------------------------------------------------- the process around the guest


def test_the_sandbox_sees_nothing_of_the_sellers_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    spy = tmp_path / "spy.py"
    spy.write_text("import os; print('{\"fuel_used\": %d}' % ('PARLEY_KEY' in os.environ))")
    monkeypatch.setattr(compute, "_SANDBOX", spy)
    monkeypatch.setenv("PARLEY_KEY", "secret")
    assert run(Job(b"", b""), BOUNDS).fuel_used == 0


def test_a_sandbox_that_ends_without_an_answer_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('no engine here')")
    monkeypatch.setattr(compute, "_SANDBOX", broken)
    assert refused(faults.SandboxDied, b"").found == "status 1 (no engine here)"


@pytest.mark.parametrize(
    "attempt", ["open('/dev/null')", "__import__('_socket').socket()", "os.pipe()"]
)
def test_a_confined_process_opens_no_file_socket_or_pipe(attempt: str):
    request = {"cpu_seconds": 5, "memory_bytes": 65_536}
    code = f"import os\nfrom agents.providers.sandbox import confine\nconfine({request})\n{attempt}"
    root = Path(agents.__file__).parent.parent
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert "Too many open files" in ended.stderr or "No file descriptors" in ended.stderr


@pytest.mark.parametrize(
    ("source", "fault", "output"),
    [
        (guest(ECHO), None, b"abc"),
        (guest(LOOP), "FuelExhausted", b""),
        (guest("(drop (i32.const 1)) " * 500 + "(i64.const 0)"), "FuelExhausted", b""),
        (guest("unreachable"), "ModuleTrapped", b""),
        (guest("(i64.const -1)"), "PointerOutside", b""),
        (guest("(i64.const 11)"), "OutputTooLarge", b""),
        (guest(ECHO, HEAD.replace("1 4", "1 17")), "MemoryExceeded", b""),
        (guest(ECHO, HEAD.replace("1 4", "1")), "ModuleRefused", b""),
        (guest(ECHO, HEAD + "(table 10001 funcref)"), "ModuleRefused", b""),
        (b'(module (import "a" "b" (func)))', "ModuleRefused", b""),
        (b"(module)", "ModuleRefused", b""),
        (b"(module", "ModuleRefused", b""),
    ],
)
def test_the_sandbox_answers_alike_without_a_process_of_its_own(
    source: bytes, fault: str | None, output: bytes
):
    asked = {"fuel": 300, "memory_bytes": 2**20, "output_bytes": 10, "module_bytes": len(source)}
    outgoing = io.BytesIO()
    sandbox.serve(asked, io.BytesIO(source + b"abc"), outgoing)
    header, _, answered = outgoing.getvalue().partition(b"\n")
    assert (json.loads(header).get("fault"), answered) == (fault, output)


@pytest.mark.parametrize(
    "bounds",
    [
        {"fuel": 0},
        {"fuel": -1},
        {"fuel": True},
        {"fuel": 1.5},
        {"fuel": 2**53},
        {"fuel": 1, "memory_bytes": 2**32 + 1},
        {"fuel": 1, "output_bytes": 0},
        {"fuel": 1, "wall_seconds": 0},
    ],
)
def test_bounds_that_make_no_sense_are_refused(bounds: dict[str, int]):
    with pytest.raises(faults.BoundsInvalid):
        Bounds(**bounds)


# ---------------------------------------------------------------- checking a delivery

JOB = Job(guest(ECHO), b"hello")


def test_an_honest_result_passes_the_check():
    check(JOB, run(JOB, BOUNDS), BOUNDS)


def test_a_false_output_is_shown_beside_the_true_one():
    honest = run(JOB, BOUNDS)
    with pytest.raises(faults.OutputDiffers) as caught:
        check(JOB, Result(b"hallo", honest.fuel_used, honest.engine), BOUNDS)
    assert caught.value.found != caught.value.bound


def test_a_padded_bill_is_shown_beside_the_true_one():
    honest = run(JOB, BOUNDS)
    with pytest.raises(faults.FuelDiffers) as caught:
        check(JOB, Result(honest.output, honest.fuel_used + 1, honest.engine), BOUNDS)
    assert (caught.value.found, caught.value.bound) == (honest.fuel_used + 1, honest.fuel_used)


def test_another_engines_bill_is_not_judged_here():
    honest = run(JOB, BOUNDS)
    with pytest.raises(faults.EngineDiffers) as caught:
        check(JOB, Result(honest.output, 1, "wasmtime-1.0.0"), BOUNDS)
    assert (caught.value.found, caught.value.bound) == ("wasmtime-1.0.0", ENGINE)
