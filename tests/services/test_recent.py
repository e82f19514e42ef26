"""The log's last entries in memory: what they answer is what the store would have."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.ports.store import Entry, Record
from marketplace.services import recent
from marketplace.services.recent import Recent

PARTIES = ("0xbuyer", "0xseller")
RECORD = Record("offer", "", "0xseller", "talk", 0, (), b"", b"", b"", 0)


def entry(index: int) -> Entry:
    """Every third concerns one party, every third the other, every third both."""
    told = (PARTIES[:1], PARTIES[1:], PARTIES)[index % 3]
    return Entry(index, replace(RECORD, digest=str(index), parties=told))


def of(party: str, start: int, size: int) -> list[Entry]:
    every = map(entry, range(start, size))
    return [one for one in every if not party or party in one.record.parties]


@given(order=st.permutations(range(9)), alone=st.booleans())
def test_entries_of_a_group_are_held_in_order_whatever_the_order_they_are_told_in(
    order: list[int], *, alone: bool
):
    held = Recent(alone)
    for number, index in enumerate(order, 1):
        held.saw(entry(index))
        told = held.since(order[0], "")
        # Behind a gap nothing is told: a reader that went on would never come back for it.
        reached = next(i for i in range(order[0], 10) if i not in order[:number])
        assert told == of("", order[0], reached)
    for start in range(order[0], 9):
        for party in ("", *PARTIES):
            assert held.since(start, party) == of(party, start, 9)


def test_what_lies_before_is_the_store_s_to_tell():
    held = Recent(alone=True)
    assert held.since(0, "") is None
    held.saw(entry(5))
    assert held.since(4, "") is None
    assert held.since(5, "") == [entry(5)]


def test_where_nobody_else_appends_what_is_not_here_is_not_there():
    for alone, nothing in ((True, []), (False, None)):
        held = Recent(alone)
        held.saw(entry(0))
        assert held.since(1, "") == nothing
        assert held.since(0, PARTIES[1]) == nothing


def test_an_entry_that_is_told_again_changes_nothing():
    held = Recent(alone=True)
    for index in (0, 1, 0, 1, 2):
        held.saw(entry(index))
    assert held.since(0, "") == of("", 0, 3)


def test_others_entries_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recent, "MOST_HELD", 3)
    held = Recent(alone=False)
    # Another worker has appended 1, of which this one is never told.
    for index in (0, 2, 3, 4):
        held.saw(entry(index))
        assert held.since(0, "") == [entry(0)]
    held.saw(entry(5))
    assert held.since(2, "") is None
    assert held.since(3, "") == of("", 3, 6)


AGENTS = ("0xa", "0xb", "0xc")


def concerning(index: int, *parties: str) -> Entry:
    return Entry(index, replace(RECORD, parties=parties))


LOGS = st.lists(st.lists(st.sampled_from(AGENTS), max_size=3), min_size=1, max_size=40)


@given(LOGS, st.data())
def test_what_is_held_is_what_the_log_has_in_whatever_order_a_group_is_told(
    concerned: list[list[str]], data: st.DataObject
):
    log = [concerning(index, *parties) for index, parties in enumerate(concerned)]
    held = Recent(alone=True)
    # Of each group of up to eight, any may be told first.
    for start in range(0, len(log), 8):
        for each in data.draw(st.permutations(log[start : start + 8])):
            held.saw(each)
    first = held.since(0, "")
    start = data.draw(st.integers(0, len(log)))
    for party in ("", *AGENTS):
        expected = [one for one in log[start:] if not party or party in one.record.parties]
        found = held.since(start, party)
        # None says: ask the store. That is right wherever the run does not reach back so far.
        assert found == expected or (found is None and first is None)


@pytest.mark.parametrize("most", [1, 3])
def test_who_is_held_no_longer_is_forgotten(monkeypatch: pytest.MonkeyPatch, most: int):
    monkeypatch.setattr(recent, "MOST_HELD", most)
    held = Recent(alone=True)
    for index in range(20):
        held.saw(concerning(index, f"party {index}", "0xa"))
    assert held.since(0, "0xa") is None
    assert held.since(20 - most, "0xa") == held.since(20 - most, "")
    kept = {f"party {index}" for index in range(20 - most, 20)}
    assert set(held._held) == {"", "0xa", *kept}


def test_behind_an_entry_that_is_never_told_the_store_is_asked():
    held = Recent(alone=True)
    for index in (0, 2, 3):
        held.saw(entry(index))
    assert held.since(0, "") == of("", 0, 1)
    assert held.since(1, "") is None
    held.saw(entry(1))
    assert held.since(1, "") == of("", 1, 4)
    assert held.since(4, "") == []
