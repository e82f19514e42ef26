// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Complaint, Sealed} from "../../../contracts/interfaces/IExchangeArbiter.sol";

/// @notice What the buyer of an exchange deal holds before it signs.
struct Parcel {
    Sealed goods;
    bytes32[] leaves;
    bytes[] chunks;
}

/// @notice The seller's and the buyer's side of an exchange, written from the rules and without the contract's library.
library Sealer {
    function seal(bytes memory data, bytes32 key, uint32 chunkSize) internal pure returns (Parcel memory parcel) {
        uint256 count = (data.length + chunkSize - 1) / chunkSize;
        (parcel.leaves, parcel.chunks) = (new bytes32[](count), new bytes[](count));
        for (uint256 i = 0; i < count; i++) {
            uint256 end = (i + 1) * chunkSize;
            bytes memory chunk = slice(data, i * chunkSize, end < data.length ? end : data.length);
            parcel.leaves[i] = leafHash(chunk);
            parcel.chunks[i] = crypt(chunk, key, i);
        }
        bytes32 keyHash = keccak256(abi.encode(key));
        parcel.goods = Sealed(root(parcel.leaves), root(hashes(parcel.chunks)), keyHash, uint40(data.length), chunkSize);
    }

    /// @notice The same parcel of a seller that encrypted another chunk than the one it promised.
    function spoil(Parcel memory parcel, uint256 index, uint256 bit) internal pure {
        bytes memory chunk = parcel.chunks[index];
        uint256 place = bit / 8 % chunk.length;
        chunk[place] ^= bytes1(uint8(1 << bit % 8));
        parcel.goods.ciphertextRoot = root(hashes(parcel.chunks));
    }

    function complaint(Parcel memory parcel, bytes32 key, uint256 index) internal pure returns (Complaint memory) {
        return Complaint(
            key,
            index,
            parcel.chunks[index],
            proof(hashes(parcel.chunks), index),
            parcel.leaves[index],
            proof(parcel.leaves, index)
        );
    }

    function goodsHash(Sealed memory goods) internal pure returns (bytes32) {
        bytes32 typeHash = keccak256(
            "Sealed(bytes32 plaintextRoot,bytes32 ciphertextRoot,bytes32 keyHash,uint40 length,uint32 chunkSize)"
        );
        return keccak256(abi.encode(typeHash, goods));
    }

    function crypt(bytes memory chunk, bytes32 key, uint256 index) internal pure returns (bytes memory mixed) {
        mixed = new bytes(chunk.length);
        bytes32 stream;
        for (uint256 i = 0; i < chunk.length; i++) {
            if (i % 32 == 0) stream = keccak256(abi.encodePacked(key, uint128(index), uint128(i / 32)));
            mixed[i] = chunk[i] ^ stream[i % 32];
        }
    }

    function leafHash(bytes memory chunk) internal pure returns (bytes32) {
        return keccak256(bytes.concat(hex"00", chunk));
    }

    function hashes(bytes[] memory chunks) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](chunks.length);
        for (uint256 i = 0; i < chunks.length; i++) {
            leaves[i] = leafHash(chunks[i]);
        }
    }

    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32[] memory level = padded(leaves);
        while (level.length > 1) level = above(level);
        return level[0];
    }

    function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory siblings) {
        bytes32[] memory level = padded(leaves);
        uint256 depth = 0;
        while (1 << depth < level.length) depth++;
        siblings = new bytes32[](depth);
        for (uint256 i = 0; i < depth; i++) {
            siblings[i] = level[(index >> i) ^ 1];
            level = above(level);
        }
    }

    function padded(bytes32[] memory leaves) private pure returns (bytes32[] memory all) {
        uint256 width = 1;
        while (width < leaves.length) width *= 2;
        all = new bytes32[](width);
        for (uint256 i = 0; i < leaves.length; i++) {
            all[i] = leaves[i];
        }
    }

    function above(bytes32[] memory level) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[](level.length / 2);
        for (uint256 i = 0; i < parents.length; i++) {
            parents[i] = keccak256(abi.encodePacked(hex"01", level[2 * i], level[2 * i + 1]));
        }
    }

    function slice(bytes memory data, uint256 from, uint256 to) private pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; i++) {
            part[i - from] = data[i];
        }
    }
}
