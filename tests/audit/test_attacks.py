"""Every attack of docs/audit.md: who is not deceived, and what that one can show to others.

A row of that page is a test here. Each begins with the honest registry, against which
nobody finds anything, so that what is found is the attack's.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from forger import Parts, logged, noted
from market import NOW, SELLER, content, listing, offer, subject
from ring import (
    ACCEPTANCE,
    DOMAINS,
    HONEST,
    LAST,
    LISTED,
    OFFER,
    TALK,
    TERMS,
    TOLD,
    WORDS,
    Registry,
    audited,
    honest,
    kinds,
    opened,
    party,
)
from tile_server import TileServer

from marketplace.core.audit import ChainEvent, OnChain
from marketplace.core.checkpoint import Checkpoint, LogKey
from marketplace.core.entry import read
from marketplace.core.errors import (
    CheckpointForeign,
    LogChanged,
    LogRefused,
    NotConsistent,
    ParleyError,
    TileDiffers,
    WrongSigner,
    WrongTurn,
)
from marketplace.core.merkle import check_inclusion, leaf_hash
from marketplace.core.negotiation import advance
from marketplace.core.sighting import Sighting
from marketplace.core.values import canonical, parse_json
from marketplace.sdk.receipts import Receipts, receipts_of
from marketplace.sdk.tiles import ProvenTiles, TileReader
from marketplace.wire.views import LogNameView

SIZE = len(HONEST)
ANOTHER = honest([listing(what=content(title="What was never said"))])[0]


def spoiled(*changes: tuple[int, Parts | None]) -> Registry:
    """The log with entries replaced or dropped, every hash and signature anew."""
    parts: list[Parts | None] = list(HONEST)
    for index, part in changes:
        parts[index] = part
    return Registry([part for part in parts if part is not None])


def test_honest_registry_is_found_nothing_against():
    registry = Registry()
    report = audited(registry, registry.anchored(1, 4, SIZE), opened(), registry.tree(3))
    assert (report.ok, report.complete, report.unanchored) == (True, True, 0)
    party(registry).keep(registry.receipt(LAST), WORDS[LAST].to_json())


# ---------------------------------------------------------------- below an anchor


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_rewriting_an_anchored_entry_is_found_by_anybody(size: int):
    honestly = Registry()
    for index in range(size):
        registry = spoiled((index, ANOTHER))
        report = audited(registry, honestly.anchored(size))
        assert "anchor" in kinds(report)
        assert [f.where for f in report.findings if f.kind == "anchor"] == [f"size {size}"]


@pytest.mark.parametrize("index", range(SIZE - 1))
def test_deleting_an_anchored_entry_is_found_by_anybody(index: int):
    registry = spoiled((index, None))
    assert {"anchor"} <= kinds(audited(registry, Registry().anchored(SIZE - 1)))


def test_reordering_anchored_entries_is_found_by_anybody():
    # Two listings of no concern to each other: every rule of the market holds either way.
    registry = spoiled((5, HONEST[6]), (6, HONEST[5]))
    assert audited(registry).ok
    assert kinds(audited(registry, Registry().anchored(SIZE))) == {"anchor"}


def test_truncating_below_an_anchor_is_found_by_anybody():
    registry = Registry(HONEST[:4])
    report = audited(registry, Registry().anchored(3, SIZE))
    assert [(f.kind, f.where) for f in report.findings] == [("anchor", f"size {SIZE}")]


# ---------------------------------------------------------------- above it


@pytest.mark.parametrize("how", ["rewritten", "dropped", "truncated"])
def test_signing_an_unanchored_tail_anew_is_found_by_who_holds_a_receipt(how: str):
    honestly = Registry()
    holder = party(honestly)
    holder.keep(honestly.receipt(LAST), WORDS[LAST].to_json())
    tail = {"rewritten": [HONEST[5], ANOTHER], "dropped": [HONEST[6]], "truncated": []}[how]
    registry = Registry([*HONEST[:5], *tail])
    # The anchor and the market know nothing of it, and the audit says how long the tail is.
    report = audited(registry, honestly.anchored(5), opened())
    assert report.ok
    assert report.unanchored == len(registry.parts) - 5
    asked = _moved(holder, registry)
    with pytest.raises(NotConsistent):
        asked.keep(registry.receipt(1), WORDS[1].to_json())
    _prove_to_anybody(holder)


def test_signing_an_unanchored_tail_anew_is_found_by_an_auditor_who_was_there_before():
    report = audited(spoiled((LAST, ANOTHER)), earlier=Registry().tree())
    assert [(f.kind, f.where) for f in report.findings] == [("fork", f"size {SIZE}")]
    shorter = audited(Registry(HONEST[:4]), earlier=Registry().tree())
    assert [(f.kind, f.where) for f in shorter.findings] == [("truncated", f"size {SIZE}")]


def test_signing_an_unanchored_tail_anew_is_not_found_where_nobody_has_seen_it():
    registry = spoiled((LAST, ANOTHER))
    assert audited(registry, Registry().anchored(5), opened()).ok
    party(registry).keep(registry.receipt(LAST), listing_of(ANOTHER))


def test_forking_is_proved_by_two_who_compare_what_they_were_shown():
    one, other = Registry(), spoiled((LAST, ANOTHER))
    first, second = one.signed(), other.signed()
    assert first[0].size == second[0].size
    assert first[0].root != second[0].root
    for checkpoint, signature in (first, second):
        one.key.name.check(checkpoint, signature)


def test_forking_without_ever_signing_one_size_twice_is_proved_by_two_leaves_of_one_index():
    one, other = Registry(HONEST[:6]), spoiled((2, ANOTHER))
    sizes = {one.signed()[0].size, other.signed()[0].size}
    assert len(sizes) == 2
    seen = [(each, each.receipt(2)) for each in (one, other)]
    hashes = set()
    for registry, receipt in seen:
        assert receipt.log is not None
        leaf = leaf_hash(receipt.log.leaf.encode())
        proof = tuple(bytes.fromhex(each[2:]) for each in receipt.log.proof)
        check_inclusion(leaf, 2, registry.tree(), proof)
        registry.key.name.check(*registry.signed())
        hashes.add(leaf)
    assert len(hashes) == 2


def test_omitting_a_receipted_word_is_found_by_who_holds_the_receipt():
    honestly = Registry()
    holder = party(honestly)
    # Signed over a tree that has it, and served one that never had it.
    registry = spoiled((ACCEPTANCE, None))
    assert audited(registry, (), opened()).ok
    with pytest.raises(LogRefused):
        _moved(holder, registry).keep(honestly.receipt(ACCEPTANCE), WORDS[ACCEPTANCE].to_json())


def test_omitting_a_deal_that_was_never_receipted_is_told_as_information():
    without_talk = Registry([part for n, part in enumerate(HONEST) if n not in range(2, 5)])
    report = audited(without_talk, (), opened())
    assert (report.ok, report.complete) == (True, False)
    assert report.unlogged == [TERMS.digest(DOMAINS.preferred)]
    without_offer = Registry(HONEST[:3])
    linked = audited(without_offer, (), opened())
    assert (linked.ok, linked.complete) == (True, False)
    assert linked.linked == {TERMS.digest(DOMAINS.preferred): TALK.id}


# ---------------------------------------------------------------- times, foreign words, bytes


def test_backdating_behind_the_threads_last_word_or_past_its_deadline_is_found():
    accepted = HONEST[ACCEPTANCE]
    early = parse_json(accepted[0]) | {"received_at": NOW - 1}
    assert kinds(audited(spoiled((ACCEPTANCE, (canonical(early), b""))))) == {"message"}
    late = parse_json(accepted[0]) | {"received_at": TALK.invitation.deadline}
    assert kinds(audited(spoiled((ACCEPTANCE, (canonical(late), b""))))) == {"message"}
    note = noted(WORDS[2], TALK.invitation.deadline, TALK.invitation.deadline - 1)
    assert kinds(audited(Registry([*HONEST[:4], note]))) == {"message"}


def test_backdating_within_those_bounds_is_found_only_by_who_holds_a_receipt():
    moved = parse_json(HONEST[ACCEPTANCE][0]) | {"received_at": NOW + 5}
    registry = spoiled((ACCEPTANCE, (canonical(moved), b"")))
    assert audited(registry, (), opened()).ok
    holder = party(Registry())
    holder.keep(Registry().receipt(ACCEPTANCE), WORDS[ACCEPTANCE].to_json())
    with pytest.raises(NotConsistent):
        _moved(holder, registry).keep(registry.receipt(LAST), WORDS[LAST].to_json())


def test_replaying_another_logs_checkpoint_or_receipt_is_refused():
    other = Registry(key=LogKey("other.example", Registry().key.domain, bytes(range(32))))
    with pytest.raises(CheckpointForeign):
        Registry().key.name.open(other.note())
    renamed = Registry(key=LogKey(Registry().key.origin, Registry().key.domain, bytes(range(32))))
    with pytest.raises(LogRefused):
        Registry().key.name.open(renamed.note())
    with pytest.raises(WrongSigner):
        party(Registry()).keep(renamed.receipt(LAST), WORDS[LAST].to_json())
    with pytest.raises(CheckpointForeign):
        party(Registry()).keep(other.receipt(LAST), WORDS[LAST].to_json())


def test_replaying_another_logs_entries_twice_or_out_of_their_place_is_found():
    assert kinds(audited(Registry([*HONEST, HONEST[ACCEPTANCE]]))) == {"message"}
    assert kinds(audited(Registry([HONEST[OFFER], *HONEST]))) >= {"message"}
    # A whole thread of another registry is its parties' word there as here: nothing is forged.
    assert audited(Registry(HONEST[1:5])).ok


@pytest.mark.parametrize("path", ["entries/000.p/7", "0/000.p/7"])
def test_flipping_any_byte_of_a_tile_is_found(path: str):
    honestly = TileServer(Registry().leaves)
    whole = honestly.fetch(f"tile/{path}")
    tree = Registry().tree()
    ProvenTiles(TileReader(honestly.fetch), tree).leaves(0)
    for at in range(0, len(whole), 7):
        changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        server = TileServer(Registry().leaves, {f"tile/{path}": changed})
        with pytest.raises((TileDiffers, ParleyError)):
            ProvenTiles(TileReader(server.fetch), tree).leaves(0)


def test_swapping_keys_is_found_by_whoever_knows_the_old_ones(tmp_path: Path):
    registry = Registry(key=LogKey(Registry().key.origin, Registry().key.domain, bytes(range(32))))
    with pytest.raises(LogRefused):
        Registry().key.name.open(registry.note())
    told = LogNameView.from_core(registry.key.name)
    assert told != TOLD
    beside = tmp_path / "ledger"
    receipts_of("http://registry", TOLD, Registry().fetch, beside)
    with pytest.raises(LogChanged):
        receipts_of("http://registry", told, registry.fetch, beside)


# ---------------------------------------------------------------- agents and nodes


def test_two_offers_for_one_turn_are_both_their_signers_word_and_the_machine_takes_one():
    first, second = (offer(TALK, SELLER, subject(TALK, unit_price=price)) for price in (60, 70))
    assert first.signer == second.signer
    assert first.digest != second.digest
    # Both answer one word, and both spend one nonce: on chain the second cannot be opened.
    for one, other in ((first, second), (second, first)):
        on = advance(TALK, one, NOW)
        with pytest.raises(WrongTurn):
            advance(on, other, NOW)
    bodies = {each.body.previous for each in (first, second)}  # type: ignore[union-attr]
    nonces = {each.body.seller_nonce for each in (first, second)}  # type: ignore[union-attr]
    assert (len(bodies), len(nonces)) == (1, 1)
    # A registry that logs both is found out, and so is one that swaps them later.
    both = [*HONEST[:3], logged(first, NOW), logged(second, NOW)]
    assert kinds(audited(Registry(both))) == {"message"}


def test_two_nodes_that_do_not_tell_the_same_are_found():
    chain = OnChain(opened(), Registry().anchored(3))
    assert chain.differs(OnChain(opened(), Registry().anchored(3))) is None
    poorer = [replace(event, values=event.values | {"price": "1"}) for event in opened()]
    for other in (
        OnChain(poorer, chain.anchors),
        OnChain((), chain.anchors),
        OnChain(opened(), Registry().anchored(2)),
        OnChain(opened(), ()),
    ):
        assert chain.differs(other)


def test_one_node_that_lies_about_a_payment_is_found_where_the_machine_refuses_it():
    dear = [replace(event, values=event.values | {"price": 1}) for event in opened()]
    assert kinds(audited(Registry(), (), dear)) == {"deal"}


def test_logging_an_event_that_never_happened_or_otherwise_is_found():
    (event,) = opened()
    seen = _sighting(event)
    true = Registry([*HONEST, (seen.leaf(NOW), b"")])
    assert audited(true, (), opened()).ok
    for lie in (
        replace(seen, deal=LISTED.digest),
        replace(seen, values={**seen.values, "price": "1"}),
        replace(seen, block=seen.block + 1),
    ):
        false = Registry([*HONEST, (lie.leaf(NOW), b"")])
        assert kinds(audited(false, (), opened())) == {"event"}


# ---------------------------------------------------------------- what is at hand


def listing_of(parts: Parts) -> dict[str, object]:
    """The envelope of an entry."""
    envelope = read(*parts).envelope
    assert envelope is not None
    return dict(envelope)


def _moved(holder: Receipts, registry: Registry) -> Receipts:
    """The same holder at a registry that serves another history."""
    holder._tiles = TileReader(registry.fetch)
    return holder


def _prove_to_anybody(holder: Receipts) -> None:
    """What the holder kept are two words of one key that no one history has."""
    kept = [each.log for each in (*holder.kept(), *holder.refused())]
    assert len(kept) > 2
    for log in kept:
        assert log is not None
        checkpoint = Checkpoint(log.origin, log.size, bytes.fromhex(log.root[2:]))
        Registry().key.name.check(checkpoint, log.signature)


def _sighting(event: ChainEvent) -> Sighting:
    return Sighting(
        chain_id=DOMAINS.preferred.chain_id,
        escrow=DOMAINS.preferred.verifying_contract,
        name=event.name,
        deal=event.deal,
        values={name: str(value) for name, value in event.values.items()},
        at=event.at,
        block=event.block,
        transaction=event.transaction,
        log_index=event.log_index,
    )
