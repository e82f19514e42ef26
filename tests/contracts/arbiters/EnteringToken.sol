// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BarringToken} from "../../../contracts/mocks/tokens/BarringToken.sol";

/// @notice Makes one prepared call in front of each transfer.
contract EnteringToken is BarringToken {
    address private _target;
    bytes private _attack;
    bytes public answer;

    constructor() BarringToken(Refusal.REVERT) {}

    function prepare(address target, bytes calldata attack) external {
        (_target, _attack) = (target, attack);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_target != address(0)) (, answer) = _target.call(_attack);
        super._update(from, to, amount);
    }
}
