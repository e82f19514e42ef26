// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Keeps a list of accounts that its heirs treat badly.
abstract contract MarkingToken is OpenToken {
    mapping(address account => bool) public marked;

    function mark(address account, bool on) external {
        marked[account] = on;
    }
}
