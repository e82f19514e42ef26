"""Pulses: a listing that asks for heartbeats gets them in time, and no other does."""

from dataclasses import replace

import pytest
from live import RegistryHost, Stage
from stores import FailingStore

from agents import pulse as pulse_module
from agents.pulse import Heart, pulse
from marketplace.core.errors import ListingExpired, StoreUnavailable


class Counting(FailingStore):
    """Says which listings were heard of, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[str] = []

    async def heard(self, thread, at):
        self.times.append(thread)
        await super().heard(thread, at)


@pytest.fixture
def fair(network):
    host = RegistryHost(network.domain, Counting())
    stage = Stage(network, host.url)
    yield host.store, stage
    stage.close()
    host.stop()


class Hand:
    """Seconds in the test's hands."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def heart(stage, *heartbeats: int):
    """A seller with a listing for each heartbeat, and its heart."""
    seller, told, hand = stage.party(), [], Hand()
    listed = [
        seller.client.publish(replace(stage.network.content(), heartbeat=seconds))
        for seconds in heartbeats
    ]
    return Heart(seller.client, told.append, hand), hand, listed, told


def test_each_listing_is_heard_thrice_in_its_own_heartbeat_and_one_without_never(fair):
    store, stage = fair
    beating, hand, (fast, slow, _), told = heart(stage, 30, 90, 0)
    for _ in range(19):  # from second 0 to second 90
        beating.beat()
        hand.at += 5
    assert store.times.count(fast.digest) == 10
    assert store.times.count(slow.digest) == 4
    assert len(store.times) == 14
    assert told == []


def test_a_listing_that_is_sold_out_or_unseen_is_kept_alive_all_the_same(fair):
    store, stage = fair
    beating, hand, (listed,), told = heart(stage, 30)
    beating.beat()
    beating.client.publish(replace(listed.content, capacity=0), listed.digest)
    hand.at += 10
    beating.beat()
    assert store.times == [listed.digest] * 2
    assert told == []


def test_a_new_version_takes_the_place_of_the_old_one(fair):
    store, stage = fair
    beating, hand, (listed,), _ = heart(stage, 30)
    beating.beat()
    beating.client.publish(replace(listed.content, title="Better hours"), listed.digest)
    hand.at += 30
    beating.beat()
    assert store.times == [listed.digest] * 2
    assert len(beating._due) == 1


def test_a_failing_registry_is_told_and_asked_again_and_what_is_over_is_let_go(fair, monkeypatch):
    store, stage = fair
    beating, hand, (listed,), told = heart(stage, 30)
    beating.beat()

    def away(_):
        raise StoreUnavailable("sqlite", "away")

    monkeypatch.setattr(beating.client, "heartbeat", away)
    hand.at += 10
    beating.beat()
    assert [type(error) for error in told] == [StoreUnavailable]
    monkeypatch.undo()
    beating.beat()
    assert store.times == [listed.digest] * 2
    assert listed.digest in beating._due

    def over(_):
        raise ListingExpired(1, 2)

    monkeypatch.setattr(beating.client, "heartbeat", over)
    monkeypatch.setattr(beating.client, "browse", lambda **_: iter(()))
    hand.at += 10
    beating.beat()
    assert beating._due == {}


def test_it_beats_as_long_as_the_shop_is_open_and_no_longer(fair, monkeypatch):
    store, stage = fair
    monkeypatch.setattr(pulse_module, "BEATS", 300)
    beating, _, (listed,), told = heart(stage, 30)
    with pulse(beating.client, told.append):
        while len(store.times) < 3:
            assert told == []
    before = len(store.times)
    assert set(store.times) == {listed.digest}
    assert len(store.times) == before
