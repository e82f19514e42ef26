"""What an honest registry would not have logged is found, with every hash right.

Beside each lie stands the nearest log that is none.
"""

from dataclasses import replace

import pytest
from forger import Parts, judged, logged, noted, what, where, withheld
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    Party,
    accept,
    agreed,
    card,
    card_content,
    closed,
    content,
    delegated,
    delegation,
    escalate,
    invite,
    listing,
    offer,
    proposed,
    quote,
    reject,
    request,
    revocation,
    subject,
    talk,
    withdraw,
    word,
)
from story import Story

from marketplace.core.audit import Report
from marketplace.core.deal import Operation
from marketplace.core.eip712 import Domain
from marketplace.core.message import Domains, Message
from marketplace.core.negotiation import Negotiation, advance
from marketplace.core.terms import Terms

ELSEWHERE = Domain(10, "0x" + "e5" * 20)
DOMAINS = Domains((DOMAIN, FIRST_DOMAIN, ELSEWHERE))
DEADLINE = NOW + 3600


def log(*said: Message | tuple[Message, int] | Parts) -> list[Parts]:
    """Entries of messages, received now or at their instant, among entries as they are."""
    parts: list[Parts] = []
    for one in said:
        if isinstance(one, Message):
            parts.append(logged(one, NOW))
        elif isinstance(one[0], Message):
            parts.append(logged(one[0], int(one[1])))
        else:
            parts.append(one)
    return parts


def judge(*said: Message | tuple[Message, int] | Parts) -> Report:
    return judged(DOMAINS, log(*said))


def honest(*said: Message | tuple[Message, int] | Parts) -> None:
    report = judge(*said)
    assert report.findings == []
    assert report.complete


def found(told: str, *said: Message | tuple[Message, int] | Parts) -> None:
    """The last word, and no other, is found, for this reason."""
    report = judge(*said)
    assert where(report) == {f"entry {len(said) - 1}"}
    assert told in what(report)


LISTED = listing()
INVITED = invite(LISTED)
BEGUN = talk(LISTED)
FIRST_OFFER = offer(BEGUN, SELLER)
ON = proposed(BEGUN)
START = LISTED, INVITED, FIRST_OFFER


# ------------------------------------------------------------------ identities


def later_card(replaces: Message, name: str) -> Message:
    return card(what=card_content(name=name), replaces=replaces.digest)


def test_agent_has_one_card_at_a_time():
    first = card()
    second, rival = later_card(first, "Second"), later_card(first, "Rival")
    honest(first, second, later_card(second, "Third"))
    found("the current card", first, second, rival)
    found("the current card", first, card(what=card_content(name="As if it were the first")))
    found("the current card", second)


def test_card_delegation_revocation_and_request_are_their_own_agent_s_word():
    given = delegation()
    for message in (
        card(STRANGER, agent=SELLER.address),
        delegation(STRANGER, principal=SELLER.address),
        STRANGER.say(revocation(given).body),
        request(STRANGER, buyer=BUYER.address),
    ):
        found("whose word it is", message)


def test_delegation_is_not_used_after_its_revocation_nor_after_its_end():
    given = delegation(BUYER)
    said = delegated(escalate(ON, BUYER), given)
    honest(*START, given, said, revocation(given, BUYER))
    found("MandateRevoked", *START, given, revocation(given, BUYER), said)
    end = NOW + 7200
    late = listing(expires_at=NOW + 90_000)
    honest((delegated(late, delegation()), end - 1))
    found("MandateExpired", (delegated(late, delegation()), end))


def test_revocation_whose_body_was_withheld_ends_the_delegation_all_the_same():
    given = delegation(BUYER)
    said = delegated(escalate(ON, BUYER), given)
    end = withheld(logged(revocation(given, BUYER), NOW))
    assert "MandateRevoked" in what(judge(*START, given, end, said))


def test_stranger_s_revocation_does_not_make_an_honest_log_look_forged():
    given = delegation()
    honest(revocation(given, STRANGER), delegated(listing(), given))


def test_receipt_times_of_what_an_agent_says_of_itself_do_not_go_back():
    given = delegation()
    honest((card(), NOW), (given, NOW), (revocation(given), NOW))
    found(f"at least {NOW}", (card(), NOW), (given, NOW - 1))
    found(f"at least {NOW}", (given, NOW), (revocation(given), NOW - 1))
    # Another agent's clock is another thread.
    honest((card(), NOW), (card(BUYER), NOW - 1))


def test_receipt_times_of_a_listing_s_versions_do_not_go_back():
    second = listing(what=content(title="Second"), replaces=LISTED.digest)
    third = listing(what=content(title="Third"), replaces=second.digest)
    honest((LISTED, NOW), (second, NOW + 1), (third, NOW + 1))
    found(f"at least {NOW + 1}", (LISTED, NOW), (second, NOW + 1), (third, NOW))


# ------------------------------------------------------------------ requests


def test_quotation_is_on_its_seller_s_own_current_listing():
    asked = request()
    honest(LISTED, asked, quote(asked, LISTED))
    theirs = listing(STRANGER)
    found("NotAParty", theirs, asked, quote(asked, theirs))
    found("NotAParty", LISTED, asked, quote(asked, LISTED, STRANGER, seller=SELLER.address))
    found("NotAParty", LISTED, asked, quote(asked, LISTED, seller=STRANGER.address))
    new = listing(what=content(title="Second"), replaces=LISTED.digest)
    found("not replaced", LISTED, new, asked, quote(asked, LISTED))
    honest(LISTED, new, asked, quote(asked, new))


def test_quotation_answers_a_request_that_was_logged_and_is_open():
    asked = request(expires_at=NOW + 10)
    honest(LISTED, asked, (quote(asked, LISTED), NOW + 9))
    found("RequestExpired", LISTED, asked, (quote(asked, LISTED), NOW + 10))
    found("logged before", LISTED, quote(asked, LISTED))
    found("logged before", LISTED, asked, quote(LISTED, LISTED))
    found("logged before", asked, quote(asked, asked))
    found("at least", LISTED, asked, (quote(asked, LISTED), NOW - 1))


def test_quotation_request_and_listing_are_of_one_domain():
    asked, elsewhere = request(), listing(domain=ELSEWHERE)
    found("DomainMismatch", elsewhere, asked, quote(asked, elsewhere))
    body = quote(asked, elsewhere).body
    assert body is not None
    moved = SELLER.say(body, None, None, ELSEWHERE)
    found("DomainMismatch", elsewhere, asked, moved)
    header, detail = asked.body, asked.detail
    assert header is not None
    there = BUYER.say(header, None, detail, ELSEWHERE)
    answer = replace(quote(there, elsewhere).body, request=there.digest)
    honest(elsewhere, there, SELLER.say(answer, None, None, ELSEWHERE))


# ------------------------------------------------------------------ negotiations


def test_invitation_is_of_its_listing_s_domain():
    elsewhere = listing(domain=ELSEWHERE)
    honest(elsewhere, invite(elsewhere))
    found("DomainMismatch", elsewhere, invite(replace(elsewhere, domain=DOMAIN)))


def test_listing_without_capacity_is_not_invited_on():
    shut, one = (listing(what=content(capacity=units)) for units in (0, 1))
    honest(one, invite(one))
    found("ListingClosed", shut, invite(shut))


def test_two_versions_stand_in_one_log_and_do_not_mix():
    old = listing(domain=FIRST_DOMAIN)
    on = talk(old)
    honest(old, invite(old), offer(on, SELLER), *START)
    stray = reject(replace(ON, domain=FIRST_DOMAIN), BUYER)
    found("DomainMismatch", *START, stray)


def test_listing_of_the_first_version_is_replaced_by_one_of_the_present():
    old = listing(domain=FIRST_DOMAIN)
    new = listing(replaces=old.digest)
    honest(old, new, invite(new))
    found("not replaced", old, new, invite(old))


# ------------------------------------------------------------------ timeouts


def test_timeout_is_noted_when_the_invitation_s_deadline_has_passed_and_once():
    honest(*START, noted(INVITED, DEADLINE, DEADLINE))
    found("at least", *START, noted(INVITED, DEADLINE, DEADLINE - 1))
    found("the invitation's", *START, noted(INVITED, DEADLINE - 1, DEADLINE))
    found("the invitation's", *START, noted(INVITED, DEADLINE + 1, DEADLINE + 1))
    once = noted(INVITED, DEADLINE, DEADLINE)
    found("once", *START, once, noted(INVITED, DEADLINE, DEADLINE + 1))
    found("logged before", LISTED, noted(INVITED, DEADLINE, DEADLINE))


def test_timeout_before_its_time_is_found_by_the_false_deadline_too():
    # A note that is early by the clock, and made to look in time by another deadline.
    found("the invitation's", *START, noted(INVITED, NOW + 10, NOW + 10))


def test_timeout_of_what_has_ended_is_found():
    found("EventRefused", *START, accept(ON, BUYER), noted(INVITED, DEADLINE, DEADLINE))
    found("EventRefused", *START, withdraw(ON, BUYER), noted(INVITED, DEADLINE, DEADLINE))


def test_nothing_is_logged_after_the_note():
    note = noted(INVITED, DEADLINE, DEADLINE)
    found("DeadlinePassed", *START, note, (accept(ON, BUYER), DEADLINE))
    found("at least", *START, note, logged(accept(ON, BUYER), DEADLINE, said_at=DEADLINE - 1))


# ------------------------------------------------------------------ handed in later


def test_word_that_was_handed_in_later_is_judged_by_when_it_was_said_and_is_told():
    late = DEADLINE + 100
    words = [logged(LISTED, NOW), *(logged(one, late, said_at=NOW) for one in START[1:])]
    report = judge(*words)
    assert (report.findings, report.complete) == ([], False)
    assert report.unwitnessed == {INVITED.digest}
    assert "DeadlineRefused" in what(judge(LISTED, (INVITED, late)))


def test_words_outside_of_a_negotiation_that_nobody_witnessed_are_told_too():
    report = judge(logged(LISTED, NOW, said_at=NOW - 1))
    assert (report.ok, report.complete) == (True, False)
    assert report.unwitnessed == {LISTED.digest}


def test_said_times_do_not_go_back_behind_witnessed_ones():
    early = logged(FIRST_OFFER, NOW + 100, said_at=NOW - 1)
    assert f"at least {NOW}" in what(judge(LISTED, INVITED, early))


# ------------------------------------------------------------------ bodies withheld


def whole() -> list[Parts]:
    given = delegation()
    asked = request()
    return log(
        card(),
        given,
        LISTED,
        asked,
        quote(asked, LISTED),
        *START[1:],
        escalate(ON, BUYER),
        accept(ON, BUYER),
    )


def test_log_with_every_body_is_complete():
    honest(*whole())


@pytest.mark.parametrize("index", [0, 1, 2, 3, 4, 5, 6, 7])
def test_withheld_body_is_never_a_finding_and_never_complete(index: int):
    parts = whole()
    parts[index] = withheld(parts[index])
    report = judge(*parts)
    assert report.findings == []
    assert not report.complete
    assert report.unread
    assert report.checked["unread"] == 1


def test_withheld_word_makes_its_negotiation_unread_and_no_other():
    other = invite(LISTED, buyer_nonce=2)
    parts = log(*START, accept(ON, BUYER), other)
    parts[2] = withheld(parts[2])
    report = judge(*parts)
    assert report.unread == {INVITED.digest}
    assert report.checked["negotiations"] == 2


def test_withheld_listing_leaves_whoever_negotiates_on_it_unread():
    new = listing(what=content(title="Second"), replaces=LISTED.digest)
    parts = log(*START, accept(ON, BUYER), new, invite(new))
    parts[0] = withheld(parts[0])
    report = judge(*parts)
    assert report.findings == []
    assert report.unread == {LISTED.digest, INVITED.digest, new.digest, invite(new).digest}


def test_withheld_card_leaves_the_next_one_unread():
    first = card()
    parts = log(first, later_card(first, "Second"))
    parts[0] = withheld(parts[0])
    report = judge(*parts)
    assert (report.findings, len(report.unread)) == ([], 2)


def test_timeout_of_an_unread_negotiation_is_no_finding_unless_it_is_early_or_twice():
    parts = log(*START)
    parts[1] = withheld(parts[1])
    note = noted(INVITED, DEADLINE, DEADLINE)
    assert judge(*parts, note).findings == []
    assert where(judge(*parts, noted(INVITED, DEADLINE, DEADLINE - 1))) == {"entry 3"}
    assert where(judge(*parts, note, note)) == {"entry 4"}


def test_withheld_word_still_proves_who_said_it_and_is_said_once_and_in_time():
    body = logged(FIRST_OFFER, NOW)
    unread = withheld(body)
    assert judge(LISTED, INVITED, unread).ok
    assert where(judge(LISTED, INVITED, unread, body)) == {"entry 3"}
    assert where(judge(LISTED, INVITED, withheld(logged(FIRST_OFFER, NOW - 1)))) == {"entry 2"}
    forged = replace(FIRST_OFFER, signer=BUYER.address)
    assert "WrongSigner" in what(judge(LISTED, INVITED, withheld(logged(forged, NOW))))


def test_withheld_word_of_a_delegate_is_found_after_its_delegation_ended():
    given = delegation(BUYER)
    said = withheld(logged(delegated(escalate(ON, BUYER), given), NOW))
    assert judge(*START, said).ok
    assert "MandateRevoked" in what(judge(*START, revocation(given, BUYER), said))


def test_log_of_which_nothing_is_shown_is_neither_refuted_nor_complete():
    report = judge(*map(withheld, whole()))
    assert (report.findings, report.complete) == ([], False)


def test_deal_of_a_withheld_offer_is_confidential_and_not_unlogged():
    parts = log(*START, accept(ON, BUYER))
    parts[2] = withheld(parts[2])
    body = FIRST_OFFER.body
    assert isinstance(body, Terms)
    report = judged(DOMAINS, parts, Story(body).events)
    assert (report.findings, report.complete) == ([], False)
    assert (report.confidential, report.unlogged) == ([FIRST_OFFER.digest], [])


# ------------------------------------------------------------------ confidential deals


def confidential(*, accepted: bool = True) -> list[Parts]:
    ends = [accept(ON, BUYER)] if accepted else []
    return log(LISTED, INVITED, closed(FIRST_OFFER), *ends)


def terms_of(message: Message) -> Terms:
    assert isinstance(message.body, Terms)
    return message.body


def test_confidential_agreement_is_counted_told_and_never_complete():
    report = judged(DOMAINS, confidential())
    assert (report.findings, report.complete) == ([], False)
    assert report.sealed == {INVITED.digest}
    assert report.checked["agreements"] == 1
    assert report.unopened == [FIRST_OFFER.digest]
    assert judged(DOMAINS, confidential(accepted=False)).sealed == {INVITED.digest}


def test_confidential_deal_is_known_by_its_digest_and_its_payments_are_not_judged():
    story = Story(terms_of(FIRST_OFFER)).deliver(7)
    paid = story.then(Operation.RELEASE, BUYER.address, amount=7).events
    report = judged(DOMAINS, confidential(), paid)
    assert (report.findings, report.unopened, report.unlogged) == ([], [], [])
    assert report.confidential == [FIRST_OFFER.digest]
    assert report.checked["deals"] == 0


def test_deal_that_is_no_offer_of_a_confidential_negotiation_is_linked_to_it():
    other = replace(terms_of(FIRST_OFFER), price=999)
    report = judged(DOMAINS, confidential(), Story(other).events)
    assert report.linked == {other.digest(DOMAIN): INVITED.digest}


def test_confidential_negotiation_keeps_turn_and_chain_or_is_found():
    bid = offer(ON, BUYER, subject(ON, unit_price=90))
    honest_end = judged(DOMAINS, log(LISTED, INVITED, closed(FIRST_OFFER), closed(bid)))
    assert honest_end.ok
    found("RuleMixed", LISTED, INVITED, closed(FIRST_OFFER), bid)
    found("WrongPrevious", LISTED, INVITED, closed(bid_of(ON, SELLER)))


def bid_of(on: Negotiation, by: Party) -> Message:
    return offer(replace(on, head=word("another")), by)


# ------------------------------------------------------------------ several escrows


def test_events_are_held_against_the_agreements_of_their_own_domain_alone():
    old = listing(domain=FIRST_DOMAIN)
    on = agreed(talk(old))
    before = log(old, invite(old), offer(talk(old), SELLER), accept(proposed(talk(old)), BUYER))
    assert on.agreement is not None
    report = judged(DOMAINS, before, Story(terms_of(FIRST_OFFER)).events)
    # The same parties and nonces: but of another escrow, where nobody has looked.
    assert (report.linked, report.unopened) == ({}, [])
    assert report.unlogged == [FIRST_OFFER.digest]
    assert report.checked["agreements"] == 1


def test_agreement_of_each_domain_is_proved_by_its_signatures():
    escalated = advance(ON, escalate(ON, BUYER), NOW)
    honest(*START, escalate(ON, BUYER), accept(escalated, BUYER))
