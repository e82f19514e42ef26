// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Takes any call that it does not know in silence, as WETH9 does: a permit or an authorisation succeeds and does
/// nothing.
contract PhantomToken is OpenToken {
    fallback() external {}
}
