"""People: cards and delegations are proved, and a delegate signs everything but Terms."""

import pytest
from liar import lying
from live import OUTCOME, RegistryHost, SpyWallet, Stage

from marketplace.core.card import Key
from marketplace.core.errors import (
    AgentMissing,
    CardRefused,
    LoginRefused,
    MandateExpired,
    MandateRefused,
    MandateRevoked,
    ScopeMissing,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.identity import ROLES, Mandate, Scope
from marketplace.core.values import checksum
from marketplace.core.words import Upload
from marketplace.sdk import State, Wallet
from marketplace.sdk.means import sha256_hex

KEY = Key("encryption", "0x" + "11" * 32, 2_000_000_000)


@pytest.fixture
def house(stage):
    """A principal and, for each role, a client that works under its delegation."""

    def make(role, lasts=600, url=""):
        principal = stage.party(SpyWallet(stage.network.wallet()))
        key = SpyWallet(Wallet.create())  # without gas: it sends nothing to the chain
        mandate = principal.client.delegate(key.address, role, lasts)
        return principal, stage.party(key, url=url, mandate=mandate)

    return make


# ------------------------------------------------------------------ cards


def test_a_card_is_published_replaced_and_read_by_anybody(stage):
    agent, reader = stage.party(Wallet.create()), stage.party(Wallet.create())
    with pytest.raises(AgentMissing):
        reader.client.card(agent.address)
    first = agent.client.introduce("Ada", "https://ada.example/a2a", ["compute"], [KEY])
    told = reader.client.card(checksum(agent.address))
    assert (told.digest, told.content) == (first.digest, first.content)
    assert (told.content.name, told.content.keys) == ("Ada", (KEY,))
    second = agent.client.introduce("Ada Two")
    assert second.digest != first.digest
    assert reader.client.card(agent.address).content.name == "Ada Two"


def test_a_card_that_has_expired_says_nothing(stage, monkeypatch):
    agent = stage.party(Wallet.create())
    shown = agent.client.introduce("Ada", lasts=600)
    clock = agent.signer.clock
    monkeypatch.setattr(type(clock), "now", lambda _: 5_000_000_000)
    told = agent.client.card(agent.address)
    assert (told.digest, told.content) == (shown.digest, None)


def test_what_no_reader_can_use_is_not_sent(stage):
    agent = stage.party(SpyWallet(Wallet.create()))
    with pytest.raises(CardRefused):
        agent.client.introduce("Ada", endpoint="javascript:alert(1)")
    assert agent.signer.wallet.signed == []


@pytest.fixture
def lied_to(network):
    """An agent with a card and a member, another one, and a reader behind a liar."""
    host = RegistryHost(network.domain, public=True)
    stage = Stage(network, host.url)
    agent, other = stage.party(Wallet.create()), stage.party(Wallet.create())
    for each in (agent, other):
        each.client.introduce("Ada")
        each.client.delegate(Wallet.create().address)
    with lying(host.url) as liar:
        yield liar, stage.party(Wallet.create(), url=liar.url), agent, other
        stage.close()
    host.stop()


@pytest.mark.parametrize("member", ["card", "members"])
def test_another_agents_words_in_the_place_of_ones_own_are_refused(lied_to, member):
    liar, reader, agent, other = lied_to
    theirs = other.client._means.registry.agent(other.address).model_dump()
    liar.alter = lambda path, answer: (
        {**answer, member: theirs[member]} if "/agents/" in path else answer
    )
    with pytest.raises(AgentMissing):
        reader.client.card(agent.address)


def test_a_forged_card_is_nobodys(lied_to):
    liar, reader, agent, _ = lied_to
    liar.alter_messages(lambda told: {**told, "signature": Wallet.create().sign(told["digest"])})
    with pytest.raises(WrongSigner):
        reader.client.card(agent.address)


# ------------------------------------------------------------------ delegations


@pytest.mark.parametrize("role", [*ROLES, Scope.READ | Scope.UPLOAD], ids=str)
def test_a_delegation_is_signed_published_and_found_again(stage, role):
    principal, key = stage.party(Wallet.create()), Wallet.create()
    mandate = principal.client.delegate(key.address, role, 600)
    mandate.check(principal.address, ROLES.get(role, role), stage.network.domain)
    assert stage.party(Wallet.create()).client.card(principal.address).members == (mandate,)
    assert Mandate.from_json(mandate.to_json()) == mandate


def test_a_role_that_is_none_is_refused_before_the_key_signs(stage):
    principal = stage.party(SpyWallet(Wallet.create()))
    with pytest.raises(ValueMalformed):
        principal.client.delegate(Wallet.create().address, "emperor")
    assert principal.signer.wallet.signed == []


def test_a_negotiator_invites_reads_uploads_and_leaves_in_its_principals_name(house, stage):
    principal, session = house("negotiator")
    assert session.address == principal.address
    seller = stage.party()
    listed = seller.client.publish(stage.network.content())
    buying = session.client.invite(listed, b"compute this")
    selling = seller.talk(buying.id)
    assert selling.negotiation.invitation.buyer == principal.address
    assert selling.request == b"compute this"
    selling.offer(OUTCOME, {})
    assert buying.wait() is State.PROPOSED
    buying.reject()
    assert selling.sync() is State.TERMINATED
    assert principal.signer.wallet.signed[1:] == []  # the delegation was its only word


def test_terms_are_refused_before_anything_is_signed_or_sent(house, stage):
    _, session = house("manager")
    seller = stage.party()
    buying = session.client.invite(seller.client.publish(stage.network.content()))
    seller.talk(buying.id).offer(OUTCOME, {})
    buying.sync()
    before, stored = list(session.signer.wallet.signed), buying.negotiation.length
    terms, about = buying.standing.terms, buying.standing.subject
    for sign in (
        lambda: buying.offer({**OUTCOME, "unit_price": 15}, {}),
        buying.accept,
        lambda: session.signer.offer(buying.id, terms, about),
        lambda: session.signer.acceptance(buying.id, terms, about),
    ):
        with pytest.raises(MandateRefused) as refused:
            sign()
        assert (refused.value.field, refused.value.given) == ("kind", "terms")
    with pytest.raises(WrongSigner):
        session.signer.voucher(terms, 1)
    assert session.signer.wallet.signed == before
    assert seller.talk(buying.id).negotiation.length == stored


def test_a_delegated_seller_takes_no_nonce_and_makes_no_offer(house, stage):
    principal, session = house("manager")
    listed = session.client.publish(stage.network.content(bond_bps=0))
    assert listed.header.seller == principal.address
    buyer = stage.party()
    talk = session.talk(buyer.client.invite(listed).id)
    with pytest.raises(MandateRefused):
        talk.offer(OUTCOME, {})
    talk.reject()
    assert talk.state is State.TERMINATED


@pytest.mark.parametrize(
    "act",
    [
        lambda client: client.cancel(1),
        lambda client: client.cancel_all(),
        lambda client: client.deposit(1),
        lambda client: client.leave(),
        lambda client: client.withdraw(1),
    ],
    ids=["cancel", "cancel_all", "deposit", "leave", "withdraw"],
)
def test_a_delegate_sends_no_transaction_as_if_it_were_its_principal(house, act):
    _, session = house("manager")
    with pytest.raises(MandateRefused):
        act(session.client)


@pytest.mark.parametrize(
    ("role", "act"),
    [
        ("reader", lambda client, content: client.publish(content)),
        ("clerk", lambda client, _: client.introduce("Ada")),
        ("negotiator", lambda client, content: client.publish(content)),
        ("manager", lambda client, _: client.delegate(Wallet.create().address)),
    ],
)
def test_what_a_role_does_not_cover_is_refused_before_the_key_signs(house, stage, role, act):
    _, session = house(role)
    with pytest.raises(MandateRefused):
        act(session.client, stage.network.content(bond_bps=0))
    assert session.signer.wallet.signed == []


def test_a_mandate_that_is_over_is_refused_before_the_key_signs(house, stage, monkeypatch):
    _, session = house("clerk", lasts=600)
    monkeypatch.setattr(type(session.signer.clock), "now", lambda _: 5_000_000_000)
    with pytest.raises(MandateExpired):
        session.client.publish(stage.network.content(bond_bps=0))
    assert session.signer.wallet.signed == []


def test_a_mandate_for_another_key_or_of_nobody_makes_no_client(stage):
    principal = stage.party(Wallet.create())
    key = Wallet.create()
    mandate = principal.client.delegate(key.address)
    with pytest.raises(WrongSigner):
        stage.party(Wallet.create(), mandate=mandate)
    forged = Mandate(mandate.delegation, key.sign(mandate.digest(stage.network.domain)))
    with pytest.raises(WrongSigner):
        stage.party(key, mandate=forged)


@pytest.mark.parametrize("by", ["principal", "delegate"])
def test_once_revoked_nothing_is_taken_and_nothing_read(house, stage, by):
    principal, session = house("negotiator")
    listed = stage.party().client.publish(stage.network.content())
    buying = session.client.invite(listed)
    mandate = session.signer.mandate
    {"principal": principal, "delegate": session}[by].client.revoke(mandate)
    with pytest.raises(MandateRevoked):
        session.client.invite(listed)
    with pytest.raises(LoginRefused):
        buying.sync()
    assert principal.client.card(principal.address).members == ()
    assert principal.talk(buying.id).state is State.INIT


def test_a_delegate_ends_no_delegation_but_its_own(house):
    principal, session = house("manager")
    other = principal.client.delegate(Wallet.create().address)
    with pytest.raises(MandateRefused):
        session.client.revoke(other)
    assert other in principal.client.card(principal.address).members


def test_a_clerk_keeps_listings_alive_and_a_mere_negotiator_does_not(house, stage):
    principal, clerk = house("clerk")
    listed = clerk.client.publish(stage.network.content(bond_bps=0))
    clerk.client.heartbeat(listed)
    key = Wallet.create()
    mandate = principal.client.delegate(key.address, "negotiator")
    with pytest.raises(ScopeMissing):
        stage.party(key, mandate=mandate).client.heartbeat(listed)


def test_an_upload_under_a_login_without_the_scope_is_refused(house, stage):
    principal, reader = house("reader")
    talk = principal.client.invite(stage.party().client.publish(stage.network.content()))
    artifact = sha256_hex(b"mine")
    signature = reader.signer.wallet.sign(Upload(talk.id, artifact).digest(stage.network.domain))
    with pytest.raises(ScopeMissing):
        reader.client._means.registry.put_artifact(talk.id, artifact, b"mine", signature)
    with pytest.raises(MandateRefused):
        reader.client._means.put(talk.id, b"mine")
