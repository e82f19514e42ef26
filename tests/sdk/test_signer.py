"""Signers: every limit refuses before the key is asked, and what is signed is on record."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from live import SpyWallet
from market import BUYER, DOMAIN, NOW, SELLER, STRANGER, TOKEN, subject, talk, terms, word
from witness import SetClock

from marketplace.core.consent import Settlement, Voucher
from marketplace.core.deal import Deal, DealState
from marketplace.core.errors import (
    AmountTooHigh,
    AmountTooLow,
    DigestMismatch,
    ExposureExceeded,
    LedgerUnreadable,
    LimitExceeded,
    NotAParty,
    PolicyDenied,
    TermsDisagree,
    TokenForbidden,
    WrongSigner,
)
from marketplace.core.guardrails import Commitment, Limits
from marketplace.core.signature import verify
from marketplace.sdk import Wallet
from marketplace.sdk.ledger import Ledger
from marketplace.sdk.signer import Signer

TALK = talk()
ABOUT = subject(TALK)  # 10 units at 100
TERMS = terms(TALK, ABOUT)
WIDE = Limits(TOKEN, 1_000_000, highest_unit_price=1_000, lowest_unit_price=1)


@dataclass
class SetChain:
    """What the signer asks of the chain, in the test's hands."""

    at: int = NOW
    current: int = 0
    spent: set[int] = field(default_factory=set)
    states: dict[str, DealState] = field(default_factory=dict)

    def now(self) -> int:
        return self.at

    def epoch(self, _: str) -> int:
        return self.current

    def nonce_spent(self, _: str, nonce: int) -> bool:
        return nonce in self.spent

    def position(self, deal: str) -> Deal:
        return Deal(self.states.get(deal, DealState.NONE))


class BrokenWallet(SpyWallet):
    """A key that cannot be reached: what a crash between decision and signature leaves."""

    def sign(self, digest):
        raise ConnectionError(f"the hardware wallet is unplugged; {digest} stays unsigned")


def signer(by=BUYER, ledger=None, wallet=SpyWallet, **limits: Any) -> Signer:  # noqa: ANN401 any limit
    kept = replace(WIDE, **limits)
    spy = wallet(Wallet(by.key))
    return Signer(spy, kept, ledger or Ledger(), DOMAIN, SetClock(), SetChain())


def refusal(of: Signer, what=TERMS, about=ABOUT) -> PolicyDenied:
    """The limit that refuses; the key was not asked and nothing is counted."""
    with pytest.raises(PolicyDenied) as refused:
        of.offer(TALK.id, what, about)
    assert of.wallet.signed == []
    assert of.ledger.exposure.total == 0
    return refused.value


@pytest.mark.parametrize(
    ("by", "limit", "allowed", "value"),
    [
        (BUYER, "highest_unit_price", 99, 100),
        (SELLER, "lowest_unit_price", 101, 100),
        (BUYER, "most_quantity", 9, 10),
        (SELLER, "most_quantity", 9, 10),
        (BUYER, "longest_open", 1_799, 1_800),
    ],
)
def test_a_limit_refuses_with_both_values_and_the_key_is_not_asked(by, limit, allowed, value):
    refused = refusal(signer(by, **{limit: allowed}))
    assert isinstance(refused, LimitExceeded)
    assert (refused.limit, refused.value, refused.allowed) == (limit, value, allowed)


@pytest.mark.parametrize(
    ("by", "limit"),
    [
        (BUYER, {"highest_unit_price": 100}),
        (SELLER, {"lowest_unit_price": 100}),
        (BUYER, {"most_quantity": 10}),
        (BUYER, {"longest_open": 1_800}),
        (BUYER, {"most_exposure": 1_000}),
        (SELLER, {"most_exposure": 100}),
    ],
)
def test_a_limit_allows_its_own_value(by, limit):
    made = signer(by, **limit).offer(TALK.id, TERMS, ABOUT)
    verify(TERMS.digest(DOMAIN), made.signature, by.address)


def test_the_price_of_a_buyer_and_the_bond_of_a_seller_are_what_is_exposed():
    for by, needed in ((BUYER, TERMS.price), (SELLER, TERMS.bond)):
        refused = refusal(signer(by, most_exposure=needed - 1))
        assert isinstance(refused, ExposureExceeded)
        assert (refused.exposure, refused.allowed) == (needed, needed - 1)


def test_a_buyer_is_not_held_to_the_floor_of_a_seller():
    assert signer(BUYER, lowest_unit_price=101).offer(TALK.id, TERMS, ABOUT)
    assert signer(SELLER, highest_unit_price=0).offer(TALK.id, TERMS, ABOUT)


def test_another_token_is_refused_with_both_tokens():
    refused = refusal(signer(token="0x" + "11" * 20))
    assert isinstance(refused, TokenForbidden)
    assert (refused.token, refused.allowed) == (TOKEN, "0x" + "11" * 20)


@pytest.mark.parametrize(
    ("what", "about", "error"),
    [
        (TERMS, replace(ABOUT, salt=word("another")), DigestMismatch),
        (replace(TERMS, price=TERMS.price + 1), ABOUT, TermsDisagree),
    ],
)
@pytest.mark.parametrize("sign", [Signer.offer, Signer.acceptance])
def test_terms_that_do_not_bind_their_subject_at_its_price_are_not_signed(sign, what, about, error):
    of = signer()
    with pytest.raises(error):
        sign(of, TALK.id, what, about)
    assert of.wallet.signed == []


def test_an_acceptance_is_held_to_the_same_limits_as_an_offer():
    of = signer(highest_unit_price=99)
    with pytest.raises(LimitExceeded):
        of.acceptance(TALK.id, TERMS, ABOUT)
    assert of.wallet.signed == []


def test_a_zero_limit_signs_nothing_for_a_buyer():
    of = signer(most_exposure=0, highest_unit_price=0)
    assert isinstance(refusal(of), LimitExceeded)


def test_offers_of_one_negotiation_count_once_and_of_two_twice():
    of = signer(most_exposure=1_500)
    of.offer(TALK.id, TERMS, ABOUT)
    dearer = subject(TALK, unit_price=150)
    of.offer(TALK.id, terms(TALK, dearer), dearer)
    assert of.ledger.exposure.total == 1_500
    with pytest.raises(ExposureExceeded) as refused:
        of.offer(TALK.id, replace(TERMS, buyer_nonce=2), ABOUT)
    assert refused.value.exposure == 2_500


LATER = replace(TERMS, buyer_nonce=2, open_by=TERMS.open_by + 60)


def test_exposure_ends_when_the_chain_s_time_has_passed_the_last_offer():
    of = signer(most_exposure=1_000)
    of.offer(TALK.id, TERMS, ABOUT)
    of.clock.at = TERMS.open_by
    of.chain.at = TERMS.open_by - 1
    with pytest.raises(ExposureExceeded):
        # The wall clock is not asked: a block may still carry an earlier time.
        of.offer(TALK.id, LATER, ABOUT)
    of.chain.at = TERMS.open_by
    assert of.offer(TALK.id, LATER, ABOUT)


def test_an_offer_that_was_opened_unheard_counts_until_its_deal_has_ended():
    of = signer(most_exposure=1_000)
    of.offer(TALK.id, TERMS, ABOUT)
    deal = TERMS.digest(DOMAIN)
    of.chain.at = of.clock.at = TERMS.open_by
    of.chain.spent.add(TERMS.buyer_nonce)
    for state in (DealState.FUNDED, DealState.DELIVERED):
        of.chain.states[deal] = state
        with pytest.raises(ExposureExceeded):
            of.offer(TALK.id, LATER, ABOUT)
    of.chain.states[deal] = DealState.RELEASED
    assert of.offer(TALK.id, LATER, ABOUT)


def test_a_cancelled_nonce_and_a_moved_epoch_free_what_they_cancelled():
    of = signer(most_exposure=1_000)
    of.offer(TALK.id, TERMS, ABOUT)
    of.chain.spent.add(TERMS.buyer_nonce)
    assert of.offer(TALK.id, LATER, ABOUT)
    of.chain.current = 5
    assert of.offer(TALK.id, replace(LATER, buyer_nonce=3, buyer_epoch=5), ABOUT)


def test_the_commitment_is_on_record_before_the_signature_exists(tmp_path):
    path = tmp_path / "a.ledger"
    of = signer(ledger=Ledger(path), wallet=BrokenWallet)
    with pytest.raises(ConnectionError):
        of.offer(TALK.id, TERMS, ABOUT)
    of.ledger.close()
    assert Ledger(path).exposure.total == TERMS.price


def test_a_ledger_that_cannot_write_gets_nothing_signed(tmp_path, monkeypatch):
    of = signer(ledger=Ledger(tmp_path / "a.ledger"))
    monkeypatch.setattr(os, "write", lambda _, data: len(data) - 1)
    with pytest.raises(OSError, match="No space left"):
        of.offer(TALK.id, TERMS, ABOUT)
    assert of.wallet.signed == []


def test_a_ledger_in_no_folder_gives_no_signer_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        signer(ledger=Ledger(tmp_path / "no such folder" / "a.ledger"))


def test_a_damaged_ledger_gives_no_signer_at_all(tmp_path):
    path = tmp_path / "a.ledger"
    path.write_text("damaged\n")
    with pytest.raises(LedgerUnreadable):
        signer(ledger=Ledger(path))


def test_a_restart_does_not_forget_what_is_outstanding(tmp_path):
    path = tmp_path / "a.ledger"
    before = signer(ledger=Ledger(path))
    before.offer(TALK.id, TERMS, ABOUT)
    before.ledger.close()
    again = signer(ledger=Ledger(path), most_exposure=1_999)
    with pytest.raises(ExposureExceeded):
        again.offer(TALK.id, replace(TERMS, buyer_nonce=2), ABOUT)
    assert again.wallet.signed == []


class Unhurried(Ledger):
    """A fact takes a moment until it counts, as on a disk: others may decide meanwhile."""

    def offered(self, nonce: int, offer: Commitment) -> None:
        time.sleep(0.01)
        super().offered(nonce, offer)


def test_of_many_threads_that_race_for_the_last_exposure_one_gets_a_signature():
    of = signer(ledger=Unhurried(), most_exposure=1_000)
    start = threading.Barrier(8)

    def race(nonce: int) -> bool:
        start.wait()
        try:
            of.offer(TALK.id, replace(TERMS, buyer_nonce=nonce), ABOUT)
        except ExposureExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(race, range(8)))
    assert signed.count(True) == len(of.wallet.signed) == 1


# ------------------------------------------------------------------ vouchers and endings


def test_a_voucher_is_on_record_before_the_key_is_asked_and_after_a_restart(tmp_path):
    path, deal = tmp_path / "ledger", TERMS.digest(DOMAIN)
    ledger = Ledger(path)
    with pytest.raises(ConnectionError):
        signer(BUYER, ledger, wallet=BrokenWallet).voucher(TERMS, 40)
    assert ledger.vouchers == {deal: 40}
    ledger.close()
    again = signer(BUYER, Ledger(path))
    with pytest.raises(AmountTooLow) as refused:
        again.voucher(TERMS, 39)
    assert (refused.value.amount, refused.value.least) == (39, 40)
    assert again.wallet.signed == []
    verify(Voucher(deal, 40).digest(DOMAIN), again.voucher(TERMS, 40), BUYER.address)


@pytest.mark.parametrize("amount", [TERMS.price, 0])
def test_a_voucher_may_be_for_the_whole_price_and_for_nothing(amount):
    made = signer(BUYER).voucher(TERMS, amount)
    verify(Voucher(TERMS.digest(DOMAIN), amount).digest(DOMAIN), made, BUYER.address)


def test_a_voucher_above_the_price_is_refused_and_the_key_is_not_asked():
    of = signer(BUYER)
    with pytest.raises(AmountTooHigh):
        of.voucher(TERMS, TERMS.price + 1)
    assert (of.wallet.signed, of.ledger.vouchers) == ([], {})


def test_where_the_terms_name_a_key_for_vouchers_the_buyer_signs_none():
    hot = replace(TERMS, voucher_signer=SELLER.address)
    with pytest.raises(WrongSigner):
        signer(BUYER).voucher(hot, 1)
    word_of = Voucher(hot.digest(DOMAIN), 1).digest(DOMAIN)
    verify(word_of, signer(SELLER).voucher(hot, 1), SELLER.address)


def test_vouchers_of_two_deals_are_counted_apart():
    of, other = signer(BUYER), replace(TERMS, buyer_nonce=TERMS.buyer_nonce + 1)
    of.voucher(TERMS, 50)
    of.voucher(other, 10)
    assert sorted(of.ledger.vouchers.values()) == [10, 50]


@pytest.mark.parametrize("by", [BUYER, SELLER])
def test_an_ending_gives_away_price_and_bond_at_most(by):
    of = signer(by)
    for charge, bond in ((TERMS.price + 1, 0), (0, TERMS.bond + 1)):
        with pytest.raises(AmountTooHigh):
            of.settlement(TERMS, charge, bond, NOW + 60)
    assert of.wallet.signed == []
    made = of.settlement(TERMS, TERMS.price, TERMS.bond, NOW + 60)
    ending = Settlement(TERMS.digest(DOMAIN), TERMS.price, TERMS.bond, NOW + 60)
    verify(ending.digest(DOMAIN), made, by.address)


def test_nobody_signs_the_ending_of_others():
    with pytest.raises(NotAParty):
        signer(STRANGER).settlement(TERMS, 0, 0, NOW + 60)


def test_an_ending_is_offered_for_no_longer_than_an_offer():
    of = signer(BUYER, longest_open=60)
    with pytest.raises(LimitExceeded) as refused:
        of.settlement(TERMS, 0, 0, NOW + 61)
    assert (refused.value.limit, refused.value.value, refused.value.allowed) == (
        *("longest_open", 61, 60),
    )
    assert of.wallet.signed == []
    of.settlement(TERMS, 0, 0, NOW + 60)
