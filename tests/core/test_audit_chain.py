"""The audit of the chain: each deal is an agreement, and was paid as the machine pays."""

from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest
from market import BUYER, DOMAIN, NOW, SELLER, STRANGER, agreed
from story import Story, spoiled
from witness import DOMAINS, honest_log

from marketplace.core.audit import (
    Auditor,
    ChainEvent,
    LoggedEntry,
    OnChain,
    Report,
    audit,
)
from marketplace.core.deal import Operation
from marketplace.core.entry import read
from marketplace.core.message import parse_message
from marketplace.core.terms import Terms

Log = tuple[list[LoggedEntry], str, Terms]


def judge(log: Log, events: list[ChainEvent]) -> Report:
    entries, root, _ = log
    return audit(entries, root, events, DOMAINS)


def what(report: Report) -> str:
    return " | ".join(finding.what for finding in report.findings)


def released(terms: Terms) -> Story:
    """Delivered below the price, and released by the buyer."""
    charge = terms.price - 1
    return Story(terms).deliver(charge).then(Operation.RELEASE, terms.buyer, amount=charge)


# ------------------------------------------------------------------ honest deals


def test_deal_that_was_released_by_its_buyer_has_no_finding(log: Log):
    report = judge(log, released(log[2]).events)
    assert (report.ok, report.complete) == (True, True)
    assert (report.checked["deals"], report.checked["events"]) == (1, 3)
    assert (report.unopened, report.unlogged) == ([], [])


# Of the escrow rail without an arbiter, which is what the log agreed on.
PLAIN_ENDINGS: dict[str, Callable[[Story], Story]] = {
    "nothing yet": lambda s: s,
    "a part": lambda s: s.then(Operation.RELEASE, BUYER.address, amount=7),
    "whole": lambda s: s.then(Operation.RELEASE, BUYER.address, amount=s.terms.price),
    "part, then bill": lambda s: (
        s.then(Operation.RELEASE, BUYER.address, amount=7)
        .deliver(9)
        .then(Operation.RELEASE, BUYER.address, amount=9)
    ),
    "claim": lambda s: s.deliver(7).then(
        Operation.CLAIM, SELLER.address, s.at + s.terms.review_window
    ),
    "given up": lambda s: s.then(Operation.REFUND, SELLER.address),
    "expired": lambda s: s.then(Operation.REFUND, BUYER.address, s.at + s.terms.delivery_window),
}


@pytest.mark.parametrize("ending", PLAIN_ENDINGS.values(), ids=list(PLAIN_ENDINGS))
def test_every_honest_ending_has_no_finding(log: Log, ending: Callable[[Story], Story]):
    report = judge(log, ending(Story(log[2])).events)
    assert (report.findings, report.complete) == ([], True)


@pytest.mark.parametrize(
    "ending",
    [
        lambda s: s.then(Operation.REDEEM, STRANGER.address, amount=7),
        lambda s: s.then(Operation.SETTLE, STRANGER.address, amount=7, bond_to_seller=3),
        # The same figures as an early claim: only the voucher, which no event shows, tells.
        lambda s: s.deliver(7).then(Operation.REDEEM, SELLER.address, amount=7),
    ],
    ids=["redeemed", "settled", "redeemed by the seller"],
)
def test_deal_paid_on_a_signature_that_no_event_shows_is_told_as_unproved(log: Log, ending):
    report = judge(log, ending(Story(log[2])).events)
    assert (report.findings, report.complete) == ([], False)
    assert report.unproved == [log[2].digest(DOMAIN)]


@pytest.mark.parametrize("state", [0, 9, 255, -1])
def test_state_that_no_payment_leads_to_is_found(log: Log, state: int):
    events = spoiled(released(log[2]).events, -1, state=state)
    assert "state" in what(judge(log, events))


def test_event_that_the_escrow_does_not_have_is_found(log: Log):
    story = Story(log[2])
    report = judge(log, [*story.events, ChainEvent("Stolen", story.digest, {}, NOW + 99)])
    assert "Stolen" in what(report)


# ------------------------------------------------------------------ what is not as it was signed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", 1),
        ("bond", 0),
        ("buyer", STRANGER.address),
        ("seller", STRANGER.address),
        ("token", "0x" + "71" * 20),
        ("buyerNonce", 77),
        ("sellerNonce", 77),
    ],
)
def test_opening_that_differs_from_what_was_signed_is_found(log: Log, name: str, value: str | int):
    report = judge(log, spoiled(released(log[2]).events, 0, **{name: value}))
    assert [finding.where for finding in report.findings] == [log[2].digest(DOMAIN)] * 3
    assert ", as both signed" in what(report)


def test_late_opening_is_found_and_the_last_second_is_honest(log: Log):
    terms = log[2]
    assert judge(log, Story(terms, at=terms.open_by - 1).events).ok
    assert "before openBy" in what(judge(log, Story(terms, at=terms.open_by).events))


def test_second_opening_of_one_deal_is_found(log: Log):
    opened = Story(log[2]).events[0]
    assert "not opened before" in what(judge(log, [opened, opened]))


def test_events_in_another_order_or_without_an_opening_are_found(log: Log):
    opened, delivery, paid = released(log[2]).events
    # Released before delivered reads as the whole price, which is not what was paid.
    assert "payout" in what(judge(log, [opened, paid, delivery]))
    assert "WrongState" in what(judge(log, [delivery, opened, paid]))
    assert "WrongState" in what(judge(log, [delivery, paid]))
    assert "WrongState" in what(judge(log, [opened, delivery, paid, paid]))


def test_early_and_late_calls_are_found_to_the_second(log: Log):
    terms = log[2]
    expired_at = NOW + 10 + terms.delivery_window
    late = Story(terms).deliver(7, expired_at - 1)
    late.events[-1] = replace(late.events[-1], at=expired_at)
    assert "TooLate" in what(judge(log, late.events))
    early = Story(terms).then(Operation.REFUND, BUYER.address, expired_at)
    early.events[-1] = replace(early.events[-1], at=expired_at - 1)
    assert "TooEarly" in what(judge(log, early.events))


def test_refund_by_a_stranger_is_found(log: Log):
    story = Story(log[2]).then(Operation.REFUND, SELLER.address)
    assert "WrongCaller" in what(judge(log, spoiled(story.events, -1, caller=STRANGER.address)))


def test_charge_above_the_price_is_found(log: Log):
    story = Story(log[2]).deliver(7)
    dear = spoiled(story.events, -1, charge=log[2].price + 1)
    assert "AmountTooHigh" in what(judge(log, dear))


# ------------------------------------------------------------------ one negotiation, one deal


def first_offer(log: Log) -> Terms:
    """The seller's own offer, which the buyer countered instead of accepting."""
    body = parse_message(read(log[0][2].data, log[0][2].body).envelope, DOMAIN).body
    assert isinstance(body, Terms)
    return body


def test_deal_without_a_log_entry_is_information(log: Log):
    other = replace(log[2], buyer_nonce=77)
    report = judge(log, released(other).events)
    assert (report.ok, report.complete) == (True, False)
    assert (report.unlogged, report.linked) == ([other.digest(DOMAIN)], {})


def test_unlogged_deal_is_linked_to_the_negotiation_whose_nonces_it_spends(log: Log):
    other = replace(log[2], price=log[2].price + 1)
    report = judge(log, released(other).events)
    negotiation = parse_message(read(log[0][1].data, log[0][1].body).envelope, DOMAIN)
    assert (report.ok, report.complete, report.unlogged) == (True, False, [])
    assert report.linked == {other.digest(DOMAIN): negotiation.digest}


@pytest.mark.parametrize(
    "change",
    [
        {"buyer": STRANGER.address},
        {"seller": STRANGER.address},
        {"buyer_nonce": 77},
        {"seller_nonce": 77},
    ],
)
def test_deal_of_other_parties_or_nonces_is_linked_to_nothing(log: Log, change: dict[str, object]):
    report = judge(log, Story(replace(log[2], **change)).events)
    assert (report.linked, len(report.unlogged)) == ({}, 1)


def test_deal_whose_offers_were_all_dropped_is_linked_by_the_buyer_s_nonce(log: Log):
    entries, _, terms = log
    report = audit(entries[:2], "0x", Story(terms).events, DOMAINS)
    assert list(report.linked) == [terms.digest(DOMAIN)]


def test_deal_on_an_offer_that_was_not_the_agreement_is_told_and_not_blamed_on_the_log(log: Log):
    other = first_offer(log)
    report = judge(log, Story(other).events)
    assert (report.ok, report.complete) == (True, False)
    assert report.superseded == [other.digest(DOMAIN)]
    assert report.unopened == [log[2].digest(DOMAIN)]


def test_second_deal_of_one_negotiation_is_found(log: Log):
    report = judge(log, [*Story(log[2]).events, *Story(first_offer(log)).events])
    assert "two deals" in what(report)


def test_ruling_without_its_payment_is_found():
    # An agreement with an arbiter: the log of the other tests has none.
    log = anyio.run(honest_log)
    story = Story(log[2])
    ruling = ChainEvent("Ruled", story.digest, {}, NOW + 20)
    assert "no payment followed" in what(judge(log, [*story.events, ruling]))


def test_agreement_without_both_signatures_is_found_whatever_the_machine_said():
    # The machine makes no such agreement; the auditor does not take its word for it either.
    talk = agreed()
    assert talk.agreement is not None
    forged = replace(talk.agreement, buyer_signature=STRANGER.sign(talk.agreement.digest))
    auditor = Auditor(DOMAINS, OnChain())
    auditor._market.negotiations[talk.id] = replace(talk, agreement=forged)
    auditor._end(auditor._market.negotiations[talk.id])
    report = auditor.finish()
    assert [finding.where for finding in report.findings] == [talk.id]
    assert "WrongSigner" in what(report)
