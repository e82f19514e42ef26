"""Audits against the anchor contract: what was anchored cannot be written anew."""

import json

import pytest
from eth_utils.address import to_checksum_address
from live import RegistryHost, Stage

from marketplace.adapters.evm.anchor import EvmAnchor, _contract
from marketplace.adapters.evm.encoding import raw
from marketplace.adapters.evm.factory import anchor_address
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.checkpoint import origin_hash
from marketplace.core.merkle import Proof
from marketplace.sdk import audit_market
from marketplace.sdk.auditing import How
from marketplace.sdk.genuine import genuine_escrow
from marketplace.sdk.receipts import name_of
from marketplace.sdk.registry import Registry
from marketplace.sdk.remembered import Memory
from marketplace.sdk.tiles import TileReader


@pytest.fixture
def host(network):
    made = RegistryHost(network.domain, public=True, anchor=anchor_address())
    yield made
    made.stop()


def agreed(network, host):
    """An agreement, in four entries."""
    stage = Stage(network, host.url)
    stage.pair().agree()
    stage.close()


def anchored(network, host, old=0):
    """The log's checkpoint goes to the contract, from where it was."""
    registry = Registry(host.url)
    name = name_of(registry.info().log)
    checkpoint, signature = name.open(registry.fetch("checkpoint").decode())
    size = checkpoint.size
    proof: Proof = TileReader(registry.fetch).consistency(old, size)
    hand = Hand(genuine_escrow(registry, network.rpc), network.rpc, network.wallet())
    EvmAnchor(hand, name.key, name.origin).anchor(size, checkpoint.root, proof, signature)
    registry.close()


def kinds(report):
    return [(finding.kind, finding.where) for finding in report.findings]


def test_what_is_anchored_is_compared_and_what_is_not_is_counted(network, host):
    agreed(network, host)
    before = audit_market(network.rpc, host.url)
    assert (before.ok, before.unanchored) == (True, 4)
    assert "anchors" not in before.checked
    anchored(network, host)
    agreed(network, host)
    report = audit_market([network.rpc, network.rpc], host.url)
    assert (report.ok, report.unanchored, report.checked["anchors"]) == (True, 4, 1)
    anchored(network, host, old=4)
    report = audit_market(network.rpc, host.url)
    assert (report.ok, report.unanchored, report.checked["anchors"]) == (True, 0, 2)


def test_a_log_that_was_written_anew_below_an_anchor_is_found_by_anybody(network, host):
    agreed(network, host)
    anchored(network, host)
    host.stop()
    host.store = MemoryStore()
    host.start()
    assert kinds(audit_market(network.rpc, host.url)) == [("anchor", "size 4")]
    agreed(network, host)
    report = audit_market(network.rpc, host.url)
    assert kinds(report) == [("anchor", "size 4")]
    assert "anchored 0x" in report.findings[0].what


@pytest.mark.parametrize("grows", [0, 1], ids=["of one size", "of two sizes"])
def test_the_evidence_of_an_audit_convinces_the_contract(network, host, tmp_path, grows):
    how = How(Memory(tmp_path))
    agreed(network, host)
    assert audit_market(network.rpc, host.url, None, how).ok
    host.stop()
    host.store = MemoryStore()
    host.start()
    for _ in range(1 + grows):
        agreed(network, host)
    report = audit_market(network.rpc, host.url, None, how)
    assert kinds(report) == [("fork", "size 4")]
    shown = json.loads(json.dumps(report.to_json()))["evidence"][0]
    convince(network, host, shown)
    told = kinds(audit_market(network.rpc, host.url, None, how))
    assert told == [("fork", "anchor contract"), ("fork", "size 4")]


def convince(network, host, shown):
    """Show the contract what the report's JSON says."""
    registry = Registry(host.url)
    hand = Hand(genuine_escrow(registry, network.rpc), network.rpc, network.wallet())
    registry.close()
    log = to_checksum_address(shown["key"]), raw(origin_hash(shown["origin"]))
    calls = _contract(hand.view.web3).functions
    one, other = shown["earlier"], shown["later"]
    if one["size"] == other["size"]:
        sides = [raw(side[part]) for side in (one, other) for part in ("root", "signature")]
        hand.send("proveFork", calls.proveFork(*log, one["size"], *sides))
        return
    proved = [
        (
            side["size"],
            raw(side["root"]),
            raw(side["signature"]),
            raw(side["leaf_hash"]),
            [raw(each) for each in side["proof"]],
        )
        for side in (one, other)
    ]
    hand.send("proveRewrite", calls.proveRewrite(*log, shown["index"], *proved))
