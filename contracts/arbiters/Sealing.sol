// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Complaint, IExchangeArbiter, Sealed} from "../interfaces/IExchangeArbiter.sol";

/// @title Chunks, their trees and their cipher
/// @notice
///
///     chunk i       bytes [i * chunkSize, (i + 1) * chunkSize) of the data, the last one as long as it is
///     keystream     keccak256(key ‖ i * 2^128 + b), for the b-th 32 bytes of chunk i
///     leaf          keccak256(0x00 ‖ chunk)
///     node          keccak256(0x01 ‖ left ‖ right)
///     tree          perfect: the leaves in their order, then zeros up to the next power of two
///
/// A leaf's place decides on which side each sibling stands, so that a chunk proves itself at its own index only, and a
/// proof has exactly the tree's depth, so that no node passes for a leaf. Python's twin is marketplace/core/sealing.py.
library Sealing {
    bytes32 internal constant TYPE_HASH = keccak256(
        "Sealed(bytes32 plaintextRoot,bytes32 ciphertextRoot,bytes32 keyHash,uint40 length,uint32 chunkSize)"
    );

    function hash(Sealed calldata goods) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPE_HASH, goods));
    }

    /// @notice Reverts unless the chunk is the one that the seller sent and decrypts to another than it promised.
    function checkWrong(Sealed calldata goods, Complaint calldata complaint) internal pure {
        uint256 index = complaint.index;
        uint256 count = Math.ceilDiv(goods.length, goods.chunkSize);
        if (index >= count) revert IExchangeArbiter.IndexTooHigh(index, count - 1);
        uint256 required = Math.min(goods.length - index * goods.chunkSize, goods.chunkSize);
        if (complaint.chunk.length != required) {
            revert IExchangeArbiter.WrongLength(complaint.chunk.length, required);
        }
        uint256 depth = Math.log2(count, Math.Rounding.Ceil);
        (bytes32 encrypted, bytes32 decrypted) = leaves(complaint.chunk, complaint.key, index);
        _checkRoot(goods.ciphertextRoot, encrypted, index, complaint.chunkProof, depth);
        _checkRoot(goods.plaintextRoot, complaint.leaf, index, complaint.leafProof, depth);
        if (decrypted == complaint.leaf) revert IExchangeArbiter.ChunkRight(index, decrypted);
    }

    /// @notice A chunk's leaf as it is and as it decrypts.
    /// @dev One buffer for both: the prefix, the chunk, and up to 31 bytes that no hash covers.
    function leaves(bytes calldata chunk, bytes32 key, uint256 index)
        internal
        pure
        returns (bytes32 encrypted, bytes32 decrypted)
    {
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            let first := add(buffer, 1)
            let end := add(first, chunk.length)
            mstore(0x40, and(add(end, 0x3f), not(0x1f)))
            mstore8(buffer, 0)
            calldatacopy(first, chunk.offset, chunk.length)
            encrypted := keccak256(buffer, add(chunk.length, 1))
            mstore(0, key)
            let counter := shl(128, index)
            for { let at := first } lt(at, end) { at := add(at, 0x20) } {
                mstore(0x20, counter)
                mstore(at, xor(mload(at), keccak256(0, 0x40)))
                counter := add(counter, 1)
            }
            decrypted := keccak256(buffer, add(chunk.length, 1))
        }
    }

    /// @notice The root of the tree that has `leaf` at `index` and these siblings.
    function root(bytes32 leaf, uint256 index, bytes32[] calldata proof) internal pure returns (bytes32 node) {
        node = leaf;
        for (uint256 level = 0; level < proof.length; level++) {
            bool right = index >> level & 1 == 1;
            (bytes32 a, bytes32 b) = right ? (proof[level], node) : (node, proof[level]);
            node = keccak256(abi.encodePacked(bytes1(0x01), a, b));
        }
    }

    function _checkRoot(bytes32 signed, bytes32 leaf, uint256 index, bytes32[] calldata proof, uint256 depth)
        private
        pure
    {
        if (proof.length != depth) revert IExchangeArbiter.WrongDepth(proof.length, depth);
        bytes32 given = root(leaf, index, proof);
        if (given != signed) revert IExchangeArbiter.WrongRoot(signed, given);
    }
}
