"""Following: over any loss of connection no event is missed, and none comes twice."""

import threading
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from liar import lying
from live import OUTCOME, RegistryHost, Stage

from marketplace.core.errors import StreamsFull
from marketplace.sdk import Rules, State, patience
from marketplace.sdk import registry as registry_module
from marketplace.sdk.registry import Registry

WORDS = 12


@pytest.fixture(scope="module")
def hall(network):
    """A registry that lets everybody read, with a seller that has said a dozen words."""
    host = RegistryHost(network.domain, public=True)
    stage = Stage(network, host.url)
    seller = stage.party()
    other = stage.party()
    for _ in range(WORDS):
        seller.client.publish(network.content())
        other.client.publish(network.content())
    yield host, seller
    stage.close()
    host.stop()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(registry_module, "RECONNECT_SECONDS", 0.001)


def heard(registry, start, party, count):
    """So many events' indexes; heartbeats are none."""
    events = registry.follow(start, party)
    told = [view.index for view in islice(filter(None, events), count)]
    events.close()
    return told


@pytest.mark.usefixtures("quick")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.lists(st.integers(0, 5), max_size=6), start=st.integers(0, 6), forgetful=st.booleans()
)
def test_however_the_connection_breaks_each_event_comes_once(hall, cuts, start, forgetful):
    host, seller = hall
    expected = [2 * number for number in range(WORDS) if 2 * number >= start]
    with lying(host.url) as liar:
        liar.cuts, liar.forgetful = list(cuts), forgetful
        registry = Registry(liar.url)
        assert heard(registry, start, seller.address, len(expected)) == expected
        registry.close()


@pytest.mark.usefixtures("quick")
def test_a_reader_says_where_it_was_and_only_once_it_was_somewhere(hall):
    host, seller = hall
    with lying(host.url) as liar:
        liar.cuts = [0, 3, 2]
        registry = Registry(liar.url)
        heard(registry, 2, seller.address, 8)
        registry.close()
        told = [headers.get("last-event-id") for path, headers in liar.seen if "/events" in path]
        assert told == [None, None, "6", "10"]
        assert {path for path, _ in liar.seen if "/events" in path} == {
            f"/v1/events?party={seller.address}&start=2"
        }


@pytest.mark.usefixtures("quick")
def test_a_registry_that_restarts_is_followed_on_without_a_gap(network):
    host = RegistryHost(network.domain)
    stage = Stage(network, host.url)
    seller = stage.party()
    told, enough = [], threading.Event()

    def listen():
        for view in seller.client._means.registry.follow(0, seller.address):
            if view is not None:
                told.append(view.index)
            if len(told) == 9:
                enough.set()
                return

    reader = threading.Thread(target=listen)
    reader.start()
    for _ in range(3):
        for _ in range(3):
            seller.client.publish(network.content())
        host.stop()
        host.start()
    assert enough.wait(30)
    reader.join()
    assert told == list(range(9))
    stage.close()
    host.stop()


def test_the_registrys_note_of_a_deadline_reaches_talk_shop_and_reader(network):
    host = RegistryHost(network.domain)
    stage = Stage(network, host.url)
    two = stage.pair(Rules(lasts=2))
    assert two.buying.wait() is State.FAILED
    events = two.seller.client._means.registry.follow(0, two.seller.address)
    note = next(view for view in events if view is not None and view.kind == "timeout")
    events.close()
    assert (note.thread, note.sequence, note.message) == (two.buying.id, 1, None)
    words = two.seller.client.heard()
    assert [next(words), next(words)] == [two.buying.id] * 2
    words.close()
    assert two.selling.sync() is State.FAILED
    assert two.selling.negotiation.length == 2
    stage.close()
    host.stop()


def test_who_may_open_no_further_stream_is_told_so_by_name_after_some_patience(
    network, monkeypatch
):
    monkeypatch.setattr(patience, "PAUSES", (0.01, 0.01))
    host = RegistryHost(network.domain, public=True, most_streams=1)
    stage = Stage(network, host.url)
    two = stage.pair()
    mine = two.seller.client._means.registry.follow(0, two.seller.address)
    assert next(mine)
    theirs = two.buyer.client._means.registry.follow(0, two.buyer.address)
    with pytest.raises(StreamsFull):
        list(theirs)
    mine.close()
    two.selling.offer(OUTCOME, {})
    stage.close()
    host.stop()
