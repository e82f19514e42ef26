// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract ClaimTest is Scenes {
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

    function test_claim_pays_the_charge_as_a_release_does() public {
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, seller, CHARGE, CHARGE - 19_980 + BOND, 19_980, PRICE - CHARGE);
        act(seller, call());
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
        assertPosition(deal, State.RELEASED, notBefore, CHARGE, CHARGE);
    }

    function testFuzz_claim_pays_what_was_not_released_before(uint104 released) public {
        released = uint104(within(released, 1, CHARGE - 1));
        act(buyer, encode(Operation.RELEASE, terms, released, 0));
        VM.warp(notBefore);
        uint256 fee = 19_980 - share(released, terms.feeBps);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, seller, CHARGE, CHARGE - released - fee + BOND, fee, PRICE - CHARGE);
        act(seller, call());
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
    }

    function testFuzz_claim_is_possible_from_the_end_of_the_review_window_on(uint32 window) public {
        terms.reviewWindow = uint32(within(window, 60, 365 days));
        terms = bring(terms, State.DELIVERED);
        actFrom(block.timestamp + terms.reviewWindow, seller, call());
    }

    function test_claim_knows_no_deadline() public {
        VM.warp(notBefore + 3 * 365 days);
        act(seller, call());
        assertState(deal, State.RELEASED);
    }

    function test_claim_on_the_exchange_rail_follows_the_arbiters_silence() public {
        terms = reach(Rail.EXCHANGE, State.DELIVERED);
        actFrom(block.timestamp + terms.reviewWindow, seller, call());
        assertState(escrow.digest(terms), State.RELEASED);
    }

    function testFuzz_claim_reverts_when_caller_is_not_the_seller(address anyone) public {
        VM.warp(notBefore);
        refuseOthers(call(), anyone, seller);
    }

    function test_claim_reverts_in_every_state_but_delivered() public {
        refuseInOtherStates(Operation.CLAIM, seller, Rail.ESCROW, only(State.DELIVERED), State.DELIVERED);
        refuseInOtherStates(Operation.CLAIM, seller, Rail.EXCHANGE, only(State.DELIVERED), State.DELIVERED);
    }

    function test_claim_reverts_on_the_metered_rail_in_every_state() public {
        refuseInOtherStates(Operation.CLAIM, seller, Rail.METERED, only(State.DELIVERED), State.DELIVERED);
    }

    function test_claim_reverts_without_a_delivery_however_late() public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        VM.warp(START + 365 days);
        refuse(seller, call(), wrongState(State.FUNDED, State.DELIVERED));
    }

    function call() private view returns (bytes memory) {
        return encode(Operation.CLAIM, terms);
    }
}
