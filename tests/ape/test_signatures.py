"""What opens a deal: the signatures of both on these very terms, for this escrow on this chain."""

import pytest
from calls import OPEN, opening
from eth_keys.constants import SECPK1_N
from eth_utils import keccak
from typed import digest, signable

SPOILED = {
    "empty": lambda _: b"",
    "of zeros": lambda _: bytes(65),
    "with a high s": lambda one: one[:32] + flipped(one[32:64]) + bytes([55 - one[64]]),
    "with a byte too many": lambda one: one + b"\0",
}
FOREIGN = {
    "another chain": {"chainId": 1},
    "another contract": {"verifyingContract": "0x" + "11" * 20},
    "another protocol": {"name": "Parlay"},
    "another version": {"version": "2.0"},
}
CONSENT = keccak(text="Parley.Consent")[:16]
each_party = pytest.mark.parametrize("party", ["buyer", "seller"])


def flipped(s):
    """The other s of the same signature (EIP-2)."""
    return (SECPK1_N - int.from_bytes(s)).to_bytes(32)


def replaced(stage, party, signature):
    """What `open` takes, with one party's signature replaced."""
    return [opening(stage)[0] | {f"{party}Signature": signature}]


def tail(siblings, *, unnamed=False):
    """What follows a signature over more than these terms."""
    shape = int(unnamed).to_bytes(8) + len(siblings).to_bytes(8)
    return b"".join(siblings) + CONSENT + shape


def test_the_digest_is_the_one_that_eth_account_signs(stage):
    assert stage.escrow.digest(stage.terms) == digest(stage.signable_terms())


@each_party
@pytest.mark.parametrize("domain", FOREIGN.values(), ids=FOREIGN)
def test_a_signature_for_elsewhere_opens_nothing(stage, party, domain):
    elsewhere = stage.signature(party, stage.signable_terms(**domain))
    name, values = stage.refused(OPEN, replaced(stage, party, elsewhere))
    assert (name, values["expected"]) == ("WrongSigner", stage.terms[party])


@each_party
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_signature_opens_nothing(stage, party, spoil):
    given = replaced(stage, party, spoil(stage.signature(party)))
    name, values = stage.refused(OPEN, given)
    assert (name, values["expected"]) == ("WrongSigner", stage.terms[party])


@each_party
def test_the_compact_form_of_a_signature_opens_too(stage, party):
    # ERC-2098: the parity of v is the highest bit of s.
    signature = stage.signature(party)
    compact = bytearray(signature[:64])
    compact[32] |= (signature[64] - 27) << 7
    stage.call(OPEN, replaced(stage, party, bytes(compact)))
    assert stage.state() == "FUNDED"


@each_party
def test_nobody_signs_for_another(stage, party):
    _, values = stage.refused(OPEN, replaced(stage, party, stage.signature("stranger")))
    recovered = stage.cast["stranger"].address
    assert values == {"expected": stage.terms[party], "recovered": recovered}


def test_no_field_can_change_after_both_have_signed(stage):
    [signed] = opening(stage)
    for name, value in stage.terms.items():
        terms = stage.terms | {name: changed(value)}
        stage.refused(OPEN, [signed | {"terms": terms}])
    stage.call(OPEN, [signed])
    assert stage.state() == "FUNDED"


def changed(value):
    """A value of the same type, next to this one."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return keccak(value)
    return "0x" + (int(value, 16) ^ 1).to_bytes(20).hex()


@each_party
@pytest.mark.parametrize(("other", "opens"), [("other", True), ("forged", False)])
def test_one_signature_over_many_terms_opens_those_that_it_is_over(stage, party, other, opens):
    leaf, sibling = stage.signable_terms().body, keccak(text="other")
    root = keccak(b"".join(sorted([leaf, sibling])))
    bulk = signable(stage.domain, "Bulk", {"root": root})
    signature = stage.signature(party, bulk) + tail([keccak(text=other)])
    given = replaced(stage, party, signature)
    if opens:
        stage.call(OPEN, given)
        assert stage.state() == "FUNDED"
    else:
        assert stage.refused(OPEN, given)[0] == "WrongSigner"


def test_an_offer_that_names_no_buyer_is_taken_by_whoever_countersigns(stage):
    named = stage.terms
    stage.terms = named | {"buyer": "0x" + "00" * 20, "buyerNonce": 0, "buyerEpoch": 0}
    offer = stage.signature("seller") + tail([], unnamed=True)
    stage.terms = named
    stage.call(OPEN, replaced(stage, "seller", offer))
    assert stage.state() == "FUNDED"
