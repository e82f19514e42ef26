// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPanelArbiter} from "../../../contracts/interfaces/IPanelArbiter.sol";
import {Terms} from "../../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../../contracts/mocks/tokens/BarringToken.sol";
import {VM, within} from "../Cheats.sol";
import {IMintable} from "../Stage.sol";
import {EnteringToken} from "./EnteringToken.sol";
import {PanelStage} from "./PanelStage.sol";

contract PanelFeesTest is PanelStage {
    function test_each_member_has_an_equal_share_whoever_voted_and_the_rest_waits() public {
        ruled(0);
        for (uint256 i = 0; i < 3; i++) {
            VM.assertEq(panel.due(address(token), member(i), false), STAKE / 3);
            panel.collect(address(token), member(i), false);
            assertHeld(member(i), STAKE / 3);
        }
        assertHeld(address(panel), STAKE % 3);
        VM.assertGt(STAKE % 3, 0);
    }

    function test_what_did_not_divide_is_shared_with_the_next_fee() public {
        ruled(0);
        panel.collect(address(token), member(0), false);
        ruled(1);
        ruled(2);
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i), false);
            assertHeld(member(i), STAKE);
        }
        assertHeld(address(panel), 0);
    }

    function test_who_collects_again_gets_nothing_more() public {
        ruled(0);
        panel.collect(address(token), member(0), false);
        panel.collect(address(token), member(0), false);
        assertHeld(member(0), STAKE / 3);
    }

    function test_in_whatever_order_they_collect_nobody_gets_more_than_a_share(uint256 steps, uint256 gifts) public {
        uint256 earned;
        for (uint256 i = 0; i < 12; i++) {
            uint256 gift = within(gifts >> 20 * i, 0, 1 << 20);
            token.mint(address(panel), gift);
            earned += gift;
            panel.collect(address(token), member(steps >> 2 * i & 3 == 3 ? 0 : steps >> 2 * i & 3), false);
        }
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i), false);
            assertHeld(member(i), earned / 3);
        }
        assertHeld(address(panel), earned % 3);
    }

    function test_a_stranger_has_no_share() public {
        ruled(0);
        bytes memory reason = abi.encodeWithSelector(IPanelArbiter.MemberUnknown.selector, stranger);
        VM.expectRevert(reason);
        panel.due(address(token), stranger, false);
        VM.expectRevert(reason);
        panel.collect(address(token), stranger, false);
    }

    function test_a_fee_that_the_token_refused_to_the_panel_is_collected_from_the_escrow() public {
        BarringToken barring = barringStage();
        barring.bar(address(panel), true);
        ruled(1);
        VM.assertEq(escrow.balance(address(token), address(panel)), STAKE);
        for (uint256 i = 0; i < 3; i++) {
            VM.assertEq(panel.due(address(token), member(i), false), 0);
            panel.collect(address(token), member(i), true);
            assertHeld(member(i), STAKE / 3);
        }
    }

    function test_of_what_the_escrow_kept_each_member_has_its_share_whoever_comes_first() public {
        BarringToken barring = barringStage();
        ruled(1);
        barring.bar(address(panel), true);
        ruled(2);
        ruled(3);
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i), true);
            assertHeld(member(i), 2 * uint256(STAKE) / 3);
            VM.assertEq(panel.due(address(token), member(i), false), STAKE / 3);
            VM.expectRevert(abi.encodeWithSelector(BarringToken.Barred.selector, address(panel)));
            panel.collect(address(token), member(i), false);
        }
        VM.assertEq(escrow.balance(address(token), address(panel)), 2 * STAKE % 3);
        barring.bar(address(panel), false);
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i), false);
            assertHeld(member(i), 2 * uint256(STAKE) / 3 + STAKE / 3);
        }
        assertHeld(address(panel), STAKE % 3);
    }

    function test_a_panel_tells_what_each_member_collected_and_where() public {
        BarringToken barring = barringStage();
        ruled(1);
        barring.bar(address(panel), true);
        ruled(2);
        barring.bar(address(panel), false);
        for (uint256 i = 0; i < 2; i++) {
            VM.expectEmit(address(panel));
            emit IPanelArbiter.Collected(address(token), member(0), i == 0, STAKE / 3);
            panel.collect(address(token), member(0), i == 0);
        }
    }

    function test_a_member_that_is_barred_holds_nobody_else_up() public {
        BarringToken barring = barringStage();
        ruled(1);
        barring.bar(member(0), true);
        (bool done,) = address(panel).call(abi.encodeCall(IPanelArbiter.collect, (address(token), member(0), false)));
        VM.assertFalse(done);
        panel.collect(address(token), member(1), false);
        assertHeld(member(1), STAKE / 3);
        VM.assertEq(panel.due(address(token), member(0), false), STAKE / 3);
    }

    function test_no_share_is_collected_in_the_middle_of_another() public {
        EnteringToken entering = new EnteringToken();
        token = IMintable(address(entering));
        ruled(1);
        // The token calls before it moves: in between the panel seems to own what it is paying.
        entering.prepare(address(panel), abi.encodeCall(IPanelArbiter.collect, (address(token), member(2), false)));
        panel.collect(address(token), member(1), false);
        VM.assertEq(entering.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
        assertHeld(member(1), STAKE / 3);
        assertHeld(member(2), 0);
    }

    function barringStage() private returns (BarringToken barring) {
        barring = new BarringToken(BarringToken.Refusal.REVERT);
        token = IMintable(address(barring));
    }

    /// @dev A deal of the panel's that it has ruled on, for its fee.
    function ruled(uint256 nonce) private {
        Terms memory terms = disputed(nonce);
        panel.rule(terms, CHARGE, 0, votesOf(escrow.digest(terms), CHARGE, 0, 2));
    }
}
