// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Makes one prepared call from inside every movement of money, and keeps what came back.
contract ReentrantToken is OpenToken {
    address private _target;
    bytes private _attack;
    bytes public answer;

    function prepare(address target, bytes calldata attack) external {
        _target = target;
        _attack = attack;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target != address(0)) (, answer) = _target.call(_attack);
    }
}
