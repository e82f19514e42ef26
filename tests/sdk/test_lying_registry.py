"""A registry that lies: each lie is refused by its name, and no money moves."""

import json

import pytest
from liar import lying
from live import OUTCOME, RegistryHost, SpyWallet, Stage

from marketplace.core.errors import (
    DeliverableWrong,
    DigestMismatch,
    DomainMismatch,
    EscrowUnknown,
    ListingMissing,
    NegotiationMissing,
    OriginWrong,
    RegistryRefused,
    SignatureMalformed,
    ValueMalformed,
    WrongPrevious,
    WrongSigner,
    WrongTurn,
)
from marketplace.core.login import Origin
from marketplace.core.terms import Terms
from marketplace.sdk import Client, Rules, State, Wallet, audit_market
from marketplace.services import feed

MALLORY = Wallet.create()


@pytest.fixture(scope="module")
def registry(network):
    """A registry that lets everybody read: a login names one origin, and here are two."""
    host = RegistryHost(network.domain, public=True)
    yield host.url
    host.stop()


@pytest.fixture
def private(network):
    """A registry where only parties read."""
    host = RegistryHost(network.domain)
    stage = Stage(network, host.url)
    yield stage
    stage.close()
    host.stop()


@pytest.fixture
def liar(stage):
    with lying(stage.url) as proxy:
        yield proxy


@pytest.fixture
def two(stage, liar):
    """A buyer at the liar, a seller at the honest registry; afterwards nobody has paid."""
    made = stage.pair(url=liar.url)
    before = made.balances()
    yield made
    assert made.balances() == before
    assert made.buyer.exposure == 0


def spoil(kind, spoiled):
    """Alter the messages of one kind."""
    return lambda message: spoiled(message) if message["kind"] == kind else message


def cheaper(message):
    return {**message, "message": {**message["message"], "price": "1"}}


def dearer(message):
    return {**message, "message": {**message["message"], "price": "9999"}}


def with_digest(message, domain):
    """The digest of what the message now says, as a careful forger states it."""
    return {**message, "digest": Terms.from_message(message["message"]).digest(domain)}


def refuses(two, error):
    """Reading refuses, and the key has signed nothing for it."""
    before = list(two.buyer.signer.wallet.signed)
    with pytest.raises(error) as refused:
        two.buying.sync()
    assert two.buyer.signer.wallet.signed == before
    return refused.value


@pytest.mark.parametrize("altered", [cheaper, dearer])
def test_an_altered_price_does_not_fit_its_digest(two, liar, altered):
    liar.alter_messages(spoil("offer", altered))
    two.selling.offer(OUTCOME, {})
    refuses(two, DigestMismatch)


def test_an_altered_price_under_its_own_digest_is_nobodys_signature(two, liar):
    domain = two.network.domain
    liar.alter_messages(spoil("offer", lambda message: with_digest(dearer(message), domain)))
    two.selling.offer(OUTCOME, {})
    assert refuses(two, WrongSigner).expected == two.seller.address


def test_an_altered_outcome_does_not_fit_the_terms(two, liar):
    def altered(message):
        outcome = {**message["detail"]["outcome"], "quantity": "1"}
        return {**message, "detail": {**message["detail"], "outcome": outcome}}

    liar.alter_messages(spoil("offer", altered))
    two.selling.offer(OUTCOME, {})
    refuses(two, DigestMismatch)


@pytest.mark.parametrize(
    ("forged", "error"),
    [
        (lambda message: MALLORY.sign(message["digest"]), WrongSigner),
        (lambda _: MALLORY.sign("0x" + "11" * 32), WrongSigner),
        (lambda message: message["signature"][:-2] + "00", SignatureMalformed),
        (lambda _: "0x" + "00" * 65, SignatureMalformed),
    ],
)
def test_a_forged_signature_is_refused(two, liar, forged, error):
    liar.alter_messages(spoil("offer", lambda message: {**message, "signature": forged(message)}))
    two.selling.offer(OUTCOME, {})
    refuses(two, error)


def test_a_forged_acceptance_makes_no_agreement(stage, liar):
    two = stage.pair(url=liar.url)
    two.selling.offer(OUTCOME, {})
    two.buying.sync()
    offered = two.buying.offer({**OUTCOME, "unit_price": 15}, {})
    forged = {
        "version": two.network.domain.version,
        "domain": "0x" + two.network.domain.separator.hex(),
        "kind": "acceptance",
        "negotiation": two.buying.id,
        "signer": two.seller.address,
        "digest": offered.digest,
    }
    for signature in (MALLORY.sign(offered.digest), offered.signature):
        view = {"index": 99, "thread": two.buying.id, "sequence": 3, "kind": "acceptance"}
        view["received_at"] = two.buying.now()
        view["message"] = {**forged, "signature": signature}
        liar.alter = lambda _, answer, view=view: {"messages": [*answer["messages"], view]}
        with pytest.raises(WrongSigner) as refused:
            two.buying.sync()
        assert refused.value.expected == two.seller.address
    assert two.buying.agreement is None


@pytest.mark.parametrize("changes", [{"chainId": 1}, {"name": "Barley"}, {"version": "3"}], ids=str)
def test_a_domain_that_is_not_the_chains_is_refused_before_any_word(stage, liar, changes):
    liar.alter = lambda _, answer: {**answer, "domain": {**answer["domain"], **changes}}
    with pytest.raises(DomainMismatch):
        stage.party(url=liar.url)
    with pytest.raises(DomainMismatch):
        audit_market(stage.network.rpc, liar.url)


def test_a_relayed_word_of_another_domain_is_refused(two, liar):
    liar.alter_messages(spoil("offer", lambda message: {**message, "domain": "0x" + "22" * 32}))
    two.selling.offer(OUTCOME, {})
    refuses(two, DomainMismatch)


def test_an_escrow_with_other_code_is_refused_before_anything_is_allowed_to_it(stage, liar):
    for escrow in (stage.network.token, "0x" + "33" * 20):
        changes = {"verifyingContract": escrow}
        liar.alter = lambda _, answer, of=changes: {**answer, "domain": {**answer["domain"], **of}}
        wallet = SpyWallet(stage.network.wallet(0))
        with pytest.raises(EscrowUnknown) as refused:
            Client(liar.url, stage.network.rpc, wallet, stage.network.limits())
        assert refused.value.escrow == escrow
        assert wallet.signed == []


def test_an_escrow_that_is_no_address_is_refused_by_name(stage, liar):
    changes = {"verifyingContract": "0x12"}
    liar.alter = lambda _, answer: {**answer, "domain": {**answer["domain"], **changes}}
    with pytest.raises(ValueMalformed):
        Client(liar.url, stage.network.rpc, Wallet.create(), stage.network.limits())
    with pytest.raises(ValueMalformed):
        audit_market(stage.network.rpc, liar.url)


def test_swapped_listing_content_does_not_fit_its_digest(two, liar):
    def altered(message):
        return {**message, "detail": {**message["detail"], "title": "Hours of a better machine"}}

    liar.alter_messages(spoil("listing", altered))
    for read in (two.buyer.client.search, lambda: two.buyer.talk(two.buying.id)):
        with pytest.raises(DigestMismatch):
            read()


def test_another_listing_in_place_of_the_invited_one_is_refused(two, liar):
    content = two.network.content(review_window=120)
    other = two.seller.client._means.registry.listing(two.seller.client.publish(content).digest)
    liar.alter = lambda path, answer: (
        other.model_dump() if path.startswith("/v1/listings/") else answer
    )
    with pytest.raises(ListingMissing) as refused:
        two.buyer.talk(two.buying.id)
    assert refused.value.listing == two.listed.digest


def test_a_listing_signed_by_another_than_its_seller_is_refused(two, liar):
    def altered(message):
        return {
            **message,
            "signer": MALLORY.address,
            "signature": MALLORY.sign(message["digest"]),
        }

    liar.alter_messages(spoil("listing", altered))
    with pytest.raises(ListingMissing):
        two.buyer.client.search()


def test_wrong_bytes_of_a_request_are_refused(stage, liar):
    two = stage.pair()
    asked = two.buyer.client.invite(two.listed, b"compute this")
    fooled = stage.party(two.seller.signer.wallet, url=liar.url)
    liar.bytes_of = lambda data: data.replace(b"this", b"that")
    with pytest.raises(DeliverableWrong):
        _ = fooled.talk(asked.id).request


def test_wrong_bytes_of_a_delivery_are_refused(stage, liar):
    two = stage.pair(url=liar.url)
    agreement = two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    selling.deliver(b"done", 1)
    liar.bytes_of = lambda _: b"something else"
    before = two.balances()
    with pytest.raises(DeliverableWrong):
        buying.fetch()
    assert two.balances() == before


def test_reordered_messages_are_refused(two, liar):
    two.selling.offer(OUTCOME, {})
    two.seller.talk(two.buying.id).withdraw()

    def swapped(_, answer):
        first, *rest = answer["messages"]
        return {"messages": [first, *reversed(rest)]}

    liar.alter = swapped
    refuses(two, WrongPrevious)


def test_a_missing_message_is_noticed_by_the_next(two, liar):
    two.selling.offer(OUTCOME, {})
    honest = two.buyer.talk(two.buying.id)
    honest.offer({**OUTCOME, "unit_price": 15}, {})
    two.selling.sync()
    two.selling.offer({**OUTCOME, "unit_price": 18}, {})
    liar.alter = lambda _, answer: {"messages": [answer["messages"][i] for i in (0, 1, 3)]}
    with pytest.raises(WrongTurn):
        two.buying.sync()
    two.buyer.signer.ledger.ended(honest.standing.terms.buyer_nonce)  # the word was said in truth


def test_a_word_of_another_negotiation_is_refused_in_this_one(two, liar):
    aside = two.buyer.client.invite(two.listed)
    two.seller.talk(aside.id).offer(OUTCOME, {})
    replayed = two.seller.client._means.registry.messages(aside.id)[1].model_dump()
    replayed["message"]["negotiation"] = replayed["thread"] = two.buying.id
    liar.alter = lambda _, answer: {"messages": [*answer["messages"], replayed]}
    refused = refuses(two, WrongPrevious)
    assert (refused.previous, refused.head) == (aside.id, two.buying.id)


def test_another_negotiation_in_place_of_the_asked_one_is_refused(two, liar):
    aside = two.buyer.client.invite(two.listed)
    instead = two.seller.client._means.registry.messages(aside.id)[0].model_dump()
    liar.alter = lambda path, answer: (
        {"messages": [instead]} if path.endswith("/messages") else answer
    )
    with pytest.raises(NegotiationMissing):
        two.buyer.talk(two.buying.id)


def test_a_negotiation_without_messages_is_missing_by_name(two, liar):
    liar.alter = lambda path, answer: {"messages": []} if path.endswith("/messages") else answer
    with pytest.raises(NegotiationMissing):
        two.buyer.talk(two.buying.id)


# ------------------------------------------------------------------ answers that are none


@pytest.mark.parametrize("nonsense", [[], {}, "yes", {"messages": [{"index": "x"}]}], ids=str)
def test_an_answer_that_is_no_registrys_is_refused_by_name(two, liar, nonsense):
    liar.alter = lambda *_: nonsense
    assert refuses(two, RegistryRefused).status == 200


def test_a_refusal_that_is_no_problem_is_named_with_its_status(two, liar):
    liar.alter = lambda _, answer: "go away" if "code" in answer else answer
    with pytest.raises(RegistryRefused) as refused:
        two.buyer.talk("0x" + "77" * 32)
    assert refused.value.status == 404
    assert refused.value.detail == (
        "not a Parley registry's words; is this another service's URL? " + json.dumps("go away")
    )


def test_a_refusal_of_an_unknown_code_is_named_with_its_detail(two, liar):
    liar.alter = lambda _, answer: {**answer, "code": "TooPretty"} if "code" in answer else answer
    with pytest.raises(RegistryRefused, match="NegotiationMissing"):
        two.buyer.talk("0x" + "77" * 32)


def test_an_event_that_is_none_is_refused_by_name(two, liar):
    liar.alter = lambda path, answer: {"index": "x"} if "/events" in path else answer
    two.selling.offer(OUTCOME, {})
    with pytest.raises(RegistryRefused):
        next(two.buyer.client._means.registry.follow(0, two.buyer.address))


def test_a_stream_that_is_refused_is_an_error_and_no_endless_wait(two):
    registry = two.buyer.client._means.registry
    with pytest.raises(ValueMalformed):
        next(registry.follow(0, "no address"))


def test_a_stream_that_ends_at_once_does_not_hold_a_talk_beyond_its_deadline(stage, monkeypatch):
    async def ended(_feed, _start, _party):
        return
        yield

    two = stage.pair(Rules(lasts=2))
    monkeypatch.setattr(feed.Feed, "follow", ended)
    assert two.buying.wait() is State.FAILED


# ------------------------------------------------------------------ logins


def test_who_stands_before_a_private_registry_gets_no_login_and_reads_nothing(private):
    with lying(private.url) as liar:
        buyer = private.party(SpyWallet(private.network.wallet()), url=liar.url)
        listed = private.party().client.publish(private.network.content())
        with pytest.raises(OriginWrong) as refused:
            buyer.client.invite(listed)
        assert (refused.value.stated, refused.value.expected) == (private.url, liar.url)
        assert not any("/v1/token" in line for line in liar.requests)


def test_a_challenge_that_is_handed_on_as_one_s_own_buys_a_login_that_serves_nowhere(private):
    with lying(private.url) as liar:
        liar.alter = lambda path, answer: (
            {**answer, "origin": liar.url} if path == "/v1/login" else answer
        )
        buyer = private.party(url=liar.url)
        listed = private.party().client.publish(private.network.content())
        with pytest.raises(OriginWrong) as refused:
            buyer.client.invite(listed)
        # It is the honest registry that refuses: what was signed names the liar.
        assert refused.value.stated == Origin.parse(liar.url).digest


def test_a_token_is_sent_with_what_only_a_party_may_read_and_with_nothing_else(network):
    with lying("http://127.0.0.1:9") as liar:
        host = RegistryHost(network.domain, origin=liar.url)
        liar.honest = host.url.removeprefix("http://")
        stage = Stage(network, liar.url)
        two = stage.pair()
        two.agree()
        bare = {"/v1", "/v1/listings", "/v1/messages", "/v1/login", "/v1/token"}
        told = {path.split("?")[0] for path, headers in liar.seen if "authorization" in headers}
        assert told
        assert told & bare == set()
        assert all(path.startswith("/v1/negotiations/") for path in told)
        stage.close()
        host.stop()


def test_an_honest_log_is_audited_over_the_network(stage):
    two = stage.pair()
    buying = two.buyer.client.settle(two.agree())
    buying.open()
    report = audit_market(stage.network.rpc, stage.url)
    assert [f for f in report.findings if buying.id in f.where] == []
    assert report.checked["deals"] >= 1
