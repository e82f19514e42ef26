// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM} from "../Cheats.sol";
import {AnchorStage} from "./AnchorStage.sol";
import {Reenterer, Refuser} from "./Receivers.sol";

/// @notice How a bond comes in and goes out again: deposit, giveNotice, withdraw.
contract AnchorBondTest is AnchorStage {
    // ------------------------------------------------------------------ deposit

    function test_deposit_adds_to_the_bond_whoever_pays_and_tells_of_it() public {
        deposit(BOND);
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.Deposited(key, ORIGIN, stranger, 7);
        pay(stranger, 7, abi.encodeCall(ICheckpointAnchor.deposit, (key, ORIGIN)));
        assertBond(BOND + 7, 0, false);
        assertLast(0, 0);
    }

    function test_deposit_is_for_one_log() public {
        deposit(BOND);
        pay(stranger, 5, abi.encodeCall(ICheckpointAnchor.deposit, (key, ELSEWHERE)));
        (,, uint256 bond,,) = anchored.log(key, ORIGIN);
        VM.assertEq(bond, BOND);
        (,, bond,,) = anchored.log(key, ELSEWHERE);
        VM.assertEq(bond, 5);
        VM.assertEq(address(anchored).balance, BOND + 5);
    }

    function test_deposit_refuses_a_log_whose_key_contradicts_itself() public {
        act(stranger, forkCall());
        VM.prank(stranger);
        (bool done, bytes memory said) =
            address(anchored).call{value: 1}(abi.encodeCall(ICheckpointAnchor.deposit, (key, ORIGIN)));
        VM.assertFalse(done);
        VM.assertEq(said, logForked());
    }

    // ------------------------------------------------------------------ giveNotice

    function test_notice_lasts_seven_days() public view {
        VM.assertEq(anchored.NOTICE(), NOTICE);
    }

    function test_giveNotice_is_the_caller_s_for_its_own_log_and_tells_of_it() public {
        deposit(BOND);
        act(stranger, abi.encodeCall(ICheckpointAnchor.giveNotice, (ORIGIN)));
        assertBond(BOND, 0, false);
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.NoticeGiven(key, ORIGIN, START + NOTICE);
        giveNotice();
        assertBond(BOND, START + NOTICE, false);
    }

    function test_giveNotice_twice_neither_shortens_nor_lengthens() public {
        giveNotice();
        for (uint256 i = 0; i < 3; i++) {
            VM.warp(START + i * NOTICE);
            bytes memory reason =
                abi.encodeWithSelector(ICheckpointAnchor.NoticeRunning.selector, START + NOTICE, block.timestamp);
            refuse(key, abi.encodeCall(ICheckpointAnchor.giveNotice, (ORIGIN)), reason);
        }
    }

    function test_giveNotice_refuses_a_log_whose_key_contradicts_itself() public {
        act(stranger, forkCall());
        refuse(key, abi.encodeCall(ICheckpointAnchor.giveNotice, (ORIGIN)), logForked());
    }

    // ------------------------------------------------------------------ withdraw

    function test_withdraw_pays_the_whole_bond_out_from_the_first_second_after_the_notice() public {
        depart();
        VM.warp(START + NOTICE - 1);
        refuse(key, withdrawCall(treasury), bondBound(START + NOTICE));
        VM.warp(START + NOTICE);
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.Withdrawn(key, ORIGIN, treasury, BOND);
        act(key, withdrawCall(treasury));
        VM.assertEq(treasury.balance, BOND);
        assertBond(0, 0, false);
    }

    function test_withdraw_without_a_notice_is_refused() public {
        deposit(BOND);
        VM.warp(START + 365 days);
        refuse(key, withdrawCall(treasury), bondBound(0));
    }

    function test_withdraw_ends_the_notice_so_that_the_next_bond_needs_one_of_its_own() public {
        depart();
        VM.warp(START + NOTICE);
        act(key, withdrawCall(treasury));
        deposit(3);
        refuse(key, withdrawCall(treasury), bondBound(0));
        giveNotice();
        assertBond(3, START + 2 * NOTICE, false);
    }

    function test_withdraw_pays_what_came_in_during_the_notice_too_and_leaves_other_logs_theirs() public {
        depart();
        deposit(9);
        pay(stranger, 5, abi.encodeCall(ICheckpointAnchor.deposit, (key, ELSEWHERE)));
        VM.warp(START + NOTICE);
        act(key, withdrawCall(treasury));
        VM.assertEq(treasury.balance, BOND + 9);
        VM.assertEq(address(anchored).balance, 5);
    }

    function test_withdraw_is_the_key_s_alone() public {
        depart();
        VM.warp(START + NOTICE);
        refuse(stranger, withdrawCall(treasury), bondBound(0));
        refuse(otherKey, withdrawCall(treasury), bondBound(0));
        assertBond(BOND, START + NOTICE, false);
    }

    function test_withdraw_refuses_a_log_whose_key_contradicts_itself() public {
        depart();
        act(stranger, forkCall());
        VM.warp(START + NOTICE);
        refuse(key, withdrawCall(treasury), logForked());
    }

    function test_withdraw_of_nothing_ends_the_notice_and_asks_nobody() public {
        giveNotice();
        VM.warp(START + NOTICE);
        act(key, withdrawCall(payable(address(new Refuser()))));
        assertBond(0, 0, false);
    }

    function test_withdraw_to_who_takes_no_coin_is_refused_and_another_account_may_take_it() public {
        depart();
        VM.warp(START + NOTICE);
        address refuser = address(new Refuser());
        refuse(key, withdrawCall(payable(refuser)), paymentRefused(refuser, BOND));
        refuse(key, withdrawCall(payable(address(anchored))), paymentRefused(address(anchored), BOND));
        assertBond(BOND, START + NOTICE, false);
        act(key, withdrawCall(treasury));
        VM.assertEq(treasury.balance, BOND);
    }

    function test_a_receiver_that_calls_back_withdraws_once() public {
        Reenterer owner = new Reenterer();
        // A contract signs nothing, but it can have a bond; and an account with EIP-7702 is both.
        pay(stranger, BOND, abi.encodeCall(ICheckpointAnchor.deposit, (address(owner), ORIGIN)));
        deposit(BOND);
        through(owner, abi.encodeCall(ICheckpointAnchor.giveNotice, (ORIGIN)));
        VM.warp(START + NOTICE);
        bytes memory again = withdrawCall(payable(address(owner)));
        owner.prepare(address(anchored), again);
        through(owner, again);
        VM.assertTrue(owner.tried());
        VM.assertFalse(owner.entered());
        VM.assertEq(owner.answer(), bondBound(0));
        VM.assertEq(address(owner).balance, BOND);
        assertBond(BOND, 0, false);
    }

    // ------------------------------------------------------------------ inside

    function depart() private {
        deposit(BOND);
        giveNotice();
    }

    function through(Reenterer owner, bytes memory call) private {
        (bool done,) = owner.act(address(anchored), call);
        VM.assertTrue(done);
    }

    function withdrawCall(address payable to) private pure returns (bytes memory) {
        return abi.encodeCall(ICheckpointAnchor.withdraw, (ORIGIN, to));
    }
}
