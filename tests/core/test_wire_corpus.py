"""What the fuzzer of the wire begins with, and what it makes of it, read every time."""

import json
from random import Random

import pytest
from wire_fuzz import STRANGE, corpus, mutated, parse

from marketplace.core.errors import ParleyError

HONEST = list(corpus())
BROKEN = [
    b"",
    b"\n",
    b"\x00",
    b"{",
    b"[" * 5_000,
    b'{"a":' * 100 + b"1" + b"}" * 100,
    b'{"domain":"0x","domain":"0x"}',
    b'{"kind":"\xff"}',
    b'{"kind":"\\ud800"}',
    b'{"received_at":1e400}',
    b'{"received_at":' + b"9" * 5_000 + b"}",
    b'{"received_at":1,"body":"x"}\n{}',
    b'{"body":"0x' + b"0" * 64 + b'","kind":"offer","received_at":1}\n{"salt":1}',
    b"registry.example wants you to sign in with your Ethereum account:\n0x",
]


@pytest.mark.parametrize("data", HONEST, ids=range(len(HONEST)))
def test_honest_specimen_is_what_some_reader_takes(data: bytes):
    # Each reader but its own refuses it, and by name.
    assert parse(data) in ParleyError.leaves()


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_broken_bytes_are_refused_by_name(data: bytes):
    assert parse(data) in ParleyError.leaves()


@pytest.mark.parametrize("number", range(len(HONEST)))
def test_each_member_in_each_strange_form_is_refused_by_name(number: int):
    random = Random(number)  # noqa: S311 repeatable, not secret
    for _ in range(3 * len(STRANGE)):
        data = HONEST[number]
        for _ in range(random.randrange(1, 4)):
            data = mutated(data, random)
        assert parse(data) in ParleyError.leaves()


def test_mutations_of_a_word_are_other_words_of_the_same_form():
    random = Random(0)  # noqa: S311 the same
    seen = {mutated(HONEST[0], random) for _ in range(50)}
    assert len(seen) > 30
    assert {type(json.loads(data)) for data in seen} == {dict}
