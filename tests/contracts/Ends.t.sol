// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

/// @notice An ended deal stays ended, and a deal that has not ended can be: by either party, whatever the other leaves undone.
contract EndsTest is Scenes {
    uint8[3] private rails = [Rail.ESCROW, Rail.METERED, Rail.EXCHANGE];

    function test_no_call_of_anyone_moves_a_deal_that_has_ended() public {
        for (uint256 i = 0; i < rails.length; i++) {
            for (uint8 state = uint8(State.RELEASED); state <= uint8(State.SETTLED); state++) {
                if (reaches(rails[i], State(state))) assertEnded(reach(rails[i], State(state)), State(state));
            }
        }
    }

    function test_no_call_finds_anything_of_an_atomic_deal() public {
        Terms memory terms = offer();
        (terms.rail, terms.bond, terms.deliveryWindow, terms.reviewWindow) = (Rail.ATOMIC, 0, 0, 0);
        assertEnded(terms, State.NONE);
    }

    function test_an_ended_deal_cannot_be_opened_again() public {
        for (uint8 state = uint8(State.RELEASED); state <= uint8(State.SETTLED); state++) {
            Terms memory terms = reach(Rail.ESCROW, State(state));
            refuseOpen(terms, abi.encodeWithSelector(IAccounts.NonceSpent.selector, buyer, terms.buyerNonce));
        }
    }

    function test_a_buyer_gets_out_of_every_open_state_though_the_others_are_silent_for_ever() public {
        for (uint256 i = 0; i < rails.length; i++) {
            for (uint8 state = uint8(State.FUNDED); state <= uint8(State.DISPUTED); state++) {
                if (reaches(rails[i], State(state))) assertWayOut(rails[i], State(state), buyer);
            }
        }
    }

    function test_a_seller_gets_out_of_every_open_state_though_the_others_are_silent_for_ever() public {
        for (uint256 i = 0; i < rails.length; i++) {
            for (uint8 state = uint8(State.FUNDED); state <= uint8(State.DISPUTED); state++) {
                if (reaches(rails[i], State(state))) assertWayOut(rails[i], State(state), seller);
            }
        }
    }

    function test_a_delivery_without_an_arbiter_ends_for_both_parties_too() public {
        Terms memory terms = bring(offer(), State.DELIVERED);
        VM.warp(block.timestamp + terms.reviewWindow);
        act(seller, encode(Operation.CLAIM, terms));
        assertState(escrow.digest(terms), State.RELEASED);

        terms = bring(offer(), State.DELIVERED);
        act(buyer, encode(Operation.RELEASE, terms));
        assertState(escrow.digest(terms), State.RELEASED);
    }

    /// @dev After all windows, `party` ends the deal alone, by the one call that the table names.
    function assertWayOut(uint8 rail, State state, address party) private {
        Terms memory terms = reach(rail, state);
        VM.warp(block.timestamp + 365 days);
        uint104 amount = state == State.DELIVERED ? terms.price : 0;
        act(party, encode(wayOut(rail, state, party), terms, amount, 0));
        VM.assertGt(uint8(escrow.position(escrow.digest(terms)).state), uint8(State.DISPUTED));
    }

    function wayOut(uint8 rail, State state, address party) private view returns (Operation) {
        if (rail == Rail.METERED) return Operation.CLOSE;
        if (state == State.FUNDED) return Operation.REFUND;
        if (state == State.DISPUTED) return Operation.EXPIRE;
        return party == buyer ? Operation.RELEASE : Operation.CLAIM;
    }

    /// @dev Every operation by everybody, now and when all windows are over.
    function assertEnded(Terms memory terms, State state) private {
        uint256 ended = block.timestamp;
        for (uint8 each = 0; each <= uint8(type(Operation).max); each++) {
            Operation operation = Operation(each);
            bytes memory call = encode(operation, terms);
            address[4] memory cast = [buyer, seller, umpire, stranger];
            for (uint256 i = 0; i < cast.length; i++) {
                bytes memory reason = refusal(operation, terms.rail, state);
                VM.warp(ended);
                refuse(cast[i], call, reason);
                VM.warp(ended + 365 days);
                refuse(cast[i], call, reason);
            }
        }
        VM.warp(ended);
        assertState(escrow.digest(terms), state);
    }

    /// @dev WrongState, but where the rail has no such operation at all.
    function refusal(Operation operation, uint8 rail, State state) private pure returns (bytes memory) {
        bool deliveries = operation == Operation.DELIVER || operation == Operation.REFUND;
        if (rail == Rail.METERED && deliveries) return wrongRail(rail, Rail.ESCROW);
        if (rail != Rail.ESCROW && operation == Operation.DISPUTE) return wrongRail(rail, Rail.ESCROW);
        if (rail == Rail.EXCHANGE && operation == Operation.REDEEM) return wrongRail(rail, Rail.ESCROW);
        if (rail != Rail.METERED && operation == Operation.CLOSE) return wrongRail(rail, Rail.METERED);
        return wrongState(state, needed(operation, rail));
    }

    function needed(Operation operation, uint8 rail) private pure returns (State) {
        if (operation == Operation.CLAIM || operation == Operation.DISPUTE) return State.DELIVERED;
        if (operation == Operation.EXPIRE) return State.DISPUTED;
        if (operation == Operation.RESOLVE) return rail == Rail.EXCHANGE ? State.DELIVERED : State.DISPUTED;
        return State.FUNDED;
    }
}
