// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MarkingToken} from "./MarkingToken.sol";

/// @notice Burns all the gas it is given when money goes to a marked account.
contract GasBurningToken is MarkingToken {
    function _update(address from, address to, uint256 amount) internal override {
        if (marked[to]) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        super._update(from, to, amount);
    }
}
