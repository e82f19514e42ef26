// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {Terms} from "../interfaces/Types.sol";
import {TermsLib} from "./TermsLib.sol";

/// @title Did this party sign these terms?
/// @notice A signature is over the terms' digest, or it ends with a proof:
///
///     signature ‖ sibling 1 ‖ … ‖ sibling n ‖ tail        (a tail is TAG, 8 bytes open, 8 bytes n)
///
/// With open = 1 the seller signed the terms without a buyer. With n > 0 it signed Bulk(bytes32 root), the root of a tree
/// over the struct hashes of many terms; a node is keccak256 of its children in ascending order. A leaf's preimage has 832
/// bytes and a node's 64, so that no node passes for a leaf.
library Consent {
    using TermsLib for Terms;

    bytes16 internal constant TAG = bytes16(keccak256("Parley.Consent"));
    uint256 private constant WORD = 32;

    /// @notice Reverts unless `signer` signed the terms, alone or with others.
    /// @param leaf hashStruct of the terms
    /// @param unnamed whether the terms may have been signed without a buyer
    function check(
        Terms calldata terms,
        address signer,
        bytes32 domain,
        bytes32 leaf,
        bytes calldata signature,
        bool unnamed
    ) internal view {
        if (signature.length >= WORD) {
            bytes calldata tail = signature[signature.length - WORD:];
            if (bytes16(tail) == TAG) {
                uint256 shape = uint128(uint256(bytes32(tail)));
                uint256 count = uint64(shape);
                if (unnamed && shape >> 64 == 1) leaf = terms.hashOpen();
                // A count beyond the signature underflows and reverts.
                uint256 end = signature.length - WORD - count * WORD;
                leaf = _root(leaf, signature[end:end + count * WORD], count);
                signature = signature[:end];
            }
        }
        checkDigest(signer, MessageHashUtils.toTypedDataHash(domain, leaf), signature);
    }

    /// @notice ECDSA first: an EIP-7702 account has code and still signs with its key.
    function checkDigest(address signer, bytes32 signedDigest, bytes calldata signature) internal view {
        (uint8 v, bytes32 r, bytes32 s) = ECDSA.parseCalldata(signature);
        // A malformed signature recovers zero, which is no party, whatever is wrong with it.
        // slither-disable-next-line unused-return
        (address recovered,,) = ECDSA.tryRecover(signedDigest, v, r, s);
        if (recovered == signer) return;
        // No look at the signer's code: an account without any answers nothing, and nothing is a refusal.
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(signer, signedDigest, signature)) {
            revert IEscrow.WrongSigner(signer, recovered);
        }
    }

    /// @notice hashStruct of Bulk over leaves that are all at hand, in their place. Neighbours pair, an odd last one goes
    /// up as it is: the tree whose proofs `check` takes.
    function bulk(bytes32[] memory nodes) internal pure returns (bytes32) {
        for (uint256 width = nodes.length; width > 1; width = (width + 1) / 2) {
            for (uint256 i = 0; i < width; i += 2) {
                nodes[i / 2] = i + 1 < width ? Hashes.commutativeKeccak256(nodes[i], nodes[i + 1]) : nodes[i];
            }
        }
        return keccak256(abi.encode(TermsLib.BULK_TYPE_HASH, nodes[0]));
    }

    function _root(bytes32 leaf, bytes calldata siblings, uint256 count) private pure returns (bytes32) {
        if (count == 0) return leaf;
        bytes32[] calldata proof;
        assembly ("memory-safe") {
            proof.offset := siblings.offset
            proof.length := count
        }
        return keccak256(abi.encode(TermsLib.BULK_TYPE_HASH, MerkleProof.processProofCalldata(proof, leaf)));
    }
}
