"""Consent: what a party signs besides plain terms, and how it is proved.

A signature is over the terms' digest, or it ends with a proof::

    signature ‖ sibling 1 ‖ … ‖ sibling n ‖ tail      (a tail is TAG, 8 bytes open, 8 bytes n)

With open = 1 the seller signed the terms without a buyer: an open offer. With n > 0 the
signer signed ``Bulk(root)``, the root of a tree over the struct hashes of many terms; a
node is the keccak256 of its children in ascending order. A series is a bulk that opens at
once, by the tree over its leaves in their order: one signature serves the series and, with
a proof, each deal alone. The same rules, over the same bytes, are those of ``Consent.sol``;
here a signer is a key, as wallets that are contracts (ERC-1271) can only be asked on chain.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from marketplace.core.eip712 import Domain, Typed
from marketplace.core.errors import SignatureMalformed, ValueMalformed
from marketplace.core.signature import Prove, Signature, expanded, verify
from marketplace.core.terms import Terms
from marketplace.core.values import (
    ZERO_ADDRESS,
    ZERO_DIGEST,
    Address,
    Bytes32,
    Digest,
    Uint40,
    Uint104,
    keccak,
    shown,
)

WORD = 32
TAG = keccak(b"Parley.Consent")[:16]
_HEX = re.compile(r"0x(?:[0-9a-f]{2})*\Z")


@dataclass(frozen=True, slots=True)
class Voucher(Typed):
    """The buyer's word that ``amount`` in all, since the opening, is the seller's."""

    deal: Bytes32
    amount: Uint104


@dataclass(frozen=True, slots=True)
class Settlement(Typed):
    """Both parties' word on how an open deal ends: the seller's totals of price and bond.

    It holds before ``valid_before`` (Unix seconds), so that a word for one hour of a
    negotiation cannot be used in another.
    """

    deal: Bytes32
    charge: Uint104
    bond_to_seller: Uint104
    valid_before: Uint40


@dataclass(frozen=True, slots=True)
class Bulk(Typed):
    """Many structs under one signature: the root of the tree over their struct hashes."""

    root: Bytes32


@dataclass(frozen=True, slots=True)
class Own:
    """What one deal of a series has of its own; members of ``Terms``, in their order."""

    subject: Digest
    previous: Digest
    buyer_nonce: int
    seller_nonce: int


# ------------------------------------------------------------------ variants of terms


def without_buyer(terms: Terms) -> Terms:
    """What the seller of an open offer signs: for whoever takes it."""
    return replace(terms, buyer=ZERO_ADDRESS, buyer_nonce=0, buyer_epoch=0)


def bundle_digest(members: Sequence[Terms]) -> Digest:
    """What each member names as its bundle: the members in order, before they could name it."""
    hashes = (replace(terms, bundle=ZERO_DIGEST).struct_hash() for terms in members)
    return "0x" + keccak(b"".join(hashes)).hex()


def series(terms: Terms, owns: Iterable[Own]) -> list[Terms]:
    """The terms of each deal of a series: the same, but for what it has of its own."""
    return [replace(terms, **asdict(own)) for own in owns]


# ------------------------------------------------------------------ the tree


def bulk(leaves: Sequence[bytes]) -> Bulk:
    """What is signed for all leaves at once, in their order; raises ValueMalformed for none.

    Of one leaf it opens a series of one deal, and nothing else: a signature without siblings
    is read as one over the terms themselves.
    """
    if not leaves:
        raise ValueMalformed("leaves", "0", "at least one struct hash")
    level = list(leaves)
    while len(level) > 1:
        level = _above(level)
    return Bulk("0x" + level[0].hex())


def bulk_of_terms(members: Iterable[Terms]) -> Bulk:
    """What each party signs for a series, or for any other list of terms."""
    return bulk([member.struct_hash() for member in members])


def bulk_of_vouchers(deals: Iterable[Digest], amount: int) -> Bulk:
    """What is signed to release one amount in all in each of these deals."""
    return bulk([Voucher(deal, amount).struct_hash() for deal in deals])


def bulk_proof(leaves: Sequence[bytes], place: int) -> list[bytes]:
    """The siblings from the leaf at a place up to the root."""
    level, siblings = list(leaves), []
    while len(level) > 1:
        if place ^ 1 < len(level):
            siblings.append(level[place ^ 1])
        level, place = _above(level), place // 2
    return siblings


def _above(level: Sequence[bytes]) -> list[bytes]:
    # An odd last node is carried up unchanged: its proof has one sibling less.
    paired = [_node(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
    return paired + list(level[len(paired) * 2 :])


def _node(one: bytes, other: bytes) -> bytes:
    return keccak(min(one, other) + max(one, other))


# ------------------------------------------------------------------ signatures with a proof


def with_proof(
    signature: Signature, siblings: Sequence[bytes] = (), *, unnamed: bool = False
) -> Signature:
    """The signature as the escrow takes it, with its proof behind it.

    Args:
        signature: over the terms' digest, or over that of ``Bulk`` where there are siblings.
        siblings: from the terms' leaf up to the root, 32 bytes each.
        unnamed: whether the seller signed the terms without a buyer.
    """
    tail = TAG + int(unnamed).to_bytes(8, "big") + len(siblings).to_bytes(8, "big")
    return signature + b"".join((*siblings, tail)).hex()


def check_consent(
    terms: Terms, signer: Address, domain: Domain, signature: Signature, prove: Prove = verify
) -> None:
    """Raise unless the signer's key signed the terms, alone or with others.

    Args:
        terms: what is to be opened.
        signer: its buyer, or its seller, who alone may have signed without a buyer.
        domain: of the chain and the escrow.
        signature: 65 bytes, or 64 (ERC-2098), with or without a proof.
        prove: proves a signature, or takes it down for later.

    Raises:
        WrongSigner: somebody else, or the signer of other terms, signed.
        SignatureMalformed: it is no signature, or its proof is cut short.
    """
    plain, siblings, unnamed = _parts(signature)
    named = without_buyer(terms) if unnamed and signer == terms.seller else terms
    signed: Typed = Bulk(_root(named.struct_hash(), siblings)) if siblings else named
    prove(signed.digest(domain), expanded(plain), signer)


def _parts(signature: Signature) -> tuple[Signature, list[bytes], bool]:
    if not _HEX.match(signature):
        raise SignatureMalformed(shown(signature), "not whole bytes in lower-case hex")
    raw = bytes.fromhex(signature[2:])
    tail = raw[-WORD:]
    if len(raw) < WORD or tail[:16] != TAG:
        return signature, [], False
    count = int.from_bytes(tail[24:], "big")
    end = len(raw) - WORD - count * WORD
    if end < 0:
        raise SignatureMalformed(shown(signature), f"its proof has no {count} siblings")
    siblings = [raw[at : at + WORD] for at in range(end, len(raw) - WORD, WORD)]
    return "0x" + raw[:end].hex(), siblings, int.from_bytes(tail[16:24], "big") == 1


def _root(leaf: bytes, siblings: Sequence[bytes]) -> Digest:
    for sibling in siblings:
        leaf = _node(leaf, sibling)
    return "0x" + leaf.hex()
