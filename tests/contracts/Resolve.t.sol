// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract ResolveTest is Scenes {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = disputable();
        deal = open(terms);
        deliver(terms, CHARGE);
        dispute(terms);
    }

    function testFuzz_resolve_splits_charge_and_bond_as_ruled(uint104 ruled, uint104 bondToSeller) public {
        (ruled, bondToSeller) = (uint104(within(ruled, 0, CHARGE)), uint104(within(bondToSeller, 0, BOND)));
        uint256 fee = share(ruled, terms.feeBps);
        uint256 toSeller = ruled - fee + bondToSeller;
        uint256 toBuyer = PRICE - ruled + BOND - bondToSeller;
        VM.warp(START + 9);
        VM.expectEmit(address(escrow));
        emit IEscrow.Ruled(deal);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RESOLVED, umpire, ruled, toSeller, fee, toBuyer);
        act(umpire, call(ruled, bondToSeller));

        assertPaid(toBuyer, toSeller, fee);
        assertHeld(umpire, STAKE);
        assertPosition(deal, State.RESOLVED, START + 9, CHARGE, ruled);
    }

    function testFuzz_resolve_below_what_was_released_takes_nothing_back_and_still_rules(
        uint104 released,
        uint104 ruled,
        uint104 bondToSeller
    ) public {
        released = uint104(within(released, 1, CHARGE - 1));
        (ruled, bondToSeller) = (uint104(within(ruled, 0, released)), uint104(within(bondToSeller, 0, BOND)));
        act(stranger, encode(Operation.REDEEM, terms, released, 0));
        uint256 before = token.balanceOf(seller);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(
            deal, State.RESOLVED, umpire, released, bondToSeller, 0, PRICE - released + BOND - bondToSeller
        );
        act(umpire, call(ruled, bondToSeller));
        assertPosition(deal, State.RESOLVED, START, CHARGE, released);
        VM.assertEq(token.balanceOf(seller) - before, bondToSeller);
        assertHeld(umpire, STAKE);
    }

    function testFuzz_resolve_rules_at_most_what_was_billed(uint104 ruled) public {
        ruled = uint104(within(ruled, CHARGE + 1, type(uint104).max));
        refuse(umpire, call(ruled, 0), amountTooHigh(ruled, CHARGE));
    }

    function test_resolve_on_the_exchange_rail_rules_below_what_the_buyer_let_go_before() public {
        terms = reach(Rail.EXCHANGE, State.FUNDED);
        act(buyer, encode(Operation.RELEASE, terms, 1, 0));
        deliver(terms, PRICE);
        act(umpire, call(0, 0));
        assertPosition(escrow.digest(terms), State.RESOLVED, START, PRICE, 1);
    }

    function test_resolve_gives_at_most_the_charge_and_at_most_the_bond() public {
        refuse(umpire, call(CHARGE, BOND + 1), amountTooHigh(BOND + 1, BOND));
        refuse(umpire, call(CHARGE, type(uint104).max), amountTooHigh(type(uint104).max, BOND));
        act(umpire, call(CHARGE, BOND));
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
    }

    function test_resolve_can_make_a_buyer_that_won_whole() public {
        act(umpire, call(0, BOND - STAKE));
        assertPaid(uint256(PRICE) + STAKE, BOND - STAKE, 0);
        assertHeld(umpire, STAKE);
    }

    function testFuzz_resolve_is_possible_before_the_end_of_the_arbitration_window_and_not_at_it(uint32 window) public {
        terms.arbitrationWindow = uint32(within(window, 60, 365 days));
        VM.warp(START + 77);
        terms = bring(terms, State.DISPUTED);
        actBefore(block.timestamp + terms.arbitrationWindow, umpire, call(CHARGE, BOND));
    }

    function testFuzz_resolve_on_the_exchange_rail_is_bounded_by_the_review_window(uint32 window) public {
        terms = exchange();
        terms.reviewWindow = uint32(within(window, 60, 365 days));
        terms = bring(terms, State.DELIVERED);
        deal = escrow.digest(terms);
        uint256 deadline = block.timestamp + terms.reviewWindow;
        actBefore(deadline, umpire, call(0, 0));
        assertPosition(deal, State.RESOLVED, deadline - 1, PRICE, 0);
    }

    function test_resolve_on_the_exchange_rail_pays_no_arbiter() public {
        terms = reach(Rail.EXCHANGE, State.DELIVERED);
        deal = escrow.digest(terms);
        VM.expectEmit(address(escrow));
        emit IEscrow.Ruled(deal);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(
            deal, State.RESOLVED, umpire, CHARGE, CHARGE - 19_980 + 21, 19_980, PRICE - CHARGE + BOND - 21
        );
        act(umpire, call(CHARGE, 21));
        assertHeld(umpire, 0);
    }

    function testFuzz_resolve_reverts_when_caller_is_not_the_arbiter(address anyone) public {
        refuseOthers(call(CHARGE, BOND), anyone, umpire);
        terms = reach(Rail.EXCHANGE, State.DELIVERED);
        refuseOthers(call(CHARGE, BOND), anyone, umpire);
    }

    function test_resolve_reverts_in_every_state_but_disputed() public {
        refuseInOtherStates(Operation.RESOLVE, umpire, Rail.ESCROW, only(State.DISPUTED), State.DISPUTED);
    }

    function test_resolve_on_the_exchange_rail_reverts_in_every_state_but_delivered() public {
        refuseInOtherStates(Operation.RESOLVE, umpire, Rail.EXCHANGE, only(State.DELIVERED), State.DELIVERED);
    }

    function test_resolve_reverts_on_the_metered_rail_in_every_state() public {
        refuseInOtherStates(Operation.RESOLVE, umpire, Rail.METERED, only(State.DISPUTED), State.DISPUTED);
    }

    function test_resolve_where_no_arbiter_is_named_is_nobodys() public {
        terms = bring(offer(), State.DELIVERED);
        refuse(umpire, call(CHARGE, BOND), wrongState(State.DELIVERED, State.DISPUTED));
    }

    function call(uint104 ruled, uint104 bondToSeller) private view returns (bytes memory) {
        return encode(Operation.RESOLVE, terms, ruled, bondToSeller);
    }
}
