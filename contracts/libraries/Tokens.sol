// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {IAccounts} from "../interfaces/IAccounts.sol";
import {Credits} from "../interfaces/Types.sol";

/// @title Moving tokens without believing them
/// @dev A move is what the receiver's balance says before and after, to the unit. Tokens that return nothing pass, those
/// that return false do not. Of what a token returns, one word is read: it cannot make its caller pay for more memory.
library Tokens {
    /// @dev What a token may use to pay out. USDC behind its proxy takes 45,000; a receiver's hook that burns it all
    /// delays nobody beyond this.
    uint256 internal constant PUSH_GAS = 200_000;
    uint256 private constant CALL_GAS = 5_000;

    /// @notice Moves allowance of `from` to `to`, exactly, or reverts by name.
    function move(address token, address from, address to, uint256 amount) internal {
        if (amount == 0 || from == to) return;
        uint256 before = IERC20(token).balanceOf(to);
        if (!_call(token, gasleft(), abi.encodeCall(IERC20.transferFrom, (from, to, amount)))) {
            checkFunds(token, from, amount);
            revert IAccounts.PullRefused(token, from, amount);
        }
        checkReceived(token, IERC20(token).balanceOf(to), before, amount);
    }

    /// @notice Moves credits of an ERC-20 or ERC-1155 contract, exactly, or reverts.
    function moveCredits(Credits calldata credits, address from, address to) internal {
        if (!credits.multi) {
            return move(credits.token, from, to, credits.amount);
        }
        IERC1155 token = IERC1155(credits.token);
        uint256 before = token.balanceOf(to, credits.id);
        token.safeTransferFrom(from, to, credits.id, credits.amount, "");
        checkReceived(credits.token, token.balanceOf(to, credits.id), before, credits.amount);
    }

    /// @notice Pays out of this contract; false where the token or the receiver refuses.
    /// @param gasLimit what the token may use: PUSH_GAS where others wait behind the payment, else all there is
    function push(address token, address to, uint256 amount, uint256 gasLimit) internal returns (bool) {
        // Of the gas that is left, a call gets 63/64 (EIP-150), after its own price. Without this check, who calls with
        // too little could turn a payment into a credit.
        uint256 left = gasleft() * 63 / 64;
        if (left < PUSH_GAS + CALL_GAS) revert IAccounts.GasShort(left, PUSH_GAS + CALL_GAS);
        return _call(token, gasLimit, abi.encodeCall(IERC20.transfer, (to, amount)));
    }

    function checkReceived(address token, uint256 held, uint256 before, uint256 amount) internal pure {
        // A balance that shrank underflows and reverts.
        if (held - before != amount) revert IAccounts.PullShort(token, amount, held - before);
    }

    /// @notice Whether `account` holds and has approved so much. Only so that a refusal has a name and its figures: who
    /// moves money trusts none of these answers.
    function checkFunds(address token, address account, uint256 amount) internal view {
        uint256 held = IERC20(token).balanceOf(account);
        if (held < amount) revert IAccounts.FundsShort(account, held, amount);
        uint256 allowed = IERC20(token).allowance(account, address(this));
        if (allowed < amount) revert IAccounts.AllowanceShort(account, allowed, amount);
    }

    function _call(address token, uint256 gasLimit, bytes memory data) private returns (bool done) {
        assembly ("memory-safe") {
            mstore(0, 0)
            done := call(gasLimit, token, 0, add(data, 0x20), mload(data), 0, 0x20)
            // True, or nothing at all from something that is a contract.
            let said := and(gt(returndatasize(), 0x1f), eq(mload(0), 1))
            let silent := and(iszero(returndatasize()), gt(extcodesize(token), 0))
            done := and(done, or(said, silent))
        }
    }
}
