// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice cancel and cancelAll: what a signer can take back on-chain.
contract CancelTest is Stage {
    function test_cancel_spends_the_callers_nonce_and_no_other() public {
        VM.expectEmit(address(escrow));
        emit IEscrow.NonceCancelled(buyer, 0x105);
        VM.prank(buyer);
        escrow.cancel(0x105);

        VM.assertTrue(escrow.nonceSpent(buyer, 0x105));
        VM.assertFalse(escrow.nonceSpent(buyer, 0x104));
        VM.assertFalse(escrow.nonceSpent(buyer, 0x005));
        VM.assertFalse(escrow.nonceSpent(seller, 0x105));
    }

    function test_cancel_kills_every_offer_on_that_nonce() public {
        Terms memory terms = offer();
        VM.prank(seller);
        escrow.cancel(terms.sellerNonce);
        refuseOpen(terms, abi.encodeWithSelector(IEscrow.NonceSpent.selector, seller, terms.sellerNonce));
    }

    function test_cancel_by_a_stranger_leaves_the_offer_alone() public {
        Terms memory terms = offer();
        VM.prank(stranger);
        escrow.cancel(terms.buyerNonce);
        assertState(open(terms), State.FUNDED);
    }

    function test_cancel_reverts_when_it_comes_too_late() public {
        Terms memory terms = offer();
        open(terms);
        VM.expectRevert(abi.encodeWithSelector(IEscrow.NonceSpent.selector, buyer, terms.buyerNonce));
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
    }

    function test_cancelAll_kills_every_outstanding_offer_of_the_caller() public {
        Terms memory terms = offer();
        VM.prank(seller);
        escrow.cancelAll();
        uint256 current = escrow.epoch(seller);
        refuseOpen(terms, abi.encodeWithSelector(IEscrow.EpochStale.selector, seller, 0, current));
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
        escrow.release(terms);
        assertState(deal, State.RELEASED);
    }

    function test_cancelAll_steps_by_the_high_half_of_the_last_blockhash_and_one() public {
        bytes32 last = 0x000000000000000000000000000000070000000000000000000000000000ffff;
        VM.roll(1_000);
        VM.setBlockhash(999, last);
        VM.expectEmit(address(escrow));
        emit IEscrow.EpochChanged(buyer, 8);
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
}
