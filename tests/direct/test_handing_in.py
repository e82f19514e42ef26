"""What two agents said without a registry, in a registry's log and before its auditor."""

from contextlib import closing

import httpx
import pytest
from apart import OUTCOME, begun

from marketplace.core.errors import LoginMissing, NotAParty, ScopeMissing
from marketplace.core.identity import Scope
from marketplace.sdk import audit_market
from marketplace.sdk.login import RegistryLogin
from marketplace.sdk.registry import Registry


def agreed(street):
    seller, buyer, buying, selling = begun(street)
    selling.offer({**OUTCOME, "unit_price": 60}, {})
    buying.sync()
    buying.offer({**OUTCOME, "unit_price": 30}, {})
    selling.sync()
    agreement = selling.accept()
    return seller, buyer, agreement


def test_a_deal_that_was_made_without_a_registry_verifies_in_the_audit(street, witness):
    seller, buyer, agreement = agreed(street)
    buyer.client.settle(agreement).open()
    told = buyer.direct.hand_in(witness.url, agreement.negotiation)
    assert [receipt.index for receipt in told] == [0, 1, 2, 3, 4]
    # The seller's book has other times for the same words; those of the log stand.
    again = seller.direct.hand_in(witness.url, agreement.negotiation)
    assert [(each.index, each.log.leaf) for each in again] == [
        (each.index, each.log.leaf) for each in told
    ]
    report = audit_market(street.network.rpc, witness.url)
    assert report.ok, report.findings
    assert report.unwitnessed == {agreement.negotiation, agreement.subject.listing}
    assert agreement.digest not in report.unlogged
    assert agreement.digest not in report.unopened


def test_handing_in_takes_a_partys_login_for_negotiating(street, witness):
    _, buyer, agreement = agreed(street)
    transcript = buyer.direct.transcript(agreement.negotiation)

    def hand_in(login=None):
        with closing(Registry(witness.url, login)) as registry:
            registry.hand_in(transcript)

    with pytest.raises(LoginMissing):
        hand_in()
    reading = RegistryLogin(witness.url, street.network.domain, buyer.wallet, Scope.READ)
    with pytest.raises(ScopeMissing):
        hand_in(reading)
    stranger = street.agent()
    login = RegistryLogin(witness.url, street.network.domain, stranger.wallet, Scope.NEGOTIATE)
    with pytest.raises(NotAParty):
        hand_in(login)
    assert httpx.get(f"{witness.url}/v1/log").json()["size"] == 0
