// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM, within} from "../Cheats.sol";
import {ANCHOR_VM, AnchorStage, Case} from "./AnchorStage.sol";
import {Forest} from "./Forest.sol";

/// @notice Which consistency proofs are taken: those of Python (tests/vectors/anchor.json), those of the recursive
/// definition, and none that differs from them.
contract AnchorProofsTest is AnchorStage {
    struct Growth {
        bytes32 origin;
        uint64 old;
        bytes32 oldRoot;
        uint64 size;
        bytes32 root;
        bytes32[] proof;
    }

    uint64 private constant SMALL = 33;
    uint256 private constant MANY = 64; // no proof is longer

    function test_every_growth_up_to_33_leaves_that_python_proves_is_taken_and_no_spoiled_proof_of_it() public {
        VM.assertEq(judgeAll(2, SMALL), SMALL * (SMALL - 1) / 2);
    }

    function test_every_large_growth_that_python_proves_is_taken_and_no_spoiled_proof_of_it() public {
        VM.assertGt(judgeAll(SMALL + 1, MOST), 12);
    }

    function test_every_small_growth_that_the_definition_proves_is_taken() public {
        bytes32[] memory leaves = new bytes32[](SMALL);
        for (uint64 i = 0; i < SMALL; i++) {
            leaves[i] = keccak256(abi.encode(i));
        }
        for (uint64 size = 2; size <= SMALL; size++) {
            bytes32 root = Forest.root(leaves, 0, size);
            for (uint64 old = 1; old < size; old++) {
                bytes32 origin = keccak256(abi.encode(old, size));
                act(stranger, anchorCall(origin, old, Forest.root(leaves, 0, old), NONE));
                act(stranger, anchorCall(origin, size, root, Forest.growth(leaves, old, size)));
            }
        }
    }

    function testFuzz_a_proof_is_taken_as_the_definition_says_and_so_is_no_other(
        uint64 old,
        uint64 size,
        bytes32 seed,
        uint8 bits
    ) public {
        // Sizes of every width, and not nearly always of 64 bits.
        size = uint64(within(size >> (bits % 63), 2, MOST));
        old = uint64(within(old, 1, size - 1));
        bytes32[] memory proof = elements(Forest.growthLength(old, size, true), seed);
        (bytes32 oldRoot, bytes32 root) = Forest.roots(old, size, seed, proof, proof.length);
        judge(Growth(keccak256(abi.encode(size, seed)), old, oldRoot, size, root, proof), uint256(seed) % 8, 11);
    }

    /// @dev A root does not tell its size: a proof may have the shape of other sizes too, and is one of those then. What
    /// binds the size is the signature.
    function testFuzz_a_proof_between_neighbouring_sizes_is_judged_as_the_definition_says(
        uint64 old,
        uint64 size,
        bytes32 seed,
        uint8 bits
    ) public {
        size = uint64(within(size >> (bits % 60), 3, MOST - 1));
        old = uint64(within(old, 2, size - 1));
        bytes32[] memory proof = elements(Forest.growthLength(old, size, true), seed);
        (bytes32 oldRoot, bytes32 root) = Forest.roots(old, size, seed, proof, proof.length);
        judgeAs(old - 1, oldRoot, size, root, proof);
        judgeAs(old, oldRoot, size + 1, root, proof);
        if (old + 1 < size) judgeAs(old + 1, oldRoot, size, root, proof);
        if (old < size - 1) judgeAs(old, oldRoot, size - 1, root, proof);
    }

    /// @dev The shortest proof: of a whole tree and one leaf more.
    function test_one_root_under_two_sizes_is_no_growth() public {
        bytes32 root = keccak256("of eight leaves, it says");
        begin(8, root);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = root;
        refuse(stranger, anchorCall(ORIGIN, 9, root, proof), notConsistent(8, root, 9, root));
        refuse(stranger, anchorCall(ORIGIN, 9, root, NONE), notConsistent(8, root, 9, root));
        refuse(stranger, anchorCall(ORIGIN, 16, root, NONE), notConsistent(8, root, 16, root));
    }

    /// @dev The order of both sides counts, and so does the prefix of a node.
    function test_a_node_is_the_hash_of_prefix_left_and_right() public {
        (bytes32 left, bytes32 right) = (keccak256("left"), keccak256("right"));
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = right;
        begin(1, left);
        bytes32 unprefixed = sha256(abi.encodePacked(left, right));
        bytes32 asLeaf = sha256(abi.encodePacked(bytes1(0), left, right));
        bytes32 swapped = Forest.node(right, left);
        refuse(stranger, anchorCall(ORIGIN, 2, unprefixed, proof), notConsistent(1, left, 2, unprefixed));
        refuse(stranger, anchorCall(ORIGIN, 2, asLeaf, proof), notConsistent(1, left, 2, asLeaf));
        refuse(stranger, anchorCall(ORIGIN, 2, swapped, proof), notConsistent(1, left, 2, swapped));
        anchor(2, Forest.node(left, right), proof);
    }

    function test_ten_thousand_elements_are_refused_like_one_too_many() public {
        bytes32 root = keccak256("of seven leaves");
        begin(7, root);
        bytes32[] memory proof = new bytes32[](10_000);
        for (uint256 i = 0; i < proof.length; i++) {
            proof[i] = root;
        }
        refuse(stranger, anchorCall(ORIGIN, MOST, root, proof), notConsistent(7, root, MOST, root));
        refuse(stranger, anchorCall(ORIGIN, 8, root, proof), notConsistent(7, root, 8, root));
    }

    /// @dev What is behind a proof in the calldata is read, and does not count: a proof without its last element, which
    /// stands there all the same, as the first word of the signature's bytes.
    function test_what_stands_behind_a_proof_is_not_of_it() public {
        bytes32[] memory proof = elements(Forest.growthLength(3, 5, true), "seed");
        VM.assertEq(proof.length, 4);
        (bytes32 oldRoot, bytes32 root) = Forest.roots(3, 5, "seed", proof, proof.length);
        begin(3, oldRoot);
        bytes memory call = anchorCall(ORIGIN, 5, root, proof);
        // Six words of arguments, then the proof's length.
        call[4 + 6 * 32 + 31] = 0x03;
        refuse(stranger, call, notConsistent(3, oldRoot, 5, root));
        call[4 + 6 * 32 + 31] = 0x04;
        act(stranger, call);
    }

    // ------------------------------------------------------------------ inside

    function judgeAll(uint64 smallest, uint64 largest) private returns (uint256 count) {
        bytes[] memory told = ANCHOR_VM.parseJsonBytesArray(VM.readFile("tests/vectors/anchor.json"), ".consistency");
        for (uint256 i = 0; i < told.length; i++) {
            (uint64 old, uint64 size) = Case.numbers(told[i]);
            if (size < smallest || size > largest) continue;
            (bytes32 oldRoot, bytes32 root) = Case.hashes(told[i]);
            // Of the many small ones one place each, another from case to case; of the large ones every place.
            uint256 stride = size > SMALL ? 1 : MANY;
            judge(Growth(keccak256(told[i]), old, oldRoot, size, root, Case.proof(told[i])), i, stride);
            count++;
        }
    }

    /// @param start and stride: which elements are spoiled
    function judge(Growth memory growth, uint256 start, uint256 stride) private {
        act(stranger, anchorCall(growth.origin, growth.old, growth.oldRoot, NONE));
        uint256 length = growth.proof.length;
        for (uint256 where = start; where < start + (length == 0 ? 1 : length); where += stride) {
            refuseSpoiled(growth, where);
        }
        refuseOf(growth, bytes32(uint256(growth.root) ^ 1), growth.proof);
        act(stranger, anchorCall(growth.origin, growth.size, growth.root, growth.proof));
        (uint64 heldSize, bytes32 heldRoot,,,) = anchored.log(key, growth.origin);
        VM.assertEq(heldSize, growth.size);
        VM.assertEq(heldRoot, growth.root);
    }

    function refuseSpoiled(Growth memory growth, uint256 where) private {
        for (uint256 way = 0; way < (growth.proof.length == 0 ? 2 : Forest.MUTANTS); way++) {
            uint256 free = freeMemory();
            bytes32[] memory other = Forest.spoiled(growth.proof, way, where);
            VM.assertTrue(keccak256(abi.encode(other)) != keccak256(abi.encode(growth.proof)));
            refuseOf(growth, growth.root, other);
            forget(free);
        }
    }

    function refuseOf(Growth memory growth, bytes32 root, bytes32[] memory proof) private {
        bytes memory reason = notConsistent(growth.old, growth.oldRoot, growth.size, root);
        refuse(stranger, anchorCall(growth.origin, growth.size, root, proof), reason);
    }

    function judgeAs(uint64 old, bytes32 oldRoot, uint64 size, bytes32 root, bytes32[] memory proof) private {
        bytes32 origin = keccak256(abi.encode(old, size));
        act(stranger, anchorCall(origin, old, oldRoot, NONE));
        bytes memory call = anchorCall(origin, size, root, proof);
        bool right = proof.length == Forest.growthLength(old, size, true);
        if (right) {
            (bytes32 builtOld, bytes32 built) = Forest.roots(old, size, oldRoot, proof, proof.length);
            right = builtOld == oldRoot && built == root;
        }
        if (right) act(stranger, call);
        else refuse(stranger, call, notConsistent(old, oldRoot, size, root));
    }

    function elements(uint256 count, bytes32 seed) private pure returns (bytes32[] memory made) {
        made = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            made[i] = keccak256(abi.encode(seed, i));
        }
    }
}
