// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract ClaimTest is Stage {
    Terms private terms;
    bytes32 private deal;
    uint256 private notBefore;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = open(terms);
        // Delivered late in its window: review counts from delivery, not from opening.
        VM.warp(START + 1_000);
        deliver(terms, CHARGE);
        notBefore = START + 1_000 + terms.reviewWindow;
    }

    function test_claim_pays_as_release_does_from_the_end_of_the_review_window_on() public {
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Released(deal, seller, CHARGE - 19_980 + BOND, 19_980, PRICE - CHARGE);
        VM.prank(seller);
        escrow.claim(terms);
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
        assertState(deal, State.RELEASED);
        VM.assertEq(escrow.position(deal).charge, CHARGE);
    }

    function test_claim_reverts_in_the_last_second_of_the_review_window() public {
        VM.warp(notBefore - 1);
        refuse(seller, abi.encodeWithSelector(IEscrow.ClaimEarly.selector, notBefore, notBefore - 1));
    }

    function test_claim_reverts_when_caller_is_not_the_seller() public {
        VM.warp(notBefore);
        refuse(buyer, wrongCaller(buyer, seller));
        refuse(stranger, wrongCaller(stranger, seller));
    }

    function test_claim_reverts_when_the_deal_was_released() public {
        VM.prank(buyer);
        escrow.release(terms);
        VM.warp(notBefore);
        refuse(seller, wrongState(State.RELEASED, State.DELIVERED));
    }

    function test_claim_reverts_without_a_delivery_however_late() public {
        (terms.buyerNonce, terms.sellerNonce, terms.openBy) = (1, 1, START + 2_000);
        fund(buyer, PRICE);
        fund(seller, BOND);
        open(terms);
        VM.warp(START + 365 days);
        refuse(seller, wrongState(State.FUNDED, State.DELIVERED));
    }

    function refuse(address caller, bytes memory reason) private {
        VM.expectRevert(reason);
        VM.prank(caller);
        escrow.claim(terms);
    }
}
