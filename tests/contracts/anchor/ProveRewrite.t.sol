// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor, Inclusion} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM, within} from "../Cheats.sol";
import {ANCHOR_VM, AnchorStage, Case} from "./AnchorStage.sol";
import {Forest} from "./Forest.sol";
import {Reenterer} from "./Receivers.sol";

/// @notice Two signed checkpoints of whatever sizes, with different leaves at one index.
contract ProveRewriteTest is AnchorStage {
    uint64 private constant SMALL = 13;
    bytes32[] private _leaves;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < SMALL; i++) {
            _leaves.push(keccak256(abi.encode("leaf", i)));
        }
    }

    // ------------------------------------------------------------------ what is shown

    function test_proveRewrite_burns_half_pays_half_and_ends_the_log_and_tells_of_it() public {
        deposit(BOND);
        uint256 had = stranger.balance;
        bytes memory call = rewrite(3, honest(3, 5), rewritten(3, 11, 3));
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.Forked(key, ORIGIN, stranger, BOND / 2 + 1, BOND / 2);
        act(stranger, call);
        VM.assertEq(address(0).balance, BOND / 2 + 1);
        VM.assertEq(stranger.balance, had + BOND / 2);
        assertBond(0, 0, true);
        refuse(stranger, call, logForked());
    }

    /// @dev Every pair of sizes, and every leaf that both have: whatever was rewritten is shown.
    function test_every_rewrite_between_any_two_sizes_is_shown_and_in_either_order() public {
        uint256 shown = 0;
        for (uint64 size = 1; size <= 7; size++) {
            for (uint64 later = size; later <= 9; later++) {
                for (uint64 index = 0; index < size; index++) {
                    (Inclusion memory one, Inclusion memory other) =
                        (honest(index, size), rewritten(index, later, index));
                    bool turned = shown++ % 2 == 1;
                    shows(rewrite(index, turned ? other : one, turned ? one : other));
                }
            }
        }
        VM.assertGt(shown, 100);
    }

    function test_every_place_up_to_33_leaves_that_python_proves_is_taken_and_no_spoiled_proof_of_it() public {
        VM.assertEq(judgeAll(1, 33), 561);
    }

    function test_every_place_in_a_large_tree_that_python_proves_is_taken_and_no_spoiled_proof_of_it() public {
        VM.assertGt(judgeAll(34, MOST), 5);
    }

    function testFuzz_a_place_is_judged_as_the_definition_says(
        uint64 index,
        uint64 size,
        uint64 said,
        bytes32 seed,
        uint8 bits
    ) public {
        size = uint64(within(size >> (bits % 63), 1, MOST));
        index = uint64(within(index, 0, size - 1));
        bytes32[] memory proof = new bytes32[](Forest.placeLength(index, size));
        for (uint256 i = 0; i < proof.length; i++) {
            proof[i] = keccak256(abi.encode(seed, i));
        }
        bytes32 root = Forest.rootOf(index, size, seed, proof, proof.length);
        // The same size mostly, else a neighbour.
        judgeAs(index, said % 3 == 0 && size < MOST ? size + 1 : size, root, seed, proof);
    }

    // ------------------------------------------------------------------ what an honest log cannot be shown to have done

    function test_proveRewrite_refuses_one_leaf_twice() public {
        deposit(BOND);
        bytes memory reason = abi.encodeWithSelector(ICheckpointAnchor.ForkUnproved.selector, _leaves[3], _leaves[3]);
        refuse(stranger, rewrite(3, honest(3, 5), honest(3, 11)), reason);
        assertBond(BOND, 0, false);
    }

    /// @dev Two leaves of one honest log, at their own places and not at one.
    function test_proveRewrite_refuses_a_leaf_of_another_place() public {
        Inclusion memory third = honest(3, 8);
        Inclusion memory fourth = honest(4, 8);
        bytes32 computed = Forest.rootOf(3, 8, fourth.leafHash, fourth.proof, fourth.proof.length);
        refuse(stranger, rewrite(3, third, fourth), notIncluded(3, fourth.root, computed));
    }

    /// @dev The second-preimage game: a node over leaves 0 and 1 at the place of leaf 0, with the proof that is left.
    function test_a_node_does_not_pass_for_a_leaf() public {
        Inclusion memory leaf = honest(0, 8);
        Inclusion memory node = honest(0, 8);
        node.leafHash = Forest.node(_leaves[0], _leaves[1]);
        bytes32[] memory above = new bytes32[](2);
        (above[0], above[1]) = (node.proof[1], node.proof[2]);
        node.proof = above;
        refuse(stranger, rewrite(0, leaf, node), notIncluded(0, node.root, 0));
        // As the first leaf of a tree of four it would be one: such a tree is not signed.
        node.size = 4;
        refuseForged(rewrite(0, leaf, node));
        // Of seven leaves the last one is as high as the nodes beside it; its own proof is the only one of its length.
        Inclusion memory last = honest(6, 7);
        Inclusion memory pair = honest(4, 7);
        (pair.leafHash, above) = (Forest.node(_leaves[4], _leaves[5]), new bytes32[](2));
        (above[0], above[1]) = (pair.proof[1], pair.proof[2]);
        pair.proof = above;
        refuse(stranger, rewrite(4, honest(4, 7), pair), notIncluded(4, pair.root, 0));
        bytes32 wrong = Forest.rootOf(6, 7, pair.leafHash, above, 2);
        refuse(stranger, rewrite(6, last, pair), notIncluded(6, pair.root, wrong));
    }

    function test_an_index_that_is_not_in_the_tree_is_refused() public {
        uint64[4] memory beyond = [5, 6, 8, MOST];
        for (uint256 i = 0; i < beyond.length; i++) {
            Inclusion memory other = honest(0, 5);
            other.leafHash = keccak256("another leaf");
            refuse(stranger, rewrite(beyond[i], honest(0, 5), other), notIncluded(beyond[i], other.root, 0));
        }
        // Not even where the root is the zero that a proof without a root comes to.
        Inclusion memory nothing = Inclusion(0, 0, signed(0, 0), keccak256("no leaf"), NONE);
        refuse(stranger, rewrite(0, nothing, honest(0, 5)), notIncluded(0, 0, 0));
    }

    /// @dev A log that says that zero is its root has not thereby said what is in it.
    function test_a_root_of_zero_includes_nothing_without_a_proof() public {
        Inclusion memory zero = Inclusion(8, 0, signed(8, 0), keccak256("no leaf"), new bytes32[](2));
        refuse(stranger, rewrite(0, zero, honest(0, 5)), notIncluded(0, 0, 0));
    }

    function test_proveRewrite_refuses_what_the_key_did_not_sign_in_either_place() public {
        deposit(BOND);
        Inclusion memory one = honest(2, 6);
        Inclusion memory other = rewritten(2, 9, 2);
        bytes[3] memory signatures = [
            signed(OTHER_KEY, ORIGIN, other.size, other.root),
            signed(KEY, ELSEWHERE, other.size, other.root),
            signed(other.size + 1, other.root)
        ];
        for (uint256 i = 0; i < signatures.length; i++) {
            Inclusion memory forged = rewritten(2, 9, 2);
            forged.signature = signatures[i];
            refuseForged(rewrite(2, one, forged));
            refuseForged(rewrite(2, forged, one));
        }
        assertBond(BOND, 0, false);
        shows(rewrite(2, one, other));
    }

    function test_a_prover_of_a_rewrite_that_calls_back_is_paid_once() public {
        deposit(BOND);
        bytes memory call = rewrite(3, honest(3, 5), rewritten(3, 11, 3));
        Reenterer prover = new Reenterer();
        prover.prepare(address(anchored), call);
        (bool done,) = prover.act(address(anchored), call);
        VM.assertTrue(done);
        VM.assertFalse(prover.entered());
        VM.assertEq(prover.answer(), logForked());
        VM.assertEq(address(prover).balance, BOND / 2);
    }

    // ------------------------------------------------------------------ inside

    function judgeAll(uint64 smallest, uint64 largest) private returns (uint256 count) {
        bytes[] memory told = ANCHOR_VM.parseJsonBytesArray(VM.readFile("tests/vectors/anchor.json"), ".inclusion");
        for (uint256 i = 0; i < told.length; i++) {
            (, uint64 size) = Case.numbers(told[i]);
            if (size < smallest || size > largest) continue;
            uint256 free = freeMemory();
            // Of the many small ones one place each, another from case to case; of the large ones every fifth.
            judge(told[i], i, size > 33 ? 5 : 64);
            forget(free);
            count++;
        }
    }

    function judge(bytes memory told, uint256 start, uint256 stride) private {
        (uint64 index, uint64 size) = Case.numbers(told);
        (bytes32 leaf, bytes32 root) = Case.hashes(told);
        Inclusion memory place = Inclusion(size, root, signed(size, root), leaf, Case.proof(told));
        Inclusion memory other = alone(index, leaf);
        uint256 length = place.proof.length;
        for (uint256 where = start; where < start + (length == 0 ? 1 : length); where += stride) {
            refuseSpoiled(index, place, other, where);
        }
        shows(rewrite(index, place, other));
    }

    function refuseSpoiled(uint64 index, Inclusion memory place, Inclusion memory other, uint256 where) private {
        for (uint256 way = 0; way < (place.proof.length == 0 ? 2 : Forest.MUTANTS); way++) {
            uint256 free = freeMemory();
            bytes32[] memory spoiled = Forest.spoiled(place.proof, way, where);
            Inclusion memory wrong = Inclusion(place.size, place.root, place.signature, place.leafHash, spoiled);
            bytes32 computed = 0;
            if (spoiled.length == place.proof.length) {
                computed = Forest.rootOf(index, place.size, place.leafHash, spoiled, spoiled.length);
            }
            VM.assertTrue(computed != place.root);
            refuse(stranger, rewrite(index, wrong, other), notIncluded(index, place.root, computed));
            forget(free);
        }
    }

    function judgeAs(uint64 index, uint64 size, bytes32 root, bytes32 leaf, bytes32[] memory proof) private {
        bytes memory call = rewrite(index, Inclusion(size, root, signed(size, root), leaf, proof), alone(index, leaf));
        bool whole = proof.length == Forest.placeLength(index, size);
        bytes32 computed = whole ? Forest.rootOf(index, size, leaf, proof, proof.length) : bytes32(0);
        if (whole && computed == root) shows(call);
        else refuse(stranger, call, notIncluded(index, root, computed));
    }

    /// @dev The call succeeds; then all is as it was before.
    function shows(bytes memory call) private {
        uint256 before = Snapshots(address(VM)).snapshotState();
        act(stranger, call);
        VM.assertTrue(Snapshots(address(VM)).revertToState(before));
    }

    /// @dev Another leaf at the index, in the smallest tree that has it, over which the key signed.
    function alone(uint64 index, bytes32 leaf) private view returns (Inclusion memory) {
        bytes32 other = keccak256(abi.encode("not", leaf));
        uint64 size = index == MOST ? MOST : index + 1;
        bytes32[] memory proof = new bytes32[](Forest.placeLength(index, size));
        bytes32 root = Forest.rootOf(index, size, other, proof, proof.length);
        return Inclusion(size, root, signed(size, root), other, proof);
    }

    function honest(uint64 index, uint64 size) private view returns (Inclusion memory) {
        return rewritten(index, size, MOST);
    }

    /// @dev The leaf at the index in a tree whose leaf at `changed` is another; `MOST`: none is.
    function rewritten(uint64 index, uint64 size, uint64 changed) private view returns (Inclusion memory) {
        bytes32[] memory leaves = _leaves;
        if (changed < size) leaves[changed] = keccak256("what was there before");
        bytes32 root = Forest.root(leaves, 0, size);
        return Inclusion(size, root, signed(size, root), leaves[index], Forest.place(leaves, index, size));
    }

    function rewrite(uint64 index, Inclusion memory one, Inclusion memory other) private view returns (bytes memory) {
        return abi.encodeCall(ICheckpointAnchor.proveRewrite, (key, ORIGIN, index, one, other));
    }
}

/// @notice The cheatcodes that only this needs.
interface Snapshots {
    function snapshotState() external returns (uint256);
    function revertToState(uint256 snapshot) external returns (bool);
}
