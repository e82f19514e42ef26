// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MarkingToken} from "./MarkingToken.sol";

/// @notice Answers a transfer to a marked account with a megabyte or what it is loaded with, which whoever copies it pays
/// for: as an answer that begins with true and moves the money, or as the reason of a revert.
contract ReturnBombToken is MarkingToken {
    enum Bomb {
        ANSWER,
        REVERT
    }

    uint256 public size = 1 << 20;

    Bomb private immutable _bomb;

    constructor(Bomb bomb) {
        _bomb = bomb;
    }

    /// @dev A smaller one goes off within an allotment of gas.
    function load(uint256 bytes_) external {
        size = bytes_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        bool done = super.transfer(to, amount);
        if (marked[to]) _explode();
        return done;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        bool done = super.transferFrom(from, to, amount);
        if (marked[to]) _explode();
        return done;
    }

    /// @dev Overwrites the memory from zero: the call ends here.
    function _explode() private view {
        bool quietly = _bomb == Bomb.ANSWER;
        uint256 length = size;
        assembly {
            mstore(0, 1)
            if quietly { return(0, length) }
            revert(0, length)
        }
    }
}
