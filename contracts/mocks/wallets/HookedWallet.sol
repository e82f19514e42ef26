// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";
import {HookedToken, ITokenHooks} from "../tokens/HookedToken.sol";
import {SmartWallet} from "../SmartWallet.sol";

/// @notice A party with code that is called when money or items come and go. It accepts, refuses, burns the gas, or makes
/// one prepared call and keeps what came back.
contract HookedWallet is SmartWallet, ERC1155Holder, ITokenHooks {
    enum Mood {
        ACCEPT,
        REFUSE,
        BURN,
        ATTACK
    }

    error Refused();

    Mood private _mood;
    address private _target;
    bytes private _attack;
    bytes public answer;
    uint256 public hooks;

    constructor(address signer) SmartWallet(signer) {}

    /// @dev Asks `token` to call this wallet.
    function listen(HookedToken token) external {
        token.hook(true);
    }

    function turn(Mood mood) external {
        _mood = mood;
    }

    function prepare(address target, bytes calldata attack) external {
        _mood = Mood.ATTACK;
        _target = target;
        _attack = attack;
    }

    /// @inheritdoc ITokenHooks
    function tokensToSend(address, address, uint256) external {
        _react();
    }

    /// @inheritdoc ITokenHooks
    function tokensReceived(address, address, uint256) external {
        _react();
    }

    function onERC1155Received(address operator, address from, uint256 id, uint256 amount, bytes memory data)
        public
        override
        returns (bytes4)
    {
        _react();
        return super.onERC1155Received(operator, from, id, amount, data);
    }

    function _react() private {
        hooks++;
        if (_mood == Mood.REFUSE) revert Refused();
        if (_mood == Mood.BURN) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (_mood == Mood.ATTACK) (, answer) = _target.call(_attack);
    }
}
