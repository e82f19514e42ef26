"""The audit of the log: whatever was done to it after it was written is found, and where.

Two liars are tried: one who changes bytes and cannot change the hashes that others hold,
and one who computes every hash anew (``hashed``), whom only signatures and replay betray.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
import forger
import pytest
from forger import Parts, hashed, parts_of, what, where
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    content,
    invite,
    listing,
    offer,
    talk,
    withdraw,
    word,
)
from witness import DOMAINS, Witness

from marketplace.core.audit import LoggedEntry, Report, audit
from marketplace.core.eip712 import Domain
from marketplace.core.entry import body_digest
from marketplace.core.message import Domains, Message
from marketplace.core.terms import Terms
from marketplace.core.values import Json, canonical

Log = tuple[list[LoggedEntry], str, Terms]


def judge(entries: Sequence[LoggedEntry], root: str) -> Report:
    return audit(entries, root, [], DOMAINS)


def logged(*said: tuple[Message, int]) -> Report:
    """The judgement on messages as a careless registry would log them."""
    return forger.judged(DOMAINS, [forger.logged(message, at) for message, at in said])


def test_honest_log_has_no_finding_and_says_what_was_checked(log: Log):
    entries, root, terms = log
    report = judge(entries, root)
    assert report.ok
    assert report.checked == {
        "entries": 8,
        "signatures": 10,
        "negotiations": 2,
        "agreements": 1,
        "deals": 0,
    }
    assert report.unopened == [terms.digest(DOMAIN)]


def test_empty_log_is_honest():
    assert judge(*hashed([])).ok


# ------------------------------------------------------------------ bytes that changed


def flipped(data: bytes, place: int, bits: int) -> bytes:
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]


def with_entry(
    entries: Sequence[LoggedEntry], index: int, data: bytes, body: bytes
) -> list[LoggedEntry]:
    spoiled = [*entries]
    spoiled[index] = replace(entries[index], data=data, body=body)
    return spoiled


def own_word(part: bytes, name: str) -> set[int]:
    """The places of a value that is the registry's own: no party signed it."""
    start = part.rindex(f'"{name}":'.encode()) + len(name) + 3
    length = len(part[start:].split(b",")[0].split(b"}")[0])
    return set(range(start, start + length))


def recommitted(data: bytes, body: bytes) -> Parts:
    """The leaf of another body, with its digest anew."""
    return canonical({**json.loads(data), "body": body_digest(body)}), body


async def small_log() -> list[LoggedEntry]:
    witness = Witness()
    listed = listing()
    await witness.take(listed, invite(listed), withdraw(talk(listed), BUYER))
    return (await witness.published())[0]


def test_every_single_byte_of_a_small_log_s_leaves_is_held_by_hashes_and_by_signatures():
    entries = anyio.run(small_log)
    root = hashed(parts_of(entries))[1]
    for index, entry in enumerate(entries):
        for place in range(len(entry.data)):
            spoiled = with_entry(entries, index, flipped(entry.data, place, 1), entry.body)
            assert {f"entry {index}", "root"} <= where(judge(spoiled, root))
            if place not in own_word(entry.data, "received_at"):
                assert f"entry {index}" in where(judge(*hashed(parts_of(spoiled))))


def test_every_single_byte_of_a_small_log_s_bodies_is_held_by_leaves_and_by_signatures():
    entries = anyio.run(small_log)
    root = hashed(parts_of(entries))[1]
    for index, entry in enumerate(entries):
        for place in range(len(entry.body)):
            body = flipped(entry.body, place, 1)
            assert where(judge(with_entry(entries, index, entry.data, body), root)) >= {
                f"entry {index}"
            }
            if place not in own_word(entry.body, "salt"):
                spoiled = with_entry(entries, index, *recommitted(entry.data, body))
                assert f"entry {index}" in where(judge(*hashed(parts_of(spoiled))))


def test_any_changed_byte_of_a_longer_log_is_found_at_its_entry(log: Log):
    entries, root, _ = log
    chance = random.Random(20_261_120)  # noqa: S311 a stated seed, no secret
    for index in range(len(entries)):
        for _ in range(25):
            data, body = entries[index].data, entries[index].body
            other = flipped(data, chance.randrange(len(data)), chance.randrange(1, 256))
            spoiled = with_entry(entries, index, other, body)
            assert {f"entry {index}", "root"} <= where(judge(spoiled, root))


def test_changed_leaf_hash_and_changed_root_are_found(log: Log):
    entries, root, _ = log
    other = "0x" + "11" * 32
    assert where(judge([*entries[:-1], replace(entries[-1], leaf_hash=other)], root)) == {"entry 7"}
    report = judge(entries, other)
    assert where(report) == {"root"}
    assert other in what(report)
    assert root in what(report)


# ------------------------------------------------------------------ entries moved, lost, repeated


@pytest.mark.parametrize("index", range(8))
def test_deleted_entry_is_found(log: Log, index: int):
    entries, root, _ = log
    rest = [*entries[:index], *entries[index + 1 :]]
    assert "root" in where(judge(rest, root))
    assert where(judge(rest, root)) >= ({f"entry {index}"} if index < 7 else {"root"})


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_deletion_before_later_words_is_found_even_with_every_hash_anew(log: Log, index: int):
    entries, _, _ = log
    report = judge(*hashed(parts_of([*entries[:index], *entries[index + 1 :]])))
    assert f"entry {index}" in where(report)


@pytest.mark.parametrize("index", range(7))
def test_swapped_neighbours_are_found(log: Log, index: int):
    entries, root, _ = log
    order = [*entries]
    order[index], order[index + 1] = order[index + 1], order[index]
    assert {f"entry {index}", f"entry {index + 1}", "root"} <= where(judge(order, root))
    # Entries 4 and 5 answer nobody's words but their own thread's, and may swap.
    if index != 4:
        assert not judge(*hashed(parts_of(order))).ok


@pytest.mark.parametrize("index", range(8))
def test_duplicated_entry_is_found(log: Log, index: int):
    entries, root, _ = log
    twice = [*entries, entries[index]]
    assert {"entry 8", "root"} <= where(judge(twice, root))
    report = judge(*hashed(parts_of(twice)))
    assert where(report) == {"entry 8"}
    assert "each message once" in what(report)


@pytest.mark.parametrize("size", range(8))
def test_truncated_log_is_found_by_who_holds_the_root(log: Log, size: int):
    entries, root, _ = log
    assert "root" in where(judge(entries[:size], root))


# ------------------------------------------------------------------ forged words, hashed rightly


@pytest.mark.parametrize(
    ("index", "path", "value"),
    [
        (0, ("body", "detail", "title"), "Another title"),
        (0, ("leaf", "signer"), BUYER.address),
        (0, ("leaf", "version"), "1"),
        (1, ("body", "message", "buyerNonce"), "2"),
        (2, ("body", "message", "price"), "1"),
        (3, ("body", "detail", "outcome", "quantity"), "11"),
        (3, ("body", "more"), 1),
        (3, ("body", "salt"), "0x"),
        (3, ("leaf", "detail"), {}),
        (3, ("leaf", "body"), None),
        (4, ("leaf", "digest"), word("another offer")),
        (4, ("leaf", "negotiation"), word("another negotiation")),
        (4, ("leaf", "signer"), BUYER.address),
        (4, ("leaf", "body"), None),
        (4, ("leaf", "body"), word("a body that nobody has")),
        (7, ("leaf", "kind"), "rejection"),
        (7, ("leaf", "kind"), "timeout"),
        (7, ("leaf", "received_at"), -1),
        (7, ("leaf", "received_at"), True),
        (7, ("leaf", "received_at"), NOW - 1),
        (7, ("leaf", "received_at"), 1 << 40),
        (7, ("leaf", "said_at"), NOW + 1),
        (7, ("leaf", "said_at"), "1"),
        (7, ("leaf", "more"), 1),
    ],
)
def test_changed_member_is_found_though_every_hash_is_right(
    log: Log, index: int, path: tuple[str, ...], value: Json
):
    parts = parts_of(log[0])
    leaf, body = parts[index]
    spoiled: dict[str, Any] = {"leaf": json.loads(leaf), "body": json.loads(body or b"{}")}
    inner = spoiled
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    if path[0] == "body":
        parts[index] = recommitted(leaf, canonical(spoiled["body"]))
    else:
        parts[index] = canonical(spoiled["leaf"]), body
    assert f"entry {index}" in where(judge(*hashed(parts)))


def test_body_that_no_leaf_commits_to_is_found(log: Log):
    parts = parts_of(log[0])
    parts[4] = parts[4][0], parts[3][1]
    assert "none" in what(judge(*hashed(parts)))
    parts = parts_of(log[0])
    parts[2], parts[3] = (parts[2][0], parts[3][1]), (parts[3][0], parts[2][1])
    assert where(judge(*hashed(parts))) >= {"entry 2", "entry 3"}


def test_another_spelling_of_the_same_entry_is_found(log: Log):
    parts = parts_of(log[0])
    leaf, body = parts[3]
    parts[3] = leaf.replace(b":", b": ", 1), body
    assert "canonical JSON" in what(judge(*hashed(parts)))
    spaced = body.replace(b":", b": ", 1)
    parts[3] = recommitted(leaf, spaced)
    assert "canonical JSON" in what(judge(*hashed(parts)))


def test_log_of_another_domain_proves_nothing(log: Log):
    entries, root, _ = log
    report = audit(entries, root, [], Domains((Domain(1, DOMAIN.verifying_contract),)))
    assert len(report.findings) == len(entries)


def test_words_signed_by_others_than_they_speak_for_are_found():
    stolen = listing(STRANGER, seller=SELLER.address)
    assert "whose word it is" in what(logged((stolen, NOW)))
    on = talk()
    start = (listing(), NOW), (invite(listing()), NOW)
    assert "NotAParty" in what(logged(*start, (offer(on, STRANGER), NOW)))
    assert "WrongTurn" in what(logged(*start, (offer(on, BUYER), NOW)))


def test_listing_is_replaced_only_by_its_seller_and_only_once():
    old = listing()
    hostile = listing(STRANGER, replaces=old.digest)
    assert "the same agent" in what(logged((old, NOW), (hostile, NOW)))
    first = listing(what=content(title="Second"), replaces=old.digest)
    second = listing(what=content(title="Third"), replaces=old.digest)
    assert logged((old, NOW), (first, NOW)).ok
    assert "not replaced" in what(logged((old, NOW), (first, NOW), (second, NOW)))
    assert "one that was logged before" in what(logged((first, NOW)))


def test_invitation_to_a_replaced_listing_is_found():
    old = listing()
    new = listing(what=content(title="Second"), replaces=old.digest)
    report = logged((old, NOW), (new, NOW), (invite(old), NOW))
    assert where(report) == {"entry 2"}


def test_receipt_times_of_a_negotiation_or_of_a_listing_do_not_go_back():
    old = listing()
    on = talk(old)
    first = offer(on, SELLER)
    told = what(logged((old, NOW), (invite(old), NOW), (first, NOW - 1)))
    assert f"at least {NOW}" in told
    assert logged((old, NOW), (invite(old), NOW), (first, NOW)).ok
    new = listing(what=content(title="Second"), replaces=old.digest)
    assert where(logged((old, NOW), (new, NOW - 1))) == {"entry 1"}


def test_word_after_the_deadline_is_found_by_its_own_receipt_time():
    on = talk()
    late = on.invitation.deadline
    told = what(logged((listing(), NOW), (invite(listing()), NOW), (offer(on, SELLER), late)))
    assert "DeadlinePassed" in told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
TIMES = st.integers(0, 1 << 41)


def leaves_like(good: bytes) -> st.SearchStrategy[Json]:
    """A leaf or a body with some members replaced, dropped or added."""
    found = json.loads(good)
    names = [*found, "said_at", "deadline", "message", "detail", "sealed", "delegation", "body"]
    changes = st.dictionaries(st.sampled_from(names), JSON | TIMES, max_size=3)
    dropped = st.sets(st.sampled_from(names), max_size=2)
    return st.builds(
        lambda more, less: {k: v for k, v in {**found, **more}.items() if k not in less},
        changes,
        dropped,
    )


LEAF, BODY = forger.logged(offer(talk(), SELLER), NOW)
HOSTILE = st.one_of(
    JSON,
    st.fixed_dictionaries({"message": JSON, "received_at": JSON | TIMES}),
    st.fixed_dictionaries(
        {"kind": st.just("timeout"), "received_at": TIMES}
        | dict.fromkeys(("negotiation", "deadline"), JSON)
    ),
    leaves_like(LEAF),
)


@given(HOSTILE, st.just(b"") | st.binary() | (JSON | leaves_like(BODY)).map(json.dumps))
def test_nothing_that_a_registry_may_log_stops_the_audit(value: object, shown: bytes | str):
    leaf = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    body = shown if isinstance(shown, bytes) else shown.encode()
    report = forger.judged(DOMAINS, [(leaf, body)])
    # Nothing else was logged, so that the most that is true of it is that it was not shown.
    assert where(report) <= {"entry 0"}
    assert not (report.ok and report.complete)


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from("wwwwhx")), max_size=12))
def test_no_arrangement_of_honest_entries_stops_the_audit_or_hides_what_was_withheld(
    log: Log, picked: list[tuple[int, str]]
):
    honest = parts_of(log[0])
    shown = {"w": lambda at: honest[at], "h": lambda at: forger.withheld(honest[at])}
    shown["x"] = lambda at: (honest[at][0], honest[(at + 1) % 8][1])
    parts = [shown[how](at) for at, how in picked]
    report = judge(*hashed(parts))
    indexes = [at for at, _ in picked]
    # Another's body that is none is a body withheld.
    swapped = [at for at, how in picked if how == "x" and honest[(at + 1) % 8][1]]
    if len(set(indexes)) < len(indexes) or swapped:
        assert report.findings
    elif any(how != "w" and honest[at][1] for at, how in picked):
        assert report.findings or not report.complete
    assert report.checked.get("entries", 0) == len(picked)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"NaN", b'{"a":1,"a":2}'])
def test_bytes_that_are_no_json_are_one_finding(log: Log, data: bytes):
    honest = parts_of(log[0])
    assert where(judge(*hashed([*honest, (data, b"")]))) == {"entry 8"}
    recommit = recommitted(honest[7][0], data)
    if data:
        assert where(judge(*hashed([*honest[:7], recommit]))) == {"entry 7"}


def test_finding_about_one_entry_does_not_hide_the_next(log: Log):
    parts = parts_of(log[0])
    report = judge(*hashed([(b"{}", b""), *parts, (canonical({"a": 1}), b"")]))
    assert where(report) == {"entry 0", "entry 9"}
    assert report.checked["agreements"] == 1
