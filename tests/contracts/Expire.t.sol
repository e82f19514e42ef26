// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract ExpireTest is Scenes {
    Terms private terms;
    bytes32 private deal;
    uint256 private notBefore;

    function setUp() public override {
        super.setUp();
        terms = disputable();
        deal = open(terms);
        deliver(terms, CHARGE);
        VM.warp(START + 100);
        dispute(terms);
        notBefore = START + 100 + terms.arbitrationWindow;
    }

    function test_expire_splits_charge_and_bond_by_the_signed_share_and_returns_the_stake() public {
        // floor(600,007 x 0.6667) = 400,024, floor(50,021 x 0.6667) = 33,349, floor(400,024 x 333 / 10,000) = 13,320
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(
            deal,
            State.RESOLVED,
            stranger,
            400_024,
            400_024 - 13_320 + 33_349,
            13_320,
            PRICE - 400_024 + BOND - 33_349 + STAKE
        );
        act(stranger, call());
        assertPaid(PRICE - 400_024 + BOND - 33_349 + STAKE, 400_024 - 13_320 + 33_349, 13_320);
        assertHeld(umpire, 0);
        assertPosition(deal, State.RESOLVED, notBefore, CHARGE, 400_024);
    }

    function testFuzz_expire_shares_only_what_was_not_released(uint104 released, uint16 bps) public {
        terms.defaultSellerBps = uint16(within(bps, 0, 10_000));
        released = uint104(within(released, 1, PRICE - 1));
        terms = bring(terms, State.DISPUTED);
        deal = escrow.digest(terms);
        act(buyer, encode(Operation.RELEASE, terms, released, 0));
        uint256 total = released + share(PRICE - released, terms.defaultSellerBps);
        uint256 bondToSeller = share(BOND, terms.defaultSellerBps);
        uint256 fee = share(total, terms.feeBps) - share(released, terms.feeBps);
        VM.warp(notBefore);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(
            deal,
            State.RESOLVED,
            stranger,
            total,
            total - released - fee + bondToSeller,
            fee,
            PRICE - total + BOND - bondToSeller + STAKE
        );
        act(stranger, call());
    }

    function testFuzz_expire_is_possible_to_anyone_from_the_end_of_the_arbitration_window_on(
        address anyone,
        uint32 window
    ) public {
        terms.arbitrationWindow = uint32(within(window, 60, 365 days));
        terms = bring(terms, State.DISPUTED);
        actFrom(block.timestamp + terms.arbitrationWindow, anyone, call());
        assertState(escrow.digest(terms), State.RESOLVED);
    }

    function test_expire_and_resolve_never_share_a_second() public {
        VM.warp(notBefore - 1);
        refuse(stranger, call(), tooEarly(notBefore));
        VM.warp(notBefore);
        refuse(umpire, encode(Operation.RESOLVE, terms, CHARGE, BOND), tooLate(notBefore));
        act(stranger, call());
    }

    function test_expire_reverts_in_every_state_but_disputed() public {
        refuseInOtherStates(Operation.EXPIRE, stranger, Rail.ESCROW, only(State.DISPUTED), State.DISPUTED);
    }

    function test_expire_reverts_on_the_other_rails_in_every_state() public {
        refuseInOtherStates(Operation.EXPIRE, stranger, Rail.METERED, only(State.DISPUTED), State.DISPUTED);
        refuseInOtherStates(Operation.EXPIRE, stranger, Rail.EXCHANGE, only(State.DISPUTED), State.DISPUTED);
    }

    function call() private view returns (bytes memory) {
        return encode(Operation.EXPIRE, terms);
    }
}
