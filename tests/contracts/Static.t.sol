// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {VM} from "./Cheats.sol";
import {Trade} from "./Trade.sol";

/// @notice Which of a target's functions the fuzzer leaves alone, as forge asks for them.
struct FuzzSelector {
    address target;
    bytes4[] selectors;
}

/// @notice Trade as it is.
contract Users is Trade {}

/// @notice What no sequence of calls and callers can break while no time passes and nothing but the deals moves.
contract StaticTest {
    Users private users;

    function setUp() public {
        users = Users(VM.deployCode("Static.t.sol:Users"));
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(users);
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory selectors) {
        selectors = new FuzzSelector[](1);
        selectors[0] = FuzzSelector(address(users), new bytes4[](2));
        (selectors[0].selectors[0], selectors[0].selectors[1]) = (users.setUp.selector, users.endAll.selector);
    }

    /// @dev One invariant, because each would have a campaign of its own.
    function invariant_money_and_deals_stand_where_the_events_say() public view {
        users.check();
    }

    /// @dev No state that was reached is one that silence cannot end.
    function afterInvariant() public {
        users.endAll();
        users.check();
    }
}
