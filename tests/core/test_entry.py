"""Entries of the log: a leaf for everybody, a body that it commits to."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    NOW,
    delegated,
    delegation,
    invite,
    listing,
    proposed,
    reject,
    specimens,
    word,
)

from marketplace.core.entry import TIMEOUT, body_digest, read, split, timeout_leaf
from marketplace.core.errors import BodyTooLarge, DigestMismatch, FieldsDiffer, ParleyError
from marketplace.core.message import Message, parse_header, parse_message
from marketplace.core.values import Json, canonical
from marketplace.core.words import Kind, Rejection

ON, WORDS = proposed(), specimens()
SALT = word("salt of the entry")
every_word = pytest.mark.parametrize("name", list(WORDS))


def refusal(leaf: bytes, body: bytes = b"") -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        read(leaf, body)
    return refused.value


def test_every_kind_is_tried_here():
    assert {message.kind for message in WORDS.values()} == set(Kind)


@given(
    name=st.sampled_from(list(WORDS)),
    received_at=st.integers(0, (1 << 40) - 1),
    salt=st.binary(min_size=32, max_size=32),
    ago=st.none() | st.integers(0, 1 << 40),
)
def test_entry_is_read_as_the_message_that_was_split(
    name: str, received_at: int, salt: bytes, ago: int | None
):
    message = WORDS[name]
    said_at = None if ago is None else max(0, received_at - ago)
    found = read(*split(message.to_json(), received_at, "0x" + salt.hex(), said_at))
    assert found.envelope == message.to_json()
    assert parse_message(found.envelope, message.domain) == message
    assert (found.kind, found.received_at, found.said_at) == (message.kind, received_at, said_at)
    assert found.at == (received_at if said_at is None else said_at)


@every_word
def test_leaf_holds_nothing_that_the_message_carries(name: str):
    message = WORDS[name]
    leaf, body = split(message.to_json(), NOW, SALT)
    shown = json.loads(leaf)
    assert {"message", "detail", "sealed", "salt"}.isdisjoint(shown)
    carried = {"message", "detail", "sealed"} & message.to_json().keys()
    assert (body == b"") is (message.kind is Kind.ACCEPTANCE) is (not carried)
    if body:
        assert json.loads(body).keys() == carried | {"salt"}
        assert shown["body"] == body_digest(body)


@every_word
def test_erased_body_leaves_who_said_what_kind_of_thing_where(name: str):
    message = WORDS[name]
    leaf, body = split(message.to_json(), NOW, SALT)
    found = read(leaf, b"")
    if not body:
        assert found.envelope == message.to_json()
        return
    assert found.envelope is None
    header = parse_header(found.leaf, message.domain)
    assert (header.key, header.negotiation, header.signature) == (
        message.key,
        message.negotiation,
        message.signature,
    )
    assert (header.body, header.detail, header.sealed) == (None, None, None)
    assert header.mandate == message.mandate


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signer": BUYER.address}, "WrongSigner"),
        ({"digest": word("another")}, "WrongSigner"),
        ({"kind": "acceptance"}, "FieldsDiffer"),
        ({"kind": "insult"}, "ValueMalformed"),
        ({"kind": "listing"}, "FieldsDiffer"),
        ({"version": "1"}, "VersionUnsupported"),
        ({"domain": word("another")}, "DomainMismatch"),
        ({"more": 1}, "FieldsDiffer"),
        ({"delegation": {}}, "FieldsDiffer"),
    ],
)
def test_leaf_of_an_erased_body_still_proves_what_it_says(change: dict[str, Json], code: str):
    found = read(split(WORDS["offer"].to_json(), NOW, SALT)[0], b"")
    with pytest.raises(ParleyError) as refused:
        parse_header({**found.leaf, **change}, DOMAIN)
    assert refused.value.code == code


def test_erased_invitation_names_its_own_negotiation():
    found = read(split(WORDS["invitation"].to_json(), NOW, SALT)[0], b"")
    with pytest.raises(DigestMismatch):
        parse_header({**found.leaf, "negotiation": word("another")}, DOMAIN)


def test_erased_offer_of_a_delegate_is_refused_like_one_that_is_shown():
    stolen = delegated(WORDS["offer"], delegation())
    with pytest.raises(ParleyError) as refused:
        parse_header(read(split(stolen.to_json(), NOW, SALT)[0], b"").leaf, DOMAIN)
    assert refused.value.code == "MandateRefused"


# ------------------------------------------------------------------ bodies that are not the leaf's


def test_swapped_bodies_are_refused_with_both_digests():
    one, other = (split(WORDS[name].to_json(), NOW, SALT) for name in ("offer", "rejection"))
    told = refusal(one[0], other[1])
    assert told.values == {"stated": body_digest(one[1]), "computed": body_digest(other[1])}


@pytest.mark.parametrize("name", ["acceptance"])
def test_body_that_nothing_commits_to_is_refused(name: str):
    leaf, _ = split(WORDS[name].to_json(), NOW, SALT)
    assert refusal(leaf, b"{}").values == {"stated": "none", "computed": body_digest(b"{}")}
    assert refusal(timeout_leaf(ON.id, NOW, NOW), b"{}").code == "DigestMismatch"


def test_salt_is_in_the_leaf_s_commitment_so_that_a_small_body_cannot_be_tried():
    envelope = WORDS["escalation"].to_json()
    leaves = {split(envelope, NOW, word(str(n)))[0] for n in range(8)}
    assert len(leaves) == 8


def test_reason_of_a_rejection_can_be_tried_all_the_same():
    # The digest that was signed is public and has few things to be a digest of: a known gap,
    # told in docs/protocol.md. What an offer says hangs on its subject's salt.
    leaf = json.loads(split(reject(ON, BUYER, 2).to_json(), NOW, SALT)[0])
    tried = [Rejection(ON.id, ON.head, reason).digest(DOMAIN) for reason in range(256)]
    assert tried.index(leaf["digest"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"salt": None},
        {"salt": "0x"},
        {"salt": 1},
        {"kind": "offer"},
        {"received_at": 1},
    ],
)
def test_body_holds_what_the_message_carries_and_a_salt(change: dict[str, Json]):
    leaf, body = split(WORDS["offer"].to_json(), NOW, SALT)
    spoiled = canonical({**json.loads(body), **change})
    told = refusal(canonical({**json.loads(leaf), "body": body_digest(spoiled)}), spoiled)
    assert told.code in ("FieldsDiffer", "ValueMalformed")


def test_body_without_its_salt_is_refused():
    leaf, body = split(WORDS["offer"].to_json(), NOW, SALT)
    bare = canonical({k: v for k, v in json.loads(body).items() if k != "salt"})
    told = refusal(canonical({**json.loads(leaf), "body": body_digest(bare)}), bare)
    assert told.values == {"unknown": "", "missing": "salt"}


@pytest.mark.parametrize("name", ["detail", "sealed"])
def test_leaf_that_shows_what_belongs_into_the_body_is_refused(name: str):
    leaf, body = split(WORDS["offer"].to_json(), NOW, SALT)
    shown = canonical({**json.loads(leaf), name: {}})
    assert refusal(shown, body).values == {"unknown": name, "missing": ""}


@pytest.mark.parametrize("stated", [None, 1, "", "0x", []])
def test_commitment_is_a_digest(stated: Json):
    leaf, body = split(WORDS["offer"].to_json(), NOW, SALT)
    spoiled = canonical({**json.loads(leaf), "body": stated})
    assert refusal(spoiled, body).code == "ValueMalformed"
    assert refusal(spoiled).code == "ValueMalformed"


@pytest.mark.parametrize("part", [0, 1])
def test_each_part_has_one_spelling(part: int):
    leaf, body = split(WORDS["offer"].to_json(), NOW, SALT)
    if part == 0:
        told = refusal(leaf.replace(b":", b": ", 1), body)
    else:
        spaced = body.replace(b":", b": ", 1)
        told = refusal(canonical({**json.loads(leaf), "body": body_digest(spaced)}), spaced)
    assert told.values["form"] == "canonical JSON (RFC 8785)"


# ------------------------------------------------------------------ times


@pytest.mark.parametrize("at", [-1, True, "1", None, 1 << 40])
def test_receipt_time_is_an_instant(at: Json):
    leaf, body = split(WORDS["offer"].to_json(), NOW, SALT)
    assert refusal(canonical({**json.loads(leaf), "received_at": at}), body).values["field"] == (
        "received_at"
    )


def test_word_is_said_before_it_is_received_or_at_once():
    envelope = WORDS["offer"].to_json()
    assert read(*split(envelope, NOW, SALT, NOW)).at == NOW
    assert read(*split(envelope, NOW, SALT, NOW - 1)).at == NOW - 1
    told = refusal(*split(envelope, NOW, SALT, NOW + 1))
    assert told.values["field"] == "said_at"


def test_timeout_is_read_with_the_deadline_that_it_speaks_of():
    found = read(timeout_leaf(ON.id, NOW + 5, NOW + 7), b"")
    assert (found.kind, found.thread, found.deadline, found.at) == (
        TIMEOUT,
        ON.id,
        NOW + 5,
        NOW + 7,
    )
    assert found.envelope is None


@pytest.mark.parametrize(
    "change",
    [{"deadline": -1}, {"deadline": "1"}, {"negotiation": "0x"}, {"more": 1}, {"said_at": 1}],
)
def test_timeout_in_another_form_is_refused(change: dict[str, Json]):
    good = json.loads(timeout_leaf(ON.id, NOW, NOW))
    assert refusal(canonical({**good, **change})).code in ("ValueMalformed", "FieldsDiffer")


# ------------------------------------------------------------------ what release 0.1.0 logged


def first_release(message: Message, **more: Json) -> bytes:
    return canonical({"message": message.to_json(), "received_at": NOW, **more})


def test_leaf_of_the_first_release_is_the_whole_entry():
    message = WORDS["offer of version 1"]
    found = read(first_release(message), b"")
    assert (found.kind, found.at, found.envelope) == ("offer", NOW, message.to_json())


@pytest.mark.parametrize("more", [{"more": 1}, {"said_at": 1}, {"body": word("body")}])
def test_leaf_of_the_first_release_has_nothing_besides(more: dict[str, Any]):
    with pytest.raises(FieldsDiffer):
        read(first_release(WORDS["offer of version 1"], **more), b"")


def test_present_word_is_not_logged_whole():
    # Its body would be everybody's, and two leaves would say the same.
    with pytest.raises(FieldsDiffer):
        read(first_release(WORDS["offer"]), b"")


def test_leaf_that_does_not_fit_into_an_entry_of_the_log_is_refused():
    envelope = invite(listing()).to_json()
    leaf, _ = split(envelope, NOW, SALT)
    room = 65_535 - len(leaf)
    split({**envelope, "signer": str(envelope["signer"]) + "0" * room}, NOW, SALT)
    with pytest.raises(BodyTooLarge):
        split({**envelope, "signer": str(envelope["signer"]) + "0" * (room + 1)}, NOW, SALT)
