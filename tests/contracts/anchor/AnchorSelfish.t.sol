// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor, Inclusion} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM, within} from "../Cheats.sol";
import {AnchorStage} from "./AnchorStage.sol";
import {Forest} from "./Forest.sol";

/// @notice The rows of docs/contracts.md under "What selfish parties do": each state, each party's best response, and the
/// largest loss of the others. Gas comes on top. The stranger paid the bond in, and the operator holds the key.
contract AnchorSelfishTest is AnchorStage {
    bytes32[] private _leaves;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 12; i++) {
            _leaves.push(keccak256(abi.encode("leaf", i)));
        }
    }

    // ------------------------------------------------------------------ the operator forks

    function testFuzz_a_fork_that_another_shows_costs_the_operator_the_whole_bond(uint64 bond) public {
        bond = uint64(within(bond, 0, 1_000 * BOND));
        post(bond);
        act(stranger, forkCall());
        assertOperatorHas(0);
        VM.assertEq(stranger.balance, 1_000 * BOND - bond + bond / 2);
    }

    function testFuzz_an_operator_that_shows_its_own_fork_first_loses_half_and_the_other_its_reward(uint64 bond)
        public
    {
        bond = uint64(within(bond, 0, 1_000 * BOND));
        post(bond);
        bytes memory call = forkCall();
        act(key, call);
        assertOperatorHas(bond / 2);
        refuse(stranger, call, logForked());
        VM.assertEq(address(0).balance, bond - bond / 2);
    }

    function test_an_operator_that_never_signs_a_size_twice_is_shown_by_a_leaf_and_loses_the_same() public {
        post(BOND);
        // It shows five leaves to one and twelve others to another: no two roots of one size.
        act(stranger, rewriteCall(5, 12, 3));
        assertOperatorHas(0);
        assertBond(0, 0, true);
    }

    function test_a_log_that_was_cut_back_is_not_anchored_and_costs_nothing() public {
        post(BOND);
        begin(12, root(12));
        refuse(stranger, anchorCall(ORIGIN, 5, root(5), NONE), notNewer(12, 5));
        assertBond(BOND, 0, false);
        assertLast(12, root(12));
    }

    function test_an_operator_without_a_bond_loses_its_log_and_no_coin() public {
        act(stranger, forkCall());
        assertBond(0, 0, true);
        refuse(stranger, anchorCall(ORIGIN, 12, root(12), NONE), logForked());
    }

    // ------------------------------------------------------------------ the operator leaves

    function test_an_operator_that_leaves_by_notice_costs_nobody_anything_and_others_have_seven_days() public {
        post(BOND);
        giveNotice();
        for (uint256 i = 0; i < 2; i++) {
            VM.warp(START + i * (NOTICE - 1));
            refuse(key, withdrawCall(), bondBound(START + NOTICE));
        }
        VM.warp(START + NOTICE);
        act(key, withdrawCall());
        assertOperatorHas(BOND);
    }

    function test_a_fork_shown_in_the_last_second_of_a_notice_costs_the_whole_bond() public {
        post(BOND);
        giveNotice();
        VM.warp(START + NOTICE - 1);
        act(stranger, forkCall());
        VM.warp(START + NOTICE);
        refuse(key, withdrawCall(), logForked());
        assertOperatorHas(0);
    }

    function test_a_fork_after_a_notice_has_ended_costs_an_operator_nothing_that_withdraws_in_front_of_the_proof()
        public
    {
        post(BOND);
        giveNotice();
        VM.warp(START + NOTICE);
        bytes memory proof = forkCall();
        act(key, withdrawCall());
        act(stranger, proof);
        assertOperatorHas(BOND);
    }

    /// @dev Why a reader looks at noticeEndsAt and not at the bond alone.
    function test_a_notice_given_before_the_bond_came_makes_that_bond_worth_nothing() public {
        giveNotice();
        VM.warp(START + NOTICE);
        post(BOND);
        (,, uint256 bond, uint256 noticeEndsAt,) = anchored.log(key, ORIGIN);
        VM.assertEq(bond, BOND);
        VM.assertLe(noticeEndsAt, block.timestamp);
        act(key, withdrawCall());
        assertOperatorHas(BOND);
    }

    // ------------------------------------------------------------------ strangers

    function test_a_stranger_cannot_begin_a_log_of_another_s_key() public {
        bytes memory signature = signed(OTHER_KEY, ORIGIN, 12, root(12));
        bytes memory call = abi.encodeCall(ICheckpointAnchor.anchor, (key, ORIGIN, 12, root(12), NONE, signature));
        refuse(otherKey, call, wrongSigner(key, otherKey));
        assertLast(0, 0);
    }

    function test_a_stranger_cannot_give_another_s_notice_nor_end_it_by_a_gift() public {
        post(BOND);
        act(stranger, abi.encodeCall(ICheckpointAnchor.giveNotice, (ORIGIN)));
        assertBond(BOND, 0, false);
        giveNotice();
        post(1);
        assertBond(BOND + 1, START + NOTICE, false);
    }

    function test_who_adds_to_another_s_bond_has_given_it_away() public {
        post(BOND);
        refuse(stranger, withdrawCall(), bondBound(0));
        giveNotice();
        VM.warp(START + NOTICE);
        act(key, withdrawCall());
        assertOperatorHas(BOND);
    }

    function test_who_steals_the_key_burns_the_bond_and_gains_half() public {
        post(BOND);
        address thief = address(0x7e1f);
        act(thief, forkCall());
        VM.assertEq(thief.balance, BOND / 2);
        assertOperatorHas(0);
    }

    // ------------------------------------------------------------------ relayers

    function test_a_relayer_that_withholds_costs_time_and_anyone_brings_the_same_words() public {
        begin(5, root(5));
        bytes memory call = anchorCall(ORIGIN, 12, root(12), Forest.growth(_leaves, 5, 12));
        VM.warp(START + 365 days);
        act(otherKey, call);
        assertLast(12, root(12));
    }

    /// @dev Each checkpoint that was signed between can be put in front once.
    function test_who_brings_an_older_checkpoint_first_costs_the_next_one_its_gas_and_a_new_proof() public {
        begin(5, root(5));
        bytes memory stale = anchorCall(ORIGIN, 12, root(12), Forest.growth(_leaves, 5, 12));
        act(stranger, anchorCall(ORIGIN, 8, root(8), Forest.growth(_leaves, 5, 8)));
        refuse(stranger, stale, notConsistent(8, root(8), 12, root(12)));
        anchor(12, root(12), Forest.growth(_leaves, 8, 12));
        assertLast(12, root(12));
    }

    function test_who_copies_an_anchor_under_way_pays_its_gas_and_changes_nothing() public {
        bytes memory call = anchorCall(ORIGIN, 5, root(5), NONE);
        act(otherKey, call);
        refuse(stranger, call, notNewer(5, 5));
        assertLast(5, root(5));
    }

    // ------------------------------------------------------------------ inside

    function post(uint256 bond) private {
        deposit(bond);
    }

    /// @dev Where the operator withdraws to, and what it is paid as a prover.
    function assertOperatorHas(uint256 expected) private view {
        VM.assertEq(treasury.balance + key.balance, expected);
    }

    function withdrawCall() private view returns (bytes memory) {
        return abi.encodeCall(ICheckpointAnchor.withdraw, (ORIGIN, treasury));
    }

    function root(uint64 size) private view returns (bytes32) {
        return Forest.root(_leaves, 0, size);
    }

    function rewriteCall(uint64 size, uint64 later, uint64 index) private view returns (bytes memory) {
        bytes32[] memory other = _leaves;
        other[index] = keccak256("what another was shown");
        return abi.encodeCall(
            ICheckpointAnchor.proveRewrite,
            (key, ORIGIN, index, inclusion(_leaves, index, size), inclusion(other, index, later))
        );
    }

    function inclusion(bytes32[] memory leaves, uint64 index, uint64 size) private view returns (Inclusion memory) {
        bytes32 over = Forest.root(leaves, 0, size);
        return Inclusion(size, over, signed(size, over), leaves[index], Forest.place(leaves, index, size));
    }
}
