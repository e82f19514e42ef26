"""The deal machine: who may do what until when, and who is paid what."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from market import BUYER, DOMAIN, NOW, SELLER, STRANGER, agreed, subject, talk, terms

from marketplace.core.agreement import Agreement
from marketplace.core.deal import (
    Call,
    Deal,
    DealState,
    Operation,
    Payout,
    apply,
    delivery_deadline,
    opened,
    pay_out,
    review_deadline,
)
from marketplace.core.errors import ParleyError
from marketplace.core.terms import Terms

ON = talk()
TERMS = terms(ON, subject(ON))
DEAL = TERMS.digest(DOMAIN)
FUNDED = opened(NOW)
DELIVERED_AT = NOW + 100
PROOF = "0x" + "dd" * 32
LATE = NOW + TERMS.delivery_window
REVIEWED = DELIVERED_AT + TERMS.review_window


def delivery(at: int = DELIVERED_AT, charge: int = 400, deliverable: str = PROOF) -> Call:
    return Call(DEAL, Operation.DELIVER, SELLER.address, at, deliverable, charge)


def delivered(charge: int = 400) -> Deal:
    return apply(FUNDED, TERMS, delivery(charge=charge))[0]


def refusal(deal: Deal, call: Call) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(ParleyError) as refused:
        apply(deal, TERMS, call)
    return refused.value.code, tuple(refused.value.values.values())


ALLOWED = {
    (DealState.FUNDED, Operation.DELIVER, SELLER): DealState.DELIVERED,
    (DealState.FUNDED, Operation.REFUND, SELLER): DealState.REFUNDED,
    (DealState.FUNDED, Operation.REFUND, BUYER): DealState.REFUNDED,
    (DealState.FUNDED, Operation.RELEASE, BUYER): DealState.RELEASED,
    (DealState.DELIVERED, Operation.RELEASE, BUYER): DealState.RELEASED,
    (DealState.DELIVERED, Operation.CLAIM, SELLER): DealState.RELEASED,
}


@pytest.mark.parametrize("party", [BUYER, SELLER, STRANGER], ids=lambda p: p.name)
@pytest.mark.parametrize("operation", list(Operation))
@pytest.mark.parametrize("state", list(DealState))
def test_every_state_operation_and_caller_goes_where_the_table_says(state, operation, party):
    # The instant is late enough for what waits, except for delivery, which must be early.
    at = DELIVERED_AT if operation is Operation.DELIVER else max(LATE, REVIEWED)
    deal = replace(delivered(), state=state)
    call = Call(DEAL, operation, party.address, at, PROOF, 400)
    expected = ALLOWED.get((state, operation, party))
    if expected is None:
        assert refusal(deal, call)[0] in ("WrongState", "WrongCaller")
    else:
        after, paid = apply(deal, TERMS, call)
        assert after.state is expected
        total = paid.to_buyer + paid.to_seller + paid.fee
        assert total == (0 if expected is DealState.DELIVERED else TERMS.price + TERMS.bond)


def test_delivery_ends_at_the_deadline_and_the_buyer_s_refund_begins_there():
    assert delivery_deadline(FUNDED, TERMS) == LATE
    assert apply(FUNDED, TERMS, delivery(at=LATE - 1))[0].delivered_at == LATE - 1
    assert refusal(FUNDED, delivery(at=LATE)) == ("DeliveryLate", (LATE, LATE))

    refund = Call(DEAL, Operation.REFUND, BUYER.address, LATE)
    assert refusal(FUNDED, replace(refund, at=LATE - 1)) == ("RefundEarly", (LATE, LATE - 1))
    assert apply(FUNDED, TERMS, refund)[0].state is DealState.REFUNDED


def test_claim_begins_at_the_end_of_the_review():
    claim = Call(DEAL, Operation.CLAIM, SELLER.address, REVIEWED)
    assert review_deadline(delivered(), TERMS) == REVIEWED
    assert refusal(delivered(), replace(claim, at=REVIEWED - 1)) == (
        "ClaimEarly",
        (REVIEWED, REVIEWED - 1),
    )
    assert apply(delivered(), TERMS, claim)[1] == pay_out(TERMS, 400)


def test_seller_refunds_at_any_time():
    after, paid = apply(FUNDED, TERMS, Call(DEAL, Operation.REFUND, SELLER.address, NOW))
    assert (after.state, paid) == (DealState.REFUNDED, Payout(TERMS.price, TERMS.bond))


def test_charge_is_at_most_the_price():
    assert refusal(FUNDED, delivery(charge=TERMS.price + 1)) == (
        "ChargeTooHigh",
        (TERMS.price + 1, TERMS.price),
    )
    assert delivered(TERMS.price).charge == TERMS.price


def test_delivery_names_its_deliverable():
    nothing = "0x" + "00" * 32
    assert refusal(FUNDED, delivery(deliverable=nothing)) == ("DeliverableMissing", (DEAL,))


def test_release_before_delivery_pays_the_whole_price_and_after_it_the_charge():
    release = Call(DEAL, Operation.RELEASE, BUYER.address, NOW)
    assert apply(FUNDED, TERMS, release)[1] == pay_out(TERMS, TERMS.price)
    assert apply(delivered(), TERMS, release)[1] == pay_out(TERMS, 400)


@given(
    price=st.integers(1, (1 << 128) - 1),
    bond=st.integers(0, (1 << 128) - 1),
    fee_bps=st.integers(0, 10_000),
    share=st.fractions(0, 1),
)
def test_payout_adds_up_and_the_fee_rounds_down(price: int, bond: int, fee_bps: int, share):
    charge = int(price * share)
    paid = pay_out(replace(TERMS, price=price, bond=bond, fee_bps=fee_bps), charge)
    assert paid.to_buyer + paid.to_seller + paid.fee == price + bond
    assert min(paid.to_buyer, paid.to_seller, paid.fee) >= 0
    assert paid.to_seller >= bond
    assert paid.fee * 10_000 <= charge * fee_bps < (paid.fee + 1) * 10_000


# ------------------------------------------------------------------ agreements


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
