// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Delivers `skew` more or less than it is told: a fee on transfer, or a gift. The receiver bears it.
contract SkewedToken is OpenToken {
    int256 private _skew;

    constructor(int256 skew) {
        _skew = skew;
    }

    /// @dev A fee may begin after the deal was funded: USDT carries such a switch.
    function reskew(int256 skew) external {
        _skew = skew;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == address(0) || to == address(0)) return; // what is minted or burnt is exact
        if (_skew < 0) _burn(to, uint256(-_skew));
        else _mint(to, uint256(_skew));
    }
}
