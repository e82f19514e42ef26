// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credits, Own, Terms} from "../interfaces/Types.sol";

/// @title EIP-712 encoding of what is signed
/// @dev Every member is one static word, so that calldata is encodeData. It is copied without a look at dirty upper bits:
/// they make another digest, and reading such a field reverts.
library TermsLib {
    bytes32 internal constant TYPE_HASH = keccak256(
        "Terms(address buyer,address seller,address token,uint104 price,uint16 feeBps,address feeRecipient,uint8 rail,"
        "uint40 openBy,bytes32 subject,bytes32 previous,uint256 buyerNonce,uint256 sellerNonce,uint256 buyerEpoch,"
        "uint256 sellerEpoch,uint104 bond,uint32 deliveryWindow,uint32 reviewWindow,uint32 noticeWindow,"
        "address voucherSigner,address arbiter,uint104 arbiterFee,uint32 arbitrationWindow,uint16 defaultSellerBps,"
        "bytes32 goods,bytes32 bundle)"
    );
    bytes32 internal constant CREDITS_TYPE_HASH =
        keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
    bytes32 internal constant VOUCHER_TYPE_HASH = keccak256("Voucher(bytes32 deal,uint104 amount)");
    bytes32 internal constant SETTLEMENT_TYPE_HASH =
        keccak256("Settlement(bytes32 deal,uint104 charge,uint104 bondToSeller,uint40 validBefore)");
    bytes32 internal constant BULK_TYPE_HASH = keccak256("Bulk(bytes32 root)");

    // Places in Terms, from zero.
    uint8 internal constant BUYER = 0;
    uint8 internal constant SUBJECT = 8; // the first of the four that a deal of a series has of its own
    uint8 internal constant BUYER_NONCE = 10;
    uint8 internal constant BUYER_EPOCH = 12;
    uint8 internal constant BOND = 14; // the first that a rail may have no use for
    uint8 internal constant DELIVERY_WINDOW = 15;
    uint8 internal constant REVIEW_WINDOW = 16;
    uint8 internal constant NOTICE_WINDOW = 17;
    uint8 internal constant VOUCHER_SIGNER = 18;
    uint8 internal constant ARBITER = 19;
    uint8 internal constant ARBITER_FEE = 20;
    uint8 internal constant ARBITRATION_WINDOW = 21;
    uint8 internal constant DEFAULT_SELLER_BPS = 22;
    uint8 internal constant GOODS = 23;
    uint8 internal constant BUNDLE = 24;
    uint256 private constant LENGTH = 25;
    uint256 private constant OWN = 4;

    function hash(Terms calldata terms) internal pure returns (bytes32) {
        return _hashWithout(terms, 0);
    }

    /// @notice What the seller of an open offer signs: the terms without a buyer, its nonce and its epoch.
    function hashOpen(Terms calldata terms) internal pure returns (bytes32) {
        return _hashWithout(terms, 1 << BUYER | 1 << BUYER_NONCE | 1 << BUYER_EPOCH);
    }

    /// @notice A member of a bundle: the terms before they could name the bundle.
    function hashMember(Terms calldata terms) internal pure returns (bytes32) {
        return _hashWithout(terms, 1 << BUNDLE);
    }

    /// @notice The terms of each deal of a series: the same but for the four words that it has of its own.
    function hashSeries(Terms calldata terms, Own[] calldata owns) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](owns.length);
        bytes32 typeHash = TYPE_HASH;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typeHash)
            let first := add(data, 0x20)
            calldatacopy(first, terms, mul(LENGTH, 0x20))
            let own := owns.offset
            let end := add(own, mul(owns.length, mul(OWN, 0x20)))
            for { let result := add(hashes, 0x20) } lt(own, end) { result := add(result, 0x20) } {
                calldatacopy(add(first, mul(SUBJECT, 0x20)), own, mul(OWN, 0x20))
                mstore(result, keccak256(data, mul(add(LENGTH, 1), 0x20)))
                own := add(own, mul(OWN, 0x20))
            }
        }
    }

    function hashVoucher(bytes32 deal, uint104 amount) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOUCHER_TYPE_HASH, deal, amount));
    }

    function hashSettlement(bytes32 deal, uint104 charge, uint104 bondToSeller, uint40 validBefore)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(SETTLEMENT_TYPE_HASH, deal, charge, bondToSeller, validBefore));
    }

    function hash(Credits calldata credits) internal pure returns (bytes32) {
        return keccak256(abi.encode(CREDITS_TYPE_HASH, credits));
    }

    /// @notice The word at a place of the terms, whatever its type.
    function word(Terms calldata terms, uint256 place) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(terms, shl(5, place)))
        }
    }

    /// @notice Which places from BOND on are not zero, one bit a place.
    function present(Terms calldata terms) internal pure returns (uint256 bits) {
        assembly ("memory-safe") {
            function bit(at, place) -> one {
                one := shl(place, lt(0, calldataload(add(at, shl(5, place)))))
            }
            bits := or(or(bit(terms, 14), or(bit(terms, 15), bit(terms, 16))), or(bit(terms, 17), bit(terms, 18)))
            bits := or(
                bits,
                or(
                    or(bit(terms, 19), bit(terms, 20)),
                    or(bit(terms, 21), or(bit(terms, 22), or(bit(terms, 23), bit(terms, 24))))
                )
            )
        }
    }

    /// @dev hashStruct with the places in the mask taken as zero.
    function _hashWithout(Terms calldata terms, uint256 mask) private pure returns (bytes32 result) {
        bytes32 typeHash = TYPE_HASH;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typeHash)
            let first := add(data, 0x20)
            calldatacopy(first, terms, mul(LENGTH, 0x20))
            for { let place := 0 } mask { place := add(place, 1) } {
                if and(mask, 1) { mstore(add(first, shl(5, place)), 0) }
                mask := shr(1, mask)
            }
            result := keccak256(data, mul(add(LENGTH, 1), 0x20))
        }
    }
}
