// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Position} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Trade} from "./Trade.sol";

/// @notice What no sequence of calls, callers and times can break.
contract ConservationTest {
    Trade private trade;

    function setUp() public {
        VM.warp(1_800_000_000);
        VM.roll(1_000);
        trade = new Trade();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(trade);
    }

    /// @dev One invariant, because each would have a campaign of its own.
    function invariant_money_and_deals_stand_where_the_books_say() public view {
        assertMoneyAdds();
        assertDealsAgree();
    }

    function test_the_books_follow_a_deal_to_a_claim_that_ends_as_credit() public {
        trade.open(0, 20_000, 300, 100);
        trade.deliver(0, 1, 15_000);
        trade.bar(1, true);
        trade.pass(100);
        trade.pass(100);
        trade.claim(0, 1);
        VM.assertEq(trade.credits(), 15_000 - 150 + 300);
        VM.assertEq(trade.succeeded(), 2);
        VM.assertEq(trade.locked(), 0);
        assertMoneyAdds();
        assertDealsAgree();
    }

    function assertMoneyAdds() private view {
        VM.assertEq(trade.token().balanceOf(address(trade.escrow())), trade.locked() + trade.credits());
    }

    function assertDealsAgree() private view {
        for (uint256 i = 0; i < trade.count(); i++) {
            Trade.Entry memory entry = trade.entryAt(i);
            Position memory held = trade.escrow().position(trade.escrow().digest(entry.terms));
            VM.assertEq(uint8(held.state), uint8(entry.state));
            VM.assertEq(held.openedAt, entry.openedAt);
            VM.assertEq(held.deliveredAt, entry.deliveredAt);
            VM.assertEq(held.charge, entry.charge);
            VM.assertLe(entry.ends, 1);
        }
    }
}
