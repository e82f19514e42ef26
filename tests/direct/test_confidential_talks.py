"""Confidential talks: the parties see all, and whoever relays and keeps them sees nothing."""

import base64
import json
from contextlib import ExitStack

import httpx
import pytest
from apart import OUTCOME, introduce
from live import Network

from marketplace.core.card import Key
from marketplace.core.errors import EncryptionKeyMissing, EventRefused
from marketplace.core.negotiation import State
from marketplace.core.values import canonical
from marketplace.core.words import Reason
from marketplace.sdk import (
    Client,
    Content,
    DealState,
    Issue,
    Limits,
    OutcomeSpace,
    Rules,
    SettlementRules,
    audit_market,
)

MUCH = 10**16
SECRET = {"unit_price": 73_105_319, "quantity": 900_173, "delivery_window": 60}
CONFIDENTIAL = Rules(confidential=True)


class Hall:
    """A seller and a buyer at one registry, with keys on their cards where they have them."""

    def __init__(self, network: Network, url: str, stack: ExitStack) -> None:
        self.network, self.url = network, url
        self.wallets = [network.wallet(MUCH), network.wallet(MUCH)]
        limits = Limits(
            network.token,
            most_exposure=MUCH,
            highest_unit_price=10**9,
            lowest_unit_price=1,
        )
        self.seller, self.buyer = (
            stack.enter_context(Client(url, network.rpc, wallet, limits)) for wallet in self.wallets
        )

    def content(self) -> Content:
        issues = (
            Issue("unit_price", 10, 10**9),
            Issue("quantity", 1, 10**7),
            Issue("delivery_window", 60, 600, 60),
        )
        rules = SettlementRules(self.network.token, bond_bps=1_000, review_window=60)
        return Content("compute", "Hours", "hour", OutcomeSpace(issues), {}, rules)

    def begin(self):
        for client, wallet in zip((self.seller, self.buyer), self.wallets, strict=True):
            introduce(client, wallet)
        listed = self.seller.publish(self.content())
        buying = self.buyer.invite(listed, rules=CONFIDENTIAL)
        return buying, self.seller.talk(buying.id)


@pytest.fixture
def hall(network, witness):
    with ExitStack() as stack:
        yield Hall(network, witness.url, stack)


def spellings(number: int) -> list[str]:
    return [str(number), f"{number:x}", f"{number:064x}"]


async def stored(store) -> bytes:
    entries = await store.entries(0, 10_000)
    return b"\n".join(entry.record.leaf + b"\n" + entry.record.body for entry in entries)


def served(url: str, negotiation: str) -> list[bytes]:
    thread = f"/v1/negotiations/{negotiation}"
    paths = "/v1/log", thread, f"{thread}/messages", "/v1/events/poll?start=0"
    return [httpx.get(url + path).content for path in paths]


@pytest.mark.anyio
async def test_nothing_of_the_terms_leaks_to_the_registry_over_a_whole_talk(hall, witness):
    buying, selling = hall.begin()
    rising = {**SECRET, "unit_price": SECRET["unit_price"] - 1_000}
    selling.offer({**SECRET, "unit_price": SECRET["unit_price"] + 1_000}, {"key": "whispered"})
    buying.sync()
    buying.offer(rising, {})
    selling.sync()
    selling.offer(SECRET, {})
    buying.sync()
    agreement = buying.accept()
    assert selling.sync() is State.ACCEPTED
    assert selling.agreement == agreement
    assert agreement.subject.outcome == SECRET
    public = served(hall.url, buying.id)
    seen = b"\n".join([await stored(witness.store), *public]).decode().lower()
    assert agreement.digest in seen
    secrets = ["whispered"]
    for offer in buying.negotiation.offers:
        told, subject = offer.terms, offer.subject
        secrets += [subject.salt[2:], subject.digest[2:]]
        for number in (
            told.price,
            told.bond,
            told.seller_nonce,
            subject.outcome["unit_price"],
            subject.outcome["quantity"],
        ):
            secrets += spellings(number)
        for held in (told.to_message(), subject.to_json()):
            plain = canonical(held)
            secrets += [plain.decode().lower(), plain.hex(), base64.b64encode(plain)[:40].decode()]
    assert [secret for secret in secrets if secret.lower() in seen] == []
    thread = json.loads(public[2])["messages"]
    boxes = [
        box
        for view in thread
        for box in view["message"].get("sealed", {"boxes": {}})["boxes"].values()
    ]
    assert len(boxes) == 6
    assert len({len(box) for box in boxes}) == 1
    # The measure itself can fail: in the open the same words are there.
    assert str(agreement.terms.price) in json.dumps(agreement.terms.to_message())


def test_the_registry_sees_turn_rounds_chain_and_expiry_and_that_is_all(hall):
    buying, selling = hall.begin()
    offer = selling.offer(SECRET, {})
    told = httpx.get(f"{hall.url}/v1/negotiations/{buying.id}").json()
    assert told["confidential"]
    assert (told["state"], told["turn"], told["rounds"]) == ("PROPOSED", hall.buyer.address, 1)
    assert (told["head"], told["last_open_by"]) == (offer.digest, offer.terms.open_by)
    assert told["agreement"] is None


def test_a_confidential_deal_is_settled_as_any_and_the_audit_says_that_it_could_not_read(hall):
    buying, selling = hall.begin()
    selling.offer({**SECRET, "quantity": 7}, {})
    buying.sync()
    agreement = buying.accept()
    assert hall.buyer.settle(agreement).open().state is DealState.FUNDED
    report = audit_market(hall.network.rpc, hall.url)
    assert report.ok, report.findings
    assert report.confidential == [agreement.digest]
    assert not report.complete


def test_a_party_reads_its_talk_again_after_a_restart_its_own_offers_too(hall):
    buying, selling = hall.begin()
    selling.offer(SECRET, {})
    buying.sync()
    lower = {**SECRET, "unit_price": 60_000_000}
    buying.offer(lower, {})
    again = hall.buyer.talk(buying.id)
    assert again.confidential
    assert again.my_last_offer.subject.outcome == lower
    assert hall.seller.talk(buying.id).standing.subject.outcome == lower


def test_who_cannot_be_sealed_to_is_told_before_anything_is_said(hall):
    listed = hall.seller.publish(hall.content())
    with pytest.raises(EncryptionKeyMissing):
        hall.buyer.invite(listed, rules=CONFIDENTIAL)
    introduce(hall.buyer, hall.wallets[1])
    with pytest.raises(EncryptionKeyMissing) as caught:
        hall.buyer.invite(listed, rules=CONFIDENTIAL)
    assert caught.value.agent == hall.seller.address


def test_nothing_is_signed_that_could_not_be_sealed(hall):
    buying = hall.buyer.invite(hall.seller.publish(hall.content()))
    selling = hall.seller.talk(buying.id, confidential=True)
    with pytest.raises(EncryptionKeyMissing):
        selling.offer(SECRET, {})
    assert hall.seller.exposure() == {}
    assert buying.sync() is State.INIT


def test_a_seller_that_answers_in_the_open_is_left(hall):
    buying, selling = hall.begin()
    del vars(hall.seller._means.boxes)["mine"]  # it has never asked for its key here
    selling.offer(SECRET, {})
    assert not selling.confidential
    assert buying.sync() is State.TERMINATED
    assert selling.sync() is State.TERMINATED
    assert selling.reason is Reason.UNACCEPTABLE
    assert hall.buyer.talk(buying.id).state is State.TERMINATED


def test_an_offer_that_its_reader_cannot_open_ends_the_talk_by_a_withdrawal(hall):
    introduce(hall.seller, hall.wallets[0])
    # A key on the buyer's card that is another's: the seller's, as it happens.
    hall.buyer.encryption_key = hall.seller.encryption_key
    introduce(hall.buyer, hall.wallets[1])
    buying = hall.buyer.invite(hall.seller.publish(hall.content()))
    selling = hall.seller.talk(buying.id)
    selling.offer(SECRET, {})
    assert buying.wait() is State.TERMINATED
    with pytest.raises(EventRefused):
        buying.accept()
    assert selling.sync() is State.TERMINATED
    assert hall.buyer.talk(buying.id).state is State.TERMINATED


def test_parties_with_keys_seal_without_being_asked_and_others_talk_in_the_open(hall):
    listed = hall.seller.publish(hall.content())
    buying = hall.buyer.invite(listed)
    open_talk = hall.seller.talk(buying.id)
    open_talk.offer(SECRET, {})
    assert not open_talk.confidential
    for client, wallet in zip((hall.seller, hall.buyer), hall.wallets, strict=True):
        introduce(client, wallet)
    buying = hall.buyer.invite(listed)
    sealed = hall.seller.talk(buying.id)
    sealed.offer(SECRET, {})
    buying.sync()
    assert sealed.confidential
    assert buying.confidential
    assert buying.standing.subject.outcome == SECRET


def test_a_key_on_the_own_card_that_is_not_the_own_is_found_out_before_the_invitation(hall):
    wrong = Key("encryption", "0x" + "09" + "00" * 31, 2_000_000_000)
    hall.seller.encryption_key()
    introduce(hall.seller, hall.wallets[0])
    hall.buyer.encryption_key = lambda: wrong
    introduce(hall.buyer, hall.wallets[1])
    with pytest.raises(EncryptionKeyMissing) as caught:
        hall.buyer.invite(hall.seller.publish(hall.content()), rules=CONFIDENTIAL)
    assert caught.value.agent == hall.buyer.address


def test_two_agents_without_a_registry_talk_confidentially_too(street):
    seller, buyer = street.agent(), street.agent()
    for agent in (seller, buyer):
        introduce(agent.client, agent.wallet, agent.direct.url)
    listed = seller.client.publish(street.network.content())
    buyer.direct.meet(seller.direct.url)
    buying = buyer.client.invite(listed, rules=CONFIDENTIAL)
    selling = seller.client.talk(buying.id)
    selling.offer(OUTCOME, {})
    buying.sync()
    agreement = buying.accept()
    assert selling.sync() is State.ACCEPTED
    assert selling.agreement == agreement
    assert "sealed" in seller.direct.messages(buying.id)[1].message
