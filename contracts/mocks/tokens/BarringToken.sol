// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpenToken} from "./OpenToken.sol";

/// @notice Moves nothing from or to barred accounts: by a revert, as USDC's blacklist, or by answering false.
contract BarringToken is OpenToken {
    enum Refusal {
        REVERT,
        FALSE
    }

    error Barred(address account);

    Refusal private immutable _refusal;
    mapping(address account => bool) private _barred;

    constructor(Refusal refusal) {
        _refusal = refusal;
    }

    function bar(address account, bool barred) external {
        _barred[account] = barred;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !_refuses(msg.sender) && !_refuses(to) && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !_refuses(from) && !_refuses(to) && super.transferFrom(from, to, amount);
    }

    function _refuses(address account) private view returns (bool) {
        if (_barred[account] && _refusal == Refusal.REVERT) revert Barred(account);
        return _barred[account];
    }
}
