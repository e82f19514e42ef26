// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The cheatcodes that only foreign parts need: linking, code of other compilers, delegation (EIP-7702).
interface ForeignVm {
    function parseBytes(string calldata text) external pure returns (bytes memory);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function replace(string calldata text, string calldata from, string calldata to)
        external
        pure
        returns (string memory);
    function signAndAttachDelegation(address implementation, uint256 privateKey) external;
    function toString(address value) external pure returns (string memory);
}

ForeignVm constant FOREIGN_VM = ForeignVm(address(uint160(uint256(keccak256("hevm cheat code")))));

error NotCreated(string part);

/// @notice Creates a contract from bytes that our compiler did not make.
/// @param part What the error calls it.
function createForeign(string memory part, bytes memory creationCode) returns (address created) {
    assembly ("memory-safe") {
        created := create(0, add(creationCode, 0x20), mload(creationCode))
    }
    if (created == address(0)) revert NotCreated(part);
}
