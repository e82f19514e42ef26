"""The log's last entries in hand: what a reader gets is what the store would have said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.ports.store import Entry, Record
from marketplace.services import recent
from marketplace.services.recent import Recent

PARTIES = ("0xa", "0xb", "0xc")
PLAIN = Record("offer", "", "", "", 0, (), b"", b"", b"", 0)


def entry(index: int, *parties: str) -> Entry:
    return Entry(index, replace(PLAIN, parties=parties))


LOGS = st.lists(st.lists(st.sampled_from(PARTIES), max_size=3), min_size=1, max_size=40)


@given(LOGS, st.data())
def test_what_is_held_is_what_the_log_has_in_whatever_order_a_group_is_told(
    concerned: list[list[str]], data: st.DataObject
):
    log = [entry(index, *parties) for index, parties in enumerate(concerned)]
    held = Recent(alone=True)
    # Of each group of up to eight, any may be told first.
    for start in range(0, len(log), 8):
        for each in data.draw(st.permutations(log[start : start + 8])):
            held.saw(each)
    first = held.since(0, "")
    start = data.draw(st.integers(0, len(log)))
    for party in ("", *PARTIES):
        expected = [one for one in log[start:] if not party or party in one.record.parties]
        found = held.since(start, party)
        # None says: ask the store. That is right wherever the run does not reach back so far.
        assert found == expected or (found is None and first is None)


@pytest.mark.parametrize("most", [1, 3])
def test_who_is_held_no_longer_is_forgotten(monkeypatch: pytest.MonkeyPatch, most: int):
    monkeypatch.setattr(recent, "MOST_HELD", most)
    held = Recent(alone=True)
    for index in range(20):
        held.saw(entry(index, f"party {index}", "0xa"))
    assert held.since(0, "0xa") is None
    assert held.since(20 - most, "0xa") == held.since(20 - most, "")
    kept = {f"party {index}" for index in range(20 - most, 20)}
    assert set(held._held) == {"", "0xa", *kept}


def test_where_others_append_too_an_empty_hand_says_to_ask_the_store():
    held = Recent(alone=False)
    held.saw(entry(5, "0xa"))
    assert held.since(6, "0xa") is None
    assert held.since(5, "0xb") is None
    assert held.since(5, "0xa") == [entry(5, "0xa")]
    # Another worker's 6 is not here, and what follows it begins anew.
    held.saw(entry(7, "0xa"))
    assert held.since(6, "0xa") is None
