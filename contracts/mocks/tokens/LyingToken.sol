// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Moves nothing on transferFrom and adds it to the receiver's balance all the same: the difference of balances
/// before and after is exact, and there is nothing behind it. What it is asked to pay out, it refuses for want of money.
contract LyingToken is OpenToken {
    mapping(address account => uint256) private _invented;

    /// @dev A balance that was never paid in, to be read only.
    function invent(address account, uint256 amount) external {
        _invented[account] = amount;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) + _invented[account];
    }

    function transferFrom(address, address to, uint256 amount) public override returns (bool) {
        _invented[to] += amount;
        return true;
    }
}
