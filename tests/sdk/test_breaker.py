"""Breakers: who has failed again and again is left alone, and tried again by one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.errors import (
    ListingMissing,
    ParleyError,
    RateExceeded,
    RegistryUnavailable,
    StoreUnavailable,
)
from marketplace.sdk.breaker import Breaker

URL = "http://registry.example"
GONE = RegistryUnavailable(URL, "ConnectError")
FULL = StoreUnavailable("sqlite", "no space left on device")
ANSWERS = (None, ListingMissing("0x"), RateExceeded("it", 1))
COOL = 5.0


class Bench:
    """A breaker, its clock, and how often the other end was asked."""

    def __init__(self, failures: int = 3) -> None:
        self.at = 100.0
        self.asked = 0
        self.breaker = Breaker(URL, failures, COOL, lambda: self.at)

    def ask(self, answer: Exception | None = None) -> ParleyError | None:
        """One request; what was raised."""
        try:
            with self.breaker.request():
                self.asked += 1
                if answer is not None:
                    raise answer
        except ParleyError as raised:
            return raised
        return None


@pytest.mark.parametrize("failure", [GONE, FULL], ids=["gone", "full"])
def test_it_opens_after_so_many_failures_in_a_row_and_asks_nothing_more(failure):
    bench = Bench()
    for _ in range(3):
        assert bench.ask(failure) is failure
    refused = bench.ask()
    assert isinstance(refused, RegistryUnavailable)
    assert refused.registry == URL
    assert refused.reason == "left alone for 5.0 s after 3 failures in a row"
    assert bench.asked == 3


@pytest.mark.parametrize("answer", ANSWERS, ids=["yes", "no", "later"])
def test_an_answer_in_between_begins_the_count_anew(answer):
    bench = Bench()
    for said in (GONE, GONE, answer, GONE, GONE, answer):
        assert bench.ask(said) is said
    assert bench.asked == 6


@pytest.mark.parametrize("answer", ANSWERS, ids=["yes", "no", "later"])
def test_once_cooled_one_request_decides_for_all(answer):
    bench = Bench(1)
    bench.ask(GONE)
    bench.at += COOL - 0.001
    assert isinstance(bench.ask(), RegistryUnavailable)
    bench.at += 0.001
    assert bench.ask(answer) is answer
    assert bench.ask() is None
    assert bench.asked == 3


def test_a_probe_that_fails_opens_it_for_another_while():
    bench = Bench(2)
    bench.ask(GONE)
    bench.ask(GONE)
    for round_ in range(1, 4):
        bench.at += COOL
        assert bench.ask(GONE) is GONE
        assert bench.ask() is not GONE
        assert bench.asked == 2 + round_


def test_while_one_probes_no_other_is_let_through():
    bench = Bench(1)
    bench.ask(GONE)
    bench.at += COOL
    with bench.breaker.request():
        assert isinstance(bench.ask(), RegistryUnavailable)
    assert bench.ask() is None


def test_a_probe_that_is_broken_off_leaves_the_next_to_another():
    bench = Bench(1)
    bench.ask(GONE)
    bench.at += COOL
    with pytest.raises(KeyboardInterrupt), bench.breaker.request():
        raise KeyboardInterrupt
    assert bench.ask() is None


def test_of_many_threads_that_come_when_it_has_cooled_one_asks():
    bench = Bench(1)
    bench.ask(GONE)
    bench.at += COOL
    start, ends = threading.Barrier(8), threading.Barrier(8)
    through = []

    def race(number: int) -> None:
        start.wait()
        entered = False
        with suppress(RegistryUnavailable), bench.breaker.request():
            entered = True
            through.append(number)
            ends.wait()
        if not entered:
            ends.wait()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(race, range(8)))
    assert len(through) == 1


@given(st.lists(st.tuples(st.sampled_from([None, GONE, FULL]), st.floats(0, 8)), max_size=40))
def test_it_asks_exactly_when_the_rule_says(story):
    bench, in_a_row, until = Bench(), 0, 0.0
    for answer, passes in story:
        bench.at += passes
        before, expected = bench.asked, in_a_row < 3 or bench.at >= until
        bench.ask(answer)
        assert bench.asked - before == expected
        if expected:
            in_a_row = 0 if answer is None else in_a_row + 1
            until = bench.at + COOL
