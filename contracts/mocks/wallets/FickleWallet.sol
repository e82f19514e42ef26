// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice An ERC-1271 wallet that accepts every signature or none, and changes its mind when it is told.
contract FickleWallet is IERC1271 {
    bool private _accepts = true;

    function decide(bool accepts) external {
        _accepts = accepts;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return _accepts ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
