"""A table sold by the chunk: what is listed is what is delivered."""

import hashlib
import math
import tracemalloc

import pytest

from agents.providers import daylight
from agents.providers.dataset import (
    CHUNK_ROWS,
    TABLE,
    Dataset,
    check_slice,
    slice_digest,
)
from agents.providers.faults import (
    ChunkDiffers,
    DigestMalformed,
    QuantityOutOfRange,
    SliceTooLong,
)

DATASET = Dataset.load()
LISTED = DATASET.chunk_digests

# ---------------------------------------------------------------- the table


def test_the_shipped_table_is_the_formulas_byte_for_byte():
    assert TABLE.read_bytes() == daylight.table()


def test_no_minute_is_so_near_a_half_that_another_machine_could_round_it_otherwise():
    nearest = min(
        abs(math.modf(daylight.hours(day, latitude) * 60)[0] - 0.5)
        for day in daylight.DAYS
        for latitude in daylight.LATITUDES.values()
    )
    assert nearest > 1e-4


def test_the_table_has_a_row_a_day_and_a_column_a_latitude():
    header, *rows = TABLE.read_text().splitlines()
    assert header == "day,60S,40S,20S,equator,20N,40N,60N,70N"
    assert [int(row.split(",")[0]) for row in rows] == list(range(1, 366))
    assert {len(row.split(",")) for row in rows} == {9}
    assert all(0 <= int(value) <= 1440 for row in rows for value in row.split(",")[1:])


@pytest.mark.parametrize(
    ("day", "latitude", "minutes"),
    [
        # Almanac values for sunrise to sunset in a common year, to a few minutes.
        (172, 40, 15 * 60 + 1),
        (355, 40, 9 * 60 + 20),
        (172, 60, 18 * 60 + 52),
        (79, 0, 12 * 60 + 7),
        (172, 70, 24 * 60),
        (355, 70, 0),
    ],
)
def test_a_day_is_as_long_as_the_almanac_says(day: int, latitude: int, minutes: int):
    assert daylight.hours(day, latitude) * 60 == pytest.approx(minutes, abs=5)


# ---------------------------------------------------------------- chunks and commitments


def test_the_chunks_are_the_file():
    assert b"".join(DATASET.chunks) == TABLE.read_bytes()


def test_each_chunk_holds_the_same_number_of_days():
    lines = [chunk.count(b"\n") for chunk in DATASET.chunks]
    assert lines == [1 + CHUNK_ROWS] + [CHUNK_ROWS] * 72
    assert DATASET.chunks[0].startswith(b"day,")


def test_a_slice_is_the_beginning_of_the_file():
    assert all(TABLE.read_bytes().startswith(DATASET.slice_bytes(n)) for n in range(1, 74))


def test_a_commitment_is_sha256_over_the_chunks_own_digests():
    raw = b"".join(hashlib.sha256(chunk).digest() for chunk in DATASET.chunks[:3])
    assert slice_digest(LISTED, 3) == "0x" + hashlib.sha256(raw).hexdigest()


def test_each_quantity_has_its_own_commitment():
    assert len({slice_digest(LISTED, n) for n in range(1, 74)}) == 73


@pytest.mark.parametrize("n", [-1, 0, 74, 10**9])
def test_a_quantity_that_is_not_listed_is_refused(n: int):
    for call in (DATASET.slice_bytes, lambda n: slice_digest(LISTED, n)):
        with pytest.raises(QuantityOutOfRange) as caught:
            call(n)
        assert (caught.value.found, caught.value.bound) == (n, 73)
    with pytest.raises(QuantityOutOfRange):
        check_slice(b"", LISTED, n)


def test_a_listing_with_a_malformed_digest_gives_no_commitment():
    with pytest.raises(DigestMalformed, match="0xnothing"):
        slice_digest([*LISTED[:2], "0xnothing"], 3)


# ---------------------------------------------------------------- deliveries


@pytest.mark.parametrize("n", [1, 2, 72, 73])
def test_an_honest_delivery_passes(n: int):
    check_slice(DATASET.slice_bytes(n), LISTED, n)


def test_a_changed_byte_is_found_in_its_chunk_whichever_it_is():
    data = DATASET.slice_bytes(73)
    ends = [len(DATASET.slice_bytes(n)) for n in range(1, 74)]
    for place in range(0, len(data), 97):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        chunk = next(k for k, end in enumerate(ends, start=1) if place < end)
        with pytest.raises(ChunkDiffers, match=f"as chunk {chunk};") as caught:
            check_slice(changed, LISTED, 73)
        assert caught.value.bound == LISTED[chunk - 1]


@pytest.mark.parametrize(
    ("delivered", "chunk"),
    [
        (b"", 1),
        (DATASET.slice_bytes(4), 5),
        (DATASET.slice_bytes(5)[:-1], 5),
        (DATASET.chunks[0] * 5, 2),
        (DATASET.slice_bytes(3) + DATASET.chunks[4] + DATASET.chunks[3], 4),
        (DATASET.slice_bytes(5).replace(b"\n", b"\r\n"), 1),
        (b"\n" + DATASET.slice_bytes(5), 1),
    ],
    ids=["nothing", "too few", "cut short", "repeated", "swapped", "other lines", "shifted"],
)
def test_a_false_delivery_is_refused_at_its_first_wrong_chunk(delivered: bytes, chunk: int):
    with pytest.raises(ChunkDiffers, match=f"as chunk {chunk};"):
        check_slice(delivered, LISTED, 5)


@pytest.mark.parametrize("extra", [b"\n", b"x", DATASET.chunks[5]])
def test_anything_behind_the_agreed_chunks_is_refused(extra: bytes):
    data = DATASET.slice_bytes(5)
    with pytest.raises(SliceTooLong) as caught:
        check_slice(data + extra, LISTED, 5)
    assert (caught.value.found, caught.value.bound) == (len(data) + len(extra), len(data))


def test_a_delivery_of_empty_lines_is_refused_at_its_first_chunk_without_cutting_the_rest():
    flood = b"\n" * 10_000_000
    tracemalloc.start()
    with pytest.raises(ChunkDiffers):
        check_slice(flood, LISTED, 73)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
