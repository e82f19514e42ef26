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
import pytest
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
from witness import Witness

from marketplace.core.audit import LoggedEntry, Report, audit
from marketplace.core.eip712 import Domain
from marketplace.core.merkle import leaf_hash, root_hash
from marketplace.core.message import Message
from marketplace.core.terms import Terms
from marketplace.core.values import canonical
from marketplace.wire.views import log_data

Log = tuple[list[LoggedEntry], str, Terms]


def judge(entries: Sequence[LoggedEntry], root: str) -> Report:
    return audit(entries, root, [], DOMAIN)


def where(report: Report) -> set[str]:
    return {finding.where for finding in report.findings}


def what(report: Report) -> str:
    return " | ".join(finding.what for finding in report.findings)


def hashed(data: Sequence[bytes]) -> tuple[list[LoggedEntry], str]:
    """Any bytes as a log whose every hash is right."""
    leaves = [leaf_hash(entry) for entry in data]
    pairs = enumerate(zip(leaves, data, strict=True))
    entries = [LoggedEntry(index, "0x" + leaf.hex(), entry) for index, (leaf, entry) in pairs]
    return entries, "0x" + root_hash(leaves).hex()


def logged(*said: tuple[Message, int]) -> Report:
    """The judgement on messages as a careless registry would log them."""
    return judge(*hashed([log_data(message.to_json(), at)[0] for message, at in said]))


def test_honest_log_has_no_finding_and_says_what_was_checked(log: Log):
    entries, root, terms = log
    report = judge(entries, root)
    assert report.ok
    assert report.checked == {"entries": 8, "negotiations": 2, "agreements": 1, "deals": 0}
    assert report.unopened == [terms.digest(DOMAIN)]


def test_empty_log_is_honest():
    assert judge(*hashed([])).ok


# ------------------------------------------------------------------ bytes that changed


def flipped(entries: Sequence[LoggedEntry], index: int, place: int, bits: int) -> list[LoggedEntry]:
    data = bytearray(entries[index].data)
    data[place] ^= bits
    spoiled = [*entries]
    spoiled[index] = replace(entries[index], data=bytes(data))
    return spoiled


async def small_log() -> list[LoggedEntry]:
    witness = Witness()
    listed = listing()
    await witness.take(listed, invite(listed), withdraw(talk(listed), BUYER))
    return (await witness.published())[0]


def test_every_single_byte_of_a_small_log_is_held_by_hashes_and_by_signatures():
    entries = anyio.run(small_log)
    root = hashed([entry.data for entry in entries])[1]
    for index, entry in enumerate(entries):
        own_word = entry.data.index(b'"received_at":') + len('"received_at":')
        for place in range(len(entry.data)):
            spoiled = flipped(entries, index, place, 1)
            assert {f"entry {index}", "root"} <= where(judge(spoiled, root))
            # The receipt time is the registry's own word: it alone is not signed by a party.
            if place < own_word or place == len(entry.data) - 1:
                rehashed = judge(*hashed([one.data for one in spoiled]))
                assert f"entry {index}" in where(rehashed)


def test_any_changed_byte_of_a_longer_log_is_found_at_its_entry(log: Log):
    entries, root, _ = log
    chance = random.Random(20_261_120)  # noqa: S311 a stated seed, no secret
    for index in range(len(entries)):
        for _ in range(25):
            place = chance.randrange(len(entries[index].data))
            spoiled = flipped(entries, index, place, chance.randrange(1, 256))
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


def renumbered(data: Sequence[LoggedEntry]) -> list[bytes]:
    return [entry.data for entry in data]


@pytest.mark.parametrize("index", range(8))
def test_deleted_entry_is_found(log: Log, index: int):
    entries, root, _ = log
    rest = [*entries[:index], *entries[index + 1 :]]
    assert "root" in where(judge(rest, root))
    assert where(judge(rest, root)) >= ({f"entry {index}"} if index < 7 else {"root"})


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_deletion_before_later_words_is_found_even_with_every_hash_anew(log: Log, index: int):
    entries, _, _ = log
    report = judge(*hashed(renumbered([*entries[:index], *entries[index + 1 :]])))
    assert f"entry {index}" in where(report)


@pytest.mark.parametrize("index", range(7))
def test_swapped_neighbours_are_found(log: Log, index: int):
    entries, root, _ = log
    order = [*entries]
    order[index], order[index + 1] = order[index + 1], order[index]
    assert {f"entry {index}", f"entry {index + 1}", "root"} <= where(judge(order, root))
    # Entries 4 and 5 answer nobody's words but their own thread's, and may swap.
    if index != 4:
        assert not judge(*hashed(renumbered(order))).ok


@pytest.mark.parametrize("index", range(8))
def test_duplicated_entry_is_found(log: Log, index: int):
    entries, root, _ = log
    twice = [*entries, entries[index]]
    assert {"entry 8", "root"} <= where(judge(twice, root))
    report = judge(*hashed(renumbered(twice)))
    assert where(report) == {"entry 8"}
    assert "each message once" in what(report)


@pytest.mark.parametrize("size", range(8))
def test_truncated_log_is_found_by_who_holds_the_root(log: Log, size: int):
    entries, root, _ = log
    assert "root" in where(judge(entries[:size], root))


# ------------------------------------------------------------------ forged words, hashed rightly


def entry_json(log: Log, index: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(log[0][index].data)
    return found


@pytest.mark.parametrize(
    ("index", "path", "value"),
    [
        (0, ("message", "detail", "title"), "Another title"),
        (0, ("message", "signer"), BUYER.address),
        (1, ("message", "message", "buyerNonce"), "2"),
        (2, ("message", "message", "price"), "1"),
        (3, ("message", "detail", "outcome", "quantity"), "11"),
        (4, ("message", "digest"), word("another offer")),
        (4, ("message", "negotiation"), word("another negotiation")),
        (4, ("message", "signer"), BUYER.address),
        (7, ("message", "kind"), "rejection"),
        (7, ("received_at",), -1),
        (7, ("received_at",), True),
        (7, ("received_at",), NOW - 1),
        (7, ("received_at",), 1 << 60),
        (7, ("more",), 1),
    ],
)
def test_changed_member_is_found_though_every_hash_is_right(
    log: Log, index: int, path: tuple[str, ...], value: object
):
    spoiled = entry_json(log, index)
    inner = spoiled
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    data = renumbered(log[0])
    data[index] = json.dumps(spoiled, sort_keys=True, separators=(",", ":")).encode()
    assert f"entry {index}" in where(judge(*hashed(data)))


def test_another_spelling_of_the_same_entry_is_found(log: Log):
    data = renumbered(log[0])
    data[3] = data[3].replace(b":", b": ", 1)
    assert "canonical JSON" in what(judge(*hashed(data)))


def test_log_of_another_domain_proves_nothing(log: Log):
    entries, root, _ = log
    report = audit(entries, root, [], Domain(1, DOMAIN.verifying_contract))
    assert len(report.findings) == len(entries)


def test_words_signed_by_others_than_they_speak_for_are_found():
    stolen = listing(STRANGER, seller=SELLER.address)
    assert "the seller" in what(logged((stolen, NOW)))
    on = talk()
    start = (listing(), NOW), (invite(listing()), NOW)
    assert "NotAParty" in what(logged(*start, (offer(on, STRANGER), NOW)))
    assert "WrongTurn" in what(logged(*start, (offer(on, BUYER), NOW)))


def test_listing_is_replaced_only_by_its_seller_and_only_once():
    old = listing()
    hostile = listing(STRANGER, replaces=old.digest)
    assert "same seller" in what(logged((old, NOW), (hostile, NOW)))
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


@given(JSON | st.fixed_dictionaries({"message": JSON, "received_at": JSON}))
def test_nothing_that_a_registry_may_log_stops_the_audit(value: object):
    report = judge(*hashed([json.dumps(value).encode()]))
    assert where(report) == {"entry 0"}


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"NaN", b'{"a":1,"a":2}'])
def test_bytes_that_are_no_json_are_one_finding(log: Log, data: bytes):
    honest = renumbered(log[0])
    assert where(judge(*hashed([*honest, data]))) == {"entry 8"}


def test_finding_about_one_entry_does_not_hide_the_next(log: Log):
    data = renumbered(log[0])
    report = judge(*hashed([b"{}", *data, canonical({"a": 1})]))
    assert where(report) == {"entry 0", "entry 9"}
    assert report.checked["agreements"] == 1
