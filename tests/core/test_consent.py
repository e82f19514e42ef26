"""Consent: one signature over many terms, over an open offer, and what only looks like one."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, SELLER, STRANGER, subject, talk, terms

from marketplace.core.consent import (
    Bulk,
    Own,
    Voucher,
    bulk,
    bulk_of_terms,
    bulk_of_vouchers,
    bulk_proof,
    bundle_digest,
    check_consent,
    series,
    with_proof,
    without_buyer,
)
from marketplace.core.eip712 import Domain, typed_data
from marketplace.core.errors import (
    ParleyError,
    SignatureMalformed,
    SignatureRefused,
    ValueMalformed,
)
from marketplace.core.signature import compact, expanded
from marketplace.core.terms import Terms
from marketplace.core.values import ZERO_ADDRESS, ZERO_DIGEST, keccak

FILE = Path(__file__).parents[1] / "vectors" / "consents.json"
GIVEN: dict[str, Any] = json.loads(FILE.read_text())
ON = talk()
TERMS = terms(ON, subject(ON))
LEAF = st.binary(min_size=32, max_size=32)
LEAVES = st.lists(LEAF, min_size=2, max_size=40)


def refused(signed: Terms, signer: str, signature: str) -> str:
    with pytest.raises(ParleyError) as error:
        check_consent(signed, signer, DOMAIN, signature)
    return error.value.code


@pytest.mark.parametrize("case", GIVEN["consents"], ids=lambda case: case["name"])
def test_consent_holds_exactly_where_the_vectors_say(case: dict[str, Any]):
    stated = GIVEN["domain"]
    domain = Domain(stated["chainId"], stated["verifyingContract"])
    signed = Terms.from_message(case["terms"])
    expected = contextlib.nullcontext() if case["accepted"] else pytest.raises(SignatureRefused)
    with expected:
        check_consent(signed, case["signer"], domain, case["signature"])


# ------------------------------------------------------------------ the tree


def climb(leaf: bytes, siblings: list[bytes]) -> bytes:
    """OpenZeppelin's MerkleProof: a node is the hash of its children in ascending order."""
    for sibling in siblings:
        leaf = keccak(b"".join(sorted((leaf, sibling))))
    return leaf


@given(LEAVES)
def test_every_leaf_climbs_to_the_root_by_its_proof(leaves: list[bytes]):
    root = bytes.fromhex(bulk(leaves).root[2:])
    assert all(climb(leaf, bulk_proof(leaves, n)) == root for n, leaf in enumerate(leaves))


@given(leaves=LEAVES, stranger=LEAF)
def test_leaf_that_is_not_in_the_tree_climbs_by_no_proof_of_it(
    leaves: list[bytes], stranger: bytes
):
    root = bytes.fromhex(bulk(leaves).root[2:])
    if stranger not in leaves:
        assert all(climb(stranger, bulk_proof(leaves, n)) != root for n in range(len(leaves)))


def test_roots_of_two_and_three_leaves_are_these_hashes():
    a, b, c = (bytes([n]) * 32 for n in (3, 1, 2))
    pair = keccak(b + a)
    assert bulk([a, b]).root == "0x" + pair.hex()
    # The third is carried up: its proof is the pair alone.
    assert bulk([a, b, c]).root == "0x" + keccak(min(pair, c) + max(pair, c)).hex()
    assert bulk_proof([a, b, c], 2) == [pair]


def test_one_leaf_is_its_own_root_and_no_leaf_is_none():
    assert bulk([b"\1" * 32]).root == "0x" + "01" * 32
    assert bulk_proof([b"\1" * 32], 0) == []
    with pytest.raises(ValueMalformed):
        bulk([])


# ------------------------------------------------------------------ who consents to what


def test_bulk_signature_is_one_that_any_wallet_makes():
    leaves = [TERMS.struct_hash(), replace(TERMS, price=1).struct_hash()]
    document = typed_data(bulk(leaves), DOMAIN)
    made = Account.sign_message(encode_typed_data(full_message=document), SELLER.key)
    signature = with_proof("0x" + made.signature.hex(), bulk_proof(leaves, 0))
    check_consent(TERMS, SELLER.address, DOMAIN, signature)


def test_node_of_the_tree_is_no_terms_and_terms_are_no_root():
    leaves = [TERMS.struct_hash(), replace(TERMS, price=1).struct_hash()]
    root = bulk(leaves)
    assert refused(TERMS, SELLER.address, SELLER.sign(root.digest(DOMAIN))) == "WrongSigner"
    as_leaf = Bulk("0x" + TERMS.struct_hash().hex())
    signature = with_proof(SELLER.sign(as_leaf.digest(DOMAIN)))
    assert refused(TERMS, SELLER.address, signature) == "WrongSigner"


@pytest.mark.parametrize(
    "change",
    [{"buyer": STRANGER.address}, {"buyer_nonce": 77}, {"buyer_epoch": 77}],
)
def test_open_offer_is_taken_by_any_buyer_with_any_nonce(change: dict[str, Any]):
    signature = with_proof(SELLER.sign(without_buyer(TERMS).digest(DOMAIN)), unnamed=True)
    check_consent(TERMS, SELLER.address, DOMAIN, signature)
    check_consent(replace(TERMS, **change), SELLER.address, DOMAIN, signature)


@pytest.mark.parametrize(
    "field", [f for f in Terms.FIELDS if not f.name.startswith("buyer")], ids=lambda f: f.name
)
def test_open_offer_binds_everything_but_its_buyer(field):
    signature = with_proof(SELLER.sign(without_buyer(TERMS).digest(DOMAIN)), unnamed=True)
    value = getattr(TERMS, field.name)
    other = value + 1 if isinstance(value, int) else "0x" + "99" * (len(value) // 2 - 1)
    changed = replace(TERMS, **{field.name: other})
    assert refused(changed, SELLER.address, signature) == "WrongSigner"


def test_open_offer_signs_terms_that_name_no_buyer():
    opened = without_buyer(TERMS)
    assert (opened.buyer, opened.buyer_nonce, opened.buyer_epoch) == (ZERO_ADDRESS, 0, 0)
    assert (
        replace(
            opened, buyer=TERMS.buyer, buyer_nonce=TERMS.buyer_nonce, buyer_epoch=TERMS.buyer_epoch
        )
        == TERMS
    )


def test_buyer_consents_to_terms_that_name_it_whatever_its_tail_says():
    unnamed = with_proof(BUYER.sign(without_buyer(TERMS).digest(DOMAIN)), unnamed=True)
    assert refused(TERMS, BUYER.address, unnamed) == "WrongSigner"
    named = with_proof(BUYER.sign(TERMS.digest(DOMAIN)), unnamed=True)
    check_consent(TERMS, BUYER.address, DOMAIN, named)


@pytest.mark.parametrize(
    "spelling", [str.upper, lambda s: s + " ", lambda s: s[2:], lambda s: s + "0", lambda s: s[:0]]
)
def test_signature_has_one_spelling(spelling):
    signature = spelling(with_proof(SELLER.sign(TERMS.digest(DOMAIN))))
    assert refused(TERMS, SELLER.address, signature) == "SignatureMalformed"


@given(st.binary(max_size=300))
def test_no_bytes_at_all_are_taken_for_consent(raw: bytes):
    for signature in ("0x" + raw.hex(), with_proof("0x" + raw.hex())):
        assert refused(TERMS, SELLER.address, signature) in ("WrongSigner", "SignatureMalformed")


@given(n=st.integers(1, (1 << 64) - 1))
def test_proof_that_says_more_siblings_than_it_brings_is_refused_at_once(n: int):
    tail = with_proof(SELLER.sign(TERMS.digest(DOMAIN)))[:-16] + n.to_bytes(8, "big").hex()
    assert refused(TERMS, SELLER.address, tail) in ("SignatureMalformed", "WrongSigner")


# ------------------------------------------------------------------ series

OWNS = [Own("0x" + f"{n:02x}" * 32, "0x" + f"{n + 50:02x}" * 32, n, n + 50) for n in range(1, 8)]
SERIES = series(TERMS, OWNS)
SHARED = {f.name for f in Terms.FIELDS} - set(Own.__dataclass_fields__)


def test_deals_of_a_series_differ_in_what_each_has_of_its_own_and_in_nothing_else():
    for member, own in zip(SERIES, OWNS, strict=True):
        assert all(getattr(member, name) == getattr(own, name) for name in own.__slots__)
        assert all(getattr(member, name) == getattr(TERMS, name) for name in SHARED)
    assert [*Own.__slots__] == [f.name for f in Terms.FIELDS[8:12]]
    assert series(TERMS, []) == []


@pytest.mark.parametrize("count", range(2, len(OWNS) + 1))
def test_signature_of_a_series_opens_each_of_its_deals_alone(count: int):
    members = SERIES[:count]
    leaves = [member.struct_hash() for member in members]
    signature = SELLER.sign(bulk_of_terms(members).digest(DOMAIN))
    for place, member in enumerate(members):
        alone = with_proof(signature, bulk_proof(leaves, place))
        check_consent(member, SELLER.address, DOMAIN, alone)
    outside = replace(TERMS, seller_nonce=999)
    assert refused(outside, SELLER.address, alone) == "WrongSigner"


def test_series_of_one_is_not_a_signature_over_its_deal():
    signature = SELLER.sign(bulk_of_terms(SERIES[:1]).digest(DOMAIN))
    assert refused(SERIES[0], SELLER.address, with_proof(signature)) == "WrongSigner"


def test_order_of_a_series_is_part_of_what_is_signed():
    # A pair has no order; whose neighbour a deal is has.
    assert bulk_of_terms(SERIES[:2]) == bulk_of_terms(SERIES[1::-1])
    assert bulk_of_terms(SERIES[:3]) != bulk_of_terms([*SERIES[1:3], SERIES[0]])


def test_vouchers_of_a_series_are_signed_as_one_bulk_of_them():
    deals = [member.digest(DOMAIN) for member in SERIES]
    leaves = [Voucher(deal, 77).struct_hash() for deal in deals]
    assert bulk_of_vouchers(deals, 77) == bulk(leaves) != bulk_of_vouchers(deals, 78)


@pytest.mark.parametrize("place", range(len(GIVEN["series"]["bulks"])))
def test_series_of_the_vectors_is_what_any_wallet_signs(place: int):
    given, stated = GIVEN["series"], GIVEN["series"]["bulks"][place]
    domain = Domain(GIVEN["domain"]["chainId"], GIVEN["domain"]["verifyingContract"])
    terms = Terms.from_message(given["terms"])
    owns = [
        Own(o["subject"], o["previous"], int(o["buyerNonce"]), int(o["sellerNonce"]))
        for o in given["owns"][: place + 1]
    ]
    members = series(terms, owns)
    deals = [member.digest(domain) for member in members]
    assert deals == given["deals"][: place + 1]
    built = {
        "terms": bulk_of_terms(members),
        "vouchers": bulk_of_vouchers(deals, given["amount"]),
    }
    for name, struct in built.items():
        assert "0x" + struct.struct_hash().hex() == stated[name]
        message = encode_typed_data(full_message=typed_data(struct, domain))
        signer = Account.recover_message(message, signature=stated[f"{name}_signature"])
        assert signer.lower() == given["signer"]


# ------------------------------------------------------------------ compact signatures


@given(LEAF)
def test_compact_signature_expands_to_the_same_one(raw: bytes):
    whole = SELLER.sign("0x" + raw.hex())
    assert len(compact(whole)) == 2 + 2 * 64
    assert expanded(compact(whole)) == expanded(whole) == whole


def test_eip_2098_s_own_example_is_read_as_it_says():
    # EIP-2098, "Test Cases": the second, whose yParity is 1.
    r = "9328da16089fcba9bececa81663203989f2df5fe1faa6291a45381c81bd17f76"
    vs = "939c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"
    s = "139c6d6b623b42da56557e5e734a43dc83345ddfadec52cbe24d0cc64f550793"
    assert expanded("0x" + r + vs) == "0x" + r + s + "1c"
    assert compact("0x" + r + s + "1c") == "0x" + r + vs


def test_only_a_canonical_signature_has_a_compact_form():
    with pytest.raises(SignatureMalformed):
        compact(SELLER.sign(TERMS.digest(DOMAIN))[:-2] + "00")


# ------------------------------------------------------------------ bundles


def test_bundle_names_its_members_in_their_order_before_they_named_it():
    first, second = TERMS, replace(TERMS, price=1)
    digest = bundle_digest([first, second])
    assert digest == "0x" + keccak(first.struct_hash() + second.struct_hash()).hex()
    named = [replace(member, bundle=digest) for member in (first, second)]
    assert bundle_digest(named) == digest
    assert bundle_digest(named[::-1]) != digest != bundle_digest(named[:1])
    assert bundle_digest([]) == "0x" + keccak(b"").hex() != ZERO_DIGEST
