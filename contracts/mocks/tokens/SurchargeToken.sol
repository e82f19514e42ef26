// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Delivers what it is told, and takes `surcharge` on top from the sender: a payout costs its holder more than
/// the amount, which nothing that looks at the receiver can see.
contract SurchargeToken is OpenToken {
    uint256 private _surcharge;

    function charge(uint256 surcharge) external {
        _surcharge = surcharge;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) _burn(from, _surcharge);
    }
}
