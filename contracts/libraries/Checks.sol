// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {State} from "../interfaces/Types.sol";

// Who may call, in which state, before and from when: an operation begins with these.

function isOpen(State state) pure returns (bool) {
    return state != State.NONE && state <= State.DISPUTED;
}

function checkOpen(State actual) pure {
    if (!isOpen(actual)) revert IEscrow.WrongState(uint8(actual), uint8(State.FUNDED));
}

function checkState(State actual, State required) pure {
    if (actual != required) revert IEscrow.WrongState(uint8(actual), uint8(required));
}

function checkCaller(address required) view {
    if (msg.sender != required) revert IEscrow.WrongCaller(msg.sender, required);
}

/// @dev When a window that began at `since` is over: 32 and 32 bits cannot overflow 256.
function ends(uint32 since, uint32 window) pure returns (uint256) {
    unchecked {
        return uint256(since) + window;
    }
}

function checkBefore(uint256 deadline) view {
    if (block.timestamp >= deadline) revert IEscrow.TooLate(deadline, block.timestamp);
}

function checkFrom(uint256 notBefore) view {
    if (block.timestamp < notBefore) revert IEscrow.TooEarly(notBefore, block.timestamp);
}
