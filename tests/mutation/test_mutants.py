"""A mutant is one change of one source, named by its lines and told apart by its text."""

import pytest
from mutation.mutant import Mutant, Outcome, Verdict
from mutation.record import Record

SOURCE = "// §\ncontract A {\n    uint256 x =\n        1;\n}\n".encode()


def mutant(new="2", file="a.sol"):
    at = SOURCE.index(b"1;")
    return Mutant(file, "A.x", "AOR", at, at + 1, new)


def test_a_mutant_counts_bytes_and_not_characters():
    assert mutant().text(SOURCE) == "// §\ncontract A {\n    uint256 x =\n        2;\n}\n"


def test_a_change_is_the_lines_it_touches_each_as_one_line():
    assert mutant().change(SOURCE) == ("1;", "2;")
    whole = Mutant("a.sol", "A.x", "CR", SOURCE.index(b"uint"), SOURCE.index(b"\n}"), "//")
    assert whole.change(SOURCE) == ("uint256 x = 1;", "//")


def test_a_key_changes_with_the_text_the_file_and_any_other_source():
    sources = {"a.sol": SOURCE, "b.sol": SOURCE}
    keys = {
        mutant().key(sources),
        mutant("3").key(sources),
        mutant(file="b.sol").key(sources),
        mutant().key(sources | {"b.sol": SOURCE + b"\n"}),
    }
    assert len(keys) == 4
    assert mutant().key(sources) == mutant().key(dict(sources))


@pytest.mark.parametrize(
    ("outcome", "trusted", "known"),
    [
        (Outcome.STILLBORN, False, True),
        (Outcome.SAME, False, True),
        (Outcome.KILLED, False, False),
        (Outcome.KILLED, True, True),
        (Outcome.SURVIVED, True, False),
    ],
)
def test_a_verdict_of_other_tests_counts_only_where_it_may(tmp_path, outcome, trusted, known):
    path = tmp_path / "verdicts.jsonl"
    Record(path, "old tests", trust_kills=False).add("key", Verdict(outcome, code="c"))
    assert ("key" in Record(path, "new tests", trust_kills=trusted).verdicts) is known
    assert Record(path, "old tests", trust_kills=False).verdicts == {
        "key": Verdict(outcome, code="c")
    }
