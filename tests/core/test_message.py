"""Envelopes: form, domain, digests, signature; whoever breaks one is told which."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import (
    BUYER,
    DOMAIN,
    SELLER,
    STRANGER,
    accept,
    card,
    content,
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
    talk,
    withdraw,
    word,
)

from marketplace.core.eip712 import Domain
from marketplace.core.errors import ParleyError
from marketplace.core.message import parse_message
from marketplace.core.values import Json, canonical, checksum, parse_json
from marketplace.core.words import Kind

ON = proposed()
WORDS = {
    Kind.CARD: card(),
    Kind.DELEGATION: delegation(),
    Kind.REVOCATION: revocation(delegation()),
    Kind.LISTING: listing(),
    Kind.REQUEST: request(),
    Kind.QUOTATION: quote(request(), listing()),
    Kind.INVITATION: invite(listing()),
    Kind.OFFER: offer(talk(), SELLER),
    Kind.ACCEPTANCE: accept(ON, BUYER),
    Kind.REJECTION: reject(ON, BUYER),
    Kind.WITHDRAWAL: withdraw(ON, BUYER),
    Kind.ESCALATION: escalate(ON, BUYER),
}
every_kind = pytest.mark.parametrize("kind", list(Kind))


def envelope(kind: Kind) -> dict[str, Any]:
    return WORDS[kind].to_json()


def refusal(given: Json, domain: Domain = DOMAIN) -> ParleyError:
    with pytest.raises(ParleyError) as refused:
        parse_message(given, domain)
    return refused.value


@every_kind
def test_envelope_survives_json_and_parses_to_the_same_message(kind: Kind):
    message = WORDS[kind]
    assert parse_message(parse_json(canonical(message.to_json())), DOMAIN) == message


def test_what_identifies_a_message_is_not_its_signature():
    keys = {message.key for message in WORDS.values()}
    assert len(keys) == len(Kind)
    assert not any(message.signature[2:] in message.key for message in WORDS.values())


@every_kind
def test_key_that_a_kind_has_not_and_key_that_it_lacks_are_named(kind: Kind):
    assert refusal({**envelope(kind), "colour": 1}).values == {"unknown": "colour", "missing": ""}
    for key in envelope(kind):
        short = {name: value for name, value in envelope(kind).items() if name != key}
        assert refusal(short).code == ("ValueMalformed" if key == "kind" else "FieldsDiffer")


@every_kind
@pytest.mark.parametrize(
    "value", [None, 1, True, "", "x", [], ["\u202e"], {}, {"a": 1}, "0x" * 500]
)
def test_every_member_refuses_a_value_of_another_form(kind: Kind, value: Json):
    for key in envelope(kind):
        told = refusal({**envelope(kind), key: value})
        assert told.code in (
            "ValueMalformed",
            "FieldsDiffer",
            "SignatureMalformed",
            *(["VersionUnsupported"] if key == "version" else []),
        )
        assert len(str(told)) < 700


@every_kind
def test_message_of_another_chain_or_escrow_is_refused_with_both_domains(kind: Kind):
    for other in (Domain(1, DOMAIN.verifying_contract), Domain(31337, "0x" + "22" * 20)):
        told = refusal(envelope(kind), other)
        assert told.code == "DomainMismatch"
        assert told.values == {
            "stated": "0x" + DOMAIN.separator.hex(),
            "expected": "0x" + other.separator.hex(),
        }


@every_kind
def test_relabelling_the_domain_does_not_move_a_signature(kind: Kind):
    other = Domain(1, DOMAIN.verifying_contract)
    moved = {**envelope(kind), "domain": "0x" + other.separator.hex()}
    if kind is Kind.ACCEPTANCE:
        # It states a digest and carries no terms: the machine finds that no offer has it.
        assert parse_message(moved, other).digest == WORDS[kind].digest
    else:
        assert refusal(moved, other).code == "DigestMismatch"


@every_kind
def test_signature_of_somebody_else_is_refused(kind: Kind):
    told = refusal({**envelope(kind), "signer": STRANGER.address})
    assert told.values == {"expected": STRANGER.address, "recovered": WORDS[kind].signer}


@every_kind
def test_stated_digest_is_the_body_s(kind: Kind):
    told = refusal({**envelope(kind), "digest": word("another")})
    # Of an acceptance the digest is all there is, so there the signature speaks.
    assert told.code == ("WrongSigner" if kind is Kind.ACCEPTANCE else "DigestMismatch")


def test_content_and_subject_are_those_that_were_signed():
    changed = content(title="Another title").to_json()
    assert refusal({**envelope(Kind.LISTING), "detail": changed}).code == "DigestMismatch"
    about = {**envelope(Kind.OFFER)["detail"], "salt": word("another salt")}
    assert refusal({**envelope(Kind.OFFER), "detail": about}).code == "DigestMismatch"


@pytest.mark.parametrize(
    "kind", [Kind.INVITATION, Kind.REJECTION, Kind.WITHDRAWAL, Kind.ESCALATION]
)
def test_word_is_not_moved_into_another_negotiation(kind: Kind):
    told = refusal({**envelope(kind), "negotiation": word("another")})
    assert told.code == "DigestMismatch"
    assert word("another") in told.values.values()


@pytest.mark.parametrize("kind", [Kind.REJECTION, Kind.WITHDRAWAL])
def test_reason_is_signed(kind: Kind):
    body = {**envelope(kind)["message"], "reason": 2}
    assert refusal({**envelope(kind), "message": body}).code == "DigestMismatch"
    untold = {key: value for key, value in body.items() if key != "reason"}
    assert refusal({**envelope(kind), "message": untold}).code == "FieldsDiffer"


def test_kind_is_not_a_matter_of_opinion():
    # A rejection and a withdrawal have the same fields; their type hashes differ.
    assert refusal({**envelope(Kind.REJECTION), "kind": "withdrawal"}).code == "DigestMismatch"
    told = refusal({**envelope(Kind.REJECTION), "kind": "insult"})
    assert told.values["value"] == "'insult'"


@given(
    kind=st.sampled_from(list(Kind)),
    key=st.sampled_from(["domain", "digest", "signature", "signer", "negotiation"]),
    at=st.integers(2, 131),
    digit=st.sampled_from("0123456789abcdef"),
)
def test_one_changed_hex_digit_anywhere_is_refused_by_name(
    kind: Kind, key: str, at: int, digit: str
):
    good = envelope(kind)
    value = good.get(key)
    if value is None or value[at % len(value)] in (digit, "x") or at % len(value) < 2:
        return
    place = at % len(value)
    spoiled = {**good, key: value[:place] + digit + value[place + 1 :]}
    if (kind, key) in ((Kind.ACCEPTANCE, "negotiation"), (Kind.OFFER, "negotiation")):
        # Neither's own words name the negotiation: the machine refuses what is out of place.
        assert parse_message(spoiled, DOMAIN).negotiation == spoiled["negotiation"]
    else:
        refusal(spoiled)


def test_spelling_of_an_address_does_not_make_another_message():
    mixed = {**envelope(Kind.OFFER), "signer": checksum(SELLER.address)}
    assert parse_message(mixed, DOMAIN) == WORDS[Kind.OFFER]
