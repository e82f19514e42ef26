// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {VM, within} from "./Cheats.sol";
import {FuzzSelector} from "./Static.t.sol";
import {Trade} from "./Trade.sol";

/// @notice Trade while time passes, the token bars and unbars, and accounts come, cancel and leave.
contract World is Trade {
    address private constant ELSEWHERE = address(0x5afe);

    /// @dev A deal's windows are minutes; a bound account's notice is a day.
    function pass(uint256 time) external {
        VM.warp(block.timestamp + (time % 32 == 0 ? 1 days : within(time, 1, 80)));
        VM.roll(block.number + 1);
    }

    function bar(uint256 who, bool on) external {
        bar(actor(who), on);
    }

    function deposit(uint256 who, uint256 amount) external {
        amount = within(amount, 0, 1e32);
        bool may = amount == 0 || !barred[actor(who)];
        attempt(actor(who), abi.encodeCall(IAccounts.deposit, (address(token), amount)), may);
    }

    function announce(uint256 who) external {
        bool may = books.isBound(actor(who)) && books.standing(actor(who)).leavesAt == 0;
        attempt(actor(who), abi.encodeCall(IAccounts.announce, ()), may);
    }

    function withdraw(uint256 who, uint256 amount, bool elsewhere) external {
        uint256 held = books.balance(address(token), actor(who));
        amount = within(amount, 0, held + 1);
        address to = elsewhere ? ELSEWHERE : actor(who);
        bool may = !books.isBound(actor(who)) && amount <= held && !barred[to];
        attempt(actor(who), abi.encodeCall(IAccounts.withdraw, (address(token), to, amount)), may);
    }

    /// @dev Also of nonces that the next deals are to carry.
    function cancel(uint256 who, uint256 nonce) external {
        nonce = within(nonce, 0, nonces + 2);
        bool may = !books.isBound(actor(who)) && !books.spent(actor(who), nonce);
        attempt(actor(who), abi.encodeCall(IAccounts.cancel, (nonce)), may);
    }

    function cancelAll(uint256 who) external {
        attempt(actor(who), abi.encodeCall(IAccounts.cancelAll, ()), !books.isBound(actor(who)));
    }

    function actor(uint256 who) private view returns (address) {
        return actors[who % actors.length];
    }
}

/// @notice What no sequence of calls, callers, times and worlds can break.
contract DynamicTest {
    World private world;

    function setUp() public {
        VM.roll(1_000);
        world = World(VM.deployCode("Dynamic.t.sol:World"));
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(world);
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory selectors) {
        selectors = new FuzzSelector[](1);
        selectors[0] = FuzzSelector(address(world), new bytes4[](2));
        (selectors[0].selectors[0], selectors[0].selectors[1]) = (world.setUp.selector, world.endAll.selector);
    }

    /// @dev So that the invariant is not one of calls that all fail.
    function test_a_walk_succeeds_at_every_operation() public {
        for (uint256 i = 0; i < 4_000; i++) {
            step(uint256(keccak256(abi.encode(i))));
        }
        bytes4[21] memory operations = [
            IEscrow.open.selector,
            IEscrow.openBundle.selector,
            IEscrow.openSeries.selector,
            IEscrow.swap.selector,
            IEscrow.deliver.selector,
            IEscrow.release.selector,
            IEscrow.redeem.selector,
            IEscrow.redeemSeries.selector,
            IEscrow.claim.selector,
            IEscrow.refund.selector,
            IEscrow.dispute.selector,
            IEscrow.resolve.selector,
            IEscrow.expire.selector,
            IEscrow.settle.selector,
            IEscrow.notice.selector,
            IEscrow.close.selector,
            IAccounts.deposit.selector,
            IAccounts.announce.selector,
            IAccounts.withdraw.selector,
            IAccounts.cancel.selector,
            IAccounts.cancelAll.selector
        ];
        for (uint256 i = 0; i < operations.length; i++) {
            VM.assertGt(world.succeeded(operations[i]), 0);
        }
        world.check();
        world.endAll();
        world.check();
    }

    /// @dev One invariant, because each would have a campaign of its own.
    function invariant_money_and_deals_stand_where_the_events_say() public view {
        world.check();
    }

    /// @dev No state that was reached is one that silence cannot end.
    function afterInvariant() public {
        world.endAll();
        world.check();
    }

    function step(uint256 seed) private {
        (uint256 index, uint256 who, uint104 some) = (seed >> 8 & 0xff, seed >> 16 & 0xff, uint104(seed >> 24));
        (uint104 other, uint16 bps, bool on) = (uint104(seed >> 128), uint16(seed >> 232), seed >> 248 & 1 == 0);
        uint256 kind = seed % 23;
        if (kind == 0) world.offer(seed >> 8, some, other, bps);
        else if (kind == 1) world.openOffer(index);
        else if (kind == 2) world.openTogether(seed >> 8, some, other, bps, on);
        else if (kind == 3) world.swap(seed >> 8, some, other, bps);
        else if (kind == 4) world.deliver(index, who, some);
        else if (kind == 5) world.release(index, who, some);
        else if (kind == 6) world.redeem(index, who, some);
        else if (kind == 7) world.redeemSeries(index, some);
        else if (kind == 8) world.claim(index, who);
        else if (kind == 9) world.refund(index, who);
        else if (kind == 10) world.dispute(index, who);
        else if (kind == 11) world.resolve(index, who, some, other);
        else if (kind == 12) world.expire(index, who);
        else if (kind == 13) world.settle(index, who, some, other);
        else if (kind == 14) world.notice(index, who);
        else if (kind == 15) world.close(index, who, some);
        else if (kind == 16) world.pass(seed >> 8);
        else if (kind == 17) world.bar(who, on);
        else if (kind == 18) world.deposit(who, some);
        else if (kind == 19) world.announce(who);
        else if (kind == 20) world.withdraw(who, some, on);
        else if (kind == 21) world.cancel(who, index);
        else world.cancelAll(who);
    }
}
