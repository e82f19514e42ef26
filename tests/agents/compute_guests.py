"""Guests for the tests of the sandbox, and what is said about them."""

import pytest

from agents.providers.compute import Bounds, Job, run
from agents.providers.faults import Fault

BOUNDS = Bounds(fuel=1_000_000, wall_seconds=20)
HEAD = """(memory (export "memory") 1 4)
  (func (export "input") (param i32) (result i32) (i32.const 0))"""
ECHO = """(i64.or
  (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32))
  (i64.extend_i32_u (local.get 1)))"""
LOOP = "(loop $again (br $again)) (i64.const 0)"


def guest(body: str, head: str = HEAD) -> bytes:
    signature = '(export "run") (param i32 i32) (result i64)'
    return f"(module {head} (func $run {signature} {body}))".encode()


def answer(source: bytes, job_input: bytes = b"", bounds: Bounds = BOUNDS) -> bytes:
    return run(Job(source, job_input), bounds).output


def refused(fault: type[Fault], source: bytes, bounds: Bounds = BOUNDS) -> Fault:
    with pytest.raises(fault) as caught:
        run(Job(source, b""), bounds)
    assert type(caught.value) is fault
    return caught.value
