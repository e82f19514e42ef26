"""Auditing a record of decisions: what it finds, and what it leaves unsaid."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from forger import hashed, logged, withheld
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    TOKEN,
    accept,
    offer,
    proposed,
    reject,
    subject,
    talk,
    terms,
)
from market import word as named

from marketplace.core.decision import YES, Answer, Decision, Question
from marketplace.core.guardrails import Commitment, Exposure, Limits, Proposal
from marketplace.core.message import Domains
from marketplace.core.policy import Signed, audit_decisions, signed_in
from marketplace.core.report import Finding
from marketplace.core.values import ZERO_DIGEST, canonical

ON = talk()
ABOUT = subject(ON)
LIMITS = Limits(TOKEN, 3_000, highest_unit_price=120, longest_open=10_000)


class Book:
    """A ledger as an honest signer keeps it."""

    def __init__(self, limits: Limits = LIMITS, exposure: Exposure | None = None) -> None:
        self.limits, self.exposure = limits, exposure or Exposure()
        self.decisions: list[Decision] = []

    def asked(self, nonce: int, unit_price: int, now: int) -> Decision:
        """One more proposal, decided and written down."""
        about = subject(ON, unit_price=unit_price)
        signed = terms(ON, about, buyer_nonce=nonce)
        proposal = Proposal(signed.digest(DOMAIN), signed, about)
        asked = Question(
            self.limits, self.exposure, BUYER.address, ON.id, DOMAIN, proposal, NOW + now
        )
        previous = self.decisions[-1].digest if self.decisions else ZERO_DIGEST
        made = Decision(asked, asked.answer(), previous, named(f"salt {len(self.decisions)}"))
        self.exposure = made.after
        self.decisions.append(made)
        return made


def three() -> list[Decision]:
    """Two that were allowed, and one of a price that no human allowed between them."""
    book = Book()
    for nonce, unit_price, now in ((1, 100, 0), (2, 121, 10), (3, 110, 20)):
        book.asked(nonce, unit_price, now)
    assert [each.allowed for each in book.decisions] == [True, False, True]
    return book.decisions


def signed(deal: str, at: int, **changes: object) -> Signed:
    plain = Signed("entry 5", DOMAIN, BUYER.address, deal, NOW + at)
    return replace(plain, **changes)  # type: ignore[arg-type]


def found(decisions: Sequence[Decision], *words: Signed) -> list[Finding]:
    return audit_decisions(decisions, words).findings


# ------------------------------------------------------------------ honest records

STEPS = st.lists(
    st.tuples(
        st.integers(1, 5), st.integers(80, 130), st.integers(0, 900), st.sampled_from([0, 0, 1, 2])
    ),
    max_size=20,
)


@given(STEPS, st.integers(0, 5_000))
def test_nothing_is_found_in_an_honest_record(steps: list[tuple[int, int, int, int]], most: int):
    book = Book(replace(LIMITS, most_exposure=most))
    words: list[Signed] = []
    for nonce, unit_price, now, freed in steps:
        made = book.asked(nonce, unit_price, now)
        if made.allowed:
            words.append(signed(made.deal, now))
        book.exposure = book.exposure.ended(freed)
    report = audit_decisions(book.decisions, words)
    assert report.findings == []
    assert report.checked.get("decisions", 0) == len(steps)
    assert report.checked.get("decided", 0) == len(words)
    assert "gaps" not in report.checked


def test_what_was_freed_is_counted_and_not_believed():
    book = Book()
    book.asked(1, 100, 0)
    book.exposure = book.exposure.ended(1)
    book.asked(2, 100, 9)
    assert audit_decisions(book.decisions, []).checked["freed"] == 1


# ------------------------------------------------------------------ what is found


def test_a_verdict_that_the_policy_does_not_have_is_found():
    first, denied, last = three()
    (finding,) = found([first, replace(denied, answer=YES)])
    assert (finding.kind, finding.where) == ("policy", replace(denied, answer=YES).digest)
    assert "deny LimitExceeded (allowed=120, limit=highest_unit_price, value=121)" in finding.what
    no = replace(first, answer=Answer("RailForbidden", {"rail": "ATOMIC", "allowed": ""}))
    assert [each.where for each in found([no])] == [no.digest]
    assert found([last]) == []


def test_terms_that_were_signed_without_a_decision_are_found():
    words = signed(named("unheard of"), 15)
    (finding,) = found(three(), words)
    assert (finding.kind, finding.where) == ("policy", "entry 5")
    assert words.deal in finding.what
    assert words.signer in finding.what


def test_terms_that_were_signed_although_they_were_denied_are_found():
    decisions = three()
    assert len(found(decisions, signed(decisions[1].deal, 15))) == 1
    # That the other party was allowed to is no excuse.
    asked = decisions[1].question
    sellers = replace(asked, signer=SELLER.address, limits=replace(LIMITS, lowest_unit_price=1))
    theirs = Decision(sellers, YES, ZERO_DIGEST, named("theirs"))
    assert len(found([*decisions, theirs], signed(decisions[1].deal, 15))) == 1


@pytest.mark.parametrize("unit_price", [110, 130])
def test_an_exposure_that_does_not_follow_is_found(unit_price: int):
    first, denied, _ = three()
    for wrong in (
        Exposure({1: Commitment(999, NOW + 1800, 0, (first.deal,))}),
        Exposure({**first.after.commitments, 9: Commitment(1, NOW, 0, ())}),
    ):
        book = Book(exposure=wrong)
        book.decisions = [first, denied]
        after = book.asked(3, unit_price, 20)
        (finding,) = found([first, denied, after])
        assert finding.where == after.digest
        assert denied.digest in finding.what


# ------------------------------------------------------------------ what is not said


def test_of_a_record_with_a_gap_only_the_runs_are_judged():
    first, denied, last = three()
    report = audit_decisions([first, last], [signed(named("unheard of"), 15)])
    assert report.findings == []
    assert report.checked == {"runs": 2, "decisions": 2, "gaps": 1, "outside": 1}
    assert audit_decisions([denied, last], []).checked["gaps"] == 1


@pytest.mark.parametrize("at", [-1, 0, 20, 21])
def test_what_was_signed_before_or_after_the_record_is_not_judged(at: int):
    report = audit_decisions(three(), [signed(named("unheard of"), at)])
    assert (report.findings, report.checked["outside"]) == ([], 1)


@pytest.mark.parametrize("at", [1, 19])
def test_what_was_signed_within_the_record_is_judged(at: int):
    assert len(found(three(), signed(named("unheard of"), at))) == 1


def test_what_was_committed_before_the_record_began_is_not_judged():
    old = Commitment(10, NOW + 9, 0, (named("an old offer"),))
    book = Book(exposure=Exposure({8: old}))
    for now in (0, 20):
        book.asked(1, 100, now)
    report = audit_decisions(book.decisions, [signed(named("an old offer"), 15)])
    assert (report.findings, report.checked["outside"]) == ([], 1)


def test_who_is_not_of_the_record_is_not_judged():
    deal = named("unheard of")
    words = signed(deal, 15, signer=STRANGER.address), signed(deal, 15, domain=FIRST_DOMAIN)
    report = audit_decisions(three(), words)
    assert (report.findings, "outside" in report.checked) == ([], False)


def test_a_decision_that_is_given_twice_is_one():
    decisions = three()
    report = audit_decisions([*decisions, *decisions], [])
    assert report.checked == {"runs": 1, "decisions": 3, "freed": 0}


def test_records_of_two_ledgers_are_judged_apart():
    mine, other = three(), Book(replace(LIMITS, most_exposure=99_999))
    other.asked(7, 100, 40)
    other.asked(8, 100, 60)
    words = [signed(named("unheard of"), at) for at in (15, 30, 50)]
    report = audit_decisions([*mine, *other.decisions], words)
    assert len(report.findings) == 2
    assert report.checked["runs"] == 2


def test_no_decisions_say_nothing():
    report = audit_decisions([], [signed(named("unheard of"), 15)])
    assert (report.findings, report.checked) == ([], {})


# ------------------------------------------------------------------ out of a log


def test_what_a_log_s_leaves_show_to_be_signed_needs_no_body():
    on = proposed()
    said = offer(talk(), SELLER)
    taken = accept(on, BUYER)
    parts = [
        withheld(logged(said, NOW + 1)),
        logged(taken, NOW + 2),
        logged(offer(talk(), STRANGER), NOW + 3),
        logged(reject(on, BUYER), NOW + 4),
    ]
    entries, _ = hashed(parts)
    words = [*signed_in(entries, Domains((DOMAIN,)), {SELLER.address, BUYER.address})]
    assert words == [
        Signed("entry 0", DOMAIN, SELLER.address, said.digest, NOW + 1),
        Signed("entry 1", DOMAIN, BUYER.address, on.head, NOW + 2),
    ]


def test_what_somebody_else_signed_in_another_s_name_is_not_held_against_it():
    said = offer(talk(), SELLER)
    forged = replace(said, signature=STRANGER.sign(said.digest))
    foreign = offer(talk(), SELLER)
    listed = canonical({"kind": "offer", "received_at": 1, "signer": []}), b""
    entries, _ = hashed([logged(forged, NOW), (b"\xff", b""), listed, logged(foreign, NOW)])
    assert [*signed_in(entries[:3], Domains((DOMAIN,)), {SELLER.address})] == []
    assert [*signed_in(entries, Domains((FIRST_DOMAIN,)), {SELLER.address})] == []
    assert len([*signed_in(entries, Domains((DOMAIN,)), {SELLER.address})]) == 1


def test_a_record_is_held_against_a_log():
    book, parts = Book(), []
    for nonce in (1, 2, 3):
        decided = book.asked(nonce, 100, 10 * nonce)
        parts.append(logged(BUYER.say(decided.question.proposal.terms, ON.id, ABOUT), NOW + 15))
    entries, _ = hashed(parts)
    words = [*signed_in(entries, Domains((DOMAIN,)), {BUYER.address})]
    report = audit_decisions(book.decisions, words)
    assert (report.findings, report.checked["decided"]) == ([], 3)
    forgotten = [replace(each, answer=Answer("X", {})) for each in book.decisions[:1]]
    rest = [replace(each, previous=forgotten[-1].digest) for each in book.decisions[1:2]]
    report = audit_decisions([*forgotten, *rest, book.decisions[2]], words)
    assert [each.where for each in report.findings if each.where.startswith("entry")] == ["entry 0"]
