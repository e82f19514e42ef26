// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, Position, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract DeliverTest is Stage {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = open(terms);
    }

    function test_deliver_records_the_charge_and_the_time_and_moves_no_money() public {
        VM.warp(START + 99);
        VM.expectEmit(address(escrow));
        emit IEscrow.Delivered(deal, DELIVERABLE, CHARGE);
        deliver(terms, CHARGE);

        Position memory held = escrow.position(deal);
        VM.assertEq(uint8(held.state), uint8(State.DELIVERED));
        VM.assertEq(held.openedAt, START);
        VM.assertEq(held.deliveredAt, START + 99);
        VM.assertEq(held.charge, CHARGE);
        assertHeld(address(escrow), uint256(PRICE) + BOND);
    }

    function test_deliver_succeeds_in_the_last_second_of_the_window() public {
        VM.warp(START + terms.deliveryWindow - 1);
        deliver(terms, CHARGE);
        assertState(deal, State.DELIVERED);
    }

    function test_deliver_reverts_from_the_end_of_the_window_on() public {
        uint256 deadline = START + terms.deliveryWindow;
        VM.warp(deadline);
        refuse(
            terms.seller, DELIVERABLE, CHARGE, abi.encodeWithSelector(IEscrow.DeliveryLate.selector, deadline, deadline)
        );
    }

    function test_deliver_reverts_when_caller_is_not_the_seller() public {
        refuse(buyer, DELIVERABLE, CHARGE, wrongCaller(buyer, seller));
        refuse(stranger, DELIVERABLE, CHARGE, wrongCaller(stranger, seller));
    }

    function test_deliver_accepts_a_charge_of_nothing_and_of_the_whole_price() public {
        deliver(terms, 0);
        VM.assertEq(escrow.position(deal).charge, 0);

        (terms.buyerNonce, terms.sellerNonce) = (1, 1);
        fund(buyer, PRICE);
        fund(seller, BOND);
        bytes32 second = open(terms);
        deliver(terms, PRICE);
        VM.assertEq(escrow.position(second).charge, PRICE);
    }

    function test_deliver_reverts_when_the_charge_is_over_the_price() public {
        refuse(seller, DELIVERABLE, PRICE + 1, abi.encodeWithSelector(IEscrow.ChargeTooHigh.selector, PRICE + 1, PRICE));
    }

    function test_deliver_reverts_without_a_deliverable() public {
        refuse(seller, 0, CHARGE, abi.encodeWithSelector(IEscrow.DeliverableMissing.selector, deal));
    }

    function test_deliver_reverts_the_second_time() public {
        deliver(terms, CHARGE);
        refuse(seller, DELIVERABLE, CHARGE, wrongState(State.DELIVERED, State.FUNDED));
    }

    function test_deliver_reverts_after_the_deal_ended() public {
        VM.prank(seller);
        escrow.refund(terms);
        refuse(seller, DELIVERABLE, CHARGE, wrongState(State.REFUNDED, State.FUNDED));
    }

    function test_deliver_reverts_when_the_terms_are_not_the_signed_ones() public {
        terms.price += 1;
        refuse(seller, DELIVERABLE, CHARGE, wrongState(State.NONE, State.FUNDED));
    }

    function refuse(address caller, bytes32 deliverable, uint128 charge, bytes memory reason) private {
        VM.expectRevert(reason);
        VM.prank(caller);
        escrow.deliver(terms, deliverable, charge);
    }
}
