// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, Position, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract ReleaseTest is Stage {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = open(terms);
    }

    function test_release_pays_the_whole_price_before_delivery() public {
        // floor(1,000,003 x 333 / 10,000) = 33,300
        VM.expectEmit(address(escrow));
        emit IEscrow.Released(deal, buyer, PRICE - 33_300 + BOND, 33_300, 0);
        VM.prank(buyer);
        escrow.release(terms);

        assertPaid(0, PRICE - 33_300 + BOND, 33_300);
        Position memory held = escrow.position(deal);
        VM.assertEq(uint8(held.state), uint8(State.RELEASED));
        VM.assertEq(held.charge, PRICE);
        VM.assertEq(held.openedAt, START);
        VM.assertEq(held.deliveredAt, 0);
    }

    function test_release_pays_the_charge_after_delivery_and_the_rest_returns() public {
        deliver(terms, CHARGE);
        // floor(600,007 x 333 / 10,000) = 19,980
        VM.expectEmit(address(escrow));
        emit IEscrow.Released(deal, buyer, CHARGE - 19_980 + BOND, 19_980, PRICE - CHARGE);
        VM.prank(buyer);
        escrow.release(terms);

        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
        VM.assertEq(escrow.position(deal).charge, CHARGE);
        assertState(deal, State.RELEASED);
    }

    function test_release_of_a_charge_of_nothing_returns_everything() public {
        deliver(terms, 0);
        VM.prank(buyer);
        escrow.release(terms);
        assertPaid(PRICE, BOND, 0);
    }

    function test_release_knows_no_deadline() public {
        deliver(terms, CHARGE);
        VM.warp(START + 3 * 365 days);
        VM.prank(buyer);
        escrow.release(terms);
        assertState(deal, State.RELEASED);
    }

    function test_release_reverts_when_caller_is_not_the_buyer() public {
        refuse(seller, wrongCaller(seller, buyer));
        refuse(stranger, wrongCaller(stranger, buyer));
        deliver(terms, CHARGE);
        refuse(seller, wrongCaller(seller, buyer));
    }

    function test_release_reverts_before_opening_and_after_each_end() public {
        VM.prank(buyer);
        escrow.release(terms);
        refuse(buyer, wrongState(State.RELEASED, State.FUNDED));

        (terms.buyerNonce, terms.sellerNonce) = (1, 1);
        refuse(buyer, wrongState(State.NONE, State.FUNDED));
        fund(buyer, PRICE);
        fund(seller, BOND);
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        refuse(buyer, wrongState(State.REFUNDED, State.FUNDED));
    }

    function refuse(address caller, bytes memory reason) private {
        VM.expectRevert(reason);
        VM.prank(caller);
        escrow.release(terms);
    }
}
