"""Release 0.1.0's real traffic: its log, read by this code, comes to the states that it came to."""

import gzip
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from forger import hashed, where
from market import DOMAIN

from marketplace.core.audit import audit
from marketplace.core.eip712 import Domain
from marketplace.core.entry import read
from marketplace.core.errors import ParleyError
from marketplace.core.market import Market
from marketplace.core.message import VERSION_1, Domains, Message, parse_message
from marketplace.core.negotiation import Negotiation, as_of
from marketplace.core.version1 import Terms

FOLDER = Path(__file__).parents[1] / "recorded"
FACTS: dict[str, Any] = json.loads((FOLDER / "0.1.0.json").read_text())
LINES = gzip.decompress((FOLDER / "0.1.0.jsonl.gz").read_bytes()).splitlines()
FIRST = Domain(FACTS["chain_id"], FACTS["escrow"], version="1")
SERVED = Domains((DOMAIN, FIRST))
STATES: dict[str, dict[str, Any]] = {one["id"]: one for one in FACTS["negotiations"]}


def received(line: bytes) -> tuple[Message, int]:
    logged = read(line, b"")
    assert logged.envelope is not None
    return parse_message(logged.envelope, SERVED.of(logged.envelope)), logged.at


@pytest.fixture(scope="module")
def market() -> Market:
    rebuilt = Market()
    for line in LINES:
        rebuilt.take(*received(line))
    return rebuilt


def test_recording_is_worth_replaying():
    messages = [received(line)[0] for line in LINES]
    assert len(LINES) == FACTS["entries"] >= 200
    assert {message.kind for message in messages} == set(VERSION_1)
    states = Counter(one["state"] for one in STATES.values())
    assert states.keys() >= {"ACCEPTED", "TERMINATED", "COUNTER", "PROPOSED"}
    # Somebody accepted after somebody had left, and a listing was replaced.
    threads = [message.kind for message in messages]
    left = threads.count("rejection") + threads.count("withdrawal")
    assert left > states["TERMINATED"]
    assert any(int(message.body.replaces, 16) for message in messages if message.kind == "listing")
    assert all(message.domain == FIRST for message in messages)


def test_recorded_log_has_its_own_root_and_no_finding():
    entries, root = hashed([(line, b"") for line in LINES])
    assert root == FACTS["root"]
    report = audit(entries, root, [], SERVED)
    assert (report.findings, report.complete) == ([], True)
    assert report.checked["negotiations"] == len(STATES)
    agreed = [one for one in STATES.values() if one["agreement"]]
    assert report.checked["agreements"] == len(agreed) > 3


def test_every_recorded_envelope_is_what_a_live_client_of_the_first_release_would_send():
    for line in LINES:
        envelope = json.loads(line)["message"]
        message, _ = received(line)
        assert message.to_json() == envelope
        assert parse_message(envelope, SERVED.of(envelope)) == message


@pytest.mark.parametrize("negotiation", list(STATES))
def test_negotiation_comes_to_the_state_that_0_1_0_came_to(market: Market, negotiation: str):
    on, told = market.negotiations[negotiation], STATES[negotiation]
    assert {
        "id": on.id,
        "state": on.state.value,
        "read_as": as_of(on, FACTS["at"]).value,
        "turn": on.turn,
        "head": on.head,
        "length": on.length,
        "last_open_by": on.last_open_by,
        "offers": [[each.signer, each.digest, each.signature] for each in on.offers],
        "agreement": agreement_of(on),
    } == told


def agreement_of(on: Negotiation) -> dict[str, Any] | None:
    agreed = on.agreement
    if agreed is None:
        return None
    agreed.check(FIRST)
    # As 0.1.0 spelled them: its own struct, member by member.
    named = {field.name: getattr(agreed.terms, field.name) for field in Terms.FIELDS}
    signed = Terms(**named).to_message()
    assert Terms.from_message(signed).digest(FIRST) == agreed.digest
    return {
        "digest": agreed.digest,
        "terms": signed,
        "subject": agreed.subject.to_json(),
        "buyer_signature": agreed.buyer_signature,
        "seller_signature": agreed.seller_signature,
    }


def one_of_each_kind() -> list[bytes]:
    found = {received(line)[0].kind: line for line in LINES}
    return list(found.values())


@pytest.mark.parametrize("line", one_of_each_kind(), ids=lambda line: received(line)[0].kind)
def test_every_byte_of_a_recorded_word_is_held_by_its_signature_or_its_thread(line: bytes):
    message, _ = received(line)
    own = line.rindex(b'"received_at":') + len(b'"received_at":')
    for place in range(len(line)):
        if own <= place < len(line) - 1:
            continue
        spoiled = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        try:
            moved, _ = received(spoiled)
        except ParleyError:
            continue
        # Neither terms nor a bare signature name the negotiation: there it is the thread.
        assert message.kind in ("offer", "acceptance")
        assert moved.negotiation not in (message.negotiation, *STATES)
        assert moved.digest == message.digest


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_loss_of_an_early_word_of_the_recording_is_found(lost: int):
    rest = [*LINES[:lost], *LINES[lost + 1 :]]
    entries, root = hashed([(line, b"") for line in rest])
    assert where(audit(entries, root, [], SERVED))


def test_receipt_times_of_each_recorded_thread_do_not_go_back():
    times: dict[str, list[int]] = {}
    for line in LINES:
        message, at = received(line)
        times.setdefault(message.negotiation or "listings", []).append(at)
    assert all(a <= b for thread in times.values() for a, b in pairwise(thread))
