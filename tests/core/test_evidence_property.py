"""Whatever one changes in an evidence file, the verifier does not call it good.

Every value of the whole document is changed, each in several ways; with the chain's word and
the holder's record there is no exception, and without them only what nobody but those can say.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from dossier import KNOWN, changed, dossier
from hypothesis import given
from hypothesis import strategies as st
from market import STRANGER

from marketplace.core.decision import Decision
from marketplace.core.evidence import verify
from marketplace.core.verdict import Told

MADE = dossier()
FILE = MADE.file()
Path = tuple[str | int, ...]

RECORD = MADE.decisions
# What only the chain knows: where its blocks have something, who called (for whoever has a
# voucher may), and of how many leaves a root is that nobody signed.
CHAIN_S_OWN = {
    *(f"events {name}" for name in ("at", "block", "transaction", "log_index", "values caller")),
    *(f"anchors {name}" for name in ("size", "at", "block", "transaction")),
}
# What only the holder's record knows: what a digest is of.
RECORD_S_OWN = {"decisions"}


def leaves(inner, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that holds no others, and where it is."""
    steps = inner.items() if isinstance(inner, dict) else enumerate(inner)
    for step, value in steps:
        if isinstance(value, dict | list):
            yield from leaves(value, (*path, step))
        else:
            yield (*path, step), value


def branches(inner, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every object and list, and where it is."""
    steps = inner.items() if isinstance(inner, dict) else enumerate(inner)
    for step, value in steps:
        if isinstance(value, dict | list):
            yield (*path, step), value
            yield from branches(value, (*path, step))


VALUES = list(leaves(FILE))
BRANCHES = list(branches(FILE))


def others(value) -> list[Any]:
    """Values near to this one, and far from it."""
    far: list[Any] = [None, [], "", 0, True]
    if isinstance(value, str):
        places = {2, len(value) // 2, len(value) - 1}
        far += [one_other(value, at) for at in places if 0 <= at < len(value)]
        far += [value + "0", value.upper()]
    elif isinstance(value, int):
        far += [value + 1, value - 1, str(value)]
    return [each for each in far if type(each) is not type(value) or each != value]


def one_other(text: str, at: int) -> str:
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def ok(spoiled, told: Told | None, record: Sequence[Decision] = RECORD) -> bool:
    return verify(spoiled, KNOWN, told, record).ok


def named(path: Path) -> str:
    return " ".join(map(str, path))


@pytest.mark.parametrize(("path", "value"), VALUES, ids=[named(path) for path, _ in VALUES])
def test_no_value_can_be_another(path: Path, value):
    taken = [each for each in others(value) if ok(changed(FILE, path, each), MADE.told)]
    assert taken == []


def taken_with(told: Told | None, record: Sequence[Decision]) -> set[str]:
    """Of which values another is called good."""
    return {
        re.sub(r" \d+\b", "", named(path))
        for path, value in VALUES
        for each in others(value)[-3:]
        if ok(changed(FILE, path, each), told, record)
    }


def test_without_chain_or_record_only_what_they_alone_know_can_be_another():
    # Both ways: what is excepted and never taken would be no exception.
    assert taken_with(None, RECORD) == CHAIN_S_OWN
    assert taken_with(MADE.told, ()) == RECORD_S_OWN


def test_payment_by_another_caller_is_told_as_one_that_nobody_can_prove():
    spoiled = changed(FILE, ("events", 2, "values", "caller"), STRANGER.address)
    assert any("voucher" in each for each in verify(spoiled, KNOWN).unchecked)
    assert not any("voucher" in each for each in verify(FILE, KNOWN).unchecked)


def cut(value) -> list[Any]:
    """The object or list with a member less, more, or in another place."""
    if isinstance(value, dict):
        more: list[Any] = [{**value, "more": 1}, None, []]
        return more + [{n: v for n, v in value.items() if n != name} for name in value]
    more = [[*value, *value[-1:], None], {}, None, value[::-1]]
    fewer = [[*value[:at], *value[at + 1 :]] for at in range(len(value))]
    return [each for each in more + fewer if each != value]


@pytest.mark.parametrize(("path", "value"), BRANCHES, ids=[named(path) for path, _ in BRANCHES])
def test_nothing_is_left_out_added_or_moved(path: Path, value):
    taken = [each for each in cut(value) if ok(changed(FILE, path, each), MADE.told)]
    if path == ("transcript",):
        # An escalation moves nothing: no rule misses it, and the verdict says that none would.
        assert [len(each) for each in taken] == [len(value) - 1]
        assert FILE["transcript"][3] not in taken[0]
    elif path in {("receipts",), ("anchors",)}:
        # Whoever shows fewer of them, or in another order, has proved as much or less.
        assert all(each in value for one in taken for each in one)
    else:
        assert taken == []


@given(st.data())
def test_no_character_can_be_another(data: st.DataObject):
    path, value = data.draw(st.sampled_from([(p, v) for p, v in VALUES if v and type(v) is str]))
    at = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != value[at]))
    spoiled = changed(FILE, path, value[:at] + other + value[at + 1 :])
    assert not ok(spoiled, MADE.told)


@given(st.data())
def test_two_values_cannot_be_exchanged(data: st.DataObject):
    one, other = (data.draw(st.sampled_from(VALUES)) for _ in "ab")
    spoiled = changed(changed(FILE, one[0], other[1]), other[0], one[1])
    assert ok(spoiled, MADE.told) is (spoiled == FILE)
