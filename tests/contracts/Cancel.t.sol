// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice cancel and cancelAll: what a signer can take back on-chain.
contract CancelTest is Openings {
    function test_cancel_spends_the_callers_nonce_and_no_other() public {
        VM.expectEmit(address(escrow));
        emit IAccounts.NonceCancelled(buyer, 0x105);
        VM.prank(buyer);
        escrow.cancel(0x105);

        VM.assertTrue(escrow.nonceSpent(buyer, 0x105));
        VM.assertFalse(escrow.nonceSpent(buyer, 0x104));
        VM.assertFalse(escrow.nonceSpent(buyer, 0x005));
        VM.assertFalse(escrow.nonceSpent(seller, 0x105));
    }

    function testFuzz_cancel_spends_one_nonce_wherever_it_lies(uint256 nonce, uint256 other) public {
        if (nonce == other) return;
        VM.prank(buyer);
        escrow.cancel(nonce);
        VM.assertTrue(escrow.nonceSpent(buyer, nonce));
        VM.assertFalse(escrow.nonceSpent(buyer, other));
    }

    function test_cancel_kills_every_offer_on_that_nonce() public {
        Terms memory terms = offer();
        VM.prank(seller);
        escrow.cancel(terms.sellerNonce);
        refuseOpen(terms, nonceSpent(seller, terms.sellerNonce));
        (terms.price, terms.buyerNonce) = (PRICE - 1, 3);
        refuseOpen(terms, nonceSpent(seller, terms.sellerNonce));
    }

    function test_cancel_by_a_stranger_leaves_the_offer_alone() public {
        Terms memory terms = offer();
        VM.prank(stranger);
        escrow.cancel(terms.buyerNonce);
        VM.prank(stranger);
        escrow.cancelAll();
        assertState(open(terms), State.FUNDED);
    }

    function test_a_stranger_burns_no_nonce_by_an_opening_that_fails() public {
        Terms memory terms = offer();
        refuseOpen(terms, sign(BUYER_KEY, escrow.digest(terms)), "", wrongSigner(seller, address(0)));
        assertState(open(terms), State.FUNDED);
    }

    function test_cancel_reverts_when_it_comes_too_late_or_twice() public {
        Terms memory terms = offer();
        open(terms);
        VM.prank(seller);
        escrow.cancel(1);
        VM.expectRevert(nonceSpent(buyer, terms.buyerNonce));
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        VM.expectRevert(nonceSpent(seller, 1));
        VM.prank(seller);
        escrow.cancel(1);
    }

    function test_cancelAll_kills_every_outstanding_offer_of_the_caller() public {
        Terms memory terms = offer();
        VM.prank(seller);
        escrow.cancelAll();
        uint256 current = escrow.epoch(seller);
        refuseOpen(terms, epochStale(seller, 0, current));
        VM.assertEq(escrow.epoch(buyer), 0);

        terms.sellerEpoch = current;
        assertState(open(terms), State.FUNDED);
    }

    function test_cancelAll_leaves_open_deals_alone() public {
        Terms memory terms = offer();
        bytes32 deal = open(terms);
        VM.prank(buyer);
        escrow.cancelAll();
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        assertState(deal, State.RELEASED);
    }

    function test_cancelAll_steps_by_the_high_half_of_the_last_blockhash_and_one() public {
        bytes32 last = 0x000000000000000000000000000000070000000000000000000000000000ffff;
        VM.roll(1_000);
        VM.setBlockhash(999, last);
        VM.expectEmit(address(escrow));
        emit IAccounts.EpochChanged(buyer, 8);
        VM.prank(buyer);
        escrow.cancelAll();
        VM.assertEq(escrow.epoch(buyer), 8);

        VM.prank(buyer);
        escrow.cancelAll();
        VM.assertEq(escrow.epoch(buyer), 16);
    }

    function test_cancelAll_moves_even_where_the_blockhash_is_zero() public {
        VM.roll(1_000);
        VM.setBlockhash(999, 0);
        VM.prank(buyer);
        escrow.cancelAll();
        VM.assertEq(escrow.epoch(buyer), 1);
    }

    function test_cancelAll_moves_even_by_the_longest_step() public {
        VM.roll(1_000);
        VM.setBlockhash(999, bytes32(type(uint256).max));
        VM.prank(buyer);
        escrow.cancelAll();
        VM.assertEq(escrow.epoch(buyer), 1 << 128);
    }

    /// @dev Whoever was made to sign for later epochs ahead is free of them as soon as it moves.
    function testFuzz_nothing_signed_ahead_of_cancelAll_opens(uint256 guess, bytes32 last) public {
        VM.roll(1_000);
        VM.setBlockhash(999, last);
        uint256 current = 1 + uint256(last >> 128);
        if (guess == current) return;
        Terms memory terms = offer();
        terms.buyerEpoch = guess;
        bytes memory ofBuyer = sign(BUYER_KEY, escrow.digest(terms));
        bytes memory ofSeller = sign(SELLER_KEY, escrow.digest(terms));
        VM.prank(buyer);
        escrow.cancelAll();
        refuseOpen(terms, ofBuyer, ofSeller, epochStale(buyer, guess, current));
    }
}
