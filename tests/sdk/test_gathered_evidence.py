"""Evidence of real deals: gathered from a live registry and chain, judged here and by others."""

import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import astuple, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from dossier import changed
from eth_account import Account
from eth_account.messages import encode_typed_data
from live import OUTCOME, Network, Pair, RegistryHost, Stage

from marketplace.adapters.evm.anchor import EvmAnchor, EvmAnchorView
from marketplace.adapters.evm.factory import anchor_address, escrow_address
from marketplace.adapters.evm.hand import Hand
from marketplace.adapters.evm.plain import PlainChain
from marketplace.adapters.evm.view import EvmView
from marketplace.commands.verify import verify as command
from marketplace.core.deal import DealState
from marketplace.core.decision import Decision
from marketplace.core.errors import DigestMismatch
from marketplace.core.evidence import verify
from marketplace.core.exhibits import MEMBERS, read_exhibits
from marketplace.core.verdict import Known, Verdict
from marketplace.sdk.client import Client
from marketplace.sdk.receipts import name_of
from marketplace.sdk.registry import Registry
from marketplace.sdk.tiles import TileReader

PRICE = OUTCOME["unit_price"] * OUTCOME["quantity"]
KNOWN = Known(escrow_address(), anchor_address())


def judged(network: Network, given: dict[str, Any], decisions: Sequence[Decision] = ()) -> Verdict:
    """With the word of the chain."""
    case = read_exhibits(given)
    told = PlainChain(network.rpc).told(KNOWN.escrow, case.deal, case.log)
    return verify(given, KNOWN, told, decisions)


def settled(two: Pair) -> tuple[dict[str, Any], dict[str, Any]]:
    """What buyer and seller gather of a deal that was agreed, delivered and released."""
    agreement = two.buying.agreement or two.agree()
    buying, selling = two.buyer.client.settle(agreement), two.seller.client.settle(agreement)
    buying.open()
    selling.wait({DealState.FUNDED}, 0)
    selling.deliver(b"done", PRICE - 30)
    buying.release()
    gathered = two.buyer.client.evidence(buying), two.seller.client.evidence(selling)
    # As it comes out of a file.
    return tuple(json.loads(json.dumps(each)) for each in gathered)  # type: ignore[return-value]


@pytest.fixture
def files(two):
    return settled(two)


def test_evidence_has_its_members_and_holds_offline_and_on_chain(network, files):
    for given in files:
        assert list(given) == list(MEMBERS)
        offline, online = verify(given, KNOWN), judged(network, given)
        assert (offline.findings, online.findings) == ([], [])
        assert online.checked["events on chain"] == 3
        assert online.state == "RELEASED"
        assert any("no node was asked" in each for each in offline.unchecked)
        assert not any("no node was asked" in each for each in online.unchecked)


def test_each_party_shows_its_own_receipts_and_they_hold(files):
    said = [[json.loads(each["leaf"])["kind"] for each in given["receipts"]] for given in files]
    assert said == [["invitation", "acceptance"], ["listing", "offer"]]
    for given in files:
        assert verify(given, KNOWN).checked["receipts"] == 2


def test_evidence_of_one_deal_is_none_of_another(network, stage, files):
    other, _ = settled(stage.pair())
    for member in ("listing", "transcript", "checkpoint", "events", "subject", "typed_data"):
        spoiled = changed(files[0], (member,), other[member])
        assert not judged(network, {**spoiled, "receipts": []}).ok, member


def test_deal_that_went_on_since_is_found_on_chain_and_not_offline(network, two):
    agreement = two.agree()
    buying = two.buyer.client.settle(agreement)
    buying.open()
    given = json.loads(json.dumps(two.buyer.client.evidence(buying)))
    assert judged(network, given).ok
    buying.release()
    assert verify(given, KNOWN).state == "FUNDED"
    assert [each.where for each in judged(network, given).findings] == ["events[1]"]


def test_deal_that_was_only_agreed_has_no_events_and_holds(network, two):
    given = two.buyer.client.evidence(two.buyer.client.settle(two.agree()))
    verdict = judged(network, json.loads(json.dumps(given)))
    assert (verdict.findings, verdict.state) == ([], "NONE")


# ------------------------------------------------------------------ decisions


def written(client: Client, path: Path) -> Path:
    """All that a client's limits said, as it is handed over."""
    path.write_text("".join(json.dumps(each.to_json()) + "\n" for each in client.decisions()))
    return path


def test_each_party_names_what_it_decided_and_shows_it_to_whom_it_chooses(
    network, two, files, tmp_path, capsys
):
    clients = two.buyer.client, two.seller.client
    for name, given, client in zip(("buyer", "seller"), files, clients, strict=True):
        decided = client.decisions(given["deal"])
        assert given["decisions"] == [each.digest for each in decided]
        assert [each.answer.verdict for each in decided] == ["allow"]
        verdict = judged(network, given, client.decisions())
        assert (verdict.findings, verdict.checked["decisions"]) == ([], 1)
        # Nothing of what was decided is in the file itself.
        assert decided[0].question.limits.digest not in json.dumps(given)
        assert decided[0].salt not in json.dumps(given)
        path, record = tmp_path / f"{name}.json", written(client, tmp_path / f"{name}.jsonl")
        path.write_text(json.dumps(given))
        words = [str(path), "--rpc", network.rpc, "--json", "--decisions", str(record)]
        assert command(words) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["checked"]["decisions"] == 1
        assert not any(each.startswith("decisions") for each in told["unchecked"])


def test_denials_of_the_deal_s_terms_are_named_in_their_order(network, two):
    agreement, client = two.agree(), two.buyer.client
    other = replace(agreement.subject, salt="0x" + "77" * 32)
    with pytest.raises(DigestMismatch):
        client._means.signer.acceptance(agreement.negotiation, agreement.terms, other)
    given = json.loads(json.dumps(client.evidence(client.settle(agreement))))
    decided = client.decisions(agreement.digest)
    assert [each.answer.verdict for each in decided] == ["allow", "deny"]
    assert given["decisions"] == [each.digest for each in decided]
    verdict = judged(network, given, decided)
    assert (verdict.findings, verdict.checked["decisions"]) == ([], 2)


def test_the_other_party_s_record_is_not_the_holder_s(network, two, files):
    verdict = judged(network, files[0], two.seller.client.decisions())
    assert [(each.kind, each.where) for each in verdict.findings] == [("decision", "decisions")]
    assert two.seller.client.address in verdict.findings[0].what


# ------------------------------------------------------------------ anchored


class Anchoring:
    """A registry whose log the tests bring to the anchor contract themselves."""

    def __init__(self, network: Network) -> None:
        self.host = RegistryHost(network.domain, anchor=anchor_address())
        self.stage = Stage(network, self.host.url)
        self.registry = Registry(self.host.url)
        told = self.registry.info().log
        assert told is not None
        self.name = name_of(told)
        hand = Hand(EvmView(network.rpc, escrow_address()), network.rpc, network.wallet(0))
        self.written = EvmAnchor(hand, self.name.key, self.name.origin)
        self.size = 0

    def anchor(self) -> int:
        """Bring the log as it is; its size."""
        checkpoint, signature = self.name.open(self.registry.fetch("checkpoint").decode())
        tiles, size = TileReader(self.registry.fetch), checkpoint.size
        proof = tiles.consistency(self.size, size) if self.size else ()
        self.written.anchor(size, checkpoint.root, proof, signature)
        self.size = size
        return size

    def close(self) -> None:
        self.stage.close()
        self.registry.close()
        self.host.stop()


@pytest.fixture
def anchoring(network):
    made = Anchoring(network)
    yield made
    made.close()


def test_anchor_that_covers_the_deal_is_proved_offline_and_found_on_chain(network, anchoring):
    two = anchoring.stage.pair()
    two.agree()
    covered = anchoring.anchor()
    two.seller.client.publish(network.content())
    given, _ = settled(two)
    assert [each["size"] for each in given["anchors"]] == [covered]
    for verdict in (verify(given, KNOWN), judged(network, given)):
        assert verdict.findings == []
        assert verdict.checked["anchors"] == 1
        assert not any("last anchor" in each for each in verdict.unchecked)
    assert judged(network, given).checked["anchors on chain"] == 1
    # The registry's word on size and root is not enough: another root is none of this log.
    spoiled = changed(given, ("anchors", 0, "root"), "0x" + "11" * 32)
    assert {each.kind for each in judged(network, spoiled).findings} == {"anchor", "chain"}
    moved = changed(given, ("anchors", 0, "block"), given["anchors"][0]["block"] + 1)
    assert verify(moved, KNOWN).ok
    assert {each.kind for each in judged(network, moved).findings} == {"chain"}


def test_words_above_the_last_anchor_are_named_until_the_next(network, anchoring):
    two = anchoring.stage.pair()
    anchoring.anchor()
    given, _ = settled(two)
    [told] = [each for each in judged(network, given).unchecked if "last anchor" in each]
    # Listing and invitation had been said before it.
    assert "transcript[1], transcript[2] above" in told
    assert "listing" not in told
    anchoring.anchor()
    later = judged(network, given)
    assert later.findings == []
    assert any("the chain has 1 more" in each for each in later.unchecked)


def test_plain_reader_finds_the_anchors_that_web3_finds(network, anchoring):
    two = anchoring.stage.pair()
    anchoring.anchor()
    two.agree()
    anchoring.anchor()
    plain = PlainChain(network.rpc).anchors(anchoring.name)
    view = EvmAnchorView(network.rpc, anchoring.name.key, anchoring.name.origin)
    assert [astuple(each) for each in plain] == [astuple(each) for each in view.history()]
    assert len(plain) == 2


def test_plain_reader_finds_the_events_that_web3_finds(network, files):
    plain = PlainChain(network.rpc).events(KNOWN.escrow, files[0]["deal"])
    view = EvmView(network.rpc, KNOWN.escrow)
    theirs = [event for event in view.events() if event.deal == files[0]["deal"]]
    assert [
        (each.name, each.values, each.at, each.block, each.transaction, each.log_index)
        for each in theirs
    ] == [astuple(each) for each in plain]
    assert len(plain) == 3


# ------------------------------------------------------------------ judged by others


def test_both_signatures_are_recovered_by_eth_account(files):
    for given in files:
        signed = encode_typed_data(full_message=given["typed_data"])
        for role in ("buyer", "seller"):
            signature = given[f"{role}_signature"]
            recovered = Account.recover_message(signed, signature=signature)
            assert recovered.lower() == given["typed_data"]["message"][role]


def root_by_the_book(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes | None:
    """RFC 9162 §2.1.3.2, line by line."""
    if index >= size:
        return None
    fn, sn = index, size - 1
    r = sha256(b"\x00" + leaf).digest()
    for p in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r).digest()
            if not fn & 1:
                while fn and not fn & 1:
                    fn >>= 1
                    sn >>= 1
        else:
            r = sha256(b"\x01" + r + p).digest()
        fn >>= 1
        sn >>= 1
    return r if sn == 0 else None


def test_each_entry_is_in_the_checkpoint_by_the_rules_of_the_rfc(files):
    for given in files:
        _, size, root = given["checkpoint"].splitlines()[:3]
        for word in (given["listing"], *given["transcript"]):
            proof = [bytes.fromhex(each[2:]) for each in word["proof"]]
            found = root_by_the_book(word["leaf"].encode(), word["index"], int(size), proof)
            assert found == b64decode(root)
            spoiled = root_by_the_book(
                word["leaf"].encode() + b" ", word["index"], int(size), proof
            )
            assert spoiled != b64decode(root)
