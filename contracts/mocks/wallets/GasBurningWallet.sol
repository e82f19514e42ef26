// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Burns all the gas it is given when it is asked for its signature (ERC-1271).
contract GasBurningWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        assembly ("memory-safe") {
            invalid()
        }
    }
}
