// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title What an arbiter contract has earned
/// @notice The escrow sends a fee to its arbiter; where the token refuses that, it keeps the fee as the arbiter's balance.
library Earnings {
    /// @notice What this contract has, in its wallet and at the escrow.
    function held(IEscrow escrow, address token) internal view returns (uint256) {
        return IERC20(token).balanceOf(address(this)) + escrow.balance(token, address(this));
    }

    /// @notice Pays `to`, first with what the escrow kept: a token that bars this contract still pays who it does not bar.
    function pay(IEscrow escrow, address token, address to, uint256 amount) internal {
        uint256 kept = Math.min(escrow.balance(token, address(this)), amount);
        if (kept != 0) escrow.withdraw(token, to, kept);
        if (kept != amount) SafeERC20.safeTransfer(IERC20(token), to, amount - kept);
    }
}
