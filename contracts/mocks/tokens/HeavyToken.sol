// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Writes a dozen new words with each move, as a token that keeps checkpoints might: some 270,000 gas.
contract HeavyToken is OpenToken {
    uint256[] private _checkpoints;

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        for (uint256 i = 0; i < 12; i++) {
            _checkpoints.push(amount + 1);
        }
    }
}
