"""Jobs and results have one spelling, and nothing else is read."""

import base64
import hashlib
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from agents.providers.digest import digest_bytes
from agents.providers.faults import DigestMalformed, JobMalformed, ResultMalformed
from agents.providers.job import FUEL_LIMIT, INPUT_BYTES, MODULE_BYTES, OUTPUT_BYTES, Job, Result

JOB = Job(b"(module)", b"abc")
RESULT = Result(b"out", 12, "wasmtime-50.0.1")
JOB_BODY = {"format": "parley.job.v1", "input": "YWJj", "module": "KG1vZHVsZSk="}
RESULT_BODY = {
    "engine": "wasmtime-50.0.1",
    "format": "parley.result.v1",
    "fuel_used": 12,
    "output": "b3V0",
}


def spelled(body: object) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def test_a_job_is_spelled_as_its_format_says():
    assert JOB.encode() == spelled(JOB_BODY)


def test_a_result_is_spelled_as_its_format_says():
    assert RESULT.encode() == spelled(RESULT_BODY)


def test_a_digest_is_sha256_over_the_canonical_bytes():
    assert JOB.digest == "0x" + hashlib.sha256(spelled(JOB_BODY)).hexdigest()
    assert RESULT.digest == "0x" + hashlib.sha256(spelled(RESULT_BODY)).hexdigest()


@given(st.binary(), st.binary())
def test_a_job_survives_its_encoding(module: bytes, job_input: bytes):
    job = Job(module, job_input)
    assert Job.decode(job.encode()) == job


@given(st.binary(), st.integers(0, FUEL_LIMIT), st.text(st.characters(codec="utf-8"), max_size=64))
def test_a_result_survives_its_encoding(output: bytes, fuel_used: int, engine: str):
    result = Result(output, fuel_used, engine)
    assert Result.decode(result.encode()) == result


@given(st.integers(0, len(JOB.encode()) - 1), st.binary(max_size=3))
def test_no_other_bytes_decode_to_the_same_job(place: int, patch: bytes):
    data = JOB.encode()
    changed = data[:place] + patch + data[place + 1 :]
    try:
        assert Job.decode(changed).encode() == changed
    except JobMalformed:
        assert changed != data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"input":NaN}',
        spelled(JOB_BODY)[:-1],
        spelled(JOB_BODY) + b"\n",
        json.dumps(JOB_BODY).encode(),
        spelled(JOB_BODY | {"extra": 1}),
        spelled({key: JOB_BODY[key] for key in ("format", "module")}),
        spelled(JOB_BODY | {"format": "parley.job.v2"}),
        spelled(JOB_BODY | {"format": ["parley.job.v1"]}),
        spelled(JOB_BODY | {"input": None}),
        spelled(JOB_BODY | {"input": 7}),
        spelled(JOB_BODY | {"input": ["YWJj"]}),
        spelled(JOB_BODY | {"input": "YWJ"}),
        spelled(JOB_BODY | {"input": "YW-_"}),
        spelled(JOB_BODY | {"input": "YWJj\n"}),
        spelled(JOB_BODY | {"input": "YWK="}).replace(b"YWK=", b"YWL="),
        spelled(JOB_BODY | {"input": "\u00e9"}),
        spelled(JOB_BODY).replace(b'{"format', b'{"format":"parley.job.v1","format'),
        spelled(JOB_BODY).replace(b"YWJj", b"YWJ\\u006a"),
        spelled(JOB_BODY).decode().encode("utf-16"),
        RESULT.encode(),
    ],
)
def test_a_job_that_is_spelled_otherwise_is_refused(data: bytes):
    with pytest.raises(JobMalformed):
        Job.decode(data)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fuel_used", True),
        ("fuel_used", 12.0),
        ("fuel_used", "12"),
        ("fuel_used", -1),
        ("fuel_used", FUEL_LIMIT + 1),
        ("fuel_used", None),
        ("engine", 50),
        ("engine", "\ud800"),
        ("engine", "e" * 65),
        ("output", 12),
    ],
)
def test_a_result_with_a_wrong_value_is_refused(key: str, value: object):
    with pytest.raises(ResultMalformed):
        Result.decode(spelled(RESULT_BODY | {key: value}))


def test_an_unknown_key_is_named():
    with pytest.raises(JobMalformed, match="'extra', 'format', 'input', 'module'"):
        Job.decode(spelled(JOB_BODY | {"extra": 1}))


def test_a_number_of_ten_thousand_digits_is_refused():
    data = RESULT.encode().replace(b":12,", b":" + b"9" * 10_000 + b",")
    with pytest.raises(ResultMalformed):
        Result.decode(data)


def test_a_job_is_no_result_of_the_same_bytes():
    with pytest.raises(ResultMalformed):
        Result.decode(JOB.encode())


@pytest.mark.parametrize("fields", [(MODULE_BYTES, 0), (0, INPUT_BYTES)])
def test_the_largest_job_is_kept_and_one_byte_more_is_refused(fields: tuple[int, int]):
    job = Job(bytes(fields[0]), bytes(fields[1]))
    assert Job.decode(job.encode()) == job
    larger = [size + 1 if size else 0 for size in fields]
    with pytest.raises(JobMalformed, match=str(max(larger))):
        Job(bytes(larger[0]), bytes(larger[1]))


def test_an_oversized_field_is_refused_when_it_arrives_encoded():
    body = JOB_BODY | {"module": base64.b64encode(bytes(MODULE_BYTES + 1)).decode()}
    with pytest.raises(JobMalformed, match=str(MODULE_BYTES + 1)):
        Job.decode(rfc8785.dumps(body))


def test_the_largest_output_is_kept_and_one_byte_more_is_refused():
    result = Result(bytes(OUTPUT_BYTES), 0, "")
    assert Result.decode(result.encode()) == result
    with pytest.raises(ResultMalformed, match=str(OUTPUT_BYTES + 1)):
        Result(bytes(OUTPUT_BYTES + 1), 0, "")


def test_an_overlong_encoding_is_refused_unread():
    with pytest.raises(JobMalformed, match="7000000 bytes"):
        Job.decode(b" " * 7_000_000)


def test_a_fault_names_both_values_and_keeps_them():
    with pytest.raises(JobMalformed) as caught:
        Job.decode(spelled(JOB_BODY | {"format": "parley.job.v2"}))
    assert (caught.value.found, caught.value.bound) == ("format 'parley.job.v2'", "'parley.job.v1'")
    assert "'parley.job.v2'" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "0x", "ab" * 32, "0x" + "AB" * 32, "0x" + "ab" * 31, "0x" + "ab" * 32 + "\n"]
)
def test_a_digest_has_one_spelling(text: str):
    with pytest.raises(DigestMalformed):
        digest_bytes(text)
