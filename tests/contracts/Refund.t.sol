// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract RefundTest is Scenes {
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
        emit IEscrow.Paid(deal, State.REFUNDED, seller, 0, BOND, 0, PRICE);
        act(seller, call());
        assertPaid(PRICE, BOND, 0);
        assertPosition(deal, State.REFUNDED, START + 50, 0, 0);
    }

    function testFuzz_refund_by_the_seller_is_possible_at_any_time(uint40 passed) public {
        VM.warp(START + 50 + within(passed, 0, 3 * 365 days));
        act(seller, call());
        assertPaid(PRICE, BOND, 0);
    }

    function testFuzz_refund_by_the_buyer_is_possible_from_the_end_of_the_delivery_window_on(uint32 window) public {
        terms.deliveryWindow = uint32(within(window, 60, 365 days));
        terms = bring(terms, State.FUNDED);
        actFrom(block.timestamp + terms.deliveryWindow, buyer, call());
    }

    function test_refund_by_the_buyer_pays_as_the_sellers_does() public {
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.REFUNDED, buyer, 0, BOND, 0, PRICE);
        act(buyer, call());
        assertPaid(PRICE, BOND, 0);
        assertPosition(deal, State.REFUNDED, notBefore, 0, 0);
    }

    function testFuzz_refund_leaves_the_seller_what_was_released(uint104 released) public {
        released = uint104(within(released, 1, PRICE - 1));
        act(buyer, encode(Operation.RELEASE, terms, released, 0));
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.REFUNDED, buyer, released, BOND, 0, PRICE - released);
        act(buyer, call());
        uint256 fee = share(released, terms.feeBps);
        assertPaid(PRICE - released, released - fee + BOND, fee);
        assertPosition(deal, State.REFUNDED, notBefore, 0, released);
    }

    function test_refund_on_the_exchange_rail_follows_a_key_that_never_came() public {
        terms = reach(Rail.EXCHANGE, State.FUNDED);
        actFrom(block.timestamp + terms.deliveryWindow, buyer, call());
        assertState(escrow.digest(terms), State.REFUNDED);
    }

    function testFuzz_refund_reverts_when_caller_is_neither_party_early_or_late(address anyone) public {
        refuse(buyer, call(), tooEarly(notBefore));
        VM.warp(notBefore);
        refuseOthers(call(), anyone, buyer, seller);
    }

    function test_refund_reverts_in_every_state_but_funded() public {
        refuseInOtherStates(Operation.REFUND, seller, Rail.ESCROW, only(State.FUNDED), State.FUNDED);
        refuseInOtherStates(Operation.REFUND, seller, Rail.EXCHANGE, only(State.FUNDED), State.FUNDED);
    }

    function test_refund_reverts_for_both_once_delivered_however_late() public {
        deliver(terms, CHARGE);
        VM.warp(notBefore + 365 days);
        refuse(buyer, call(), wrongState(State.DELIVERED, State.FUNDED));
        refuse(seller, call(), wrongState(State.DELIVERED, State.FUNDED));
    }

    function test_refund_reverts_on_the_metered_rail() public {
        terms = reach(Rail.METERED, State.FUNDED);
        refuse(seller, call(), wrongRail(Rail.METERED, Rail.ESCROW));
    }

    function call() private view returns (bytes memory) {
        return encode(Operation.REFUND, terms);
    }
}
