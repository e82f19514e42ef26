// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM, within} from "../Cheats.sol";
import {AnchorStage} from "./AnchorStage.sol";
import {Reenterer, Refuser} from "./Receivers.sol";

/// @notice Two signed roots of one size, and what becomes of the bond.
contract ProveForkTest is AnchorStage {
    bytes32 private constant ONE = keccak256("one history");
    bytes32 private constant OTHER = keccak256("another");

    function test_proveFork_burns_half_pays_half_and_ends_the_log_and_tells_of_it() public {
        begin(9, ONE);
        deposit(BOND);
        uint256 had = stranger.balance;
        bytes memory call = forkCall(9, ONE, OTHER);
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.Forked(key, ORIGIN, stranger, BOND / 2 + 1, BOND / 2);
        act(stranger, call);
        VM.assertEq(address(0).balance, BOND / 2 + 1);
        VM.assertEq(stranger.balance, had + BOND / 2);
        assertBond(0, 0, true);
        assertLast(9, ONE);
    }

    function testFuzz_an_odd_unit_is_burnt_and_nothing_stays(uint96 bond, uint64 size) public {
        uint256 had = stranger.balance;
        bond = uint96(within(bond, 0, had));
        deposit(bond);
        act(stranger, forkCall(size, ONE, OTHER));
        VM.assertEq(stranger.balance, had - bond + bond / 2);
        VM.assertEq(address(0).balance, (uint256(bond) + 1) / 2);
        assertBond(0, 0, true);
    }

    function test_proveFork_of_a_bond_of_one_burns_it_and_asks_nobody() public {
        deposit(1);
        Refuser refuser = new Refuser();
        (bool done,) = refuser.act(address(anchored), forkCall());
        VM.assertTrue(done);
        VM.assertEq(address(0).balance, 1);
        assertBond(0, 0, true);
    }

    function test_proveFork_needs_neither_an_anchor_nor_a_bond() public {
        act(stranger, forkCall(0, ONE, OTHER));
        assertBond(0, 0, true);
    }

    function test_proveFork_ends_one_log_and_leaves_others_their_bond() public {
        deposit(BOND);
        pay(stranger, 5, abi.encodeCall(ICheckpointAnchor.deposit, (key, ELSEWHERE)));
        act(stranger, forkCall());
        VM.assertEq(address(anchored).balance, 5);
        (,, uint256 bond,, bool forked) = anchored.log(key, ELSEWHERE);
        VM.assertEq(bond, 5);
        VM.assertFalse(forked);
    }

    function test_proveFork_burns_during_a_notice_and_after_it() public {
        for (uint256 i = 0; i < 2; i++) {
            setUp();
            deposit(BOND);
            giveNotice();
            VM.warp(START + NOTICE - 1 + i);
            act(stranger, forkCall());
            assertBond(0, START + NOTICE, true);
        }
    }

    function test_proveFork_a_second_time_is_refused() public {
        act(stranger, forkCall());
        refuse(stranger, forkCall(), logForked());
        refuse(stranger, forkCall(10, ONE, OTHER), logForked());
    }

    function test_proveFork_refuses_one_root_twice() public {
        deposit(BOND);
        bytes memory reason = abi.encodeWithSelector(ICheckpointAnchor.ForkUnproved.selector, ONE, ONE);
        refuse(stranger, forkCall(9, ONE, ONE), reason);
        assertBond(BOND, 0, false);
    }

    function test_proveFork_refuses_what_the_key_did_not_sign_in_either_place() public {
        deposit(BOND);
        (bytes memory ofOne, bytes memory ofOther) = (signed(9, ONE), signed(9, OTHER));
        bytes[4] memory others = [
            signed(OTHER_KEY, ORIGIN, 9, OTHER),
            signed(KEY, ELSEWHERE, 9, OTHER),
            signed(10, OTHER),
            sign(KEY, digestOf(ORIGIN, 9, OTHER, 1, address(anchored)))
        ];
        for (uint256 i = 0; i < others.length; i++) {
            refuseForged(fork(9, ONE, ofOne, OTHER, others[i]));
            refuseForged(fork(9, OTHER, others[i], ONE, ofOne));
        }
        refuseForged(fork(9, ONE, ofOne, OTHER, ofOne));
        refuseForged(fork(9, ONE, ofOther, OTHER, ofOther));
        assertBond(BOND, 0, false);
        act(stranger, fork(9, ONE, ofOne, OTHER, ofOther));
    }

    function test_nobody_forks_the_zero_address() public {
        pay(stranger, BOND, abi.encodeCall(ICheckpointAnchor.deposit, (address(0), ORIGIN)));
        bytes memory call = abi.encodeCall(
            ICheckpointAnchor.proveFork, (address(0), ORIGIN, 9, ONE, new bytes(65), OTHER, new bytes(65))
        );
        refuse(stranger, call, wrongSigner(address(0), address(0)));
    }

    function test_proveFork_by_who_takes_no_coin_is_refused_as_a_whole() public {
        deposit(BOND);
        Refuser refuser = new Refuser();
        (bool done, bytes memory said) = refuser.act(address(anchored), forkCall());
        VM.assertFalse(done);
        VM.assertEq(said, paymentRefused(address(refuser), BOND / 2));
        assertBond(BOND, 0, false);
        VM.assertEq(address(0).balance, 0);
        act(stranger, forkCall());
    }

    function test_a_prover_that_calls_back_is_paid_once() public {
        deposit(BOND);
        pay(stranger, BOND, abi.encodeCall(ICheckpointAnchor.deposit, (key, ELSEWHERE)));
        Reenterer prover = new Reenterer();
        prover.prepare(address(anchored), forkCall(10, ONE, OTHER));
        (bool done,) = prover.act(address(anchored), forkCall());
        VM.assertTrue(done);
        VM.assertTrue(prover.tried());
        VM.assertFalse(prover.entered());
        VM.assertEq(prover.answer(), logForked());
        VM.assertEq(address(prover).balance, BOND / 2);
        VM.assertEq(address(anchored).balance, BOND);
    }

    function fork(uint64 size, bytes32 a, bytes memory ofA, bytes32 b, bytes memory ofB)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeCall(ICheckpointAnchor.proveFork, (key, ORIGIN, size, a, ofA, b, ofB));
    }
}
