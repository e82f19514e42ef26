"""A party's receipts: what it keeps, and the lies of a log that it does not take."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from market import BUYER, SELLER, content, invite, listing, offer, talk, word
from tile_server import TileServer
from witness import LOG_KEY, agreed_words

from marketplace.core.checkpoint import Checkpoint, LogKey, log_domain
from marketplace.core.entry import salt_of, split
from marketplace.core.errors import (
    CheckpointForeign,
    DigestMismatch,
    LeafDiffers,
    LogChanged,
    NotConsistent,
    NotIncluded,
    ParleyError,
    ProofMalformed,
    ReceiptMissing,
    ReceiptsUnreadable,
    RegistryUnavailable,
    ValueMalformed,
    WrongSigner,
)
from marketplace.core.merkle import Tree, inclusion_path, leaf_hash, resolve, root_with
from marketplace.core.message import Message
from marketplace.sdk.receipts import Receipts, receipts_of
from marketplace.sdk.tiles import Fetch
from marketplace.wire.views import LogNameView, ProvenView, Receipt

TOLD = LogNameView.from_core(LOG_KEY.name)
AT = 1_800_000_000
WORDS = [listing(what=content(title=f"Lot {number}")) for number in range(12)]
ENVELOPES = [message.to_json() for message in WORDS]


@dataclass
class House:
    """A registry that signs what it is told to sign."""

    key: LogKey = LOG_KEY
    leaves: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def take(self, message: Message) -> Receipt:
        """Log a message and give its receipt."""
        leaf, body = split(message.to_json(), AT, word(f"salt {len(self.leaves)}"))
        self.leaves.append(leaf)
        self.bodies.append(body)
        return self.receipt(len(self.leaves) - 1)

    def receipt(self, index: int, size: int | None = None) -> Receipt:
        """Of an entry, under the log at a size."""
        size = len(self.leaves) if size is None else size
        grown = Tree().grown([leaf_hash(leaf) for leaf in self.leaves[:size]])
        checkpoint = Checkpoint(self.key.origin, size, grown.tree.root)
        proof = resolve(inclusion_path(index, size), grown.nodes.__getitem__)
        return Receipt(
            kind="listing",
            digest=word("as it pleases"),
            thread=word("as it pleases"),
            sequence=0,
            index=index,
            leaf_hash="0x" + leaf_hash(self.leaves[index]).hex(),
            received_at=AT,
            log=ProvenView(
                leaf=self.leaves[index].decode(),
                salt=salt_of(self.bodies[index]),
                proof=["0x" + each.hex() for each in proof],
                origin=checkpoint.origin,
                size=size,
                root="0x" + checkpoint.root.hex(),
                signature=self.key.sign(checkpoint),
            ),
        )

    def fetch(self, path: str) -> bytes:
        """Its tiles, of the log as it is now."""
        return TileServer(self.leaves).fetch(path)

    def receipts(self, beside: Path | None = None) -> Receipts:
        """A party's receipts of it."""
        return receipts_of("http://registry", TOLD, self.fetch, beside)


def altered(receipt: Receipt, **log: Any) -> Receipt:  # noqa: ANN401 any member
    assert receipt.log is not None
    return receipt.model_copy(update={"log": receipt.log.model_copy(update=log)})


def test_honest_receipts_are_kept_and_read_again(tmp_path: Path):
    house, beside = House(), tmp_path / "ledger"
    receipts = house.receipts(beside)
    told = [house.take(message) for message in WORDS[:5]]
    for receipt, message in zip(told, WORDS, strict=False):
        receipts.keep(receipt, message.to_json())
    assert list(receipts.kept()) == told
    again = house.receipts(beside)
    assert list(again.kept()) == told
    again.keep(house.take(WORDS[5]), WORDS[5].to_json())
    assert len(list(again.kept())) == 6


def test_words_of_a_negotiation_are_proven_too():
    listed, house = listing(), House()
    receipts = house.receipts()
    for message in (listed, invite(listed), offer(talk(listed), SELLER)):
        receipts.keep(house.take(message), message.to_json())


def test_receipts_that_overtake_each_other_are_taken():
    house = House()
    first, second, third = (house.take(message) for message in WORDS[:3])
    receipts = house.receipts()
    for receipt, message in ((second, WORDS[1]), (first, WORDS[0]), (third, WORDS[2])):
        receipts.keep(receipt, message.to_json())


@pytest.mark.parametrize("restarted", [False, True])
def test_receipt_that_was_overtaken_does_not_take_back_what_was_seen_since(
    restarted: bool,  # noqa: FBT001 a case
    tmp_path: Path,
):
    house, other = House(), House()
    first, second = (house.take(message) for message in WORDS[:2])
    receipts = house.receipts(tmp_path / "ledger")
    receipts.keep(second, WORDS[1].to_json())
    receipts.keep(first, WORDS[0].to_json())
    # Another history from the second entry on, with tiles to match.
    for message in (WORDS[0], WORDS[2]):
        other.take(message)
    house.leaves = other.leaves
    receipts = house.receipts(tmp_path / "ledger") if restarted else receipts
    with pytest.raises(NotConsistent):
        receipts.keep(other.take(WORDS[3]), WORDS[3].to_json())


def test_registry_that_gives_no_receipt_is_named():
    house = House()
    receipt = house.take(WORDS[0]).model_copy(update={"log": None})
    with pytest.raises(ReceiptMissing):
        house.receipts().keep(receipt, WORDS[0].to_json())


def test_receipt_for_another_message_is_refused():
    house = House()
    told = house.take(WORDS[0])
    with pytest.raises((LeafDiffers, DigestMismatch)):
        house.receipts().keep(told, WORDS[1].to_json())
    # Without its salt the leaf alone is held against the message.
    with pytest.raises(LeafDiffers):
        house.receipts().keep(altered(told, salt=None), WORDS[1].to_json())


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"root": word("another root")}, NotIncluded),
        ({"size": 4}, (ProofMalformed, NotIncluded)),
        ({"proof": []}, ProofMalformed),
        ({"origin": "other.example"}, CheckpointForeign),
        ({"signature": BUYER.sign(word("anything"))}, WrongSigner),
        ({"salt": word("another salt")}, DigestMismatch),
    ],
)
def test_receipt_with_anything_changed_is_refused_by_name(
    change: dict[str, Any], error: type[ParleyError]
):
    house = House()
    told = [house.take(message) for message in WORDS[:3]][-1]
    with pytest.raises(error):
        house.receipts().keep(altered(told, **change), WORDS[2].to_json())


def test_receipt_at_another_index_is_refused():
    house = House()
    told = [house.take(message) for message in WORDS[:3]][-1]
    with pytest.raises((NotIncluded, ProofMalformed)):
        house.receipts().keep(told.model_copy(update={"index": 1}), WORDS[2].to_json())


def test_receipt_under_another_key_is_refused():
    house = House()
    receipts = house.receipts()
    house.key = LogKey(LOG_KEY.origin, LOG_KEY.domain, bytes(range(32)))
    with pytest.raises(WrongSigner):
        receipts.keep(house.take(WORDS[0]), WORDS[0].to_json())


@pytest.mark.parametrize("how", ["rewritten", "dropped", "reordered", "truncated"])
def test_log_that_forgets_or_changes_what_it_signed_is_refused_and_both_signatures_are_kept(
    how: str, tmp_path: Path
):
    house, beside = House(), tmp_path / "ledger"
    receipts = house.receipts(beside)
    for message in WORDS[:4]:
        receipts.keep(house.take(message), message.to_json())
    leaves = house.leaves
    match how:
        case "rewritten":
            leaves[1] = split(WORDS[9].to_json(), AT, word("salt"))[0]
        case "dropped":
            del leaves[1], house.bodies[1]
        case "reordered":
            leaves[1], leaves[2] = leaves[2], leaves[1]
        case "truncated":
            del leaves[2:], house.bodies[2:]
    with pytest.raises(NotConsistent):
        receipts.keep(house.take(WORDS[5]), WORDS[5].to_json())
    kept = [each.log for each in (*receipts.kept(), *receipts.refused()) if each.log]
    assert len(kept) == 5
    for each in kept:
        checkpoint = Checkpoint(each.origin, each.size, bytes.fromhex(each.root[2:]))
        LOG_KEY.name.check(checkpoint, each.signature)
    # A party that starts anew has not forgotten it.
    with pytest.raises(NotConsistent):
        house.receipts(beside).keep(house.take(WORDS[6]), WORDS[6].to_json())


def test_fork_at_one_size_is_refused():
    house, other = House(), House()
    receipts = house.receipts()
    receipts.keep(house.take(WORDS[0]), WORDS[0].to_json())
    with pytest.raises(NotConsistent):
        receipts.keep(other.take(WORDS[1]), WORDS[1].to_json())


def test_tiles_that_do_not_lead_from_one_root_to_the_other_are_refused():
    house, liar = House(), House()
    receipts = receipts_of("http://registry", TOLD, liar.fetch, None)
    for message in WORDS[:3]:
        liar.take(message)
    receipts.keep(house.take(WORDS[4]), WORDS[4].to_json())
    house.take(WORDS[5])
    with pytest.raises(NotConsistent):
        receipts.keep(house.take(WORDS[6]), WORDS[6].to_json())


@pytest.mark.parametrize("what", ["key", "vkey", "origin", "domain"])
def test_registry_that_names_another_log_later_is_refused(what: str, tmp_path: Path):
    house, beside = House(), tmp_path / "ledger"
    house.receipts(beside).keep(house.take(WORDS[0]), WORDS[0].to_json())
    other = LogKey("other.example", LOG_KEY.domain, bytes(32)).name
    moved = LogKey(
        LOG_KEY.origin, log_domain(1, LOG_KEY.domain.verifying_contract), LOG_KEY.secret
    ).name
    named = LogNameView.from_core(moved if what == "domain" else other)
    changed = TOLD.model_copy(update={what: getattr(named, what)})
    with pytest.raises(LogChanged):
        receipts_of("http://registry", changed, house.fetch, beside)
    receipts_of("http://another", changed, house.fetch, beside)


def test_file_that_a_crash_tore_is_read_up_to_there_and_a_changed_one_is_refused(tmp_path: Path):
    house, beside = House(), tmp_path / "ledger"
    receipts = house.receipts(beside)
    told = [house.take(message) for message in WORDS[:3]]
    for receipt, message in zip(told, WORDS, strict=False):
        receipts.keep(receipt, message.to_json())
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    assert list(house.receipts(beside).kept()) == told[:2]
    path.write_bytes(whole.replace(b'"receipt"', b'"deceipt"', 1))
    with pytest.raises(ReceiptsUnreadable) as refused:
        house.receipts(beside)
    assert refused.value.line == 2


def test_file_that_was_torn_in_its_first_line_begins_anew(tmp_path: Path):
    house, beside = House(), tmp_path / "ledger"
    house.receipts(beside)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:20])
    receipts = house.receipts(beside)
    receipts.keep(house.take(WORDS[0]), WORDS[0].to_json())
    first, second = path.read_text().splitlines()
    assert set(json.loads(first)) == {"log"}
    assert set(json.loads(second)) == {"receipt"}


@pytest.mark.parametrize("member", ["kind", "signer", "digest", "negotiation"])
def test_leaf_of_another_word_under_the_same_root_is_refused_by_its_member(member: str):
    # An acceptance signs the very digest of the offer, and carries nothing: its leaf is all.
    house, other = House(), {"kind": "offer", "signer": BUYER.address}.get(member, word("other"))
    agreed = agreed_words(listing())[-1].to_json()
    assert agreed["kind"] == "acceptance"
    assert agreed["signer"] != BUYER.address
    house.leaves.append(split({**agreed, member: other}, AT, word("salt"))[0])
    house.bodies.append(b"")
    with pytest.raises(LeafDiffers) as refused:
        house.receipts().keep(house.receipt(0), agreed)
    assert refused.value.member == member


@pytest.mark.parametrize(
    "change",
    [
        {"size": 2**64},
        {"size": 2**14_000, "proof": [word("hash")] * 14_000},
        {"size": 0},
        {"size": -1},
        {"leaf": "\ud800"},
        {"proof": ["0x"]},
        {"proof": [word("hash")] * 100_000},
        {"root": "0x" + "zz" * 32},
        {"signature": "0x"},
        {"salt": "\ud800"},
    ],
)
def test_nonsense_of_a_registry_is_refused_by_name_and_at_once(change: dict[str, Any]):
    house = House()
    told, before = altered(house.take(WORDS[0]), **change), time.process_time()
    with pytest.raises(ParleyError):
        house.receipts().keep(told, WORDS[0].to_json())
    assert time.process_time() - before < 2


def test_root_of_a_tree_that_no_contract_could_be_told_of_is_refused_by_name():
    house, proof = House(), (bytes(32),) * 300
    told = house.take(WORDS[0])
    root = root_with(leaf_hash(house.leaves[0]), 0, 2**300, proof)
    log = {"size": 2**300, "proof": ["0x" + each.hex() for each in proof]}
    with pytest.raises(ValueMalformed):
        house.receipts().keep(altered(told, root="0x" + root.hex(), **log), WORDS[0].to_json())


@pytest.mark.parametrize("index", [-1, 2**64])
def test_index_that_no_log_has_is_refused_by_name(index: int):
    house = House()
    told = house.take(WORDS[0]).model_copy(update={"index": index})
    with pytest.raises(ValueMalformed):
        house.receipts().keep(told, WORDS[0].to_json())


@pytest.mark.parametrize("chain", [-1, 2**256])
def test_name_of_a_chain_that_there_cannot_be_is_refused(chain: int):
    domain = TOLD.domain.model_copy(update={"chainId": chain})
    with pytest.raises(ValueMalformed):
        receipts_of("http://registry", TOLD.model_copy(update={"domain": domain}), no_tiles, None)


def no_tiles(path: str) -> bytes:
    raise RegistryUnavailable("http://registry", path)


@pytest.mark.parametrize("tiles", [no_tiles, lambda _: b"no tile"])
def test_what_a_log_signed_is_kept_also_where_it_keeps_back_the_tiles(tiles: Fetch, tmp_path: Path):
    house, other, beside = House(), House(), tmp_path / "ledger"
    receipts = receipts_of("http://registry", TOLD, tiles, beside)
    receipts.keep(house.take(WORDS[0]), WORDS[0].to_json())
    other.take(WORDS[1])
    fork = other.take(WORDS[2])
    with pytest.raises(ParleyError):
        receipts.keep(fork, WORDS[2].to_json())
    assert list(receipts.refused()) == [fork]
    # The honest log goes on from what was seen of it before.
    again = house.receipts(beside)
    again.keep(house.take(WORDS[3]), WORDS[3].to_json())
    assert len(list(again.kept())) == 2


def test_receipt_is_on_the_disk_when_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    house, flushed, fsync = House(), [], os.fsync

    def flush(file: int) -> None:
        fsync(file)
        flushed.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fsync", flush)
    receipts = house.receipts(tmp_path / "ledger")
    receipts.keep(house.take(WORDS[0]), WORDS[0].to_json())
    (path,) = tmp_path.iterdir()
    assert flushed[-1] == path.stat().st_size
    # Who else is on this machine need not know what was said here.
    assert path.stat().st_mode & 0o777 == 0o600


def test_disk_that_is_full_leaves_no_half_of_a_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    house, write = House(), os.write
    receipts = house.receipts(tmp_path / "ledger")
    told = house.take(WORDS[0])
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: write(file, data[:40]))
        with pytest.raises(OSError, match="space"):
            receipts.keep(told, WORDS[0].to_json())
    receipts.keep(told, WORDS[0].to_json())
    assert list(house.receipts(tmp_path / "ledger").kept()) == [told]


def test_file_that_was_taken_away_begins_anew_with_the_logs_name(tmp_path: Path):
    house, beside = House(), tmp_path / "ledger"
    receipts = house.receipts(beside)
    receipts.keep(house.take(WORDS[0]), WORDS[0].to_json())
    (path,) = tmp_path.iterdir()
    path.unlink()
    told = house.take(WORDS[1])
    receipts.keep(told, WORDS[1].to_json())
    assert list(house.receipts(beside).kept()) == [told]


def test_threads_keep_their_receipts_one_after_the_other(tmp_path: Path):
    house, inside, most = House(), [0], [0]
    told = [house.take(message) for message in WORDS]

    def slowly(path: str) -> bytes:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        inside[0] -= 1
        return house.fetch(path)

    receipts = receipts_of("http://registry", TOLD, slowly, tmp_path / "ledger")
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(receipts.keep, *each) for each in zip(told, ENVELOPES, strict=True)]
        for job in jobs:
            job.result()
    assert most == [1]
    assert len(list(house.receipts(tmp_path / "ledger").kept())) == len(WORDS)
