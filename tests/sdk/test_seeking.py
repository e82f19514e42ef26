"""Seeking: listings by pages, requests for quotation and their answers, all proved."""

from itertools import islice

import pytest
from liar import lying
from live import RegistryHost, Stage

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.errors import (
    ListingMissing,
    LoginMissing,
    NotAParty,
    RequestExpired,
    RequestMissing,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.request import Comparison, Predicate
from marketplace.sdk import Demand, State, Wallet
from marketplace.sdk.registry import Registry


class Keeping(MemoryStore):
    """Remembers which listings were heard of."""

    def __init__(self) -> None:
        super().__init__()
        self.heard_of: list[str] = []

    async def heard(self, thread, at):
        self.heard_of.append(thread)
        await super().heard(thread, at)


@pytest.fixture(scope="module")
def host(network):
    made = RegistryHost(network.domain, Keeping())
    yield made
    made.stop()


@pytest.fixture
def fair(network, host):
    """Parties at a registry of this module's own."""
    stage = Stage(network, host.url)
    yield stage
    stage.close()


def wanted(kind="compute", title="Hours", where=()):
    return Demand.asking(kind, title, 5, 50, where)


# ------------------------------------------------------------------ listings


def test_browsing_finds_each_listing_once_whatever_the_page(fair):
    seller = fair.party()
    published = [seller.client.publish(fair.network.content()).digest for _ in range(7)]
    for limit in (1, 2, 3, 7, 100):
        found = seller.client.browse(seller=seller.address, limit=limit)
        assert sorted(one.digest for one in found) == sorted(published), limit
        page = seller.client.search(seller=seller.address, limit=limit)
        assert len(page) == min(limit, 7)


def test_a_registry_that_names_a_page_again_is_not_read_for_ever(fair):
    seller = fair.party()
    for _ in range(3):
        seller.client.publish(fair.network.content())
    query = {"seller": seller.address, "limit": 1}
    again = seller.client._means.registry.listings(query).next
    with lying(fair.url) as liar:
        liar.alter = lambda path, answer: (
            {**answer, "next": again} if "/listings" in path else answer
        )
        reader = fair.party(Wallet.create(), url=liar.url)
        assert len(list(islice(reader.client.browse(**query), 9))) == 2
        assert len([line for line in liar.requests if "/listings" in line]) == 2


@pytest.mark.parametrize(
    "query",
    [{"where": ["no comparison"]}, {"highest_price": "cheap"}, {"units": -1}, {"order": "best"}],
    ids=str,
)
def test_a_query_that_is_none_is_refused_by_name(fair, query):
    with pytest.raises(ValueMalformed):
        fair.party(Wallet.create()).client.search(**query)


def test_a_query_is_asked_as_it_is_spelled(fair):
    with lying(fair.url) as liar:
        reader = fair.party(Wallet.create(), url=liar.url)
        query = {"where": ["gpu_memory>=24", "region!=north"], "highest_price": 50, "units": 3}
        reader.client.search(**query, order="cheapest", least_settled=0)
        assert liar.requests[-1] == (
            "GET /v1/listings?where=gpu_memory%3E%3D24&where=region%21%3Dnorth"
            "&highest_price=50&units=3&order=cheapest&least_settled=0"
        )


def test_a_listing_is_read_by_its_digest_and_no_other_in_its_place(fair):
    seller = fair.party()
    mine, other = (seller.client.publish(fair.network.content()) for _ in "ab")
    assert fair.party(Wallet.create()).client.listed(mine.digest) == mine
    instead = seller.client._means.registry.listing(other.digest).model_dump()
    with lying(fair.url) as liar:
        liar.alter = lambda path, answer: instead if "/listings/" in path else answer
        with pytest.raises(ListingMissing):
            fair.party(Wallet.create(), url=liar.url).client.listed(mine.digest)


def test_a_heartbeat_is_the_sellers_alone(fair, host):
    seller = fair.party()
    listed = seller.client.publish(fair.network.content())
    seller.client.heartbeat(listed)
    assert host.store.heard_of[-1] == listed.digest
    before = list(host.store.heard_of)
    with pytest.raises(NotAParty):
        fair.party(Wallet.create()).client.heartbeat(listed)
    registry = Registry(fair.url)
    with pytest.raises(LoginMissing):
        registry.heartbeat(listed.digest)
    registry.close()
    assert host.store.heard_of == before


# ------------------------------------------------------------------ requests and quotations


def test_from_a_request_over_a_quotation_to_a_talk(fair):
    seller, buyer = fair.party(), fair.party()
    listed = seller.client.publish(fair.network.content())
    asked = buyer.client.request(wanted())
    sought = next(seller.client.requests())
    assert sought == asked
    assert sought.demand.quantity == 5
    assert buyer.client.quotations(asked) == []
    seller.client.quote(sought, listed, 20)
    (quoted,) = buyer.client.quotations(asked)
    assert (quoted.seller, quoted.unit_price) == (seller.address, 20)
    talk = buyer.client.invite(buyer.client.listed(quoted.listing))
    assert talk.state is State.INIT


def test_a_quotation_says_the_listings_highest_price_unless_told_another(fair):
    seller, buyer = fair.party(), fair.party()
    listed = seller.client.publish(fair.network.content())
    asked = buyer.client.request(wanted())
    assert seller.client.quote(asked, listed).unit_price == 100


def test_only_requests_that_match_are_told_and_from_an_index_on(fair):
    seller, buyer = fair.party(), fair.party()
    seller.client.publish(fair.network.content())
    buyer.client.request(wanted(kind="weather"))
    first, second = (buyer.client.request(wanted(title=title)) for title in ("one", "two"))
    heard = seller.client.requests()
    assert [next(heard).demand.title, next(heard).demand.title] == ["one", "two"]
    heard.close()
    assert next(seller.client.requests(first.index + 1)) == second


def test_a_party_does_not_hear_its_own_request_nor_one_that_is_over(fair, monkeypatch):
    trader, buyer = fair.party(), fair.party()
    listed = trader.client.publish(fair.network.content())
    trader.client.request(wanted(title="mine"))
    over = buyer.client.request(wanted(title="over"), lasts=60)
    buyer.client.request(wanted(title="theirs"), lasts=86_400)
    now = trader.signer.clock.now()
    monkeypatch.setattr(type(trader.signer.clock), "now", lambda _: now + 100)
    assert next(trader.client.requests()).demand.title == "theirs"
    with pytest.raises(RequestExpired):
        trader.client.quote(over, listed)


def test_a_seller_quotes_no_listing_of_another(fair):
    seller, buyer = fair.party(), fair.party()
    listed = seller.client.publish(fair.network.content())
    with pytest.raises(NotAParty):
        fair.party().client.quote(buyer.client.request(wanted()), listed)


@pytest.mark.parametrize(
    ("spoiled", "error"),
    [
        (lambda told: {**told, "signature": Wallet.create().sign(told["digest"])}, WrongSigner),
        (lambda told: {**told, "signer": Wallet.create().address}, WrongSigner),
    ],
    ids=["forged", "renamed"],
)
def test_a_forged_quotation_is_refused(fair, spoiled, error):
    seller, buyer = fair.party(), fair.party()
    listed = seller.client.publish(fair.network.content())
    asked = buyer.client.request(wanted())
    seller.client.quote(asked, listed)
    with lying(fair.url) as liar:
        liar.alter_messages(lambda told: spoiled(told) if told["kind"] == "quotation" else told)
        reader = fair.party(Wallet.create(), url=liar.url)
        with pytest.raises(error):
            reader.client.quotations(asked)


def test_a_quotation_of_another_request_is_refused_in_this_one(fair):
    seller, buyer = fair.party(), fair.party()
    listed = seller.client.publish(fair.network.content())
    asked, other = (buyer.client.request(wanted()) for _ in "ab")
    seller.client.quote(other, listed)
    instead = buyer.client._means.registry.request(other.digest).model_dump()
    with lying(fair.url) as liar:
        liar.alter = lambda path, answer: instead if "/requests/" in path else answer
        reader = fair.party(Wallet.create(), url=liar.url)
        with pytest.raises(RequestMissing):
            reader.client.quotations(asked)


def test_conditions_of_a_demand_are_spelled_as_a_search_spells_them():
    demand = wanted(where=["gpu_memory>=24", "region=north"])
    assert demand.where == (
        Predicate("gpu_memory", Comparison.AT_LEAST, "24"),
        Predicate("region", Comparison.EQUAL, "north"),
    )
    with pytest.raises(ValueMalformed):
        wanted(where=["gpu_memory"])
