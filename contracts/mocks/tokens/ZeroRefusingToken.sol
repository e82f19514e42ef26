// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Reverts on a movement of nothing: a zero bond, fee or share must not be sent at all.
contract ZeroRefusingToken is OpenToken {
    error ZeroAmount();

    function _update(address from, address to, uint256 amount) internal override {
        if (amount == 0) revert ZeroAmount();
        super._update(from, to, amount);
    }
}
