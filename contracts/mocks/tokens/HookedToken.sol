// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice What an account that asked for it hears of a movement of money (after ERC-777).
interface ITokenHooks {
    /// @notice Before the money leaves.
    function tokensToSend(address from, address to, uint256 amount) external;

    /// @notice After the money came.
    function tokensReceived(address from, address to, uint256 amount) external;
}

/// @notice Calls the sender before and the receiver after it moves money, if they asked. Unlike ReentrantToken, it hands
/// control to a party of the deal, and a revert of theirs stops the movement.
contract HookedToken is OpenToken {
    mapping(address account => bool) private _hooked;

    /// @dev Instead of the ERC-1820 registry: the account says so itself.
    function hook(bool on) external {
        _hooked[msg.sender] = on;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_hooked[from]) ITokenHooks(from).tokensToSend(from, to, amount);
        super._update(from, to, amount);
        if (_hooked[to]) ITokenHooks(to).tokensReceived(from, to, amount);
    }
}
