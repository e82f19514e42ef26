"""Agreements: terms with both consents, and the subject that they bind."""

from dataclasses import replace

import pytest
from market import BUYER, DOMAIN, SELLER, STRANGER, agreed

from marketplace.core.agreement import Agreement
from marketplace.core.consent import bulk, bulk_proof, with_proof, without_buyer
from marketplace.core.errors import ParleyError
from marketplace.core.signature import compact
from marketplace.core.terms import Terms


def agreement() -> Agreement:
    made = agreed().agreement
    assert made is not None
    return made


def code_of(spoiled: Agreement) -> str:
    with pytest.raises(ParleyError) as refused:
        spoiled.check(DOMAIN)
    return refused.value.code


def test_agreement_holds_only_with_its_own_terms_subject_and_signatures():
    made = agreement()
    other_terms: Terms = replace(made.terms, price=made.terms.price + 1)
    other_subject = replace(made.subject, salt="0x" + "11" * 32)
    swapped = replace(
        made, buyer_signature=made.seller_signature, seller_signature=made.buyer_signature
    )
    made.check(DOMAIN)
    assert code_of(replace(made, terms=other_terms)) == "DigestMismatch"
    assert code_of(replace(made, subject=other_subject)) == "DigestMismatch"
    assert code_of(replace(made, digest="0x" + "11" * 32)) == "DigestMismatch"
    assert code_of(swapped) == "WrongSigner"
    assert code_of(replace(made, seller_signature=STRANGER.sign(made.digest))) == "WrongSigner"


def test_agreement_takes_every_consent_that_the_escrow_takes():
    made = agreement()
    open_terms = without_buyer(made.terms)
    leaves = [open_terms.struct_hash(), replace(open_terms, price=1).struct_hash()]
    in_bulk = with_proof(
        SELLER.sign(bulk(leaves).digest(DOMAIN)), bulk_proof(leaves, 0), unnamed=True
    )
    replace(made, buyer_signature=compact(made.buyer_signature)).check(DOMAIN)
    replace(made, seller_signature=in_bulk).check(DOMAIN)


def test_buyer_s_consent_always_names_the_buyer():
    made = agreement()
    unnamed = BUYER.sign(without_buyer(made.terms).digest(DOMAIN))
    opened = replace(made, buyer_signature=with_proof(unnamed, unnamed=True))
    assert code_of(opened) == "WrongSigner"
