// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "./IEscrow.sol";
import {Terms} from "./Types.sol";

/// @notice What an exchange deal sells, and what its seller encrypted it into; its struct hash is `Terms.goods`. Trees and
/// cipher are those of contracts/arbiters/Sealing.sol.
struct Sealed {
    bytes32 plaintextRoot; // of the tree over the chunks that are sold
    bytes32 ciphertextRoot; // of the tree over the same chunks, encrypted
    bytes32 keyHash; // keccak256 of the key
    uint40 length; // of the data, in bytes
    uint32 chunkSize; // in bytes; the last chunk may be shorter
}

/// @notice One wrong chunk. Each proof is the siblings of its leaf, from the leaf up.
struct Complaint {
    bytes32 key; // as it was revealed
    uint256 index; // of the chunk, from zero
    bytes chunk; // encrypted, as the seller sent it
    bytes32[] chunkProof; // that it is in ciphertextRoot at that index
    bytes32 leaf; // the leaf hash that plaintextRoot has at that index
    bytes32[] leafProof; // that it has
}

/// @title Data against money without trust in anybody
/// @notice After FairSwap (Dziembowski, Eckey, Faust, CCS 2018). The buyer opens a deal of the exchange rail, with this
/// contract as its arbiter, once it holds the ciphertext and the plaintext's leaf hashes and has checked both. The seller
/// reveals the key here and is paid if the review window passes in silence; one proof of one wrong chunk pays price
/// and bond to the buyer. No key within the delivery window: the buyer takes a refund at the escrow.
/// WARNING to buyers: what you did not check before you signed cannot be complained of. The checks are in docs/arbiters.md.
/// WARNING to sellers: a key is public from the moment its transaction is sent. Reveal only when the opening is final and
/// there is time left, and never use a key for two deals: whoever has both ciphertexts has both data.
interface IExchangeArbiter {
    /// @notice The key of a deal's ciphertext.
    event Revealed(bytes32 indexed deal, bytes32 key);

    /// @notice The key is not the one that the seller committed to.
    error WrongKey(bytes32 required, bytes32 given);

    /// @notice Nothing, or in chunks of nothing or of more than fits a transaction: no chunk of it could be complained of.
    error WrongChunks(uint40 length, uint32 chunkSize, uint32 most);

    /// @notice The data has no such chunk.
    error IndexTooHigh(uint256 index, uint256 most);

    /// @notice The chunk at that index has another length.
    error WrongLength(uint256 given, uint256 required);

    /// @notice A proof has one sibling a level of the tree.
    error WrongDepth(uint256 given, uint256 required);

    /// @notice The proof leads to another root than the one that both signed.
    error WrongRoot(bytes32 signed, bytes32 given);

    /// @notice The chunk decrypts to what was promised.
    error ChunkRight(uint256 index, bytes32 leaf);

    /// @notice Delivers the key and bills the price. Anyone may hand it in: who knows the key before it is public is the
    /// seller or has it from the seller, who then needs no gas.
    function reveal(Terms calldata terms, Sealed calldata goods, bytes32 key) external;

    /// @notice Pays the bond and whatever the buyer has not released to the buyer, inside the review window. Anyone may
    /// call: the proof decides and not who brings it, so a buyer can leave it to a watcher.
    function complain(Terms calldata terms, Sealed calldata goods, Complaint calldata complaint) external;

    /// @notice The escrow at which this contract is an arbiter.
    function escrow() external view returns (IEscrow);
}
