// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Thirty-six decimals: amounts near the top of the escrow's range are still less than one whole token.
contract FineToken is OpenToken {
    function decimals() public pure override returns (uint8) {
        return 36;
    }
}
