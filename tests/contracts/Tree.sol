// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The tree that a signer in bulk builds: pairs from the left, a node without a partner moves up as it is, and a
/// node is the hash of its children in ascending order. Built from its leaves alone, by nothing of the contract.

function rootOf(bytes32[] memory level) pure returns (bytes32) {
    while (level.length > 1) {
        level = above(level);
    }
    return level[0];
}

function proofOf(bytes32[] memory level, uint256 index) pure returns (bytes32[] memory siblings) {
    bytes memory path;
    for (; level.length > 1; index /= 2) {
        uint256 sibling = index ^ 1;
        if (sibling < level.length) path = bytes.concat(path, level[sibling]);
        level = above(level);
    }
    siblings = new bytes32[](path.length / 32);
    for (uint256 i = 0; i < siblings.length; i++) {
        assembly ("memory-safe") {
            let offset := shl(5, add(i, 1))
            mstore(add(siblings, offset), mload(add(path, offset)))
        }
    }
}

function above(bytes32[] memory level) pure returns (bytes32[] memory parents) {
    parents = new bytes32[]((level.length + 1) / 2);
    for (uint256 i = 0; i < parents.length; i++) {
        bool paired = 2 * i + 1 < level.length;
        parents[i] = paired ? parentOf(level[2 * i], level[2 * i + 1]) : level[2 * i];
    }
}

function parentOf(bytes32 left, bytes32 right) pure returns (bytes32) {
    return left < right ? keccak256(abi.encode(left, right)) : keccak256(abi.encode(right, left));
}
