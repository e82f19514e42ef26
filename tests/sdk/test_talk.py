"""Talks: two parties over a real registry and chain, when all goes well and when it does not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from eth_utils.address import to_checksum_address
from liar import lying
from live import OUTCOME, Party, RegistryHost, SpyWallet, Stage

from marketplace.core.deal import DealState
from marketplace.core.errors import (
    AllowanceShort,
    ArtifactMissing,
    DeadlinePassed,
    EpochStale,
    EventRefused,
    FundsShort,
    LimitExceeded,
    ListingReplaced,
    NegotiationMissing,
    NonceSpent,
    NotAParty,
    OutcomeOutsideSpace,
    RegistryUnavailable,
    TokenForbidden,
    WrongTurn,
)
from marketplace.sdk import Client, Limits, Rules, State, Wallet, means, patience
from marketplace.services import feed

CHEAPER = {**OUTCOME, "unit_price": 15}


def chain_call(party: Party, name: str, *arguments: object) -> None:
    """A transaction of the party's that the SDK has no word for."""
    hand = party.client._means.escrow._hand
    hand.send(name, hand.view.escrow.get_function_by_name(name)(*arguments))


def disallow(party: Party, token: str) -> None:
    """The party takes its allowance back."""
    hand = party.client._means.escrow._hand
    spender = to_checksum_address(hand.view.domain.verifying_contract)
    hand.send("approve", hand.view.token(token).functions.approve(spender, 0))


@pytest.fixture
def open_to_all(network):
    """Parties at a registry that lets everybody read."""
    host = RegistryHost(network.domain, public=True)
    made = Stage(network, host.url)
    yield made
    made.close()
    host.stop()


def signed_terms(party: Party, talk) -> list[str]:
    """Which digests of offers the party's key has signed."""
    words = {offer.digest for offer in talk.negotiation.offers}
    return [digest for digest in party.signer.wallet.signed if digest in words]


def test_a_talk_from_the_search_to_an_agreement_that_opens(two):
    found = two.buyer.client.search(kind="compute", seller=two.seller.address)
    assert two.listed.digest in {one.digest for one in found}
    assert (two.buying.state, two.buying.my_turn, two.selling.my_turn) == (State.INIT, False, True)
    asked = two.selling.offer(OUTCOME, {"method": "rerun"})
    assert two.buying.sync() is State.PROPOSED
    assert two.buying.standing == asked
    countered = two.buying.offer(CHEAPER, {"method": "rerun"})
    assert countered.terms.previous == asked.digest
    assert (two.selling.sync(), two.selling.my_turn) == (State.COUNTER, True)
    agreement = two.selling.accept()
    assert two.buying.sync() is State.ACCEPTED
    assert two.buying.agreement == agreement
    assert agreement.terms.price == 15 * 5
    assert two.buyer.client.settle(agreement).open().state is DealState.FUNDED


def test_out_of_turn_nothing_is_signed(two):
    two.selling.offer(OUTCOME, {})
    for speak in (two.selling.accept, lambda: two.selling.offer(CHEAPER, {})):
        before = list(two.seller.signer.wallet.signed)
        with pytest.raises(WrongTurn) as refused:
            speak()
        assert refused.value.expected == two.buyer.address
        assert two.seller.signer.wallet.signed == before


def test_nothing_is_accepted_before_anything_is_proposed(two):
    two.buying.sync()
    with pytest.raises(WrongTurn):
        two.buying.accept()
    with pytest.raises(EventRefused):
        two.selling.accept()


def test_a_rejection_ends_the_talk_for_both(two):
    two.selling.offer(OUTCOME, {})
    two.buying.sync()
    two.buying.reject()
    assert (two.buying.state, two.selling.wait()) == (State.TERMINATED, State.TERMINATED)
    assert not two.selling.my_turn


def test_a_withdrawal_needs_no_turn(two):
    two.selling.offer(OUTCOME, {})
    two.selling.withdraw()
    assert two.buying.sync() is State.TERMINATED


def test_an_acceptance_that_crosses_a_withdrawal_stands_and_both_read_the_same(two):
    two.selling.offer(OUTCOME, {})
    two.buying.sync()
    two.selling.withdraw()
    agreement = two.buying.accept()
    assert two.selling.sync() is two.buying.sync() is State.ACCEPTED
    assert two.selling.agreement == agreement
    assert two.buying.negotiation == two.selling.negotiation


def test_a_stranger_cannot_even_read_the_talk(two, stage):
    stranger = stage.party(Wallet.create())
    asked = two.buyer.client.invite(two.listed, b"between us")
    for read in (
        lambda: stranger.talk(two.buying.id),
        lambda: stranger.client._means.get(asked.id, means.sha256_hex(b"between us")),
        lambda: next(stranger.client._means.registry.follow(0, two.buyer.address)),
    ):
        with pytest.raises(NotAParty) as refused:
            read()
        assert refused.value.signer == stranger.address


def test_who_is_no_party_can_say_nothing_even_where_everybody_reads(open_to_all):
    two = open_to_all.pair()
    stranger = open_to_all.party(SpyWallet(Wallet.create()))
    two.selling.offer(OUTCOME, {})
    heard = stranger.talk(two.buying.id)
    for speak in (heard.accept, lambda: heard.offer(OUTCOME, {})):
        with pytest.raises(WrongTurn):
            speak()
    with pytest.raises(NotAParty):
        heard.withdraw()
    assert two.buying.sync() is State.PROPOSED


def test_an_unknown_negotiation_is_missing_by_name(two):
    with pytest.raises(NegotiationMissing):
        two.buyer.talk("0x" + "77" * 32)


def test_an_offer_outside_the_listings_space_is_not_sent(two):
    with pytest.raises(OutcomeOutsideSpace):
        two.selling.offer({**OUTCOME, "unit_price": 9}, {})
    assert two.buying.sync() is State.INIT


def test_an_offer_beyond_a_limit_is_neither_signed_nor_sent(stage):
    two = stage.pair()
    strict = stage.party(SpyWallet(stage.network.wallet()), highest_unit_price=19)
    buying = strict.client.invite(two.listed)
    two.seller.talk(buying.id).offer(OUTCOME, {})
    buying.sync()
    for speak in (buying.accept, lambda: buying.offer(OUTCOME, {})):
        with pytest.raises(LimitExceeded):
            speak()
    assert signed_terms(strict, buying) == []
    assert strict.exposure == 0


def test_a_listing_in_a_token_that_the_limits_do_not_name_costs_no_gas(two, stage):
    stranger = Client(stage.url, stage.network.rpc, Wallet.create(), Limits("0x" + "11" * 20, 1))
    with stranger, pytest.raises(TokenForbidden):
        stranger.invite(two.listed)  # without gas an approval would fail by another name


def test_an_invitation_to_a_replaced_listing_is_refused(two):
    newer = two.seller.client.publish(two.network.content(), replaces=two.listed.digest)
    with pytest.raises(ListingReplaced) as refused:
        two.buyer.client.invite(two.listed)
    assert refused.value.replacement == newer.digest


def test_a_request_reaches_the_seller_and_only_its_own_bytes_do(two):
    asked = two.buyer.client.invite(two.listed, b"compute this")
    assert two.seller.talk(asked.id).request == b"compute this"
    assert two.selling.request == b""


def test_the_sellers_shop_hears_only_invitations_to_itself(two, stage):
    other = stage.party()
    aside = other.client.publish(stage.network.content())
    begun = two.buyer.client.invite(aside).id
    two.buyer.client.invite(two.listed)
    again = two.buyer.client.invite(aside).id
    heard = other.client.invitations()
    assert [next(heard).id, next(heard).id] == [begun, again]
    heard.close()


# ------------------------------------------------------------------ silence and losses


def test_the_deadline_ends_a_talk_without_any_message(stage, monkeypatch):
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.1)
    two = stage.pair(Rules(lasts=2))
    assert two.buying.wait() is State.FAILED
    assert not two.selling.my_turn
    with pytest.raises(DeadlinePassed):
        two.selling.offer(OUTCOME, {})
    # Not a word was said; the registry's own note may have come by now.
    said = two.buyer.client._means.registry.messages(two.buying.id)
    assert [view.kind for view in said if view.message] == ["invitation"]


def test_an_answer_that_is_lost_is_asked_for_again_and_the_word_is_stored_once(open_to_all):
    stage = open_to_all
    with lying(stage.url) as liar:
        two = stage.pair(url=liar.url)
        two.selling.offer(OUTCOME, {})
        two.buying.sync()
        liar.lose_answers = 1
        two.buying.offer(CHEAPER, {})
        assert [line for line in liar.requests if line.startswith("POST")][-2:] == [
            "POST /v1/messages"
        ] * 2
    assert two.selling.sync() is State.COUNTER
    assert two.selling.negotiation.length == 3


def test_a_word_whose_every_answer_is_lost_is_found_again_by_reading(open_to_all, monkeypatch):
    stage = open_to_all
    monkeypatch.setattr(patience, "PAUSES", (0.0,))
    with lying(stage.url) as liar:
        two = stage.pair(url=liar.url)
        two.selling.offer(OUTCOME, {})
        two.buying.sync()
        liar.lose_answers = 2
        with pytest.raises(RegistryUnavailable):
            two.buying.offer(CHEAPER, {})
        assert two.buying.sync() is State.COUNTER
    assert two.selling.sync() is State.COUNTER


def test_an_acceptance_that_the_registry_never_takes_is_an_agreement_all_the_same(
    stage, monkeypatch
):
    two = stage.pair()
    two.selling.offer(OUTCOME, {})
    two.buying.sync()
    assert two.buying.agreement is None

    def gone(_envelope):
        raise RegistryUnavailable(stage.url, "gone")

    monkeypatch.setattr(two.buyer.client._means.registry, "submit", gone)
    with pytest.raises(RegistryUnavailable):
        two.buying.accept()
    assert two.buyer.client.settle(two.buying.agreement).open().state is DealState.FUNDED


def test_bytes_that_nobody_sends_are_missing_by_name_after_some_patience(two, monkeypatch):
    monkeypatch.setattr(means, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(ArtifactMissing) as refused:
        two.buying.get("0x" + "77" * 32)
    assert refused.value.artifact == "0x" + "77" * 32


def test_bytes_that_are_still_on_their_way_are_waited_for(two):
    artifact = means.sha256_hex(b"late")
    sender = threading.Timer(0.2, two.selling.put, [b"late"])
    sender.start()
    assert two.buying.get(artifact) == b"late"
    sender.join()


def test_a_registry_that_restarts_loses_no_word_and_no_listener(network):
    host = RegistryHost(network.domain)
    stage = Stage(network, host.url)
    two = stage.pair()
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(two.buying.wait)
        host.stop()
        restart = threading.Timer(0.3, host.start)
        restart.start()
        two.selling.offer(OUTCOME, {})
        assert heard.result(20) is State.PROPOSED
    restart.join()
    two.buying.accept()
    assert two.selling.wait() is State.ACCEPTED
    stage.close()
    host.stop()


def test_a_registry_that_is_gone_for_good_is_named(network, monkeypatch):
    monkeypatch.setattr(patience, "PAUSES", (0.01,))
    host = RegistryHost(network.domain)
    stage = Stage(network, host.url)
    two = stage.pair()
    host.stop()
    with pytest.raises(RegistryUnavailable) as refused:
        two.buying.wait()
    assert refused.value.registry == host.url
    stage.close()


# ------------------------------------------------------------------ feasibility comes first


@pytest.fixture
def spied(stage):
    """A seller and a buyer with funds of their own, after the seller's first offer."""
    seller, buyer = (stage.party(SpyWallet(stage.network.wallet(500))) for _ in "ab")
    buying = buyer.client.invite(seller.client.publish(stage.network.content()))
    seller.talk(buying.id).offer(OUTCOME, {})
    buying.sync()
    return seller, buyer, buying


def refused_before_signing(buyer, buying, error):
    with pytest.raises(error) as refused:
        buying.accept()
    assert signed_terms(buyer, buying) == []
    return refused.value


def test_an_acceptance_without_allowance_is_refused_before_the_key_signs(spied, network):
    _, buyer, buying = spied
    disallow(buyer, network.token)
    refused = refused_before_signing(buyer, buying, AllowanceShort)
    assert (refused.account, refused.allowed, refused.needed) == (buyer.address, 0, 100)


def test_an_acceptance_without_the_sellers_bond_is_refused_before_the_key_signs(spied, network):
    seller, buyer, buying = spied
    disallow(seller, network.token)
    refused = refused_before_signing(buyer, buying, AllowanceShort)
    assert (refused.account, refused.needed) == (seller.address, 10)


def test_an_acceptance_beyond_the_balance_is_refused_before_the_key_signs(spied):
    seller, buyer, buying = spied
    buying.reject()
    again = buyer.client.invite(seller.client.search(seller=seller.address)[0])
    seller.talk(again.id).offer({**OUTCOME, "unit_price": 100, "quantity": 6}, {})
    again.sync()
    refused = refused_before_signing(buyer, again, FundsShort)
    assert (refused.account, refused.held, refused.needed) == (buyer.address, 500, 600)


def test_an_own_offer_beyond_the_own_balance_is_refused_before_the_key_signs(spied):
    _, buyer, buying = spied
    before = list(buyer.signer.wallet.signed)
    with pytest.raises(FundsShort):
        buying.offer({**OUTCOME, "unit_price": 100, "quantity": 6}, {})
    assert buyer.signer.wallet.signed == before


def test_an_acceptance_in_a_stale_epoch_is_refused_before_the_key_signs(spied):
    seller, buyer, buying = spied
    chain_call(seller, "cancelAll")
    refused = refused_before_signing(buyer, buying, EpochStale)
    assert refused.signer == seller.address
    assert refused.signed != refused.current


@pytest.mark.parametrize("who", [0, 1], ids=["seller", "buyer"])
def test_an_acceptance_under_a_spent_nonce_is_refused_before_the_key_signs(spied, who):
    seller, buyer, buying = spied
    terms = buying.standing.terms
    nonce = (terms.seller_nonce, terms.buyer_nonce)[who]
    chain_call((seller, buyer)[who], "cancel", nonce)
    refused = refused_before_signing(buyer, buying, NonceSpent)
    assert (refused.signer, refused.nonce) == ((seller, buyer)[who].address, nonce)
