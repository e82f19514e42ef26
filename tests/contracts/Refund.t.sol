// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract RefundTest is Stage {
    Terms private terms;
    bytes32 private deal;
    uint256 private notBefore;

    function setUp() public override {
        super.setUp();
        terms = offer();
        VM.warp(START + 50);
        deal = open(terms);
        notBefore = START + 50 + terms.deliveryWindow;
    }

    function test_refund_by_the_seller_returns_everything_at_once() public {
        VM.expectEmit(address(escrow));
        emit IEscrow.Refunded(deal, seller);
        VM.prank(seller);
        escrow.refund(terms);
        assertPaid(PRICE, BOND, 0);
        assertState(deal, State.REFUNDED);
        VM.assertEq(escrow.position(deal).charge, 0);
    }

    function test_refund_by_the_seller_succeeds_after_the_window_too() public {
        VM.warp(notBefore + 1);
        VM.prank(seller);
        escrow.refund(terms);
        assertPaid(PRICE, BOND, 0);
    }

    function test_refund_by_the_buyer_succeeds_from_the_end_of_the_window_on() public {
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Refunded(deal, buyer);
        VM.prank(buyer);
        escrow.refund(terms);
        assertPaid(PRICE, BOND, 0);
    }

    function test_refund_by_the_buyer_reverts_in_the_last_second_of_the_window() public {
        VM.warp(notBefore - 1);
        refuse(buyer, abi.encodeWithSelector(IEscrow.RefundEarly.selector, notBefore, notBefore - 1));
    }

    function test_refund_reverts_when_caller_is_a_stranger_before_and_after_the_window() public {
        refuse(stranger, wrongCaller(stranger, buyer));
        VM.warp(notBefore);
        refuse(stranger, wrongCaller(stranger, buyer));
    }

    function test_refund_reverts_for_both_once_delivered() public {
        deliver(terms, CHARGE);
        VM.warp(notBefore);
        refuse(buyer, wrongState(State.DELIVERED, State.FUNDED));
        refuse(seller, wrongState(State.DELIVERED, State.FUNDED));
    }

    function test_refund_reverts_the_second_time() public {
        VM.prank(seller);
        escrow.refund(terms);
        refuse(seller, wrongState(State.REFUNDED, State.FUNDED));
    }

    function test_refund_reverts_after_release() public {
        VM.prank(buyer);
        escrow.release(terms);
        VM.warp(notBefore);
        refuse(buyer, wrongState(State.RELEASED, State.FUNDED));
    }

    function refuse(address caller, bytes memory reason) private {
        VM.expectRevert(reason);
        VM.prank(caller);
        escrow.refund(terms);
    }
}
