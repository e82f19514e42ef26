"""Consent.sol and check_consent: the same signatures open a deal; and batches of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from escrow_stage import Stage, staged
from market import BUYER, SELLER, STRANGER
from side_by_side import escrow_terms, refusal

from marketplace.core.agreement import Agreement
from marketplace.core.consent import (
    Voucher,
    bulk,
    bulk_proof,
    bundle_digest,
    check_consent,
    with_proof,
    without_buyer,
)
from marketplace.core.deal import DealState
from marketplace.core.errors import ParleyError
from marketplace.core.signature import compact
from marketplace.core.terms import Terms
from marketplace.ports.chain import Opening, Redemption

HALF_ORDER_TWICE = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with staged() as ready:
        yield ready


def in_bulk(stage: Stage, terms: Terms, place: int, leaves: int) -> tuple[str, list[bytes]]:
    """The seller's signature over many terms, these at a place, and their siblings."""
    tree = [escrow_terms(stage, 500 + n).struct_hash() for n in range(leaves)]
    tree[place] = terms.struct_hash()
    return SELLER.sign(bulk(tree).digest(stage.view.domain)), bulk_proof(tree, place)


def bulk_of(leaves: int, place: int) -> Callable[[Stage, Terms], str]:
    def signed(stage: Stage, terms: Terms) -> str:
        signature, siblings = in_bulk(stage, terms, place, leaves)
        return with_proof(signature, siblings)

    return signed


def open_offer(stage: Stage, terms: Terms) -> str:
    digest = without_buyer(terms).digest(stage.view.domain)
    return with_proof(SELLER.sign(digest), unnamed=True)


def open_bulk(stage: Stage, terms: Terms) -> str:
    signature, siblings = in_bulk(stage, without_buyer(terms), 2, 3)
    return with_proof(signature, siblings, unnamed=True)


def plain(stage: Stage, terms: Terms) -> str:
    return SELLER.sign(terms.digest(stage.view.domain))


def cut_proof(stage: Stage, terms: Terms) -> str:
    whole = with_proof(*in_bulk(stage, terms, 1, 4))
    return whole[:132] + whole[196:]


def bad_sibling(stage: Stage, terms: Terms) -> str:
    signature, siblings = in_bulk(stage, terms, 1, 4)
    return with_proof(signature, [siblings[0], siblings[0]])


GOOD: dict[str, Callable[[Stage, Terms], str]] = {
    "plain": plain,
    "compact": lambda stage, terms: compact(plain(stage, terms)),
    "plain with an empty proof": lambda stage, terms: with_proof(plain(stage, terms)),
    "first of two": bulk_of(2, 0),
    "last of five, carried up twice": bulk_of(5, 4),
    "in the middle of nine": bulk_of(9, 6),
    "compact in bulk": lambda stage, terms: with_proof(
        compact(in_bulk(stage, terms, 1, 3)[0]), in_bulk(stage, terms, 1, 3)[1]
    ),
    "for whoever takes it": open_offer,
    "for whoever takes it, in bulk": open_bulk,
}
BAD: dict[str, Callable[[Stage, Terms], str]] = {
    "nothing": lambda *_: "0x",
    "somebody else's": lambda stage, terms: STRANGER.sign(terms.digest(stage.view.domain)),
    "over other terms": lambda stage, terms: plain(stage, replace(terms, price=terms.price + 1)),
    "a byte too long": lambda stage, terms: plain(stage, terms) + "00",
    "with another sibling": bad_sibling,
    "with a sibling cut off": cut_proof,
    "named, said to be for anybody": lambda stage, terms: with_proof(
        plain(stage, terms), unnamed=True
    ),
    "for anybody, not said to be": lambda stage, terms: plain(stage, without_buyer(terms)),
    "the malleable twin": lambda stage, terms: twin(plain(stage, terms)),
}


def twin(signature: str) -> str:
    raw = bytes.fromhex(signature[2:])
    high = HALF_ORDER_TWICE - int.from_bytes(raw[32:64], "big")
    return "0x" + (raw[:32] + high.to_bytes(32, "big") + bytes([55 - raw[64]])).hex()


def opened(stage: Stage, make: Callable[[Stage, Terms], str]) -> tuple[bool, bool]:
    """Whether Python and the escrow take the seller's signature."""
    terms = escrow_terms(stage, 40)
    agreement = replace(stage.agreement(terms), seller_signature=make(stage, terms))
    signed = agreement.terms, terms.seller, stage.view.domain, agreement.seller_signature
    mine = refusal(lambda: check_consent(*signed))
    with stage.undone():
        escrow = stage.escrow(STRANGER.address)
        theirs = refusal(lambda: escrow.open(Opening(agreement)))
    return mine is None, theirs is None


@pytest.mark.parametrize("kind", GOOD)
def test_a_signature_that_python_takes_opens_the_deal(stage: Stage, kind: str):
    assert opened(stage, GOOD[kind]) == (True, True)


@pytest.mark.parametrize("kind", BAD)
def test_a_signature_that_python_refuses_opens_nothing(stage: Stage, kind: str):
    assert opened(stage, BAD[kind]) == (False, False)


def test_a_buyer_cannot_sign_for_whoever_it_is_in_either(stage: Stage):
    terms = escrow_terms(stage, 41)
    signature = with_proof(BUYER.sign(without_buyer(terms).digest(stage.view.domain)), unnamed=True)
    with pytest.raises(ParleyError):
        check_consent(terms, terms.buyer, stage.view.domain, signature)
    agreement = replace(stage.agreement(terms), buyer_signature=signature)
    with pytest.raises(ParleyError):
        stage.escrow(STRANGER.address).open(Opening(agreement))


# ------------------------------------------------------------------ bundles and batches


def bundle(stage: Stage) -> list[Agreement]:
    bare = [escrow_terms(stage, 600 + n, price=100 + n, fee_bps=0) for n in range(3)]
    name = bundle_digest(bare)
    return [stage.agreement(replace(terms, bundle=name)) for terms in bare]


def test_a_bundle_opens_whole_and_in_its_order_and_not_otherwise(stage: Stage):
    members = [Opening(agreement) for agreement in bundle(stage)]
    escrow = stage.escrow(STRANGER.address)
    with stage.undone():
        for wrong in (members[:2], members[::-1]):
            assert refusal(lambda chosen=wrong: escrow.open_bundle(chosen))[0] == "WrongBundle"
        assert refusal(lambda: escrow.open(members[0]))[0] == "WrongBundle"
        escrow.open_bundle(members)
        for member in members:
            position = stage.view.position(member.agreement.digest)
            assert position.state is DealState.FUNDED


def test_a_batch_opens_what_it_can_and_names_why_it_skipped_the_others(stage: Stage):
    good = [stage.agreement(escrow_terms(stage, 700 + n, price=9, fee_bps=0)) for n in range(2)]
    spoiled = replace(good[0], terms=replace(good[0].terms, price=10))
    late = stage.agreement(escrow_terms(stage, 702, open_by=1))
    with stage.undone():
        batch = stage.batch(STRANGER.address)
        members = [Opening(each) for each in (good[0], spoiled, late, good[1], good[0])]
        _, skipped = batch.open(members)
        named = {index: error.code for index, error in skipped.items()}
        assert named == {1: "NonceSpent", 2: "OpenExpired", 4: "NonceSpent"}
        for agreement in good:
            assert stage.view.position(agreement.digest).state is DealState.FUNDED


def test_a_batch_redeems_vouchers_of_many_deals_at_once(stage: Stage):
    deals = [stage.agreement(escrow_terms(stage, 800 + n, price=9, fee_bps=0)) for n in range(3)]
    with stage.undone():
        batch = stage.batch(SELLER.address)
        batch.open([Opening(agreement) for agreement in deals])
        words = [Voucher(agreement.digest, 4).digest(stage.view.domain) for agreement in deals]
        signers = (BUYER, STRANGER, BUYER)
        vouchers = [by.sign(word) for by, word in zip(signers, words, strict=True)]
        redemptions = [
            Redemption(agreement.terms, 4, voucher)
            for agreement, voucher in zip(deals, vouchers, strict=True)
        ]
        _, skipped = batch.redeem(redemptions)
        assert {index: error.code for index, error in skipped.items()} == {1: "WrongSigner"}
        released = [stage.view.position(agreement.digest).released for agreement in deals]
        assert released == [4, 0, 4]
