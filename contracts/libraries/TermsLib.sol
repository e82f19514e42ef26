// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../interfaces/IEscrow.sol";

/// @title EIP-712 encoding of Terms
library TermsLib {
    bytes32 internal constant TYPE_HASH = keccak256(
        "Terms(address buyer,address seller,address arbiter,address token,uint128 price,uint128 bond,uint16 feeBps,"
        "address feeRecipient,uint128 arbiterFee,uint8 rail,uint40 openBy,uint32 deliveryWindow,uint32 reviewWindow,"
        "uint32 arbitrationWindow,uint16 defaultSellerBps,bytes32 subject,bytes32 previous,uint256 buyerNonce,"
        "uint256 sellerNonce,uint256 buyerEpoch,uint256 sellerEpoch,address voucherSigner,bytes32 bundle)"
    );

    /// @notice EIP-712 hashStruct. Every member is one static word, so the ABI encoding of the struct is its encodeData;
    /// calldata with dirty upper bits does not encode, it reverts.
    function hash(Terms calldata terms) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPE_HASH, terms));
    }
}
