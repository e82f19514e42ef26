"""The shipped modules do what their first line says."""

import hashlib
import struct
from itertools import permutations

import pytest

from agents.providers.compute import Bounds, Job, module, run
from agents.providers.faults import ModuleTrapped, ModuleUnknown
from agents.providers.job import INPUT_BYTES, OUTPUT_BYTES

BOUNDS = Bounds(fuel=2_000_000_000, output_bytes=OUTPUT_BYTES)


def output(name: str, job_input: bytes) -> bytes:
    return run(Job(module(name), job_input), BOUNDS).output


@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 1_000_000, INPUT_BYTES])
def test_sha256_agrees_with_hashlib(length: int):
    data = (bytes(range(251)) * (length // 251 + 1))[:length]
    assert output("sha256", data) == hashlib.sha256(data).digest()


def queens(n: int) -> bytes:
    """Every solution by trying all permutations: slow, and nothing like the module."""
    return b"".join(
        bytes(columns)
        for columns in permutations(range(n))
        if len({c + r for r, c in enumerate(columns)}) == n
        and len({c - r for r, c in enumerate(columns)}) == n
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8])
def test_search_finds_every_placement_in_order(n: int):
    assert output("search", bytes([n])) == queens(n)


def test_search_finds_the_known_number_of_placements_on_the_largest_board():
    assert len(output("search", bytes([12]))) == 14_200 * 12  # OEIS A000170


@pytest.mark.parametrize("job_input", [b"", b"\x00", b"\x0d", b"\xff", b"\x08\x08"])
def test_search_stops_on_a_board_it_does_not_know(job_input: bytes):
    with pytest.raises(ModuleTrapped):
        output("search", job_input)


def plate(rows: int, columns: int, sweeps: int, points: list[float]) -> bytes:
    return struct.pack("<4I", rows, columns, sweeps, 0) + struct.pack(f"<{len(points)}d", *points)


def spread(rows: int, columns: int, sweeps: int, points: list[float]) -> bytes:
    for _ in range(sweeps):
        before = points
        points = list(before)
        for row in range(1, rows - 1):
            for k in range(row * columns + 1, (row + 1) * columns - 1):
                vertical = before[k - columns] + before[k + columns]
                points[k] = (vertical + (before[k - 1] + before[k + 1])) * 0.25
    return struct.pack(f"<{len(points)}d", *points)


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 5), (1, 9, 3), (2, 9, 3), (9, 2, 3), (3, 3, 1), (5, 7, 0), (5, 7, 11), (40, 31, 12)],
)
def test_kernel_agrees_with_python_to_the_last_bit(shape: tuple[int, int, int]):
    rows, columns, _ = shape
    points = [(k * 7919 % 1009 - 500) / 7 for k in range(rows * columns)]
    assert output("kernel", plate(*shape, points)) == spread(*shape, points)


def test_kernel_takes_the_largest_plate_of_a_job():
    side = 724
    points = [1.0] * side**2
    assert output("kernel", plate(side, side, 1, points)) == struct.pack(f"<{side**2}d", *points)


@pytest.mark.parametrize(
    "job_input",
    [
        b"",
        bytes(15),
        plate(0, 0, 1, []),
        plate(0, 5, 1, []),
        plate(5, 0, 1, [0.0]),
        plate(2, 2, 1, [0.0] * 3),
        plate(2, 2, 1, [0.0] * 5),
        plate(2, 2, 1, [0.0] * 4) + b"\x00",
        plate(1 << 31, 2, 1, [0.0] * 4),
        plate(1 << 16, 1 << 16, 1, [0.0] * 4),
        struct.pack("<4I", 1, 1, 1, 1) + bytes(8),
    ],
)
def test_kernel_stops_on_a_header_that_does_not_fit_its_bytes(job_input: bytes):
    with pytest.raises(ModuleTrapped):
        output("kernel", job_input)


@pytest.mark.parametrize("name", ["", "sha512", "../dataset", "sha256.wat"])
def test_a_module_that_is_not_shipped_is_refused_by_name(name: str):
    with pytest.raises(ModuleUnknown, match="kernel, search, sha256"):
        module(name)
