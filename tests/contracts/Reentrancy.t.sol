// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {ReentrantToken} from "../../contracts/mocks/HostileTokens.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice The token calls back from inside every movement of money; it swallows the refusal, so that it can be read.
contract ReentrancyTest is Stage {
    Terms private terms;
    ReentrantToken private reentrant;

    function test_no_operation_can_be_entered_from_a_pull() public {
        bytes[] memory calls = stage();
        for (uint256 i = 0; i < calls.length; i++) {
            reentrant.prepare(address(escrow), calls[i]);
            (terms.buyerNonce, terms.sellerNonce) = (i, i);
            open(terms);
            assertGuarded();
        }
    }

    function test_no_operation_can_be_entered_from_a_payout() public {
        bytes[] memory calls = stage();
        for (uint256 i = 0; i < calls.length; i++) {
            openNext(i, calls[i]);
            VM.prank(buyer);
            escrow.release(terms);
            assertGuarded();
        }
    }

    function test_no_operation_can_be_entered_from_a_claim() public {
        bytes[] memory calls = stage();
        for (uint256 i = 0; i < calls.length; i++) {
            openNext(i, calls[i]);
            deliver(terms, CHARGE);
            VM.warp(block.timestamp + terms.reviewWindow);
            VM.prank(seller);
            escrow.claim(terms);
            assertGuarded();
            VM.warp(START);
        }
    }

    function test_no_operation_can_be_entered_from_a_refund() public {
        bytes[] memory calls = stage();
        for (uint256 i = 0; i < calls.length; i++) {
            openNext(i, calls[i]);
            VM.prank(seller);
            escrow.refund(terms);
            assertGuarded();
        }
    }

    function test_a_deal_is_already_funded_while_it_is_paid_in() public {
        stage();
        terms.bond = 0;
        reentrant.prepare(address(escrow), abi.encodeCall(escrow.position, (escrow.digest(terms))));
        open(terms);
        assertSaw(State.FUNDED);
    }

    function test_a_deal_has_already_ended_while_it_is_paid_out() public {
        stage();
        // Without a fee there is one transfer: no later one can hide what the first saw.
        terms.feeBps = 0;
        openNext(0, "");
        reentrant.prepare(address(escrow), abi.encodeCall(escrow.position, (escrow.digest(terms))));
        VM.prank(buyer);
        escrow.release(terms);
        assertSaw(State.RELEASED);
    }

    function stage() private returns (bytes[] memory calls) {
        reentrant = new ReentrantToken();
        terms = offer();
        terms.token = address(reentrant);
        reentrant.mint(buyer, 100 * uint256(PRICE));
        reentrant.mint(seller, 100 * uint256(BOND));
        VM.prank(buyer);
        reentrant.approve(address(escrow), type(uint256).max);
        VM.prank(seller);
        reentrant.approve(address(escrow), type(uint256).max);

        calls = new bytes[](6);
        calls[0] = abi.encodeCall(escrow.open, (terms, "", ""));
        calls[1] = abi.encodeCall(escrow.deliver, (terms, DELIVERABLE, 0));
        calls[2] = abi.encodeCall(escrow.release, (terms));
        calls[3] = abi.encodeCall(escrow.claim, (terms));
        calls[4] = abi.encodeCall(escrow.refund, (terms));
        calls[5] = abi.encodeCall(escrow.withdraw, (terms.token, stranger));
    }

    /// @dev Opens undisturbed, so that the attack comes from the way out alone.
    function openNext(uint256 nonce, bytes memory attack) private {
        reentrant.prepare(address(0), "");
        (terms.buyerNonce, terms.sellerNonce) = (1_000 + nonce, 1_000 + nonce);
        open(terms);
        reentrant.prepare(address(escrow), attack);
    }

    function assertSaw(State expected) private view {
        (State state,,,) = abi.decode(reentrant.answer(), (State, uint40, uint40, uint128));
        VM.assertEq(uint8(state), uint8(expected));
    }

    function assertGuarded() private view {
        bytes4 guard = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        VM.assertEq(reentrant.answer(), abi.encodeWithSelector(guard));
    }
}
