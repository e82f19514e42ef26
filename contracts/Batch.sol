// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "./interfaces/IEscrow.sol";
import {Opening, Terms} from "./interfaces/Types.sol";

/// @title Many openings or redemptions in one transaction
/// @notice A bad member is skipped and reported with the escrow's own reason; it can neither stop the others nor take
/// their gas. Holds nothing, may do nothing that anyone could not do at the escrow.
contract Batch {
    struct Redemption {
        Terms terms;
        uint104 amount;
        bytes voucher;
    }

    /// @notice The member at `index` was skipped for `reason`: the error's data, its first 256 bytes at most.
    event Skipped(uint256 index, bytes reason);

    /// @notice The members from `index` on were not tried: too little gas was left to give one its whole allotment.
    event Stopped(uint256 index, uint256 left, uint256 needed);

    uint256 private constant REASON = 256;
    uint256 private constant CALL_GAS = 5_000; // a call's own price: it comes out of what is left as well

    IEscrow public immutable escrow;

    constructor(IEscrow escrow_) {
        escrow = escrow_;
    }

    /// @param gasEach what one member may use; an opening takes about 120,000, more where a wallet is asked
    /// @return done how many were opened
    function openBatch(Opening[] calldata openings, uint256 gasEach) external returns (uint256 done) {
        for (uint256 i = 0; i < openings.length; i++) {
            bytes memory data = abi.encodeCall(IEscrow.open, (openings[i]));
            if (!_enough(i, gasEach)) break;
            if (_try(i, data, gasEach)) done++;
        }
    }

    /// @param gasEach what one member may use; a redemption takes about 70,000, and has to leave the escrow 208,254
    /// before each transfer, whose receiver may burn 200,000
    /// @return done how many were redeemed
    function redeemBatch(Redemption[] calldata redemptions, uint256 gasEach) external returns (uint256 done) {
        for (uint256 i = 0; i < redemptions.length; i++) {
            Redemption calldata one = redemptions[i];
            bytes memory data = abi.encodeCall(IEscrow.redeem, (one.terms, one.amount, one.voucher));
            if (!_enough(i, gasEach)) break;
            if (_try(i, data, gasEach)) done++;
        }
    }

    /// @dev Of the gas that is left, a call gets 63/64 (EIP-150): with less than its allotment a good member could fail.
    function _enough(uint256 index, uint256 gasEach) private returns (bool) {
        uint256 left = gasleft() * 63 / 64;
        if (left >= gasEach + CALL_GAS) return true;
        emit Stopped(index, left, gasEach);
        return false;
    }

    function _try(uint256 index, bytes memory data, uint256 gasEach) private returns (bool done) {
        address target = address(escrow);
        bytes memory reason;
        assembly ("memory-safe") {
            done := call(gasEach, target, 0, add(data, 0x20), mload(data), 0, 0)
            if iszero(done) {
                let size := returndatasize()
                if gt(size, REASON) { size := REASON }
                reason := mload(0x40)
                mstore(0x40, add(add(reason, 0x20), and(add(size, 0x1f), not(0x1f))))
                mstore(reason, size)
                returndatacopy(add(reason, 0x20), 0, size)
            }
        }
        if (!done) emit Skipped(index, reason);
        // The next member takes the same memory: a hundred in a row would pay for its square.
        assembly ("memory-safe") {
            mstore(0x40, data)
        }
    }
}
