"""The auditor in pieces: fed as a network brings it, against anchors and an earlier audit."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from forger import hashed, parts_of, what, where
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, NOW, SELLER, STRANGER
from story import Story
from witness import DOMAINS

from marketplace.core.audit import Auditor, ChainEvent, LoggedEntry, OnChain, Report
from marketplace.core.deal import Operation
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.report import Opened, Right
from marketplace.core.sighting import Sighting
from marketplace.core.signature import refused
from marketplace.core.values import canonical, parse_json


@dataclass(frozen=True)
class Anchor:
    size: int
    root: bytes
    block: int = 7
    transaction: str = "0x" + "aa" * 32


def root_at(entries, size):
    return root_hash([leaf_hash(entry.data) for entry in entries[:size]])


def fed(auditor: Auditor, entries, cuts=()) -> Report:
    """The report on entries that come in pieces, under their own root."""
    start = 0
    for cut in [*sorted(cuts), len(entries)]:
        auditor.take(entries[start:cut])
        start = cut
    return auditor.finish("0x" + root_at(entries, len(entries)).hex())


def judged(entries, events=(), anchors=None, cuts=(), height=None) -> Report:
    return fed(Auditor(DOMAINS, OnChain(events, anchors, height)), entries, cuts)


@given(cuts=st.lists(st.integers(0, 8), max_size=6), spoiled=st.integers(-1, 7))
def test_however_the_entries_come_the_report_is_the_same(log, cuts, spoiled):
    parts = parts_of(log[0])
    if spoiled >= 0:
        leaf, body = parts[spoiled]
        parts[spoiled] = leaf.replace(b'"received_at"', b'"received-at"'), body
    entries, _ = hashed(parts)
    events = Story(log[2]).then(Operation.RELEASE, BUYER.address, amount=7).events
    whole, pieces = judged(entries, events), judged(entries, events, cuts=cuts)
    assert pieces.to_json() == whole.to_json()
    assert whole.ok == (spoiled < 0)


# ------------------------------------------------------------------ anchors


@given(sizes=st.sets(st.integers(0, 8)), cuts=st.lists(st.integers(0, 8), max_size=4))
def test_the_root_at_every_anchored_size_is_recomputed(log, sizes, cuts):
    entries = log[0]
    anchors = [Anchor(size, root_at(entries, size)) for size in sorted(sizes)]
    report = judged(entries, (), anchors, cuts)
    assert report.ok
    assert report.checked.get("anchors", 0) == len(sizes)
    assert report.unanchored == 8 - max(sizes, default=0)


@pytest.mark.parametrize("size", range(9))
@pytest.mark.parametrize("cuts", [(), (3, 6), range(8)], ids=["whole", "thirds", "each"])
def test_another_root_than_was_anchored_is_found_at_its_size(log, size, cuts):
    report = judged(log[0], (), [Anchor(size, bytes(32))], cuts)
    assert [(f.kind, f.where) for f in report.findings] == [("anchor", f"size {size}")]
    assert "0x" + root_at(log[0], size).hex() in what(report)
    assert "block 7" in what(report)


def test_entries_that_were_anchored_and_are_gone_are_found(log):
    entries = log[0]
    report = judged(entries[:5], (), [Anchor(3, root_at(entries, 3)), Anchor(8, bytes(32))])
    assert [(f.kind, f.where) for f in report.findings] == [("anchor", "size 8")]
    assert report.unanchored == 2


def test_without_anchors_nothing_is_said_of_them(log):
    assert judged(log[0]).unanchored is None
    assert judged(log[0], (), []).unanchored == 8


# ------------------------------------------------------------------ an earlier audit


def with_forged_signature(log, index):
    parts = parts_of(log[0])
    leaf, body = parts[index]
    told = parse_json(leaf)
    parts[index] = canonical({**told, "signature": STRANGER.sign(told["digest"])}), body
    return hashed(parts)[0]


@pytest.mark.parametrize("cuts", [(), (2, 4), range(8)], ids=["whole", "some", "each"])
def test_signatures_below_what_was_audited_are_not_proved_again_and_all_else_is(log, cuts):
    entries = log[0]
    auditor = Auditor(DOMAINS, OnChain())
    auditor.remember(5, root_at(entries, 5), since=5)
    report = fed(auditor, entries, cuts)
    assert (report.ok, report.since) == (True, 5)
    # Three above, and both signatures of the agreement below.
    assert report.checked["signatures"] == 5
    assert report.checked["agreements"] == 1


@pytest.mark.parametrize("index", range(8))
def test_a_forged_signature_is_found_at_its_entry_unless_it_was_audited(log, index):
    entries = with_forged_signature(log, index)
    auditor = Auditor(DOMAINS, OnChain())
    auditor.remember(3, root_at(entries, 3), since=3)
    findings = [(f.kind, f.where) for f in fed(auditor, entries).findings]
    if index >= 3:
        assert ("message", f"entry {index}") in findings
    else:
        # In the agreement the terms' signatures are proved all the same.
        assert ("message", f"entry {index}") not in findings


@pytest.mark.parametrize("cuts", [(), (2, 4), range(8)], ids=["whole", "some", "each"])
def test_another_root_than_was_signed_before_is_a_fork(log, cuts):
    auditor = Auditor(DOMAINS, OnChain())
    auditor.remember(5, bytes(32))
    report = fed(auditor, log[0], cuts)
    assert [(f.kind, f.where) for f in report.findings] == [("fork", "size 5")]
    assert report.checked["signatures"] == 10


def test_fewer_entries_than_were_signed_before_are_a_truncated_log(log):
    auditor = Auditor(DOMAINS, OnChain())
    auditor.remember(9, bytes(32))
    report = fed(auditor, log[0])
    assert [(f.kind, f.where) for f in report.findings] == [("truncated", "size 9")]


def refusing(entry):
    """Refuses the signature of one entry, though it is good."""
    signature = parse_json(entry.data)["signature"]
    fault = refused([("0x" + "00" * 32, "0x", BUYER.address)])[0]
    return lambda claims: {at: fault for at, claim in enumerate(claims) if claim[1] == signature}


def test_who_proves_signatures_is_asked_for_all_of_them_and_believed_in_each(log):
    asked = []

    def judge(claims):
        asked.extend(claims)
        return refused(claims)

    fed(Auditor(DOMAINS, OnChain(), None, judge), log[0], [4])
    assert len(asked) == 10
    for place, entry in enumerate(log[0]):
        report = fed(Auditor(DOMAINS, OnChain(), None, refusing(entry)), log[0])
        assert report.findings[0].where == f"entry {place}"
        assert "SignatureMalformed" in report.findings[0].what


# ------------------------------------------------------------------ what was opened


def shown(entries, *, login, hide=()):
    return [
        replace(entry, login=login, body=b"" if entry.index in hide else entry.body)
        for entry in entries
    ]


@pytest.mark.parametrize(
    ("reader", "login", "right"),
    [
        (None, False, Right.PUBLIC),
        (STRANGER.address, False, Right.PUBLIC),
        (BUYER.address, True, Right.PARTY),
        (SELLER.address, True, Right.PARTY),
        (STRANGER.address, True, Right.AUTHORISED),
    ],
)
def test_the_report_says_by_which_right_each_negotiation_was_read(log, reader, login, right):
    entries = shown(log[0], login=login)
    report = fed(Auditor(DOMAINS, OnChain(), reader), entries)
    assert [*report.opened.values()] == [Opened(right, 4, 0), Opened(right, 2, 0)]


def test_what_was_not_shown_is_counted_and_never_called_complete(log):
    report = judged(shown(log[0], login=False, hide={3}))
    first, second = report.opened.values()
    # The counter-offer, and what hangs on it.
    assert first == Opened(Right.PUBLIC, 2, 2)
    assert second == Opened(Right.PUBLIC, 2, 0)
    assert not report.complete
    nothing = judged(shown(log[0], login=False, hide=range(8)))
    assert [*nothing.opened.values()] == [Opened(Right.NONE, 0, 4), Opened(Right.NONE, 0, 2)]
    assert nothing.ok
    assert not nothing.complete


# ------------------------------------------------------------------ events in the log


def placed(log) -> list[ChainEvent]:
    """A deal's events, each with a place on the chain."""
    events = Story(log[2]).then(Operation.RELEASE, BUYER.address, amount=7).events
    return [
        replace(event, block=at, transaction="0x" + f"{at:064x}", log_index=at % 3)
        for at, event in enumerate(events, 10)
    ]


def seen(event: ChainEvent, **changed: Any) -> Sighting:  # noqa: ANN401 any member
    told = Sighting(
        chain_id=DOMAIN.chain_id,
        escrow=DOMAIN.verifying_contract,
        name=event.name,
        deal=event.deal,
        values={name: str(value) for name, value in event.values.items()},
        at=event.at,
        block=event.block,
        transaction=event.transaction,
        log_index=event.log_index,
    )
    return replace(told, **changed)


def log_with(log, *sightings: Sighting) -> list[LoggedEntry]:
    return hashed([*parts_of(log[0]), *((each.leaf(NOW + 99), b"") for each in sightings)])[0]


def test_events_in_the_log_are_held_against_the_chain_s(log):
    events = placed(log)
    report = judged(log_with(log, *map(seen, events)), events)
    assert (report.ok, report.complete) == (True, True)
    assert report.checked["logged events"] == 2
    assert report.checked["unlogged events"] == 0
    assert judged(log_with(log, seen(events[0])), events).checked["unlogged events"] == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "Swapped"},
        {"deal": "0x" + "11" * 32},
        {"at": 1},
        {"block": 11},
        {"values": {}},
        {"transaction": "0x" + "22" * 32},
        {"log_index": 77},
        {"escrow": "0x" + "33" * 20},
        {"chain_id": 1},
    ],
    ids=str,
)
def test_a_logged_event_that_the_chain_has_not_or_otherwise_is_found_at_its_entry(log, changed):
    events = placed(log)
    report = judged(log_with(log, seen(events[0], **changed)), events)
    assert where(report) == {"entry 8"}
    assert [f.kind for f in report.findings] == ["event"]


def test_a_logged_figure_that_is_not_the_chain_s_is_named_with_both(log):
    events = placed(log)
    other = {**seen(events[0]).values, "price": "1"}
    report = judged(log_with(log, seen(events[0], values=other)), events)
    assert f"price is 1 in the log and {events[0].values['price']} on the chain" in what(report)


def test_one_event_is_logged_once(log):
    events = placed(log)
    again = seen(events[0])
    report = judged(log_with(log, again, again), events)
    assert where(report) == {"entry 9"}
    assert "the same as entry 8" in what(report)


def test_an_event_of_a_block_that_the_node_has_not_yet_is_said_and_is_no_finding(log):
    events = placed(log)
    entries = log_with(log, *map(seen, events))
    behind = judged(entries, events[:1], height=10)
    assert (behind.ok, behind.ahead, behind.complete) == (True, [9], False)
    assert where(judged(entries, events[:1], height=11)) == {"entry 9"}


# ------------------------------------------------------------------ two nodes


def test_two_nodes_that_say_the_same_do_not_differ(log):
    anchors = [Anchor(3, bytes(32))]
    assert OnChain(placed(log), anchors).differs(OnChain(placed(log), [*anchors])) is None
    assert OnChain().differs(OnChain()) is None


@pytest.mark.parametrize("place", [0, 1])
def test_where_two_nodes_first_differ_is_named(log, place):
    events = placed(log)
    event = events[place]
    for spoiled in (
        [*events[:place], *events[place + 1 :]],
        [*events[:place], replace(event, values={**event.values, "x": 1}), *events[place + 1 :]],
        [*events[:place], replace(event, at=1), *events[place + 1 :]],
    ):
        told = OnChain(events).differs(OnChain(spoiled))
        assert told is not None
        for said in (f"block {event.block}", event.transaction, event.name):
            assert said in told
        assert OnChain(spoiled).differs(OnChain(events)) is not None


def test_anchors_that_two_nodes_tell_otherwise_are_named():
    one, other = OnChain((), [Anchor(3, bytes(32))]), OnChain((), [Anchor(4, bytes(32))])
    told = one.differs(other)
    assert told is not None
    assert "block 7" in told
    assert "size 3" in told
    assert "nothing at the other" in str(one.differs(OnChain((), [])))
