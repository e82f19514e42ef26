// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract ReleaseTest is Scenes {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = open(terms);
    }

    function test_release_of_the_whole_price_ends_a_deal_before_its_delivery() public {
        VM.warp(START + 9);
        // floor(1,000,003 x 333 / 10,000) = 33,300
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, buyer, PRICE, PRICE - 33_300 + BOND, 33_300, 0);
        act(buyer, call(PRICE));
        assertPaid(0, PRICE - 33_300 + BOND, 33_300);
        assertPosition(deal, State.RELEASED, START + 9, 0, PRICE);
    }

    function test_release_of_the_charge_ends_a_delivered_deal_and_the_rest_returns() public {
        deliver(terms, CHARGE);
        VM.warp(START + 9);
        // floor(600,007 x 333 / 10,000) = 19,980
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, buyer, CHARGE, CHARGE - 19_980 + BOND, 19_980, PRICE - CHARGE);
        act(buyer, call(CHARGE));
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
        assertPosition(deal, State.RELEASED, START + 9, CHARGE, CHARGE);
    }

    function test_release_of_a_part_pays_it_and_nothing_else_moves() public {
        VM.warp(START + 9);
        // floor(30 x 333 / 10,000) = 0, floor(31 x 333 / 10,000) = 1
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.FUNDED, buyer, 30, 30, 0, 0);
        act(buyer, call(30));
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.FUNDED, buyer, 31, 0, 1, 0);
        act(buyer, call(31));

        assertPosition(deal, State.FUNDED, START, 0, 31);
        assertHeld(seller, 30);
        assertHeld(recipient, 1);
        assertHeld(address(escrow), uint256(PRICE) - 31 + BOND);
    }

    function testFuzz_release_in_parts_pays_what_one_release_does(uint104 first, uint104 second) public {
        first = uint104(within(first, 1, PRICE - 2));
        second = uint104(within(second, first + 1, PRICE - 1));
        act(buyer, call(first));
        act(buyer, call(second));
        act(buyer, call(PRICE));
        assertPaid(0, PRICE - 33_300 + BOND, 33_300);
    }

    function testFuzz_release_names_more_than_was_released_and_at_most_what_is_due(uint104 released, uint8 which)
        public
    {
        terms = reach(Rail.ESCROW, [State.FUNDED, State.DELIVERED, State.DISPUTED][which % 3]);
        assertBounds(released, PRICE);
    }

    function testFuzz_release_of_a_delivered_deal_names_at_most_the_charge(uint104 charge, uint104 released) public {
        charge = uint104(within(charge, 3, PRICE));
        deliver(terms, charge);
        assertBounds(released, charge);
    }

    function testFuzz_release_of_a_metered_deal_is_bounded_by_its_price(uint104 released, bool noticed) public {
        terms = reach(Rail.METERED, noticed ? State.NOTICED : State.FUNDED);
        assertBounds(released, PRICE);
    }

    function test_release_that_lands_after_a_delivery_pays_no_more_than_was_billed() public {
        deliver(terms, CHARGE);
        refuse(buyer, call(PRICE), amountTooHigh(PRICE, CHARGE));
    }

    function test_release_of_nothing_is_refused_before_a_delivery() public {
        refuse(buyer, call(0), amountTooLow(0, 1));
    }

    function test_release_of_a_charge_of_nothing_returns_everything() public {
        deliver(terms, 0);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, buyer, 0, BOND, 0, PRICE);
        act(buyer, call(0));
        assertPaid(PRICE, BOND, 0);
    }

    function test_release_ends_a_deal_whose_charge_was_released_before_the_delivery() public {
        act(buyer, call(CHARGE));
        deliver(terms, CHARGE);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, buyer, CHARGE, BOND, 0, PRICE - CHARGE);
        act(buyer, call(CHARGE));
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
    }

    function test_release_of_the_charge_gives_in_to_a_dispute_and_its_stake_is_the_sellers() public {
        terms = reach(Rail.ESCROW, State.DISPUTED);
        uint256 before = token.balanceOf(seller);
        uint256 toSeller = PRICE - 33_300 + BOND + STAKE;
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(escrow.digest(terms), State.RELEASED, buyer, PRICE, toSeller, 33_300, 0);
        act(buyer, call(PRICE));
        VM.assertEq(token.balanceOf(seller) - before, toSeller);
        assertHeld(umpire, 0);
    }

    function test_release_of_a_part_in_a_dispute_leaves_the_stake_where_it_is() public {
        terms = reach(Rail.ESCROW, State.DISPUTED);
        uint256 before = token.balanceOf(address(escrow));
        act(buyer, call(41));
        assertPosition(escrow.digest(terms), State.DISPUTED, START, PRICE, 41);
        VM.assertEq(before - token.balanceOf(address(escrow)), 41);
    }

    function test_release_knows_no_deadline() public {
        terms = reach(Rail.METERED, State.FUNDED);
        VM.warp(START + 3 * 365 days);
        act(buyer, call(PRICE));
        assertState(escrow.digest(terms), State.RELEASED);
    }

    function testFuzz_release_reverts_when_caller_is_not_the_buyer(address anyone) public {
        refuseOthers(call(PRICE), anyone, buyer);
        deliver(terms, CHARGE);
        refuseOthers(call(CHARGE), anyone, buyer);
    }

    function test_release_reverts_in_every_state_that_is_not_open() public {
        refuseInOtherStates(Operation.RELEASE, buyer, Rail.ESCROW, anyOpen(), State.FUNDED);
        refuseInOtherStates(Operation.RELEASE, buyer, Rail.METERED, anyOpen(), State.FUNDED);
        refuseInOtherStates(Operation.RELEASE, buyer, Rail.EXCHANGE, anyOpen(), State.FUNDED);
    }

    /// @dev Each amount at its edges, from a deal of which nothing is released yet.
    function assertBounds(uint104 released, uint104 due) private {
        released = uint104(within(released, 1, due - 2));
        act(buyer, call(released));
        refuse(buyer, call(released - 1), amountTooLow(released - 1, released + 1));
        refuse(buyer, call(released), amountTooLow(released, released + 1));
        refuse(buyer, call(due + 1), amountTooHigh(due + 1, due));
        act(buyer, call(released + 1));
        VM.assertEq(escrow.position(escrow.digest(terms)).released, released + 1);
        act(buyer, call(due));
        assertState(escrow.digest(terms), State.RELEASED);
    }

    function call(uint104 amount) private view returns (bytes memory) {
        return encode(Operation.RELEASE, terms, amount, 0);
    }
}
