// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";

/// @title What an arbiter contract has earned
/// @notice The escrow sends a fee to its arbiter; where the token refuses that, it keeps the fee as the arbiter's balance. The
/// two are accounted for apart: a token that bars this contract keeps back what is in its wallet and nothing else.
library Earnings {
    /// @param kept what the escrow kept, else what is in the wallet
    function held(IEscrow escrow, address token, bool kept) internal view returns (uint256) {
        return kept ? escrow.balance(token, address(this)) : IERC20(token).balanceOf(address(this));
    }

    function pay(IEscrow escrow, address token, address to, uint256 amount, bool kept) internal {
        if (kept) escrow.withdraw(token, to, amount);
        else SafeERC20.safeTransfer(IERC20(token), to, amount);
    }
}
