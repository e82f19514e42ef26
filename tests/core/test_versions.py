"""Two versions side by side: each envelope is of one, and no negotiation is of both."""

from dataclasses import fields, replace

import pytest
from market import (
    BUYER,
    DOMAIN,
    FIRST_DOMAIN,
    NOW,
    SELLER,
    accept,
    agreed,
    card,
    closed,
    delegation,
    escalate,
    first_content,
    invite,
    listing,
    mandate,
    offer,
    proposed,
    reject,
    subject,
    talk,
    withdraw,
)

from marketplace.core import version1
from marketplace.core.errors import ParleyError
from marketplace.core.message import (
    VERSION_1,
    VERSION_2,
    Domains,
    Message,
    parse_message,
)
from marketplace.core.negotiation import Negotiation, State, advance, begin
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_DIGEST, Json, canonical, parse_json
from marketplace.core.words import Kind

BOTH = Domains((DOMAIN, FIRST_DOMAIN))
NOW_ONLY = Domains((DOMAIN,))


def first_talk() -> Negotiation:
    return talk(listing(domain=FIRST_DOMAIN))


def words(listed: Message) -> dict[Kind, Message]:
    begun = talk(listed)
    on = proposed(begun)
    return {
        Kind.LISTING: listed,
        Kind.INVITATION: invite(listed),
        Kind.OFFER: offer(begun, SELLER),
        Kind.ACCEPTANCE: accept(on, BUYER),
        Kind.REJECTION: reject(on, BUYER),
        Kind.WITHDRAWAL: withdraw(on, BUYER),
    }


FIRST, PRESENT = words(listing(domain=FIRST_DOMAIN)), words(listing())
every_old_kind = pytest.mark.parametrize("kind", list(VERSION_1))


def refusal(given: Json, domains: Domains = BOTH) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        parse_message(given, domains.of(given))
    return refused.value


@every_old_kind
def test_words_of_both_versions_parse_side_by_side_each_in_its_own_domain(kind: Kind):
    for said in (FIRST[kind], PRESENT[kind]):
        envelope = parse_json(canonical(said.to_json()))
        for domains in (BOTH, Domains((FIRST_DOMAIN, DOMAIN))):
            assert domains.of(envelope) == said.domain
            assert parse_message(envelope, domains.of(envelope)) == said


def test_present_version_has_every_kind_and_the_first_had_six():
    assert set(VERSION_2) == set(Kind)
    assert set(VERSION_1) == set(FIRST)


def test_envelope_of_the_first_version_names_none():
    assert all("version" not in said.to_json() for said in FIRST.values())
    assert {said.to_json()["version"] for said in PRESENT.values()} == {"2"}


@every_old_kind
def test_envelope_that_is_relabelled_as_the_other_version_is_refused(kind: Kind):
    old, new = FIRST[kind].to_json(), PRESENT[kind].to_json()
    assert refusal({**old, "version": "2"}).values == {"unknown": "version", "missing": ""}
    assert refusal({**old, "version": "1"}).values == {"unknown": "version", "missing": ""}
    assert refusal({**new, "version": "1"}).code == "VersionUnsupported"
    bare = {name: value for name, value in new.items() if name != "version"}
    assert refusal(bare).values == {"unknown": "", "missing": "version"}


@every_old_kind
def test_word_of_one_version_says_nothing_in_the_other_s_domain(kind: Kind):
    # With the version's own label too: what is signed holds in its own domain alone.
    old, new = FIRST[kind].to_json(), PRESENT[kind].to_json()
    bare = {name: value for name, value in new.items() if name != "version"}
    moved = (
        {**old, "domain": new["domain"], "version": "2"},
        {**bare, "domain": old["domain"]},
    )
    for envelope, on in zip(moved, (proposed(), proposed(first_talk())), strict=True):
        if kind is Kind.ACCEPTANCE:
            # It carries no struct: no offer of that domain has its digest.
            stray = parse_message(envelope, BOTH.of(envelope))
            with pytest.raises(ParleyError) as refused:
                advance(on, stray, NOW)
            assert refused.value.code == "WrongPrevious"
        else:
            assert refusal(envelope).code in ("FieldsDiffer", "DigestMismatch")


@pytest.mark.parametrize("version", ["3", "", 2, None, [], {}, "2 "])
def test_version_that_is_not_served_is_told_what_is(version: Json):
    told = refusal({**PRESENT[Kind.LISTING].to_json(), "version": version})
    assert told.values == {"stated": repr(version), "served": "2, 1"}


def test_registry_of_the_present_version_alone_tells_the_first_which_it_speaks():
    told = refusal(FIRST[Kind.LISTING].to_json(), NOW_ONLY)
    assert (told.code, told.values) == ("VersionUnsupported", {"stated": "'1'", "served": "2"})


def test_another_escrow_of_a_served_version_is_a_mismatch_with_that_version_s_domain():
    for said, domain in ((FIRST, FIRST_DOMAIN), (PRESENT, DOMAIN)):
        elsewhere = {**said[Kind.LISTING].to_json(), "domain": "0x" + "11" * 32}
        told = refusal(elsewhere)
        assert (told.code, told.values["expected"]) == (
            "DomainMismatch",
            "0x" + domain.separator.hex(),
        )


@pytest.mark.parametrize(
    "more",
    [
        {"delegation": mandate(delegation()).to_json()},
        {"sealed": closed(offer(talk(), SELLER)).to_json()["sealed"]},
        {"reason": 0},
    ],
)
def test_first_version_has_nothing_that_came_later(more: dict[str, Json]):
    for said in FIRST.values():
        assert refusal({**said.to_json(), **more}).code == "FieldsDiffer"


def test_kind_that_came_later_is_refused_in_the_first_version():
    said = replace(card(), domain=FIRST_DOMAIN).to_json()
    assert refusal(said).values["field"] == "kind"


# ------------------------------------------------------------------ negotiations


def test_negotiation_of_the_first_version_comes_to_its_agreement():
    on = agreed(first_talk())
    assert on.state is State.ACCEPTED
    assert on.agreement is not None
    on.agreement.check(FIRST_DOMAIN)
    assert on.agreement.digest == FIRST[Kind.OFFER].digest


@pytest.mark.parametrize("say", [accept, reject, withdraw, offer])
def test_word_of_one_version_is_refused_in_a_negotiation_of_the_other(say):
    first, present = proposed(first_talk()), proposed()
    for on, other in ((first, present), (present, first)):
        # As near as it can come: it names this negotiation and answers its head.
        stray = say(replace(on, domain=other.domain), BUYER)
        with pytest.raises(ParleyError) as refused:
            advance(on, stray, NOW)
        assert refused.value.code == "DomainMismatch"
        assert refused.value.values["expected"] == "0x" + on.domain.separator.hex()


def test_invitation_of_one_version_to_a_listing_of_the_other_begins_nothing():
    for listed, domain in ((listing(), FIRST_DOMAIN), (listing(domain=FIRST_DOMAIN), DOMAIN)):
        stray = invite(replace(listed, domain=domain))
        with pytest.raises(ParleyError) as refused:
            begin(stray, listed, NOW)
        assert refused.value.code == "DomainMismatch"


def test_first_version_knew_no_escalation():
    on = proposed(first_talk())
    with pytest.raises(ParleyError) as refused:
        parse_message(escalate(on, BUYER).to_json(), FIRST_DOMAIN)
    assert refused.value.values["field"] == "kind"


# ------------------------------------------------------------------ what it said, read now


def test_terms_of_the_first_version_read_as_the_present_ones_with_nothing_added():
    body = FIRST[Kind.OFFER].body
    assert isinstance(body, version1.Terms)
    read = body.read()
    shared = {each.name for each in fields(version1.Terms)}
    assert {name: getattr(read, name) for name in shared} == {
        name: getattr(body, name) for name in shared
    }
    assert {each.name for each in fields(Terms)} - shared == {"notice_window", "goods"}
    assert (read.notice_window, read.goods) == (0, ZERO_DIGEST)
    assert FIRST[Kind.OFFER].terms == read
    assert read.digest(DOMAIN) != body.digest(FIRST_DOMAIN)


def test_price_that_no_later_escrow_takes_is_refused_and_the_highest_is_read():
    on = first_talk()
    body = offer(on, SELLER).body
    assert isinstance(body, version1.Terms)
    highest = (1 << 104) - 1
    assert replace(body, price=highest).read().price == highest
    with pytest.raises(ParleyError) as refused:
        replace(body, price=highest + 1).read()
    assert refused.value.values["field"] == "price"


def test_content_of_the_first_version_keeps_its_digest_and_counts_nothing():
    said = first_content()
    plain = said.to_json()
    assert version1.Content.from_json(plain) == said
    assert version1.Content.from_json(plain).digest == said.digest
    assert {"capacity", "heartbeat"}.isdisjoint(plain)
    assert len(said.settlement.to_json()) == 5
    for more in ({"capacity": "1"}, {"heartbeat": 0}):
        with pytest.raises(ParleyError):
            version1.Content.from_json({**plain, **more})


def test_first_version_s_listing_can_be_replaced_by_one_of_the_present():
    # That is how a seller moves: what began on the old one goes on, nothing begins on it.
    old = listing(domain=FIRST_DOMAIN)
    new = listing(replaces=old.digest)
    assert begin(invite(new), new, NOW).domain == DOMAIN
    assert subject(talk(new)).listing == new.digest
