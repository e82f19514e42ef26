"""Evidence of deals that the public did not see: under closed offers, and without a registry."""

import json
from typing import Any

import pytest
from apart import OUTCOME, begun, introduce
from live import Network, RegistryHost, Stage

from marketplace.adapters.evm.factory import anchor_address, escrow_address
from marketplace.adapters.evm.plain import PlainChain
from marketplace.core.errors import PeerUnavailable
from marketplace.core.evidence import verify
from marketplace.core.exhibits import read_exhibits
from marketplace.core.verdict import Known, Verdict
from marketplace.sdk import Rules

KNOWN = Known(escrow_address(), anchor_address())


def judged(network: Network, given: dict[str, Any]) -> Verdict:
    case = read_exhibits(given)
    told = PlainChain(network.rpc).told(KNOWN.escrow, case.deal, case.log)
    return verify(given, KNOWN, told)


@pytest.fixture
def confidential(network: Network, witness: RegistryHost):
    """The buyer's evidence of a deal under closed offers."""
    stage = Stage(network, witness.url)
    wallets = [network.wallet(), network.wallet()]
    seller, buyer = (stage.party(wallet) for wallet in wallets)
    for party, wallet in zip((seller, buyer), wallets, strict=True):
        introduce(party.client, wallet)
    listed = seller.client.publish(network.content())
    buying = buyer.client.invite(listed, rules=Rules(confidential=True))
    seller.talk(buying.id).offer(OUTCOME, {})
    buying.sync()
    deal = buyer.client.settle(buying.accept())
    deal.open()
    yield json.loads(json.dumps(buyer.client.evidence(deal)))
    stage.close()


def test_confidential_deal_is_shown_with_what_is_in_its_boxes(network, confidential):
    assert "sealed" in confidential["transcript"][1]["body"]
    verdict = judged(network, confidential)
    assert verdict.findings == []
    assert not any("boxes" in each for each in verdict.unchecked)
    del confidential["transcript"][1]["opened"]
    shut = judged(network, confidential)
    assert shut.findings == []
    assert any("boxes nobody opened" in each for each in shut.unchecked)


def test_two_agents_without_a_registry_have_evidence_without_a_log(network, street):
    seller, buyer, buying, selling = begun(street)
    selling.offer(OUTCOME, {})
    buying.sync()
    deal = buyer.client.settle(buying.accept())
    deal.open()
    deal.release()
    selling.sync()
    for client in (seller.client, buyer.client):
        gathered = client.evidence(client.settle(selling.agreement))
        given = json.loads(json.dumps(gathered))
        assert (given["log"], given["checkpoint"], given["receipts"]) == (None, None, [])
        verdict = judged(network, given)
        assert (verdict.findings, verdict.state) == ([], "RELEASED")
        assert any("without a registry" in each for each in verdict.unchecked)


def test_seller_that_never_heard_the_acceptance_has_evidence_by_the_chain_alone(network, street):
    seller, buyer, buying, selling = begun(street)
    selling.offer(OUTCOME, {})
    buying.sync()
    seller.direct._inbox.close()
    with pytest.raises(PeerUnavailable):
        buying.accept()
    buyer.client.settle(buying.agreement).open()
    gathered = seller.client.evidence(seller.client.settle(selling.opened()))
    given = json.loads(json.dumps(gathered))
    assert given["buyer_signature"] == ""
    assert judged(network, given).findings == []
    assert {each.kind for each in verify(given, KNOWN).findings} == {"talk", "agreement"}
