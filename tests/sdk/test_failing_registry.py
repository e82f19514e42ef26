"""A registry that fails: what may succeed later is asked again, and never forever."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live import OUTCOME, RegistryHost, Stage
from stores import FailingStore

from marketplace.core.errors import (
    ListingMissing,
    RateExceeded,
    RegistryRefused,
    RegistryUnavailable,
    RequestUnderWay,
    SequenceTaken,
    StoreUnavailable,
    StreamsFull,
)
from marketplace.sdk import State, patience
from marketplace.sdk.breaker import FAILURES
from marketplace.sdk.patience import LONGEST_WAIT, PAUSES, patiently, wait_of

LATER = [
    RegistryUnavailable("it", "ConnectError"),
    StoreUnavailable("sqlite", "disk full"),
    RateExceeded("it", 2),
    RequestUnderWay("key", 30),
    StreamsFull("it", 1),
]


@pytest.fixture
def failing(network):
    """A registry whose store fails when it is told to, and parties there."""
    host = RegistryHost(network.domain, FailingStore())
    stage = Stage(network, host.url)
    yield host.store, stage
    stage.close()
    host.stop()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(patience, "PAUSES", (0.01,) * 4)


@pytest.mark.usefixtures("quick")
def test_a_full_disk_that_is_emptied_in_time_costs_nobody_a_word(failing):
    store, stage = failing
    two = stage.pair()
    before = len(store._entries)
    store.failing["append"] = 4
    two.selling.offer(OUTCOME, {})
    store.failing["thread"] = 2
    two.buying.sync()
    store.failing["append"] = 1
    two.buying.accept()
    assert two.selling.sync() is State.ACCEPTED
    assert [e.record.kind for e in store._entries[before:]] == ["offer", "acceptance"]


@pytest.mark.usefixtures("quick")
def test_a_disk_that_stays_full_is_named_and_then_left_alone(failing):
    store, stage = failing
    seller = stage.party().client
    store.failing["append"] = 1 << 30
    for _ in range(FAILURES):
        with pytest.raises(StoreUnavailable):
            seller.publish(stage.network.content())
    asked = store.asked["append"]
    with pytest.raises(RegistryUnavailable, match="failures in a row"):
        seller.publish(stage.network.content())
    assert asked == FAILURES * (len(PAUSES) + 1)
    assert store.asked["append"] == asked
    # One party's breaker is its own.
    assert stage.party().client.search() == []


@pytest.mark.usefixtures("quick")
def test_a_stream_outlasts_a_database_that_was_away(failing):
    store, stage = failing
    two = stage.pair()
    store.failing["entries"] = 3
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(two.buying.wait)
        two.selling.offer(OUTCOME, {})
        assert heard.result(20) is State.PROPOSED


def test_who_says_too_much_at_once_is_slowed_down_and_not_refused(network):
    host = RegistryHost(network.domain, messages_per_second=4)
    stage = Stage(network, host.url)
    seller = stage.party().client
    listed = [seller.publish(network.content()) for _ in range(44)]  # 40 are saved up
    assert len({one.digest for one in listed}) == 44
    assert len(host.store._entries) == 44
    stage.close()
    host.stop()


# ------------------------------------------------------------------ the rule itself


@pytest.mark.parametrize("refusal", LATER, ids=lambda refusal: refusal.code)
def test_what_may_succeed_later_is_asked_again_after_each_pause(refusal):
    slept, asked = [], []

    def act():
        asked.append(1)
        if len(asked) <= len(PAUSES):
            raise refusal
        return "done"

    assert patiently(act, slept.append) == "done"
    told = getattr(refusal, "retry_after", 0)
    assert len(slept) == len(PAUSES)
    for waited, pause in zip(slept, PAUSES, strict=True):
        assert told + pause / 2 <= waited <= told + pause


@pytest.mark.parametrize("refusal", LATER, ids=lambda refusal: refusal.code)
def test_what_never_succeeds_is_raised_by_its_own_name(refusal):
    asked = []

    def act():
        asked.append(1)
        raise refusal

    with pytest.raises(type(refusal)):
        patiently(act, lambda _: None)
    assert len(asked) == len(PAUSES) + 1


@pytest.mark.parametrize(
    "refusal", [ListingMissing("0x"), SequenceTaken(1, 2), RegistryRefused(500, "?")], ids=str
)
def test_what_is_an_answer_is_not_asked_again(refusal):
    asked = []

    def act():
        asked.append(1)
        raise refusal

    with pytest.raises(type(refusal)):
        patiently(act, lambda _: pytest.fail("it waited"))
    assert asked == [1]


@given(st.integers(-(2**40), 2**40))
def test_no_registry_makes_a_client_wait_longer_than_it_would_or_not_at_all(seconds):
    waited = wait_of(RateExceeded("it", seconds), 0.1)
    assert waited > 0
    slept = []

    def act():
        raise RateExceeded("it", seconds)

    with pytest.raises(RateExceeded):
        patiently(act, slept.append)
    assert all(0 < one <= LONGEST_WAIT for one in slept)


def test_those_who_failed_together_do_not_come_back_together():
    drawn = Counter(wait_of(LATER[0], 3.0) for _ in range(200))
    assert len(drawn) > 100
