"""ADR 0008 says what an audit does not detect: if it begins to, the page is out of date."""

import anyio
import forger
import pytest
from forger import parts_of
from market import (
    BUYER,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    accept,
    invite,
    listing,
    offer,
    proposed,
    talk,
    withdraw,
    word,
)
from story import Story
from witness import DOMAINS, Witness

from marketplace.core.deal import Operation
from marketplace.core.entry import body_digest
from marketplace.core.negotiation import advance
from marketplace.core.values import canonical, parse_json

LISTED = listing()
BEGUN = talk(LISTED)
PROPOSED = proposed(BEGUN)
LEFT = withdraw(PROPOSED, SELLER)
AGREED = [LISTED, invite(LISTED), offer(BEGUN, SELLER), accept(PROPOSED, BUYER)]
CROSSED = [*AGREED[:3], LEFT, accept(advance(PROPOSED, LEFT, NOW), BUYER)]


def logged(words):
    """The entries of an honest log of the words."""

    async def published():
        witness = Witness()
        await witness.take(*words)
        return await witness.published()

    return parts_of(anyio.run(published)[0])


def judged(parts, events=()):
    """The audit of a log of these entries, with every index and every hash anew."""
    return forger.judged(DOMAINS, parts, list(events))


def later(parts):
    found = parse_json(parts[0])
    return canonical({**found, "received_at": found["received_at"] + 1}), parts[1]


def salted_anew(parts):
    body = canonical({**parse_json(parts[1]), "salt": word("another salt")})
    return canonical({**parse_json(parts[0]), "body": body_digest(body)}), body


@pytest.mark.parametrize(
    "rewritten",
    [
        pytest.param(logged(AGREED)[:3], id="the acceptance dropped"),
        pytest.param(logged(AGREED)[:2], id="the last two words dropped"),
        pytest.param(logged(AGREED)[:1], id="the whole negotiation dropped"),
        pytest.param([], id="everything dropped"),
        pytest.param(
            [*logged(CROSSED)[:3], logged(CROSSED)[4]], id="an overruled withdrawal dropped"
        ),
        pytest.param([later(one) for one in logged(AGREED)], id="every receipt time moved"),
        pytest.param(
            [*map(salted_anew, logged(AGREED)[:3]), logged(AGREED)[3]], id="every body salted anew"
        ),
    ],
)
def test_a_log_written_anew_in_these_ways_has_no_finding(rewritten):
    assert judged(rewritten).ok


def test_an_opened_deal_tells_of_its_dropped_negotiation_only_as_information():
    terms = AGREED[2].body
    events, deal = Story(terms).events, terms.digest(DOMAIN)
    assert judged(logged(AGREED)[:3], events).ok
    without_offer, without_talk = judged(logged(AGREED)[:2], events), judged([], events)
    assert without_offer.ok
    assert without_offer.linked == {deal: AGREED[1].digest}
    assert without_talk.ok
    assert without_talk.unlogged == [deal]


def test_a_voucher_and_a_settlement_are_taken_to_hold_and_said_to_be():
    terms = AGREED[2].body
    for operation in (Operation.REDEEM, Operation.SETTLE):
        paid = Story(terms).then(operation, STRANGER.address, amount=7)
        report = judged(logged(AGREED), paid.events)
        assert report.ok
        assert report.unproved == [terms.digest(DOMAIN)]


def test_an_offer_dropped_from_the_middle_is_found():
    data = logged(AGREED)
    assert not judged([*data[:2], data[3]]).ok
