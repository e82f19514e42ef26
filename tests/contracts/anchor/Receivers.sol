// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Takes no coin, and does what it is told.
contract Refuser {
    function act(address target, bytes calldata call) external payable returns (bool done, bytes memory said) {
        return target.call(call);
    }
}

/// @notice Takes coin and calls back while it does; what came of it is kept.
contract Reenterer {
    address private _target;
    bytes private _attack;
    bool public tried;
    bool public entered;
    bytes public answer;

    function prepare(address target, bytes calldata attack) external {
        (_target, _attack) = (target, attack);
    }

    function act(address target, bytes calldata call) external payable returns (bool done, bytes memory said) {
        return target.call{value: msg.value}(call);
    }

    receive() external payable {
        if (_attack.length == 0) return;
        tried = true;
        (entered, answer) = _target.call(_attack);
    }
}
