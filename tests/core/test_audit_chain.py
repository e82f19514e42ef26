"""The audit of the chain: each deal is an agreement, and was paid as the machine pays."""

from dataclasses import replace

import pytest
from market import BUYER, DOMAIN, NOW, SELLER, STRANGER, Party, agreed
from witness import deal_events, opened_event, released_event

from marketplace.core.audit import (
    ChainEvent,
    LoggedEntry,
    Market,
    Report,
    _check_agreements,
    audit,
)
from marketplace.core.message import parse_message
from marketplace.core.terms import Terms
from marketplace.core.values import mapping, parse_json

Log = tuple[list[LoggedEntry], str, Terms]


def judge(log: Log, events: list[ChainEvent]) -> Report:
    entries, root, _ = log
    return audit(entries, root, events, DOMAIN)


def what(report: Report) -> str:
    return " | ".join(finding.what for finding in report.findings)


def delivered(terms: Terms, charge: int, at: int = NOW + 20) -> ChainEvent:
    values: dict[str, str | int] = {"deliverable": "0x" + "dd" * 32, "charge": charge}
    return ChainEvent("Delivered", terms.digest(DOMAIN), values, at)


def refunded(terms: Terms, by: Party, at: int) -> ChainEvent:
    return ChainEvent("Refunded", terms.digest(DOMAIN), {"caller": by.address}, at)


def test_deal_that_was_released_by_its_buyer_has_no_finding(log: Log):
    report = judge(log, deal_events(log[2]))
    assert report.ok
    assert (report.checked["deals"], report.checked["events"]) == (1, 3)
    assert (report.unopened, report.unlogged) == ([], [])


def test_every_other_honest_ending_has_no_finding(log: Log):
    terms = log[2]
    opened = opened_event(terms)
    reviewed = NOW + 20 + terms.review_window
    expired = opened.at + terms.delivery_window
    endings = [
        [released_event(terms, BUYER.address, terms.price, NOW + 11)],
        [delivered(terms, 7), released_event(terms, SELLER.address, 7, reviewed)],
        [refunded(terms, SELLER, NOW + 11)],
        [refunded(terms, BUYER, expired)],
        [],
    ]
    for ending in endings:
        assert judge(log, [opened, *ending]).ok


def test_deal_without_a_log_entry_is_information(log: Log):
    other = replace(log[2], buyer_nonce=77)
    report = judge(log, deal_events(other))
    assert report.ok
    assert report.unlogged == [other.digest(DOMAIN)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", 1),
        ("bond", 0),
        ("buyer", STRANGER.address),
        ("seller", STRANGER.address),
        ("token", "0x" + "71" * 20),
    ],
)
def test_opening_that_differs_from_what_was_signed_is_found(log: Log, name: str, value: str | int):
    opened, *rest = deal_events(log[2])
    changed = replace(opened, values={**opened.values, name: value})
    report = judge(log, [changed, *rest])
    assert [finding.where for finding in report.findings] == [log[2].digest(DOMAIN)] * 3
    assert f"{getattr(log[2], name)}, as both signed" in what(report)


def test_late_opening_is_found_and_the_last_second_is_honest(log: Log):
    terms = log[2]
    assert judge(log, [opened_event(terms, terms.open_by - 1)]).ok
    assert "before openBy" in what(judge(log, [opened_event(terms, terms.open_by)]))


def test_second_opening_of_one_deal_is_found(log: Log):
    opened = opened_event(log[2])
    assert "not opened before" in what(judge(log, [opened, opened]))


def test_events_in_another_order_or_without_an_opening_are_found(log: Log):
    opened, delivery, released = deal_events(log[2])
    # Released before delivered reads as the whole price, which is not what was paid.
    assert "payout" in what(judge(log, [opened, released, delivery]))
    assert "WrongState" in what(judge(log, [delivery, opened, released]))
    assert "WrongState" in what(judge(log, [delivery, released]))
    assert "WrongState" in what(judge(log, [opened, delivery, released, released]))


@pytest.mark.parametrize("name", ["toSeller", "fee", "toBuyer"])
def test_wrong_payout_is_found_to_the_unit(log: Log, name: str):
    opened, delivery, released = deal_events(log[2])
    paid = {**released.values, name: int(released.values[name]) + 1}
    report = judge(log, [opened, delivery, replace(released, values=paid)])
    assert "payout" in what(report)


def test_calls_of_the_wrong_party_are_found(log: Log):
    terms = log[2]
    opened, delivery, _ = deal_events(terms)
    strange = released_event(terms, STRANGER.address, terms.price - 1, NOW + 30)
    assert "WrongCaller" in what(judge(log, [opened, delivery, strange]))
    early = released_event(terms, SELLER.address, terms.price, NOW + 30)
    assert "WrongCaller" in what(judge(log, [opened, early]))
    assert "WrongCaller" in what(judge(log, [opened, refunded(terms, STRANGER, NOW + 30)]))


def test_early_and_late_calls_are_found_to_the_second(log: Log):
    terms = log[2]
    opened = opened_event(terms)
    expired = opened.at + terms.delivery_window
    claimable = NOW + 20 + terms.review_window
    early_claim = released_event(terms, SELLER.address, 7, claimable - 1)
    assert "RefundEarly" in what(judge(log, [opened, refunded(terms, BUYER, expired - 1)]))
    assert "DeliveryLate" in what(judge(log, [opened, delivered(terms, 7, expired)]))
    assert "ClaimEarly" in what(judge(log, [opened, delivered(terms, 7), early_claim]))


def test_charge_above_the_price_is_found(log: Log):
    dear = delivered(log[2], log[2].price + 1)
    assert "ChargeTooHigh" in what(judge(log, [opened_event(log[2]), dear]))


# ------------------------------------------------------------------ one negotiation, one deal


def first_offer(log: Log) -> Terms:
    """The seller's own offer, which the buyer countered instead of accepting."""
    logged = mapping(parse_json(log[0][2].data), "entry")
    body = parse_message(logged["message"], DOMAIN).body
    assert isinstance(body, Terms)
    return body


def test_deal_on_an_offer_that_was_not_the_agreement_is_told_and_not_blamed_on_the_log(log: Log):
    other = first_offer(log)
    report = judge(log, [opened_event(other)])
    assert (report.ok, report.complete) == (True, False)
    assert report.superseded == [other.digest(DOMAIN)]
    assert report.unopened == [log[2].digest(DOMAIN)]


def test_second_deal_of_one_negotiation_is_found(log: Log):
    report = judge(log, [opened_event(log[2]), opened_event(first_offer(log))])
    assert "two deals" in what(report)


def test_agreement_without_both_signatures_is_found_whatever_the_machine_said():
    # The machine makes no such agreement; the auditor does not take its word for it either.
    talk = agreed()
    assert talk.agreement is not None
    forged = replace(talk.agreement, buyer_signature=STRANGER.sign(talk.agreement.digest))
    market, report = Market(), Report()
    market.negotiations[talk.id] = replace(talk, agreement=forged)
    _check_agreements(market, DOMAIN, report)
    assert [finding.where for finding in report.findings] == [talk.id]
    assert "WrongSigner" in what(report)
