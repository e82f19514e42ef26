"""Mandates: which words a delegate may sign, in whose name, until when."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    CLERK,
    DOMAIN,
    NOW,
    SELLER,
    STRANGER,
    Party,
    accept,
    card,
    delegated,
    delegation,
    escalate,
    invite,
    listing,
    mandate,
    offer,
    proposed,
    quote,
    reject,
    request,
    revocation,
    talk,
    withdraw,
    word,
)

from marketplace.core.eip712 import Domain
from marketplace.core.errors import MandateExpired, ParleyError
from marketplace.core.identity import ROLES, SCOPE_OF, Mandate, Scope, scope_names
from marketplace.core.market import Market
from marketplace.core.message import Message, parse_message
from marketplace.core.negotiation import advance, begin
from marketplace.core.values import Json, canonical, parse_json
from marketplace.core.words import Kind

ON = proposed()
PARTIES = {party.address: party for party in (BUYER, SELLER)}
# Written out again, not imported: a change of the code's table must show here.
NEEDED = {
    Kind.CARD: (card(), Scope.MANAGE),
    Kind.LISTING: (listing(), Scope.LIST),
    Kind.REQUEST: (request(), Scope.LIST),
    Kind.QUOTATION: (quote(request(), listing()), Scope.LIST),
    Kind.INVITATION: (invite(listing()), Scope.NEGOTIATE),
    Kind.REJECTION: (reject(ON, BUYER), Scope.NEGOTIATE),
    Kind.WITHDRAWAL: (withdraw(ON, SELLER), Scope.NEGOTIATE),
    Kind.ESCALATION: (escalate(ON, BUYER), Scope.NEGOTIATE),
}
OWN_KEY = {
    Kind.OFFER: offer(talk(), SELLER),
    Kind.ACCEPTANCE: accept(ON, BUYER),
    Kind.DELEGATION: delegation(),
}
EVERY = sum(Scope)
every_kind = pytest.mark.parametrize("kind", list(NEEDED))


def by_clerk(message: Message, scope: int = EVERY, **changes: int) -> Message:
    given = delegation(PARTIES[message.signer], scope=scope, **changes)
    return delegated(message, given)


def parsed(message: Message, domain: Domain = DOMAIN) -> Message:
    return parse_message(parse_json(canonical(message.to_json())), domain)


def refusal(message: Message, domain: Domain = DOMAIN) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        parsed(message, domain)
    return refused.value


def test_every_kind_is_either_delegated_or_takes_the_agent_s_own_key():
    assert {kind: scope for kind, (_, scope) in NEEDED.items()} == SCOPE_OF
    assert NEEDED.keys() | OWN_KEY.keys() | {Kind.REVOCATION} == set(Kind)


@every_kind
def test_delegate_s_word_proves_itself_from_the_envelope_alone(kind: Kind):
    message, scope = NEEDED[kind]
    said = by_clerk(message, scope)
    assert parsed(said) == said
    assert said.signer == message.signer
    assert said.key == message.key


@every_kind
@pytest.mark.parametrize("lacking", [None, *Scope])
def test_each_kind_takes_its_own_scope_and_no_other(kind: Kind, lacking: Scope | None):
    message, needed = NEEDED[kind]
    scope = EVERY & ~lacking if lacking else 0
    if lacking not in (None, needed):
        assert parsed(by_clerk(message, scope)).kind is kind
        return
    told = refusal(by_clerk(message, scope))
    held = scope_names(Scope(scope))
    assert told.code == "MandateRefused"
    assert told.values == {"field": "scope", "given": held, "needed": str(needed.name).lower()}


@pytest.mark.parametrize("kind", list(OWN_KEY))
def test_no_delegate_signs_terms_or_gives_its_key_away(kind: Kind):
    # Not even one whose delegation claims every bit that there is.
    told = refusal(by_clerk(OWN_KEY[kind], (1 << 32) - 1))
    assert told.code == "MandateRefused"
    assert told.values["given"] == kind
    # The same bytes without the delegation are just somebody else's signature.
    assert refusal(replace(by_clerk(OWN_KEY[kind]), mandate=None)).code == "WrongSigner"


def test_whoever_asks_for_two_scopes_needs_both():
    both = Scope.LIST | Scope.NEGOTIATE
    mandate(delegation(scope=both)).check(SELLER.address, both, DOMAIN)
    for one in (Scope.LIST, Scope.NEGOTIATE):
        with pytest.raises(ParleyError) as refused:
            mandate(delegation(scope=one)).check(SELLER.address, both, DOMAIN)
        assert refused.value.values["needed"] == "list negotiate"


def test_scope_that_does_not_exist_yet_gives_nothing_of_what_does():
    told = refusal(by_clerk(listing(), 1 << 31))
    assert told.values == {"field": "scope", "given": "", "needed": "list"}


@every_kind
def test_delegation_of_another_principal_is_none(kind: Kind):
    message, _ = NEEDED[kind]
    told = refusal(delegated(message, delegation(STRANGER)))
    assert told.values == {
        "field": "principal",
        "given": STRANGER.address,
        "needed": message.signer,
    }


def test_delegation_that_its_principal_did_not_sign_is_none():
    given = delegation()
    forged = replace(given, signature=CLERK.sign(given.digest))
    told = refusal(delegated(listing(), forged))
    assert told.values == {"expected": SELLER.address, "recovered": CLERK.address}


def test_delegation_serves_its_delegate_and_nobody_else():
    told = refusal(delegated(listing(), delegation(), by=STRANGER))
    assert told.values == {"expected": CLERK.address, "recovered": STRANGER.address}
    # Nor the principal, who has no need of it.
    assert refusal(delegated(listing(), delegation(), by=SELLER)).code == "WrongSigner"


def test_delegation_of_another_domain_is_none():
    other = Domain(1, DOMAIN.verifying_contract)
    elsewhere = SELLER.say(delegation().body, None, None, other)
    assert refusal(delegated(listing(), elsewhere)).code == "WrongSigner"


def test_role_is_a_set_of_scopes_and_only_managers_hold_all():
    assert {name for name, scope in ROLES.items() if scope == EVERY} == {"manager"}
    assert all(ROLES["reader"] in scope for scope in ROLES.values())


@given(st.data())
def test_one_changed_digit_of_the_delegation_is_refused(data: st.DataObject):
    good = by_clerk(listing()).to_json()
    shown: Any = good["delegation"]
    place = data.draw(st.sampled_from(["signature", *shown["message"]]))
    value = shown.get(place, shown["message"].get(place))
    changed: Json
    if isinstance(value, int):
        changed = data.draw(st.integers(0, (1 << 32) - 1).filter(lambda other: other != value))
    else:
        at = data.draw(st.integers(2, len(value) - 1))
        digits = st.sampled_from("0123456789abcdef").filter(lambda digit: digit != value[at])
        changed = value[:at] + data.draw(digits) + value[at + 1 :]
    spoiled = (
        {**shown, place: changed}
        if place == "signature"
        else {**shown, "message": {**shown["message"], place: changed}}
    )
    with pytest.raises(ParleyError):
        parse_message({**good, "delegation": spoiled}, DOMAIN)


@pytest.mark.parametrize("given", [None, 1, [], {}, {"message": {}}, {"more": 1}])
def test_what_is_no_delegation_is_refused(given: Json):
    with pytest.raises(ParleyError) as refused:
        parse_message({**listing().to_json(), "delegation": given}, DOMAIN)
    assert refused.value.code in ("ValueMalformed", "FieldsDiffer")
    whole = mandate(delegation()).to_json()
    assert Mandate.from_json(whole).to_json() == whole
    with pytest.raises(ParleyError):
        Mandate.from_json({**whole, "more": 1})


# ------------------------------------------------------------------ time


MACHINES: dict[str, tuple[Message, Callable[[Message, int], object]]] = {
    "the first word of a negotiation": (
        invite(listing()),
        lambda message, at: begin(message, listing(), at),
    ),
    "a later word of it": (
        escalate(ON, BUYER),
        lambda message, at: advance(ON, message, at),
    ),
    "a word outside of any": (
        listing(),
        lambda message, at: Market().take(message, at),
    ),
}


@pytest.mark.parametrize("name", list(MACHINES))
def test_mandate_ends_at_its_instant_and_holds_one_second_before(name: str):
    message, machine = MACHINES[name]
    said = by_clerk(message, expires_at=NOW + 10)
    machine(said, NOW + 9)
    with pytest.raises(MandateExpired) as refused:
        machine(said, NOW + 10)
    assert refused.value.values == {"expires_at": NOW + 10, "now": NOW + 10}


# ------------------------------------------------------------------ revocations


def test_delegate_ends_its_own_delegation_with_its_own_key():
    given = delegation(scope=0)
    said = delegated(revocation(given), given)
    assert parsed(said) == said


def test_delegate_ends_no_other_delegation():
    given, other = delegation(), delegation(salt=word("another"))
    told = refusal(delegated(revocation(other), given))
    assert told.code == "DigestMismatch"
    assert told.values["stated"] == revocation(other).digest
    assert refusal(delegated(revocation(given), given, by=STRANGER)).code == "WrongSigner"
    assert refusal(delegated(revocation(given), delegation(BUYER))).code == "MandateRefused"


@pytest.mark.parametrize("ended_by", ["principal", "delegate"])
def test_revoked_delegation_serves_no_more_and_served_until_then(ended_by: str):
    given = delegation()
    end = revocation(given) if ended_by == "principal" else delegated(revocation(given), given)
    first, second = (delegated(listing(expires_at=NOW + n), given) for n in (100, 200))
    market = Market()
    market.take(first, NOW)
    market.take(end, NOW)
    with pytest.raises(ParleyError) as refused:
        market.take(second, NOW)
    assert (refused.value.code, refused.value.values) == (
        "MandateRevoked",
        {"delegation": given.digest, "revoked_at": NOW},
    )


@pytest.mark.parametrize("stranger", [STRANGER, BUYER, CLERK])
def test_nobody_but_its_principal_or_its_delegate_ends_a_delegation(stranger: Party):
    # Anybody may say of itself that it revokes anything: it ends nothing of another's.
    given = delegation()
    market = Market()
    market.take(revocation(given, stranger), NOW)
    market.take(delegated(listing(), given), NOW)
    assert listing().digest in market.words


def test_revocation_in_another_domain_ends_nothing_in_this_one():
    given = delegation()
    elsewhere = SELLER.say(revocation(given).body, None, None, Domain(1, "0x" + "22" * 20))
    market = Market()
    market.take(elsewhere, NOW)
    market.take(delegated(listing(), given), NOW)
    assert listing().digest in market.words


def test_ended_delegation_can_be_given_again_under_another_salt():
    given, again = delegation(), delegation(salt=word("another"))
    market = Market()
    for message in (given, revocation(given), again, delegated(listing(), again)):
        market.take(message, NOW)
    assert listing().digest in market.words
