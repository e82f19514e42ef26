"""Signatures: one canonical form, and the very bytes that eth-account makes."""

import pytest
from eth_account import Account
from eth_keys.datatypes import PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, SELLER, proposed, word

from marketplace.core.eip712 import Domain
from marketplace.core.errors import SignatureMalformed, WrongSigner
from marketplace.core.signature import HALF_ORDER, address_of, recover, sign, verify

ORDER = 2 * HALF_ORDER + 1
DIGEST = word("anything")
KEYS = st.integers(1, ORDER - 1).map(lambda n: n.to_bytes(32, "big"))
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda raw: "0x" + raw.hex())


@given(key=KEYS, digest=DIGESTS)
def test_signature_and_address_equal_those_of_eth_account(key: bytes, digest: str):
    signed = Account.unsafe_sign_hash(bytes.fromhex(digest[2:]), key)
    assert sign(digest, key) == sign(digest, key) == "0x" + signed.signature.hex()
    assert recover(digest, sign(digest, key)) == address_of(key)
    assert address_of(key) == PrivateKey(key).public_key.to_address()


@given(key=KEYS, digest=DIGESTS)
def test_malleable_twin_is_refused(key: bytes, digest: str):
    raw = bytes.fromhex(sign(digest, key)[2:])
    high = ORDER - int.from_bytes(raw[32:64], "big")
    twin = "0x" + (raw[:32] + high.to_bytes(32, "big") + bytes([55 - raw[64]])).hex()
    with pytest.raises(SignatureMalformed) as refused:
        recover(digest, twin)
    assert refused.value.reason == "s is in the upper half of the order"


@pytest.mark.parametrize("v", [0, 1, 26, 29, 255])
def test_v_other_than_27_and_28_is_refused(v: int):
    signature = BUYER.sign(DIGEST)[:-2] + f"{v:02x}"
    with pytest.raises(SignatureMalformed) as refused:
        recover(DIGEST, signature)
    assert refused.value.reason == "v is neither 27 nor 28"


@pytest.mark.parametrize(
    "signature",
    ["", "0x", BUYER.sign(DIGEST)[:-2], BUYER.sign(DIGEST) + "1b", BUYER.sign(DIGEST).upper()],
)
def test_anything_but_65_bytes_in_lower_case_hex_is_refused(signature: str):
    with pytest.raises(SignatureMalformed) as refused:
        recover(DIGEST, signature)
    assert refused.value.reason == "not 65 bytes in lower-case hex"


def test_long_garbage_is_quoted_short():
    with pytest.raises(SignatureMalformed) as refused:
        recover(DIGEST, "0x" + "f" * 100_000)
    assert len(refused.value.signature) == 140


@pytest.mark.parametrize("r", [0, ORDER - 1, ORDER, (1 << 256) - 1, 5])
def test_r_of_no_point_is_refused(r: int):
    # 5 and order - 1 are the x of no point on secp256k1; the others are no scalars.
    with pytest.raises(SignatureMalformed) as refused:
        recover(DIGEST, "0x" + r.to_bytes(32, "big").hex() + f"{1:064x}" + "1b")
    assert refused.value.reason == "no key signs so"


def test_zero_s_is_refused():
    with pytest.raises(SignatureMalformed):
        recover(DIGEST, BUYER.sign(DIGEST)[:66] + "00" * 32 + "1b")


def test_verify_names_the_expected_and_the_recovered_signer():
    verify(DIGEST, BUYER.sign(DIGEST), BUYER.address)
    with pytest.raises(WrongSigner) as refused:
        verify(DIGEST, BUYER.sign(DIGEST), SELLER.address)
    assert refused.value.values == {"expected": SELLER.address, "recovered": BUYER.address}


@pytest.mark.parametrize(
    "other",
    [
        Domain(1, DOMAIN.verifying_contract),
        Domain(DOMAIN.chain_id, "0x" + "11" * 20),
        Domain(DOMAIN.chain_id, DOMAIN.verifying_contract, version="1"),
        Domain(DOMAIN.chain_id, DOMAIN.verifying_contract, name="Other"),
    ],
)
def test_signature_of_another_domain_recovers_somebody_else(other: Domain):
    standing = proposed().standing
    assert standing is not None
    with pytest.raises(WrongSigner) as refused:
        verify(standing.terms.digest(other), standing.signature, standing.signer)
    assert refused.value.expected == SELLER.address
