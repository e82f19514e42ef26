"""Audits over the network, one after another: what is remembered, and what a log did since."""

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace

import pytest
from liar import lying
from live import SECRETS, RegistryHost, Stage

from marketplace.adapters.memory.store import MemoryStore
from marketplace.core.checkpoint import LogKey
from marketplace.core.errors import MemoryUnreadable
from marketplace.core.merkle import check_inclusion
from marketplace.core.tiles import bundled, leaves_in
from marketplace.sdk import Wallet, audit_market
from marketplace.sdk.auditing import How
from marketplace.sdk.receipts import name_of
from marketplace.sdk.registry import Registry
from marketplace.sdk.remembered import Memory

pytestmark = pytest.mark.usefixtures("two")
ALL = 1 << 62


@pytest.fixture
def host(network):
    made = RegistryHost(network.domain, public=True)
    yield made
    made.stop()


@pytest.fixture
def two(network, host):
    stage = Stage(network, host.url)
    made = stage.pair()
    made.agree()
    yield made
    stage.close()


def kinds(report):
    return [(finding.kind, finding.where) for finding in report.findings]


def contradicting(name, shown, side):
    """A side of the evidence as the anchor contract would check it."""
    checkpoint, signature = name.open(side.note)
    assert (side.size, side.root) == (checkpoint.size, "0x" + checkpoint.root.hex())
    assert side.signature == signature
    leaf, *proof = (bytes.fromhex(each[2:]) for each in (side.leaf_hash, *side.proof))
    check_inclusion(leaf, shown.index, checkpoint.tree, tuple(proof))
    return checkpoint


def restarted(host, store):
    """The same log's key and URL, with other entries."""
    host.stop()
    host.store = store
    host.start()


@contextmanager
def staged(network, host):
    stage = Stage(network, host.url)
    yield stage
    stage.close()


def test_a_log_that_grew_is_audited_from_where_it_was(network, host, two, tmp_path):
    how = How(Memory.below(tmp_path, host.url), ALL)
    first = audit_market(network.rpc, host.url, None, how)
    assert (first.ok, first.since, first.checked["signatures"]) == (True, 0, 6)
    two.buyer.client.invite(two.listed)
    second = audit_market(network.rpc, host.url, None, how)
    # One word is new; the agreement's signatures are the terms', and proved each time.
    assert (second.ok, second.since, second.checked["signatures"]) == (True, 4, 3)
    assert second.checked["entries"] == 5
    third = audit_market(network.rpc, host.url, None, How(how.memory))
    assert (third.since, third.checked["signatures"]) == (0, 7)
    partly = audit_market(network.rpc, host.url, None, How(how.memory, 2))
    assert (partly.since, partly.checked["signatures"]) == (2, 5)


def test_a_log_that_forgot_its_last_words_is_found_with_both_checkpoints(network, host, tmp_path):
    how = How(Memory.below(tmp_path, host.url), ALL)
    store, whole = MemoryStore(), host.store
    assert audit_market(network.rpc, host.url, None, how).ok
    before = how.memory.load()
    restarted(host, store)
    with staged(network, host) as stage:
        stage.party().client.publish(network.content())
    report = audit_market(network.rpc, host.url, None, how)
    assert ("truncated", "size 4") in kinds(report)
    (shown,) = report.evidence
    assert (shown.kind, shown.earlier.note) == ("truncated", before.note)
    name = before.name
    old, new = name.open(shown.earlier.note)[0], name.open(shown.later.note)[0]
    assert (old.size, new.size) == (4, 1)
    # Nothing of it is believed: what was signed first is still what is remembered.
    assert how.memory.load() == before
    restarted(host, whole)
    assert audit_market(network.rpc, host.url, None, how).ok


def test_a_log_that_was_written_anew_is_found_as_a_fork_with_both_checkpoints(
    network, host, tmp_path
):
    how = How(Memory.below(tmp_path, host.url), ALL)
    assert audit_market(network.rpc, host.url, None, how).ok
    before = how.memory.load()
    restarted(host, MemoryStore())
    with staged(network, host) as stage:
        stage.pair().agree()
    report = audit_market(network.rpc, host.url, None, how)
    assert kinds(report) == [("fork", "size 4")]
    assert report.since == 0
    assert report.checked["signatures"] == 6
    (shown,) = report.evidence
    old, new = (contradicting(before.name, shown, side) for side in (shown.earlier, shown.later))
    assert old.size == new.size == 4
    assert old.root != new.root
    assert shown.earlier.leaf_hash != shown.later.leaf_hash
    told = json.loads(json.dumps(report.to_json()))["evidence"][0]
    assert (told["kind"], told["index"], told["key"]) == ("fork", 0, before.name.key)
    assert how.memory.load() == before


def test_a_log_that_was_written_anew_and_grew_is_a_fork_too(network, host, tmp_path):
    how = How(Memory.below(tmp_path, host.url))
    assert audit_market(network.rpc, host.url, None, how).ok
    restarted(host, MemoryStore())
    with staged(network, host) as stage:
        stage.party().client.publish(network.content())
        stage.pair().agree()
    before = how.memory.load()
    report = audit_market(network.rpc, host.url, None, how)
    assert ("fork", "size 4") in kinds(report)
    (shown,) = report.evidence
    old, new = (contradicting(before.name, shown, side) for side in (shown.earlier, shown.later))
    assert (old.size, new.size, shown.index) == (4, 5, 0)
    assert shown.earlier.leaf_hash != shown.later.leaf_hash


def test_evidence_of_a_fork_stands_without_what_was_kept_of_it(network, host, tmp_path):
    how = How(Memory.below(tmp_path, host.url))
    assert audit_market(network.rpc, host.url, None, how).ok
    shutil.rmtree(how.memory.tiles)
    restarted(host, MemoryStore())
    with staged(network, host) as stage:
        stage.pair().agree()
    (shown,) = audit_market(network.rpc, host.url, None, how).evidence
    assert (shown.index, shown.earlier.proof) == (None, ())
    assert shown.earlier.signature != shown.later.signature


def test_other_keys_than_are_remembered_are_found(network, host, tmp_path):
    how = How(Memory.below(tmp_path, host.url))
    assert audit_market(network.rpc, host.url, None, how).ok
    host.stop()
    host._settings = replace(host._settings, log_key_file=SECRETS / "another.logkey")
    host.start()
    report = audit_market(network.rpc, host.url, None, how)
    assert kinds(report) == [("log", "keys")]
    assert kinds(audit_market(network.rpc, host.url, None, how)) == [("log", "keys")]


def test_keys_that_the_auditor_knows_are_asked_of_the_checkpoint(network, host):
    registry = Registry(host.url)
    name = name_of(registry.info().log)
    registry.close()
    known = How(vkey=str(name.verifier), log_key=name.key)
    assert audit_market(network.rpc, host.url, None, known).ok
    foreign = LogKey(name.origin, name.domain, b"\x07" * 32).name
    for how in (How(vkey=str(foreign.verifier)), How(log_key=foreign.key)):
        report = audit_market(network.rpc, host.url, None, how)
        assert kinds(report) == [("log", "checkpoint")]


def test_a_checkpoint_that_nobody_signed_is_found(network, host):
    with lying(host.url) as liar:
        liar.note_of = lambda note: note.replace(b"\n4\n", b"\n3\n", 1)
        report = audit_market(network.rpc, liar.url)
    assert ("log", "checkpoint") in kinds(report)


def test_what_is_remembered_and_cannot_be_read_is_no_first_audit(network, host, tmp_path):
    how = How(Memory.below(tmp_path, host.url))
    audit_market(network.rpc, host.url, None, how)
    path = next(tmp_path.rglob("last.json"))
    told = path.read_text()
    for spoiled in ("", told[:-5], told.replace('"sound": true', '"sound": 1', 1), "[]", "{}"):
        path.write_text(spoiled)
        if '"sound": 1' in spoiled:
            assert how.memory.load().sound is False
            continue
        with pytest.raises(MemoryUnreadable):
            audit_market(network.rpc, host.url, None, how)
    note = json.loads(told)["note"]
    path.write_text(told.replace("\\n4\\n", "\\n3\\n"))
    assert "\n4\n" in note
    with pytest.raises(MemoryUnreadable):
        how.memory.load()


def test_a_signature_that_was_found_wrong_is_proved_again_next_time(network, host, tmp_path):
    how = How(Memory.below(tmp_path, host.url), ALL)
    assert audit_market(network.rpc, host.url, None, how).ok
    kept = how.memory.load()
    how.memory.save(type(kept)(kept.name, kept.note, sound=False))
    assert audit_market(network.rpc, host.url, None, how).since == 0
    assert audit_market(network.rpc, host.url, None, how).since == 4


# ------------------------------------------------------------------ tiles and pages that lie


def test_a_leaf_that_is_not_the_signed_one_is_found_at_its_entry(network, host):
    def other(data):
        leaves = leaves_in(data) if data[:1] == b"\x01" or data[:1] == b"\x02" else None
        if leaves is None:
            return data
        leaves[1] = leaves[1].replace(b'"received_at":1', b'"received_at":2')
        return bundled(leaves)

    with lying(host.url) as liar:
        liar.bytes_of = other
        report = audit_market(network.rpc, liar.url)
    assert ("log", "entry 1") in kinds(report)
    assert ("log", "entry 2") not in kinds(report)
    assert any("entries/000" in finding.what for finding in report.findings)


def test_a_hash_that_is_not_its_entry_s_is_found_at_the_entry(network, host):
    with lying(host.url) as liar:
        liar.bytes_of = lambda data: data[:40] + b"\x00" + data[41:] if len(data) == 128 else data
        report = audit_market(network.rpc, liar.url)
    assert ("log", "entry 1") in kinds(report)
    assert ("log", "checkpoint") in kinds(report)


def test_a_cut_tile_ends_the_reading_by_name(network, host):
    with lying(host.url) as liar:
        liar.bytes_of = lambda data: data[:-1] if len(data) != 128 else data
        report = audit_market(network.rpc, liar.url)
    assert not report.ok
    assert any("were not read" in finding.what for finding in report.findings)
    assert report.checked["entries"] == 0


def test_a_page_that_tells_another_leaf_than_the_tile_is_found(network, host):
    def other(path, answer):
        if path.startswith("/v1/log"):
            answer["entries"][2]["data"] = answer["entries"][3]["data"]
            answer["entries"][3]["leaf_hash"] = answer["entries"][2]["leaf_hash"]
        return answer

    with lying(host.url) as liar:
        liar.alter = other
        report = audit_market(network.rpc, liar.url)
    assert {where for kind, where in kinds(report) if kind == "log"} == {"entry 2", "entry 3"}


def test_bodies_that_are_withheld_are_not_read_and_nothing_is_found_against_the_log(
    network, host, two
):
    def empty(path, answer):
        return {**answer, "entries": []} if path.startswith("/v1/log") else answer

    with lying(host.url) as liar:
        liar.alter = empty
        report = audit_market(network.rpc, liar.url)
    assert (report.ok, report.complete) == (True, False)
    assert report.opened[two.buying.id].read == 0


# ------------------------------------------------------------------ rights, nodes


def test_each_negotiation_is_opened_by_the_right_that_the_reader_has(network):
    auditor = Wallet.create()
    host = RegistryHost(network.domain, auditors=(auditor.address,))
    with staged(network, host) as stage:
        two = stage.pair()
        two.agree()
        readers = {
            None: ("none", 0),
            Wallet.create(): ("none", 0),
            two.buyer.signer.wallet: ("party", 3),
            auditor: ("authorised", 3),
        }
        for reader, expected in readers.items():
            opened = audit_market(network.rpc, host.url, reader).opened[two.buying.id]
            assert (opened.right, opened.read) == expected
            assert opened.read + opened.unread == 3
    host.stop()


def test_two_nodes_are_compared_and_where_they_differ_is_named(network, host, two):
    agreement = two.buying.agreement
    two.buyer.client.settle(agreement).open()
    assert audit_market([network.rpc, network.rpc], host.url).ok

    def short(_, answer):
        logs = isinstance(answer.get("result"), list) and answer["result"]
        return {**answer, "result": logs[:-1]} if logs and "topics" in logs[0] else answer

    with lying(network.rpc) as liar:
        liar.alter = short
        report = audit_market([network.rpc, liar.url], host.url)
    (finding,) = [each for each in report.findings if each.kind == "rpc"]
    assert f"Opened of {agreement.digest}" in finding.what
    assert "nothing at the other" in finding.what
