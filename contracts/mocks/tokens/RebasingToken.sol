// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Every balance changes at once when `scale` does, with no transfer and no event. The escrow does not support
/// such tokens: it owes fixed amounts, and has no way to see that it holds less.
contract RebasingToken is OpenToken {
    uint256 private constant WHOLE = 1e18;

    uint256 private _scale = WHOLE;

    /// @param scale What a unit minted at the beginning is worth now, in 1e-18 units.
    function rebase(uint256 scale) external {
        _scale = scale;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * _scale / WHOLE;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount * WHOLE / _scale);
    }
}
