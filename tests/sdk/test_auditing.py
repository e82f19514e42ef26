"""Auditing over the network: what was not shown is said, and no audit is complete without it."""

import pytest
from live import RegistryHost, Stage

from marketplace.core.errors import NotAParty, OriginWrong
from marketplace.sdk import Wallet, audit_market

AUDITOR = Wallet.create()


@pytest.fixture
def closed(network):
    """A registry that names one auditor, and an opened deal there."""
    host = RegistryHost(network.domain, auditors=(AUDITOR.address,))
    stage = Stage(network, host.url)
    two = stage.pair()
    two.buyer.client.settle(two.agree()).open()
    yield stage, two
    stage.close()
    host.stop()


def unfounded(report, two):
    """Findings about this deal and this talk; other tests have opened deals on this chain."""
    mine = {two.buying.id, two.buying.agreement.digest}
    return [finding for finding in report.findings if finding.where in mine]


def test_the_auditor_whom_the_operator_names_reads_and_judges_all(closed):
    stage, two = closed
    report = audit_market(stage.network.rpc, stage.url, AUDITOR)
    assert (report.ok, report.unread, report.confidential) == (True, set(), [])
    assert report.checked["agreements"] == 1
    assert two.buying.agreement.digest not in report.unlogged


@pytest.mark.parametrize("reader", [None, Wallet.create()], ids=["nobody", "a stranger"])
def test_who_may_not_read_is_told_what_it_has_not_judged(closed, reader):
    stage, two = closed
    report = audit_market(stage.network.rpc, stage.url, reader)
    assert unfounded(report, two) == []
    assert report.unread == {two.buying.id}
    assert two.buying.agreement.digest in report.confidential
    assert not report.complete
    assert "agreements" not in report.checked


def test_a_party_judges_its_own_deals(closed):
    stage, two = closed
    wallet = two.buyer.signer.wallet
    aside = stage.party()
    unseen = stage.party().client.invite(aside.client.publish(stage.network.content()))
    report = audit_market(stage.network.rpc, stage.url, wallet)
    assert report.checked["agreements"] == 1
    assert report.unread == {unseen.id}
    with pytest.raises(NotAParty):
        two.buyer.talk(unseen.id)


def test_an_auditor_logs_in_at_the_registry_that_it_named_and_at_no_other(network):
    host = RegistryHost(network.domain, origin="https://registry.example")
    with pytest.raises(OriginWrong):
        audit_market(network.rpc, host.url, AUDITOR)
    host.stop()
