// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice RFC 6962 by its own recursive definitions (2.1, 2.1.1, 2.1.2), a second way beside the contract's walk.
library Forest {
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }

    /// @dev k: the largest power of two below n.
    function split(uint64 n) internal pure returns (uint64 k) {
        k = 1;
        while (k < n - k) k *= 2;
    }

    // ------------------------------------------------------------------ trees with leaves

    function root(bytes32[] memory leaves, uint64 low, uint64 high) internal pure returns (bytes32) {
        if (high - low == 1) return leaves[low];
        uint64 middle = low + split(high - low);
        return node(root(leaves, low, middle), root(leaves, middle, high));
    }

    /// @dev PROOF(m, D[n]).
    function growth(bytes32[] memory leaves, uint64 m, uint64 n) internal pure returns (bytes32[] memory proof) {
        proof = new bytes32[](growthLength(m, n, true));
        uint256 end = proof.length;
        (uint64 low, uint64 high) = (0, n);
        while (m != high) {
            uint64 middle = low + split(high - low);
            if (m <= middle) (proof[--end], high) = (root(leaves, middle, high), middle);
            else (proof[--end], low) = (root(leaves, low, middle), middle);
        }
        if (low != 0) proof[0] = root(leaves, low, high);
    }

    /// @dev PATH(m, D[n]).
    function place(bytes32[] memory leaves, uint64 index, uint64 n) internal pure returns (bytes32[] memory proof) {
        proof = new bytes32[](placeLength(index, n));
        uint256 end = proof.length;
        (uint64 low, uint64 high) = (0, n);
        while (high - low > 1) {
            uint64 middle = low + split(high - low);
            if (index < middle) (proof[--end], high) = (root(leaves, middle, high), middle);
            else (proof[--end], low) = (root(leaves, low, middle), middle);
        }
    }

    // ------------------------------------------------------------------ proofs without a tree

    /// @dev How many elements SUBPROOF(m, D[n], known) has.
    function growthLength(uint64 m, uint64 n, bool known) internal pure returns (uint256) {
        if (m == n) return known ? 0 : 1;
        uint64 k = split(n);
        return 1 + (m <= k ? growthLength(m, k, known) : growthLength(m - k, n - k, false));
    }

    function placeLength(uint64 index, uint64 n) internal pure returns (uint256) {
        if (n == 1) return 0;
        uint64 k = split(n);
        return 1 + (index < k ? placeLength(index, k) : placeLength(index - k, n - k));
    }

    /// @dev Both roots of the trees for which these elements are SUBPROOF(m, D[n], known); `known` is the old one's own.
    function roots(uint64 m, uint64 n, bytes32 known, bytes32[] memory proof, uint256 end)
        internal
        pure
        returns (bytes32 old, bytes32 whole)
    {
        if (m == n) return end == 0 ? (known, known) : (proof[0], proof[0]);
        uint64 k = split(n);
        bytes32 last = proof[end - 1];
        if (m <= k) {
            (old, whole) = roots(m, k, known, proof, end - 1);
            return (old, node(whole, last));
        }
        (old, whole) = roots(m - k, n - k, known, proof, end - 1);
        return (node(last, old), node(last, whole));
    }

    /// @dev The root of the tree for which these elements are PATH(index, D[n]).
    function rootOf(uint64 index, uint64 n, bytes32 leaf, bytes32[] memory proof, uint256 end)
        internal
        pure
        returns (bytes32)
    {
        if (n == 1) return leaf;
        uint64 k = split(n);
        bytes32 last = proof[end - 1];
        if (index < k) return node(rootOf(index, k, leaf, proof, end - 1), last);
        return node(last, rootOf(index - k, n - k, leaf, proof, end - 1));
    }

    // ------------------------------------------------------------------ what is no such proof

    uint256 internal constant MUTANTS = 8;

    /// @dev One of the ways to spoil a proof; of an empty one only those that add are another.
    function spoiled(bytes32[] memory proof, uint256 way, uint256 where)
        internal
        pure
        returns (bytes32[] memory other)
    {
        uint256 length = proof.length;
        if (way == 0) return new bytes32[](length == 0 ? 1 : 0);
        if (length == 0 || way == 1) return spliced(proof, length, 0, 1);
        where %= length;
        if (way == 2) return spliced(proof, where, 1, 0);
        if (way == 3) return spliced(proof, where, 0, 1);
        other = spliced(proof, 0, 0, 0);
        if (way == 4) other[where] = bytes32(uint256(other[where]) ^ (1 << 255));
        if (way == 5) other[where] = bytes32(uint256(other[where]) ^ 1);
        if (way == 6) other[where] = 0;
        if (way == 7) {
            if (length == 1) return spliced(proof, 0, 0, 1);
            uint256 next = (where + 1) % length;
            (other[where], other[next]) = (other[next], other[where]);
        }
    }

    /// @dev With some elements dropped at a place, and copies of the one there (or zeros) put in.
    function spliced(bytes32[] memory proof, uint256 where, uint256 dropped, uint256 added)
        private
        pure
        returns (bytes32[] memory other)
    {
        other = new bytes32[](proof.length - dropped + added);
        for (uint256 i = 0; i < other.length; i++) {
            if (i < where) other[i] = proof[i];
            else if (i < where + added) other[i] = where < proof.length ? proof[where] : bytes32(0);
            else other[i] = proof[i - added + dropped];
        }
    }
}
