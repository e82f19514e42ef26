// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {VM} from "../Cheats.sol";

/// @notice A transfer by the calling test that must succeed.
function pay(address token, address to, uint256 amount) {
    VM.assertTrue(IERC20(token).transfer(to, amount));
}

/// @notice A transfer by the calling test that must revert with `reason`.
function payReverts(address token, address to, uint256 amount, bytes memory reason) {
    (bool done, bytes memory answer) = token.call(abi.encodeCall(IERC20.transfer, (to, amount)));
    VM.assertFalse(done);
    VM.assertEq(answer, reason);
}
