// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPanelArbiter} from "../../../contracts/interfaces/IPanelArbiter.sol";
import {Terms} from "../../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../../contracts/mocks/tokens/BarringToken.sol";
import {VM, within} from "../Cheats.sol";
import {IMintable} from "../Stage.sol";
import {PanelStage} from "./PanelStage.sol";

/// @notice Makes one prepared call in the middle of a transfer.
contract EnteringToken is BarringToken {
    address private _target;
    bytes private _attack;
    bytes public answer;

    constructor() BarringToken(Refusal.REVERT) {}

    function prepare(address target, bytes calldata attack) external {
        (_target, _attack) = (target, attack);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target != address(0)) (, answer) = _target.call(_attack);
    }
}

contract PanelFeesTest is PanelStage {
    function test_each_member_has_an_equal_share_whoever_voted_and_the_rest_waits() public {
        ruled(0);
        for (uint256 i = 0; i < 3; i++) {
            VM.assertEq(panel.due(address(token), member(i)), STAKE / 3);
            panel.collect(address(token), member(i));
            assertHeld(member(i), STAKE / 3);
        }
        assertHeld(address(panel), STAKE % 3);
        VM.assertGt(STAKE % 3, 0);
    }

    function test_what_did_not_divide_is_shared_with_the_next_fee() public {
        ruled(0);
        panel.collect(address(token), member(0));
        ruled(1);
        ruled(2);
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i));
            assertHeld(member(i), STAKE);
        }
        assertHeld(address(panel), 0);
    }

    function test_who_collects_again_gets_nothing_more() public {
        ruled(0);
        panel.collect(address(token), member(0));
        panel.collect(address(token), member(0));
        assertHeld(member(0), STAKE / 3);
    }

    function test_in_whatever_order_they_collect_nobody_gets_more_than_a_share(uint256 steps, uint256 gifts) public {
        uint256 earned;
        for (uint256 i = 0; i < 12; i++) {
            uint256 gift = within(gifts >> 20 * i, 0, 1 << 20);
            token.mint(address(panel), gift);
            earned += gift;
            panel.collect(address(token), member(steps >> 2 * i & 3 == 3 ? 0 : steps >> 2 * i & 3));
        }
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i));
            assertHeld(member(i), earned / 3);
        }
        assertHeld(address(panel), earned % 3);
    }

    function test_a_stranger_has_no_share() public {
        ruled(0);
        bytes memory reason = abi.encodeWithSelector(IPanelArbiter.MemberUnknown.selector, stranger);
        VM.expectRevert(reason);
        panel.due(address(token), stranger);
        VM.expectRevert(reason);
        panel.collect(address(token), stranger);
    }

    function test_a_fee_that_the_token_refused_to_the_panel_is_collected_from_the_escrow() public {
        BarringToken barring = barringStage();
        barring.bar(address(panel), true);
        ruled(1);
        VM.assertEq(escrow.balance(address(token), address(panel)), STAKE);
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i));
            assertHeld(member(i), STAKE / 3);
        }
    }

    function test_a_share_is_paid_from_both_places_where_the_panel_was_barred_for_a_time() public {
        BarringToken barring = barringStage();
        ruled(1);
        barring.bar(address(panel), true);
        ruled(2);
        barring.bar(address(panel), false);
        uint256 share = 2 * uint256(STAKE) / 3;
        for (uint256 i = 0; i < 3; i++) {
            panel.collect(address(token), member(i));
            assertHeld(member(i), share);
        }
        VM.assertEq(escrow.balance(address(token), address(panel)) + token.balanceOf(address(panel)), 2 * STAKE % 3);
    }

    function test_a_member_that_is_barred_holds_nobody_else_up() public {
        BarringToken barring = barringStage();
        ruled(1);
        barring.bar(member(0), true);
        (bool done,) = address(panel).call(abi.encodeCall(IPanelArbiter.collect, (address(token), member(0))));
        VM.assertFalse(done);
        panel.collect(address(token), member(1));
        assertHeld(member(1), STAKE / 3);
        VM.assertEq(panel.due(address(token), member(0)), STAKE / 3);
    }

    function test_no_share_is_collected_in_the_middle_of_another() public {
        EnteringToken entering = new EnteringToken();
        token = IMintable(address(entering));
        entering.bar(address(panel), true);
        ruled(1);
        entering.bar(address(panel), false);
        ruled(2);
        panel.collect(address(token), member(0));
        // The next share comes half from the escrow and half from the panel, which in between seems to own too much.
        entering.prepare(address(panel), abi.encodeCall(IPanelArbiter.collect, (address(token), member(2))));
        panel.collect(address(token), member(1));
        VM.assertEq(entering.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
        assertHeld(member(1), 2 * uint256(STAKE) / 3);
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
