"""The verifier of evidence: an honest file holds, and each planted fault is found by its kind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from dossier import ANCHOR, KEY, KNOWN, Dossier, changed, dossier, talked
from forger import logged, noted, withheld
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    accept,
    closed,
    delegated,
    delegation,
    escalate,
    listing,
    offer,
    proposed,
    subject,
    withdraw,
    word,
)
from story import Story

from marketplace.core import replay
from marketplace.core.checkpoint import LogKey, log_domain
from marketplace.core.deal import Operation
from marketplace.core.decision import YES, Answer, Decision
from marketplace.core.evidence import verify
from marketplace.core.exhibits import EVENTS, MEMBERS, Anchor, Event
from marketplace.core.message import Message
from marketplace.core.negotiation import Negotiation, advance, begin
from marketplace.core.signature import compact
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, canonical, parse_json
from marketplace.core.verdict import Known, Told, Verdict

MADE = dossier()
FILE = MADE.file()
STRANGE = LogKey("registry.example", log_domain(DOMAIN.chain_id, ANCHOR), b"t" * 32)
OTHER_LOG = LogKey("other.example", log_domain(DOMAIN.chain_id, ANCHOR), b"s" * 32)


def judge(
    given,
    told: Told | None = MADE.told,
    known: Known = KNOWN,
    decisions: Sequence[Decision] = MADE.decisions,
) -> Verdict:
    return verify(given, known, told, decisions)


def kinds(verdict: Verdict) -> set[str]:
    return {finding.kind for finding in verdict.findings}


def places(verdict: Verdict) -> set[str]:
    return {finding.where for finding in verdict.findings}


def what(verdict: Verdict) -> str:
    return " | ".join(finding.what for finding in verdict.findings)


# ------------------------------------------------------------------ the honest file


def test_honest_file_holds_and_says_what_was_not_asked():
    verdict = judge(FILE)
    assert verdict.findings == []
    assert verdict.state == "RELEASED"
    assert verdict.checked == {
        "entries": 7,
        "checkpoints": 1,
        "inclusion proofs": 7,
        "words replayed": 6,
        "agreements": 1,
        "receipts": 2,
        "anchors": 2,
        "events": 3,
        "events on chain": 3,
        "anchors on chain": 2,
        "decisions": 2,
    }
    (one,) = verdict.unchecked
    assert one.startswith("log: whether the listing was replaced before")


def test_offline_the_chain_is_named_as_not_asked():
    verdict = judge(FILE, None)
    assert verdict.findings == []
    assert any(each.startswith("chain: no node was asked") for each in verdict.unchecked)
    assert "events on chain" not in verdict.checked


def test_key_of_the_log_is_the_file_s_word_unless_it_is_known():
    told = judge(FILE, known=replace(KNOWN, key=None)).unchecked
    assert any(KEY.name.key in each for each in told)
    assert not any(KEY.name.key in each for each in judge(FILE).unchecked)
    stranger = judge(FILE, known=replace(KNOWN, key=STRANGE.name.key))
    assert (*kinds(stranger), what(stranger)[:11]) == ("log", "WrongSigner")


def test_words_above_every_anchor_are_named():
    spoiled = changed(FILE, ("anchors",), FILE["anchors"][:0])
    verdict = judge(spoiled, replace(MADE.told, anchors=()))
    assert verdict.ok
    told = "listing, transcript[0], transcript[1], transcript[2], transcript[3], transcript[4]"
    assert any(told in each and "last anchor" in each for each in verdict.unchecked)


def test_anchors_of_the_chain_that_the_file_does_not_prove_are_named():
    verdict = judge(changed(FILE, ("anchors",), FILE["anchors"][:1]))
    assert verdict.ok
    assert any("the chain has 1 more" in each for each in verdict.unchecked)


@pytest.mark.parametrize("events", [0, 1, 2, 3])
def test_deal_is_judged_as_far_as_it_has_come(events):
    made = dossier(events)
    verdict = judge(made.file(), made.told)
    assert verdict.findings == []
    assert verdict.state == ("NONE", "FUNDED", "DELIVERED", "RELEASED")[events]


def test_file_of_two_agents_without_a_registry_says_so():
    bare = {"log": None, "checkpoint": None, "receipts": [], "anchors": []}
    words = [
        {"leaf": each["leaf"], "body": each["body"]}
        for each in (FILE["listing"], *FILE["transcript"])
    ]
    given = {**FILE, **bare, "listing": words[0], "transcript": words[1:]}
    verdict = judge(given, replace(MADE.told, anchors=()))
    assert verdict.findings == []
    assert any("without a registry" in each for each in verdict.unchecked)
    for member in ("receipts", "anchors", "checkpoint"):
        assert kinds(judge({**given, member: FILE[member]})) == {"format"}
    assert kinds(judge({**given, "listing": FILE["listing"]})) == {"format"}


# ------------------------------------------------------------------ faults of one value


def digit(text: str) -> str:
    """The text with its last hex digit another."""
    return text[:-1] + ("1" if text[-1] == "0" else "0")


def flipped(*path: str | int) -> dict[str, Any]:
    inner: Any = FILE
    for step in path:
        inner = inner[step]
    return changed(FILE, path, inner + 1 if isinstance(inner, int) else digit(inner))


def leaf_with(number: int, **members: str | int) -> dict[str, Any]:
    told = {**parse_json(FILE["transcript"][number]["leaf"].encode()), **members}  # type: ignore[dict-item]
    return changed(FILE, ("transcript", number, "leaf"), canonical(told).decode())


def note_of(key: LogKey, size: int = 0, root: bytes = b"") -> dict[str, Any]:
    checkpoint = MADE.log.checkpoint(size or MADE.size)
    checkpoint = replace(checkpoint, origin=key.origin, root=root or checkpoint.root)
    return changed(FILE, ("checkpoint",), key.note(checkpoint, key.sign(checkpoint)))


def swapped(name: str, one: int, other: int) -> dict[str, Any]:
    listed = list(FILE[name])
    listed[one], listed[other] = listed[other], listed[one]
    return changed(FILE, (name,), listed)


def without(name: str, place: int) -> dict[str, Any]:
    return changed(FILE, (name,), [*FILE[name][:place], *FILE[name][place + 1 :]])


def one_line_of(note: str, line: int) -> str:
    text, _, below = note.rpartition("\n\n")
    return text + "\n\n" + below.splitlines(keepends=True)[line]


OTHER = dossier(at=[NOW + 100 + number for number in range(7)])
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "another format": (changed(FILE, ("format",), "parley.evidence.1"), "format", "file"),
    "member too many": ({**FILE, "note": "mine"}, "format", "file"),
    "leaf changed": (flipped("transcript", 0, "leaf"), "entry", "transcript[0]"),
    "leaf's time": (leaf_with(1, received_at=NOW + 3), "log", "transcript[1]"),
    "leaf's signature": (
        leaf_with(1, signature=SELLER.sign(word("other"))),
        "entry",
        "transcript[1]",
    ),
    "leaf's signer": (leaf_with(1, signer=BUYER.address), "entry", "transcript[1]"),
    "leaf's digest": (leaf_with(1, digest=word("other")), "entry", "transcript[1]"),
    "body changed": (
        changed(
            FILE,
            ("transcript", 1, "body"),
            FILE["transcript"][1]["body"].replace('"feeBps":250', '"feeBps":251'),
        ),
        "entry",
        "transcript[1]",
    ),
    "body of another word": (
        changed(FILE, ("transcript", 1, "body"), FILE["transcript"][2]["body"]),
        "entry",
        "transcript[1]",
    ),
    "body left out": (changed(FILE, ("transcript", 1, "body"), ""), "entry", "transcript[1]"),
    "listing's body left out": (changed(FILE, ("listing", "body"), ""), "entry", "listing"),
    "body of what has none": (
        changed(FILE, ("transcript", 5, "body"), FILE["transcript"][1]["body"]),
        "entry",
        "transcript[5]",
    ),
    "proof's element": (flipped("transcript", 2, "proof", 1), "log", "transcript[2]"),
    "proof of another word": (
        changed(FILE, ("transcript", 2, "proof"), FILE["transcript"][4]["proof"]),
        "log",
        "transcript[2]",
    ),
    "proof cut short": (
        changed(FILE, ("transcript", 2, "proof"), FILE["transcript"][2]["proof"][:-1]),
        "log",
        "transcript[2]",
    ),
    "proof too long": (
        changed(FILE, ("transcript", 2, "proof"), [*FILE["transcript"][2]["proof"], word("x")]),
        "log",
        "transcript[2]",
    ),
    "index": (flipped("transcript", 2, "index"), "log", "transcript[2]"),
    "index beyond the tree": (
        changed(FILE, ("transcript", 5, "index"), 10_000),
        "log",
        "transcript[5]",
    ),
    "checkpoint by another key": (note_of(STRANGE), "log", "checkpoint"),
    "checkpoint of another log": (note_of(OTHER_LOG), "log", "checkpoint"),
    "checkpoint without the key of contracts": (
        changed(FILE, ("checkpoint",), one_line_of(FILE["checkpoint"], 0)),
        "log",
        "checkpoint",
    ),
    "checkpoint without the key of notes": (
        changed(FILE, ("checkpoint",), one_line_of(FILE["checkpoint"], 1)),
        "log",
        "checkpoint",
    ),
    "checkpoint of another root": (note_of(KEY, root=b"r" * 32), "log", "transcript[0]"),
    "checkpoint of another size": (note_of(KEY, size=MADE.size + 1), "log", "transcript[0]"),
    "log's key": (
        changed(FILE, ("log", "key"), STRANGE.name.key),
        "log",
        "checkpoint",
    ),
    "log's note key": (
        changed(FILE, ("log", "vkey"), str(STRANGE.name.verifier)),
        "log",
        "checkpoint",
    ),
    "log's note key of another name": (
        changed(FILE, ("log", "vkey"), str(OTHER_LOG.name.verifier)),
        "format",
        "file",
    ),
    "log's contract": (
        changed(FILE, ("log", "domain", "verifyingContract"), "0x" + "a8" * 20),
        "log",
        "log",
    ),
    "word dropped": (without("transcript", 2), "talk", "transcript[2]"),
    "last word dropped": (without("transcript", 5), "talk", "transcript[4]"),
    "first word dropped": (without("transcript", 0), "talk", "transcript[0]"),
    "words in another order": (swapped("transcript", 1, 2), "log", "transcript[2]"),
    "word said twice": (
        changed(FILE, ("transcript",), [*FILE["transcript"], FILE["transcript"][5]]),
        "talk",
        "transcript[6]",
    ),
    "no words": (changed(FILE, ("transcript",), []), "talk", "transcript"),
    "another deal's listing": (
        changed(FILE, ("listing",), OTHER.file()["listing"]),
        "log",
        "listing",
    ),
    "deal's id": (flipped("deal"), "agreement", "deal"),
    "negotiation's id": (flipped("negotiation"), "talk", "negotiation"),
    "price": (
        changed(FILE, ("typed_data", "message", "price"), "901"),
        "agreement",
        "deal",
    ),
    "subject's unit price": (
        changed(FILE, ("subject", "outcome", "unit_price"), "91"),
        "agreement",
        "deal",
    ),
    "subject of another listing": (
        changed(FILE, ("subject", "listing"), word("other")),
        "agreement",
        "subject",
    ),
    "typed data of another struct": (
        changed(FILE, ("typed_data", "primaryType"), "Offer"),
        "agreement",
        "typed_data",
    ),
    "typed data with another type": (
        changed(FILE, ("typed_data", "types", "Terms", 3, "type"), "uint256"),
        "agreement",
        "typed_data",
    ),
    "chain of the domain": (flipped("typed_data", "domain", "chainId"), "entry", "listing"),
    "escrow of the domain": (
        changed(FILE, ("typed_data", "domain", "verifyingContract"), "0x" + "e6" * 20),
        "agreement",
        "typed_data.domain",
    ),
    "buyer's signature": (flipped("buyer_signature"), "agreement", "deal"),
    "signatures exchanged": (
        {
            **FILE,
            "buyer_signature": FILE["seller_signature"],
            "seller_signature": FILE["buyer_signature"],
        },
        "agreement",
        "deal",
    ),
    "receipt's signature": (flipped("receipts", 0, "signature"), "receipt", "receipts[0]"),
    "receipt's root": (flipped("receipts", 0, "root"), "receipt", "receipts[0]"),
    "receipt's size": (flipped("receipts", 0, "size"), "receipt", "receipts[0]"),
    "receipt's proof": (flipped("receipts", 0, "proof", 0), "receipt", "receipts[0]"),
    "receipt's salt": (flipped("receipts", 0, "salt"), "receipt", "receipts[0]"),
    "receipt's index": (flipped("receipts", 0, "index"), "receipt", "receipts[0]"),
    "receipt's growth": (flipped("receipts", 0, "consistency", 0), "receipt", "receipts[0]"),
    "receipt of another origin": (
        changed(FILE, ("receipts", 0, "origin"), "other.example"),
        "receipt",
        "receipts[0]",
    ),
    "anchor's root": (flipped("anchors", 0, "root"), "anchor", "anchors[0]"),
    "anchor's size": (flipped("anchors", 0, "size"), "anchor", "anchors[0]"),
    # No root says of how many leaves it is: a proof may fit two sizes.
    "later anchor's size": (flipped("anchors", 1, "size"), "chain", "anchors[1]"),
    "anchor's growth": (flipped("anchors", 1, "consistency", 0), "anchor", "anchors[1]"),
    "anchor's time": (flipped("anchors", 0, "at"), "chain", "anchors[0]"),
    "anchor's block": (flipped("anchors", 0, "block"), "chain", "anchors[0]"),
    "anchor's transaction": (flipped("anchors", 1, "transaction"), "chain", "anchors[1]"),
    "event dropped": (without("events", 1), "event", "events[1]"),
    "opening dropped": (without("events", 0), "event", "events[0]"),
    "last event dropped": (without("events", 2), "chain", "events[2]"),
    "events in another order": (swapped("events", 1, 2), "event", "events[1]"),
    "event twice": (
        changed(FILE, ("events",), [*FILE["events"], FILE["events"][2]]),
        "event",
        "events[3]",
    ),
    "amount paid": (
        changed(FILE, ("events", 2, "values", "toSeller"), "1"),
        "event",
        "events[2]",
    ),
    "amount charged": (
        changed(FILE, ("events", 1, "values", "charge"), "892"),
        "event",
        "events[2]",
    ),
    "price of the opening": (
        changed(FILE, ("events", 0, "values", "price"), "901"),
        "event",
        "events[0]",
    ),
    "caller": (
        changed(FILE, ("events", 2, "values", "caller"), STRANGER.address),
        "chain",
        "events[2]",
    ),
    "event's time": (flipped("events", 1, "at"), "chain", "events[1]"),
    "event's block": (flipped("events", 2, "block"), "chain", "events[2]"),
    "event's transaction": (flipped("events", 0, "transaction"), "chain", "events[0]"),
    "event's place": (flipped("events", 2, "log_index"), "chain", "events[2]"),
    "delivery": (flipped("delivery"), "event", "delivery"),
    "delivery that was none": (changed(FILE, ("delivery",), None), "event", "delivery"),
    "deliverable": (flipped("events", 1, "values", "deliverable"), "event", "delivery"),
    "decision's digest": (flipped("decisions", 1), "decision", "decisions"),
    "decision left out": (without("decisions", 0), "decision", "decisions"),
    "all decisions left out": (changed(FILE, ("decisions",), []), "decision", "decisions"),
    "decisions in another order": (swapped("decisions", 0, 1), "decision", "decisions[0]"),
    "decision twice": (
        changed(FILE, ("decisions",), [*FILE["decisions"], FILE["decisions"][0]]),
        "format",
        "file",
    ),
    "decision that is no digest": (
        changed(FILE, ("decisions", 1), FILE["decisions"][1].upper()),
        "format",
        "file",
    ),
    "decision of another deal": (
        changed(FILE, ("decisions",), [each.digest for each in MADE.decisions]),
        "decision",
        "decisions[0]",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_fault_is_found_by_its_kind_and_place(name: str):
    given, kind, where = CASES[name]
    verdict = judge(given)
    assert not verdict.ok
    assert (kind, where) in {(each.kind, each.where) for each in verdict.findings}, verdict.findings


@pytest.mark.parametrize("member", MEMBERS)
def test_file_without_a_member_has_no_form(member: str):
    given = {name: value for name, value in FILE.items() if name != member}
    assert [(each.kind, each.where) for each in judge(given).findings] == [("format", "file")]


@pytest.mark.parametrize("given", [None, [], "", 7, {}, {"format": "parley.evidence.2"}])
def test_what_is_no_file_has_no_form(given):
    assert kinds(judge(given)) == {"format"}


@pytest.mark.parametrize(
    "path", [("listing", "leaf"), ("transcript", 1, "body"), ("checkpoint",), ("log", "origin")]
)
def test_text_that_has_no_bytes_has_no_form(path: tuple[str | int, ...]):
    assert kinds(judge(changed(FILE, path, "half of one: \ud83d"))) == {"format"}


# ------------------------------------------------------------------ decisions

OF_ANOTHER, DENIED, ALLOWED = MADE.decisions


def recorded(*decisions: Decision) -> Verdict:
    """The verdict on a file that names these, with these for its holder's record."""
    return judge(
        changed(FILE, ("decisions",), [each.digest for each in decisions]), None, KNOWN, decisions
    )


def test_without_the_record_the_digests_are_named_as_not_asked():
    verdict = judge(FILE, decisions=())
    assert verdict.findings == []
    assert "decisions" not in verdict.checked
    told = "decisions: what 2 digests stand for, and whether there are more: "
    assert told + "the holder's record says so" in verdict.unchecked
    # That there are none is the holder's word as well.
    none = judge(changed(FILE, ("decisions",), []), decisions=())
    assert any(each.startswith("decisions: what 0") for each in none.unchecked)


def test_digest_of_which_the_record_has_nothing_is_named_as_not_asked():
    verdict = judge(FILE, decisions=[OF_ANOTHER, ALLOWED])
    assert verdict.findings == []
    assert verdict.checked["decisions"] == 1
    told = "decisions: what 1 digests stand for: the holder's record says so"
    assert told in verdict.unchecked


@pytest.mark.parametrize(
    ("decision", "answer"),
    [
        (DENIED, YES),
        (ALLOWED, Answer("ExposureExceeded", {"exposure": "1800", "allowed": "1000"})),
        (DENIED, replace(DENIED.answer, rule="LimitExceeded")),
        (DENIED, replace(DENIED.answer, values={"exposure": "1801", "allowed": "1000"})),
    ],
    ids=["no became yes", "yes became no", "by another rule", "with other values"],
)
def test_answer_that_was_turned_is_found_under_its_new_digest(decision: Decision, answer: Answer):
    assert recorded(decision).findings == []
    verdict = recorded(replace(decision, answer=answer))
    assert (kinds(verdict), places(verdict)) == ({"decision"}, {"decisions[0]"})
    assert f"by its own policy {decision.answer}" in what(verdict)


def test_decision_in_another_talk_and_of_a_stranger_are_found():
    for asked, name in (
        (replace(ALLOWED.question, negotiation=word("another")), "DigestMismatch"),
        (replace(ALLOWED.question, signer=STRANGER.address), "NotAParty"),
    ):
        verdict = recorded(replace(ALLOWED, question=asked, answer=asked.answer()))
        assert (kinds(verdict), places(verdict)) == ({"decision"}, {"decisions[0]"})
        assert name in what(verdict)


def test_order_is_known_over_another_deal_s_decision_that_lies_between():
    between = replace(OF_ANOTHER, previous=DENIED.digest)
    last = replace(ALLOWED, previous=between.digest)
    for held, found in (((between,), {"decisions[0]"}), ((), set())):
        given = changed(FILE, ("decisions",), [last.digest, DENIED.digest])
        assert places(judge(given, decisions=[DENIED, *held, last])) == found
    honest = changed(FILE, ("decisions",), [DENIED.digest, last.digest])
    # Whoever shows the record may show it in any order: what was first is in the digests.
    assert judge(honest, decisions=[last, between, DENIED]).ok


# ------------------------------------------------------------------ faults under right hashes


def told_by(said: list[Message], at: list[int] | None = None) -> Verdict:
    """A file whose log, proofs and events are right, whatever was said."""
    honest, talk = talked()
    times = at or [NOW + number for number in range(len(said))]
    made = Dossier(said, times, MADE.story, talk)
    given = made.file()
    assert len(honest) == 7
    return judge(given, made.told)


def test_talk_that_the_machine_refuses_is_found_though_it_is_in_the_log():
    said, _ = talked()
    early = range(NOW, NOW + 6)
    for name, words, at in (
        ("WrongTurn", [*said[:3], *said[4:]], None),
        ("WrongPrevious", [*said[:2], said[5], said[6]], None),
        ("DeadlinePassed", said, [*early, NOW + 3600]),
        ("OpenExpired", said, [*early, NOW + 1800]),
    ):
        verdict = told_by(words, at)
        assert name in what(verdict)
        assert kinds(verdict) == {"talk"}


def test_signer_who_did_not_sign_is_found_though_the_log_has_the_word():
    said, _ = talked()
    verdict = told_by([*said[:3], replace(said[3], signer=STRANGER.address), *said[4:]])
    assert "WrongSigner" in what(verdict)
    assert (kinds(verdict), places(verdict)) == ({"entry"}, {"transcript[2]"})


def test_offer_out_of_turn_with_a_right_signature_is_found():
    said, _ = talked()
    talk = begin(said[1], said[0], NOW)
    stray = offer(talk, BUYER)
    verdict = told_by([*said[:2], stray, *said[2:]])
    assert "WrongTurn" in what(verdict)
    assert places(verdict) >= {"transcript[1]"}


def test_words_after_the_agreement_and_times_that_go_back_are_found():
    said, talk = talked()
    assert "EventRefused" in what(told_by([*said, withdraw(talk, BUYER)]))
    verdict = told_by(said, [NOW, NOW + 1, NOW + 2, NOW + 1, NOW + 4, NOW + 5, NOW + 6])
    assert (kinds(verdict), places(verdict)) == ({"log"}, {"transcript[2]"})


def test_listing_may_be_younger_by_its_own_clock_but_not_later_in_the_log():
    said, _ = talked()
    assert told_by(said, [NOW + 50, *range(NOW, NOW + 6)]).ok
    made = dossier()
    made.indexes[0], made.indexes[1] = made.indexes[1], made.indexes[0]
    made.log.entries[made.indexes[0]], made.log.entries[made.indexes[1]] = (
        made.log.entries[made.indexes[1]],
        made.log.entries[made.indexes[0]],
    )
    verdict = judge(made.file(), made.told)
    assert (kinds(verdict), places(verdict)) == ({"log"}, {"transcript[0]"})


def test_talk_that_ends_without_the_acceptance_is_no_agreement():
    said, _ = talked()
    verdict = told_by(said[:-1])
    assert places(verdict) == {"transcript[4]", "buyer_signature"}
    assert "ends as COUNTER" in what(verdict)


def test_agreement_on_other_terms_than_the_file_s_is_found():
    said, _ = talked()
    talk = begin(said[1], said[0], NOW)
    talk = advance(talk, said[2], NOW)
    verdict = told_by([*said[:3], accept(talk, BUYER)])
    assert "ends as ACCEPTED" in what(verdict)
    assert kinds(verdict) == {"talk", "agreement"}


def test_listing_of_another_seller_is_no_listing_of_this_talk():
    said, _ = talked()
    verdict = told_by([listing(STRANGER), *said[1:]])
    assert "TermsDisagree" in what(verdict)
    assert {"transcript[0]", "subject"} <= places(verdict)


def test_note_of_a_timeout_is_no_word_of_a_party():
    made = dossier()
    made.log.entries[made.indexes[4]] = noted(made.said[1], NOW + 3600, NOW + 3600)
    verdict = judge(made.file(), made.told)
    assert "a word of a party" in what(verdict)
    assert any("talk: not replayed" in each for each in verdict.unchecked)


def test_erased_body_is_a_finding():
    made = dossier()
    made.log.entries[made.indexes[3]] = withheld(made.log.entries[made.indexes[3]])
    assert places(judge({**made.file(), "receipts": []}, made.told)) == {"transcript[2]"}


def test_words_handed_in_later_are_named():
    made = dossier()
    made.log.entries[made.indexes[6]] = logged(made.said[6], NOW + 9000, said_at=NOW + 6)
    verdict = judge(made.file(), made.told)
    assert verdict.ok
    assert any(each.startswith("transcript[5]: when it was said") for each in verdict.unchecked)


def test_delegate_s_word_holds_and_its_revocation_is_named_as_not_asked():
    said, _ = talked()
    given = delegation(SELLER)
    said[4] = delegated(said[4], given)
    verdict = told_by(said)
    assert verdict.ok
    assert any("transcript[3]: whether its signer's deleg" in each for each in verdict.unchecked)
    lapsed = delegated(said[4], delegation(SELLER, expires_at=NOW + 1))
    assert "MandateExpired" in what(told_by([*said[:4], lapsed, *said[5:]]))


def test_words_of_another_domain_are_found():
    elsewhere = replace(DOMAIN, chain_id=1)
    said, _ = talked()
    stray = SELLER.say(escalate(proposed(), BUYER).body, said[1].digest, None, elsewhere)  # type: ignore[arg-type]
    assert "DomainMismatch" in what(told_by([*said[:4], stray, *said[5:]]))


def test_deal_of_an_escrow_that_is_not_the_genuine_one_is_found():
    verdict = judge(FILE, known=replace(KNOWN, escrow="0x" + "e6" * 20))
    assert [(each.where, each.what[:13]) for each in verdict.findings] == [
        ("typed_data.domain", "EscrowUnknown")
    ]


def test_deal_of_version_1_is_refused():
    given = changed(FILE, ("typed_data", "domain", "version"), "1")
    assert "VersionUnsupported" in what(judge(given))
    named = changed(FILE, ("typed_data", "domain", "name"), "Barley")
    assert "VersionUnsupported" in what(judge(named))


def test_signature_of_the_file_is_the_one_of_the_transcript():
    made = dossier()
    spelled = made.file()
    # In its other spelling it is good for the escrow, and not the one that was said.
    spelled["buyer_signature"] = compact(str(spelled["buyer_signature"]))
    assert places(judge(spelled, made.told)) == {"buyer_signature"}


def unheard(file: dict[str, Any]) -> dict[str, Any]:
    """What a seller has whose buyer opened its offer and never said so."""
    return {
        **file,
        "buyer_signature": "",
        "transcript": file["transcript"][:-1],
        "receipts": file["receipts"][:1],
    }


def test_acceptance_that_was_never_heard_is_the_escrow_s_to_prove():
    given = unheard(FILE)
    verdict = judge(given)
    assert verdict.findings == []
    assert any("no acceptance was heard" in each for each in verdict.unchecked)
    # Without the chain nothing shows it; and where it was heard, it is not left out.
    assert kinds(judge(given, None)) == {"talk", "agreement"}
    assert kinds(judge(given, replace(MADE.told, events=()))) == {"talk", "agreement", "chain"}
    assert places(judge({**FILE, "buyer_signature": ""})) == {"buyer_signature"}
    assert places(judge({**given, "seller_signature": ""})) == {"seller_signature"}


# ------------------------------------------------------------------ confidential offers


def confidential(*opened: int, said_open: int = -1) -> tuple[dict[str, Any], Told]:
    """The honest deal under closed offers; those at the places are opened in the file."""
    said, talk = talked()
    plain = list(said)
    words = [
        closed(each) if each.kind == "offer" and number != said_open else each
        for number, each in enumerate(said)
    ]
    made = Dossier(words, [NOW + number for number in range(7)], MADE.story, talk)
    given = made.file()
    for number in opened:
        body, detail = plain[number].body, plain[number].detail
        assert isinstance(body, Terms)
        assert detail is not None
        inside = {"message": body.to_message(), "detail": detail.to_json()}
        given["transcript"][number - 1]["opened"] = parse_json(canonical(inside))
    return given, made.told


def test_confidential_talk_whose_boxes_were_opened_is_judged_by_every_rule():
    verdict = judge(*confidential(2, 3, 5))
    assert verdict.ok
    assert not any("boxes" in each for each in verdict.unchecked)


@pytest.mark.parametrize("opened", [(), (5,), (2, 3)])
def test_offers_that_stay_closed_are_named(opened: tuple[int, ...]):
    verdict = judge(*confidential(*opened))
    assert verdict.ok
    assert any("boxes nobody opened" in each for each in verdict.unchecked)


def test_inside_that_was_not_signed_is_found():
    given, told = confidential(2, 3, 5)
    given["transcript"][1]["opened"]["message"]["price"] = "1"
    assert places(judge(given, told)) == {"transcript[1]"}
    given, told = confidential(2, 3, 5)
    given["transcript"][1]["opened"]["detail"]["salt"] = word("other")
    assert places(judge(given, told)) == {"transcript[1]"}


def test_inside_of_what_was_not_sealed_is_found():
    given = changed(FILE, ("transcript", 1), {**FILE["transcript"][1]})
    given["transcript"][1]["opened"] = confidential(2)[0]["transcript"][1]["opened"]
    assert "none, of what was not sealed" in what(judge(given))


def test_open_offer_among_closed_ones_is_found():
    assert "RuleMixed" in what(judge(*confidential(said_open=3)))


def test_inside_that_improves_nothing_is_found_once_it_is_opened():
    said, _ = talked()
    talk = begin(said[1], said[0], NOW)
    words = [said[0], said[1]]
    for make in (
        lambda talk: offer(talk, SELLER),
        lambda talk: offer(talk, BUYER, subject(talk, unit_price=80)),
        # Below min_improvement of 5.
        lambda talk: offer(talk, SELLER, subject(talk, unit_price=99)),
    ):
        words.append(make(talk))
        talk = replace(talk, head=words[-1].digest)
    words.append(accept(talk, BUYER))
    terms = words[4].body
    assert isinstance(terms, Terms)
    sealed = [closed(each) if each.kind == "offer" else each for each in words]
    agreed = agreement_of(words)
    made = Dossier(sealed, [NOW + n for n in range(6)], Story(terms), agreed)
    given = {**made.file(), "delivery": None, "receipts": []}
    assert judge(given, made.told).ok
    for number in (2, 3, 4):
        body, detail = words[number].body, words[number].detail
        assert isinstance(body, Terms)
        assert detail is not None
        given["transcript"][number - 1]["opened"] = {
            "message": body.to_message(),
            "detail": detail.to_json(),
        }
    assert "NoImprovement" in what(judge(given, made.told))


def agreement_of(words: list[Message]) -> Negotiation:
    """A negotiation that stands for whoever never asked its rules."""
    _, talk = talked()
    assert talk.agreement is not None
    last = words[4]
    made = replace(
        talk.agreement,
        digest=last.digest,
        terms=last.body,
        subject=last.detail,
        buyer_signature=words[5].signature,
        seller_signature=last.signature,
    )
    return replace(talk, agreement=made)


# ------------------------------------------------------------------ log, receipts, anchors


def test_word_that_was_left_out_is_found_by_its_receipt():
    # An escalation moves nothing, so that no rule misses it.
    given = without("transcript", 3)
    assert judge(given).ok
    given["receipts"] = [*given["receipts"], MADE.receipt(4, MADE.size)]
    verdict = judge(given)
    assert (kinds(verdict), places(verdict)) == ({"receipt"}, {"receipts[2]"})


def test_receipt_of_a_log_that_was_rewritten_since_is_found():
    rewritten = dossier()
    rewritten.log.entries[0] = rewritten.log.entries[1]
    given = rewritten.file()
    # The first log's receipt, which the log's key signed.
    given["receipts"] = [MADE.receipt(2, MADE.indexes[2] + 1)]
    verdict = judge(given, rewritten.told)
    assert (kinds(verdict), places(verdict)) == ({"receipt"}, {"receipts[0]"})
    assert "NotConsistent" in what(verdict)


def test_receipt_later_than_the_checkpoint_is_proved_the_other_way():
    given = {**FILE, "receipts": [MADE.receipt(2, MADE.size + 2)]}
    assert judge(given).ok
    assert judge(given).checked["receipts"] == 1


def test_receipt_of_equal_size_and_another_root_is_a_fork():
    forked = dossier()
    forked.log.entries[0] = forked.log.entries[1]
    given = {**FILE, "receipts": [forked.receipt(2, forked.size)]}
    assert "NotConsistent" in what(judge(given))


def test_anchor_of_a_log_that_was_rewritten_since_is_found():
    rewritten = dossier()
    rewritten.log.entries[0] = rewritten.log.entries[1]
    given = {**rewritten.file(), "anchors": FILE["anchors"], "receipts": []}
    verdict = judge(given)
    assert (kinds(verdict), places(verdict)) == ({"anchor"}, {"anchors[0]", "anchors[1]"})


def test_chain_that_anchored_another_root_at_the_checkpoint_s_size_is_found():
    other = Anchor(MADE.size, b"r" * 32, NOW, 1, word("anchor"))
    verdict = judge(FILE, replace(MADE.told, anchors=[*MADE.anchors, other]))
    assert [(each.kind, each.where) for each in verdict.findings] == [("anchor", "checkpoint")]


def test_log_that_names_no_contract_has_no_anchors_and_says_so():
    key = LogKey(KEY.origin, log_domain(DOMAIN.chain_id, ZERO_ADDRESS), b"s" * 32)
    checkpoint = MADE.log.checkpoint(MADE.size)
    given = changed(FILE, ("checkpoint",), key.note(checkpoint, key.sign(checkpoint)))
    given = changed(given, ("log", "domain"), key.name.domain.to_json())
    given = {**given, "anchors": [], "receipts": []}
    verdict = judge(given, replace(MADE.told, anchors=()))
    assert verdict.ok
    assert any("last anchor" in each for each in verdict.unchecked)


# ------------------------------------------------------------------ events


def life(terms: Terms, *moves: Callable[[Story], object]) -> Verdict:
    """The verdict on a deal of these terms that had these moves, offline."""
    said, _ = talked()
    story = Story(terms)
    for move in moves:
        move(story)
    made = Dossier(said, [NOW + n for n in range(7)], story, MADE.negotiation)
    delivered = [e.values["deliverable"] for e in story.events if e.name == "Delivered"]
    given = {**made.file(), "delivery": delivered[-1] if delivered else None}
    return judge(given, made.told)


TERMS = MADE.story.terms


def test_refund_and_claim_and_settlement_are_followed():
    refunded = life(TERMS, lambda s: s.then(Operation.REFUND, SELLER.address))
    assert (refunded.findings, refunded.state) == ([], "REFUNDED")
    later = NOW + 10 + TERMS.review_window + 100
    claimed = life(
        TERMS,
        lambda s: s.deliver(7),
        lambda s: s.then(Operation.CLAIM, SELLER.address, at=later),
    )
    assert (claimed.findings, claimed.state) == ([], "RELEASED")


def test_payment_whose_signature_no_event_shows_is_named():
    verdict = life(
        TERMS,
        lambda s: s.then(
            Operation.SETTLE, SELLER.address, amount=5, bond_to_seller=0, valid_before=NOW + 9999
        ),
    )
    assert (verdict.findings, verdict.state) == ([], "SETTLED")
    assert any("voucher or a settlement" in each for each in verdict.unchecked)


def test_ruling_without_a_payment_is_found():
    ruled = Event("Ruled", {}, NOW + 99, 900, word("ruled"), 0)
    given = {**FILE, "events": [*FILE["events"][:2], ruled.to_json()]}
    assert "no payment followed" in what(judge(given, None))


def test_blocks_and_times_of_events_do_not_go_back():
    for spoiled in (
        changed(FILE, ("events", 2, "block"), 100),
        changed(FILE, ("events", 1, "block"), 99),
        changed(FILE, ("events", 1, "at"), FILE["events"][0]["at"] - 1),
    ):
        verdict = judge(spoiled, None)
        assert next(each.kind for each in verdict.findings) == "event"
        assert "after (100" in what(verdict) or "after (101" in what(verdict)


def test_events_after_one_that_does_not_hold_are_named_as_not_followed():
    verdict = judge(changed(FILE, ("events", 0, "values", "price"), "1"), None)
    assert places(verdict) == {"events[0]", "delivery"}
    assert any("events: those after events[0]" in each for each in verdict.unchecked)


# ------------------------------------------------------------------ the chain's word


def test_chain_with_more_events_than_the_file_is_found():
    earlier = dossier(2)
    verdict = judge(earlier.file(), MADE.told)
    assert [(each.kind, each.where) for each in verdict.findings] == [("chain", "events[2]")]
    assert "the file has none" in what(verdict)


def test_chain_without_the_deal_is_found():
    verdict = judge(FILE, replace(MADE.told, events=()))
    assert places(verdict) == {"events[0]", "events[1]", "events[2]"}


def test_another_chain_and_one_without_the_escrow_are_found():
    assert "chainId" in what(judge(FILE, replace(MADE.told, chain_id=1)))
    assert "EscrowAbsent" in what(judge(FILE, replace(MADE.told, escrow=False)))


def test_anchor_that_the_chain_does_not_have_is_found():
    verdict = judge(FILE, replace(MADE.told, anchors=MADE.anchors[:2]))
    assert [(each.kind, each.where) for each in verdict.findings] == [("chain", "anchors[1]")]


def test_every_event_of_the_machine_has_its_arguments():
    assert EVENTS.keys() == replay.EVENTS.keys()
