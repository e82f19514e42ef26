// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice An ERC-20 that anyone may mint; the others differ from it in one way each.
contract OpenToken is ERC20 {
    constructor() ERC20("Open", "OPEN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// @notice Delivers `skew` more or less than it is told on transferFrom: a fee on transfer, or a gift.
contract SkewedToken is OpenToken {
    int256 private immutable _skew;

    constructor(int256 skew) {
        _skew = skew;
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        bool done = super.transferFrom(from, to, amount);
        if (_skew < 0) _burn(to, uint256(-_skew));
        else _mint(to, uint256(_skew));
        return done;
    }
}

/// @notice Answers nothing at all when it moves money, as USDT does.
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Refuses to pay barred accounts: by a revert, as USDC's blacklist, or by answering false.
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
        return !_refuses(to) && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !_refuses(from) && super.transferFrom(from, to, amount);
    }

    function _refuses(address account) private view returns (bool) {
        if (_barred[account] && _refusal == Refusal.REVERT) revert Barred(account);
        return _barred[account];
    }
}

/// @notice Makes one prepared call from inside every movement of money, and keeps what came back.
contract ReentrantToken is OpenToken {
    address private _target;
    bytes private _attack;
    bytes public answer;

    function prepare(address target, bytes calldata attack) external {
        _target = target;
        _attack = attack;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target != address(0)) (, answer) = _target.call(_attack);
    }
}
