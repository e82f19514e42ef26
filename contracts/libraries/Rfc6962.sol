// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Proofs over the Merkle trees of RFC 6962 (SHA-256), as RFC 9162 verifies them
/// @notice A node is sha256(0x01 ‖ left ‖ right); leaves come hashed.
///
/// RFC 9162 walks a leaf's index `fn` and the last index `sn` up to the root, a bit a level. Where the two still differ each
/// level has one element: on the left, if fn's bit is set, else on the right. From where they are one, only set bits have an
/// element, on the left. So sizes and index alone fix how many there are; they are taken from calldata unbounded, and that
/// they were as many as the proof has is asked at the end.
///
/// Nothing is allocated. Nodes are laid out over the scratch space and what is behind it, which is put back at the end. A hash
/// fails for want of gas alone, and leaves too little then for any instruction behind it: no call is asked how it went.
/// WARNING: a proof says where a hash stands, not what it hashes. That a node does not pass for a leaf is due to the path's
/// length: somebody has to answer for the size.
library Rfc6962 {
    /// @notice Whether the tree of `second` leaves begins with the one of `first` (RFC 9162, 2.1.4.2).
    /// @dev 0 < first < second: equal sizes and an empty tree are the caller's, who needs no proof of them.
    function consistent(uint64 first, bytes32 firstRoot, uint64 second, bytes32 secondRoot, bytes32[] calldata proof)
        internal
        view
        returns (bool proved)
    {
        assembly ("memory-safe") {
            // Two nodes: the first root's at 0x00, the second one's at 0x41, each a prefix, a left and a right hash. What a
            // node comes to is written where the next one has it on its right.
            let free := mload(0x40)
            let kept := mload(0x80)
            let element := proof.offset
            // fn, with what differs from sn 128 bits above it: one shift for both, and neither reaches the other.
            let path := sub(first, 1)
            {
                // Up from the last whole subtree of the first tree, which the lowest bit that is not set tells. Both roots
                // are built on that subtree; it is all of the first tree, where no bit is set above.
                let level := and(not(path), first)
                let hash := firstRoot
                if gt(path, level) {
                    hash := calldataload(element)
                    element := add(element, 0x20)
                }
                path := or(shl(128, div(xor(path, sub(second, 1)), level)), div(path, level))
                mstore8(0x00, 1)
                mstore(0x21, hash)
                mstore8(0x41, 1)
                mstore(0x62, hash)
            }
            for {} 1 { path := shr(1, path) } {
                // On the left of both roots: four levels at a time, two, one. The loop's own gas would be a tenth of it all.
                for {} eq(and(path, 15), 15) { path := shr(4, path) } {
                    let hash := calldataload(element)
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    hash := calldataload(add(element, 0x20))
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    hash := calldataload(add(element, 0x40))
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    hash := calldataload(add(element, 0x60))
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    element := add(element, 0x80)
                }
                if eq(and(path, 3), 3) {
                    let hash := calldataload(element)
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    hash := calldataload(add(element, 0x20))
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    element := add(element, 0x40)
                    path := shr(2, path)
                }
                if and(path, 1) {
                    let hash := calldataload(element)
                    mstore(0x01, hash)
                    mstore(0x42, hash)
                    pop(staticcall(gas(), 2, 0x00, 65, 0x21, 0x20))
                    pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                    element := add(element, 0x20)
                    path := shr(1, path)
                }
                // On the right of the second root alone, or the last node of its level: it goes up as it is.
                if iszero(shr(128, path)) {
                    if shl(192, path) { continue }
                    break
                }
                mstore(0x42, mload(0x62))
                mstore(0x62, calldataload(element))
                pop(staticcall(gas(), 2, 0x41, 65, 0x62, 0x20))
                element := add(element, 0x20)
            }
            proved := eq(element, add(proof.offset, shl(5, proof.length)))
            proved := and(proved, and(eq(mload(0x21), firstRoot), eq(mload(0x62), secondRoot)))
            mstore(0x40, free)
            mstore(0x60, 0)
            mstore(0x80, kept)
        }
    }

    /// @notice The root of the tree of `size` leaves that has `leaf` at `index` (RFC 9162, 2.1.3.2).
    /// @return whole whether it is one: the tree has such an index, and the proof the length that it takes
    /// @return root zero, if it is not
    function rootWith(uint64 index, bytes32 leaf, uint64 size, bytes32[] calldata proof)
        internal
        view
        returns (bool whole, bytes32 root)
    {
        if (index >= size) return (false, 0);
        assembly ("memory-safe") {
            let element := proof.offset
            let differ := xor(index, sub(size, 1))
            let level := 1
            root := leaf
            mstore8(0x00, 1)

            for {} iszero(gt(level, or(differ, index))) { level := add(level, level) } {
                switch or(and(index, level), gt(level, differ))
                case 0 {
                    mstore(0x01, root)
                    mstore(0x21, calldataload(element))
                }
                default {
                    if iszero(and(index, level)) { continue }
                    mstore(0x01, calldataload(element))
                    mstore(0x21, root)
                }
                pop(staticcall(gas(), 2, 0x00, 65, 0x00, 0x20))
                root := mload(0x00)
                mstore8(0x00, 1)
                element := add(element, 0x20)
            }
            whole := eq(element, add(proof.offset, shl(5, proof.length)))
            root := mul(root, whole)
            mstore8(0x40, 0)
        }
    }
}
