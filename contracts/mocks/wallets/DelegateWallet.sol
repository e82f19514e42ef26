// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @notice Code for an EIP-7702 account: it accepts what the account's own key signed, so that its owner may sign as
/// before. It holds nothing: every account that delegates to it has its own answer.
contract DelegateWallet is IERC1271 {
    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (address recovered,,) = ECDSA.tryRecoverCalldata(digest, signature);
        return recovered == address(this) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
