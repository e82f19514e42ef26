// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {Complaint, IExchangeArbiter, Sealed} from "../interfaces/IExchangeArbiter.sol";
import {Terms} from "../interfaces/Types.sol";
import {Sealing} from "./Sealing.sol";

/// @title ExchangeArbiter
/// @notice See IExchangeArbiter, which holds the contract with the reader. Stores nothing: what both signed, what the seller
/// sent and what the escrow knows come with each call.
contract ExchangeArbiter is IExchangeArbiter {
    using Sealing for Sealed;

    /// @dev As many bytes as a complaint can carry in one transaction, at the calldata prices of EIP-7623.
    uint32 private constant MOST_CHUNK = 32_768;

    /// @inheritdoc IExchangeArbiter
    IEscrow public immutable escrow;

    constructor(IEscrow escrow_) {
        escrow = escrow_;
    }

    // No check of rail, arbiter, state or time: the escrow takes a delivery or a ruling from this contract only where the
    // deal names it as arbiter, and only the exchange rail has both goods and an arbiter.

    /// @inheritdoc IExchangeArbiter
    function reveal(Terms calldata terms, Sealed calldata goods, bytes32 key) external {
        _check(terms, goods, key);
        (uint40 length, uint32 size) = (goods.length, goods.chunkSize);
        if (length == 0 || size == 0 || size > MOST_CHUNK) revert WrongChunks(length, size, MOST_CHUNK);
        emit Revealed(escrow.digest(terms), key);
        escrow.deliver(terms, keccak256(abi.encode(terms.goods, key)), terms.price);
    }

    /// @inheritdoc IExchangeArbiter
    function complain(Terms calldata terms, Sealed calldata goods, Complaint calldata complaint) external {
        _check(terms, goods, complaint.key);
        goods.checkWrong(complaint);
        escrow.resolve(terms, 0, 0);
    }

    function _check(Terms calldata terms, Sealed calldata goods, bytes32 key) private pure {
        bytes32 given = goods.hash();
        if (given != terms.goods) revert IEscrow.WrongGoods(terms.goods, given);
        bytes32 keyHash = keccak256(abi.encode(key));
        if (keyHash != goods.keyHash) revert WrongKey(goods.keyHash, keyHash);
    }
}
