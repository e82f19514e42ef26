// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract DeliverTest is Scenes {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = open(terms);
    }

    function testFuzz_deliver_records_charge_and_time_and_moves_no_money(uint104 charge, uint256 passed) public {
        charge = uint104(within(charge, 0, PRICE));
        uint256 time = START + within(passed, 0, terms.deliveryWindow - 1);
        VM.warp(time);
        VM.expectEmit(address(escrow));
        emit IEscrow.Delivered(deal, DELIVERABLE, charge);
        act(seller, call(charge));

        assertPosition(deal, State.DELIVERED, time, charge, 0);
        assertHeld(address(escrow), uint256(PRICE) + BOND);
    }

    function testFuzz_deliver_is_possible_before_the_end_of_its_window_and_not_at_it(uint32 window) public {
        terms.deliveryWindow = uint32(within(window, 60, 365 days));
        VM.warp(START + 77);
        terms = bring(terms, State.FUNDED);
        uint256 deadline = block.timestamp + terms.deliveryWindow;
        actBefore(deadline, seller, call(CHARGE));
        assertPosition(escrow.digest(terms), State.DELIVERED, deadline - 1, CHARGE, 0);
    }

    function test_deliver_bills_at_most_the_price() public {
        refuse(seller, call(PRICE + 1), amountTooHigh(PRICE + 1, PRICE));
        refuse(seller, call(type(uint104).max), amountTooHigh(type(uint104).max, PRICE));
        act(seller, call(PRICE));
        assertPosition(deal, State.DELIVERED, START, PRICE, 0);
    }

    function testFuzz_deliver_bills_at_least_what_was_released(uint104 released) public {
        released = uint104(within(released, 1, PRICE - 1));
        act(buyer, encode(Operation.RELEASE, terms, released, 0));
        refuse(seller, call(released - 1), amountTooLow(released - 1, released));
        refuse(seller, call(0), amountTooLow(0, released));
        act(seller, call(released));
        assertPosition(deal, State.DELIVERED, START, released, released);
    }

    function test_deliver_of_a_free_piece_of_work_is_recorded() public {
        act(seller, call(0));
        assertPosition(deal, State.DELIVERED, START, 0, 0);
    }

    function test_deliver_reverts_without_a_deliverable() public {
        bytes memory nameless = abi.encodeCall(IEscrow.deliver, (terms, bytes32(0), CHARGE));
        refuse(seller, nameless, abi.encodeWithSelector(IEscrow.DeliverableMissing.selector, deal));
    }

    function testFuzz_deliver_reverts_when_caller_is_not_the_seller(address anyone) public {
        refuseOthers(call(CHARGE), anyone, seller);
    }

    function testFuzz_deliver_on_the_exchange_rail_is_the_arbiters_alone(address anyone) public {
        terms = reach(Rail.EXCHANGE, State.FUNDED);
        refuseOthers(call(CHARGE), anyone, umpire);
        act(umpire, call(CHARGE));
        assertPosition(escrow.digest(terms), State.DELIVERED, START, CHARGE, 0);
    }

    function test_deliver_reverts_in_every_state_but_funded() public {
        refuseInOtherStates(Operation.DELIVER, seller, Rail.ESCROW, only(State.FUNDED), State.FUNDED);
        refuseInOtherStates(Operation.DELIVER, umpire, Rail.EXCHANGE, only(State.FUNDED), State.FUNDED);
    }

    function test_deliver_reverts_on_the_metered_rail() public {
        terms = reach(Rail.METERED, State.FUNDED);
        refuse(seller, call(CHARGE), wrongRail(Rail.METERED, Rail.ESCROW));
    }

    function test_deliver_reverts_when_one_field_is_not_the_signed_one() public {
        terms.reviewWindow -= 1;
        refuse(seller, call(CHARGE), wrongState(State.NONE, State.FUNDED));
    }

    function call(uint104 charge) private view returns (bytes memory) {
        return encode(Operation.DELIVER, terms, charge, 0);
    }
}
