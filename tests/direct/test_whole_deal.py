"""Two agents, one chain, no registry: a whole deal, and what a liar can do about it."""

import threading

import pytest
from apart import OUTCOME, Agent, begun, envelopes

from marketplace.adapters.system import SystemClock
from marketplace.core.errors import (
    CardRefused,
    DeadlinePassed,
    DomainMismatch,
    LedgerInUse,
    NegotiationMissing,
    NotAParty,
    PeerDisagrees,
    PeerUnavailable,
    TranscriptUnreadable,
)
from marketplace.core.words import Reason
from marketplace.sdk import Client, DealState, Direct, Domain, Place, Rules, State, Wallet
from marketplace.sdk.inbox import Inbox

WORK = b"the work that was asked for"


def soon() -> int:
    return SystemClock().now() + 30


def sell(seller: Agent) -> None:
    """Take one invitation, haggle, and do the work once the deal is funded."""
    talk = next(seller.client.invitations())
    assert talk.request == b"a job"
    talk.offer({**OUTCOME, "unit_price": 60}, {})
    talk.wait()
    talk.offer({**OUTCOME, "unit_price": 50}, {})
    while not talk.agreement:
        talk.wait()
        talk.sync()
    deal = seller.client.settle(talk.agreement)
    deal.wait((DealState.FUNDED,), soon())
    deal.deliver(WORK, talk.agreement.terms.price)


def test_two_agents_negotiate_and_settle_a_whole_deal_without_a_registry(street):
    seller, buyer = street.agent(), street.agent()
    selling = threading.Thread(target=sell, args=(seller,), daemon=True)
    seller.client.publish(street.network.content())
    selling.start()
    buyer.direct.meet(seller.direct.url)
    [listed] = buyer.client.search(kind="compute")
    talk = buyer.client.invite(listed, b"a job", Rules(lasts=30))
    talk.wait()
    talk.offer({**OUTCOME, "unit_price": 30}, {})
    talk.wait()
    deal = buyer.client.settle(talk.accept())
    deal.open()
    deal.wait((DealState.DELIVERED,), soon())
    assert deal.fetch() == WORK
    deal.release()
    selling.join(20)
    assert deal.position.state is DealState.RELEASED
    assert len(envelopes(buyer, talk.id)) == 6  # listing, invitation, three offers, acceptance
    assert envelopes(buyer, talk.id) == envelopes(seller, talk.id)


def test_a_buyer_whose_acceptance_never_arrives_opens_and_the_seller_finds_it_on_chain(street):
    seller, buyer, buying, selling = begun(street)
    selling.offer(OUTCOME, {})
    buying.sync()
    seller.direct._inbox.close()
    with pytest.raises(PeerUnavailable):
        buying.accept()
    assert selling.opened() is None
    buyer.client.settle(buying.agreement).open()
    found = selling.opened()
    assert found.digest == buying.agreement.digest
    deal = seller.client.settle(found)
    assert deal.wait((DealState.FUNDED,), soon()).state is DealState.FUNDED
    deal.deliver(WORK, found.terms.price)
    assert deal.position.state is DealState.DELIVERED


def test_a_seller_that_withholds_its_own_acceptance_can_open_and_the_buyer_finds_it(street):
    seller, buyer, buying, selling = begun(street)
    selling.offer({**OUTCOME, "unit_price": 60}, {})
    buying.sync()
    buying.offer(OUTCOME, {})
    selling.sync()
    buyer.direct._inbox.close()
    with pytest.raises(PeerUnavailable):
        selling.accept()
    seller.client.settle(selling.agreement).open()
    found = buying.opened()
    assert found.digest == selling.agreement.digest
    assert buyer.client.settle(found).position.state is DealState.FUNDED


def test_a_word_that_was_lost_on_its_way_comes_with_the_next_one(street):
    seller, buyer, buying, selling = begun(street)
    port = buyer.direct._inbox.port
    buyer.direct._inbox.close()
    with pytest.raises(PeerUnavailable):
        selling.offer(OUTCOME, {})
    again = Inbox(buyer.direct._desk, "127.0.0.1", port)
    again.start()
    selling.sync()
    selling.withdraw(Reason.UNSERVABLE)
    again.close()
    assert buying.sync() is State.TERMINATED
    assert len(buying.negotiation.offers) == 1
    assert envelopes(buyer, buying.id) == envelopes(seller, buying.id)


def test_words_that_cross_are_put_in_the_sellers_order_and_both_know_it(street):
    seller, buyer, buying, selling = begun(street)
    selling.offer(OUTCOME, {})  # which the buyer's talk has not read yet
    buying.dismiss(Reason.UNACCEPTABLE)
    assert buying.state is State.TERMINATED
    assert selling.sync() is State.TERMINATED
    assert envelopes(buyer, buying.id) == envelopes(seller, buying.id)


def test_a_stranger_cannot_speak_in_a_talk_of_others(street):
    seller, _, buying, selling = begun(street)
    offer = selling.offer(OUTCOME, {})
    stranger = street.network.wallet()
    word = {
        "version": "2",
        "domain": "0x" + street.network.domain.separator.hex(),
        "kind": "acceptance",
        "negotiation": buying.id,
        "signer": stranger.address,
        "digest": offer.digest,
        "signature": stranger.sign(offer.digest),
    }
    with pytest.raises(NotAParty):
        seller.direct._desk.receive(word)
    with pytest.raises(NegotiationMissing):
        street.agent().direct._desk.receive(word)
    assert len(seller.direct.messages(buying.id)) == 2


def test_a_word_that_is_sent_again_gets_its_first_answer_and_is_kept_once(street):
    seller, buyer, buying, selling = begun(street)
    selling.offer(OUTCOME, {})
    buying.sync()
    said = buying.offer({**OUTCOME, "unit_price": 12}, {})
    word = buyer.direct.messages(buying.id)[2].message
    assert word["digest"] == said.digest
    first = seller.direct._desk.receive(word)
    assert first == seller.direct._desk.receive(word)
    assert first.sequence == 2
    assert len(seller.direct.messages(buying.id)) == 3


class Crooked:
    """A seller's desk whose receipt of an offer is another's, or tells another place."""

    def __init__(self, desk: object, field: str, lie: object) -> None:
        self._desk, self._lie = desk, {field: lie}

    def receive(self, envelope: object) -> object:
        """Take it, and lie."""
        told = self._desk.receive(envelope)
        return told.model_copy(update=self._lie if told.kind == "offer" else {})

    def __getattr__(self, name: str) -> object:
        return getattr(self._desk, name)


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("sequence", 1),
        ("sequence", 3),
        ("sequence", 9),
        ("kind", "acceptance"),
        ("digest", "0x" + "ab" * 32),
        ("thread", "0x" + "ab" * 32),
    ],
)
def test_a_peer_that_lies_about_word_or_place_is_named_and_changes_nothing(
    street, monkeypatch, field, lie
):
    monkeypatch.setattr("marketplace.sdk.direct.PATIENCE_SECONDS", 0.2)
    seller, buyer, buying, selling = begun(street)
    selling.offer(OUTCOME, {})
    buying.sync()
    crooked = Inbox(Crooked(seller.direct._desk, field, lie), "127.0.0.1", 0)
    crooked.start()
    buyer.direct.meet(f"http://127.0.0.1:{crooked.port}")
    with pytest.raises(PeerDisagrees) as refused:
        buying.offer({**OUTCOME, "unit_price": 12}, {})
    crooked.close()
    assert (refused.value.field, refused.value.told) == (field, str(lie))
    assert len(buyer.direct.messages(buying.id)) == 2
    # What was signed counts as exposure all the same: the seller may hold it.
    assert sum(buyer.client.exposure().values()) > 0


def test_clocks_that_disagree_about_the_deadline_refuse_by_name_and_both_end_the_talk(street):
    seller, buyer = street.agent(wrong=30), street.agent()
    listed = seller.client.publish(street.network.content())
    buyer.direct.meet(seller.direct.url)
    buying = buyer.client.invite(listed, rules=Rules(lasts=60))
    selling = seller.client.talk(buying.id)
    selling.offer(OUTCOME, {})
    buying.sync()
    seller.direct._desk.clock.wrong = 61
    with pytest.raises(DeadlinePassed):
        buying.offer({**OUTCOME, "unit_price": 12}, {})
    assert len(buyer.direct.messages(buying.id)) == 2
    assert len(seller.direct.messages(buying.id)) == 2


def test_an_agent_finds_its_talks_again_after_a_restart(street, tmp_path):
    wallet = street.network.wallet()
    seller = street.agent(wallet=wallet, folder=tmp_path)
    buyer = street.agent()
    listed = seller.client.publish(street.network.content())
    buyer.direct.meet(seller.direct.url)
    buying = buyer.client.invite(listed)
    seller.client.talk(buying.id).offer(OUTCOME, {})
    with pytest.raises(LedgerInUse):
        Direct(wallet, street.network.domain, Place(folder=tmp_path))
    seller.client.close()
    with (tmp_path / "book.jsonl").open("ab") as file:
        file.write(b'{"message":{"kind":"off')  # a crash in the middle of a line
    again = street.agent(wallet=wallet, folder=tmp_path)
    assert again.client.talk(buying.id).state is State.PROPOSED
    buyer.direct.meet(again.direct.url)
    buying.sync()
    buying.accept()
    assert again.client.talk(buying.id).state is State.ACCEPTED
    again.client.close()
    third = street.agent(wallet=wallet, folder=tmp_path)
    assert third.client.talk(buying.id).state is State.ACCEPTED


def test_an_agent_that_has_moved_is_found_at_the_address_on_its_new_card(street, tmp_path):
    wallet = street.network.wallet()
    seller = street.agent(wallet=wallet, folder=tmp_path)
    listed = seller.client.publish(street.network.content())
    buyer = street.agent()
    buyer.direct.meet(seller.direct.url)
    buying = buyer.client.invite(listed)
    seller.client.close()
    moved = street.agent(wallet=wallet, folder=tmp_path)
    assert moved.direct.url != seller.direct.url
    selling = moved.client.talk(buying.id)
    selling.offer(OUTCOME, {})
    buying.sync()
    buying.accept()
    assert selling.sync() is State.ACCEPTED


def test_a_book_that_was_altered_is_not_read(street, tmp_path):
    wallet = street.network.wallet()
    seller = street.agent(wallet=wallet, folder=tmp_path)
    seller.client.publish(street.network.content())
    seller.client.close()
    path = tmp_path / "book.jsonl"
    path.write_bytes(path.read_bytes().replace(b"compute", b"commute"))
    with pytest.raises(TranscriptUnreadable):
        Direct(wallet, street.network.domain, Place(folder=tmp_path))


def test_only_the_two_parties_fetch_what_one_left_for_the_other(street):
    seller, buyer, buying, selling = begun(street)
    left = selling.put(b"goods")
    assert buying.get(left) == b"goods"
    stranger = street.agent()
    stranger.direct.meet(seller.direct.url)
    signature = buyer.wallet.sign("0x" + "11" * 32)
    with pytest.raises(NotAParty):
        seller.direct._desk.hand_out(buying.id, left, signature)


def test_an_agent_of_another_escrow_is_not_understood(street):
    other = Direct(Wallet.create(), Domain(street.network.domain.chain_id, "0x" + "11" * 20))
    with other, pytest.raises(DomainMismatch):
        street.agent().direct.meet(other.url)


def test_nothing_but_the_sdk_s_names_is_needed_for_two_agents_on_one_machine(network):
    domain = Domain(network.deployment.chain_id, network.deployment.escrow)
    here = Place(near=True)
    one, two = network.wallet(), network.wallet()
    with Direct(one, domain, here) as shop, Direct(two, domain, here) as house:
        seller = Client(shop, network.rpc, one, network.limits())
        buyer = Client(house, network.rpc, two, network.limits())
        seller.publish(network.content())
        house.meet(shop.url)
        talk = buyer.invite(buyer.search()[0])
        # The seller knows the buyer by its card alone, which names a private address.
        selling = next(seller.invitations())
        selling.offer(OUTCOME, {})
        talk.wait()
        assert talk.standing is not None
        assert talk.standing.digest == selling.standing.digest


def test_stranger_s_private_address_is_called_by_nobody_who_has_not_said_so(street):
    seller, buyer = street.agent(near=False), street.agent()
    listed = seller.client.publish(street.network.content())
    buyer.direct.meet(seller.direct.url)
    buyer.client.invite(listed)
    selling = next(seller.client.invitations())
    with pytest.raises(CardRefused, match="not https"):
        selling.offer(OUTCOME, {})
