// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {VM, within} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice deposit and announce: how an account is bound, and how it leaves. See BoundDeals for what it deals meanwhile.
contract AccountsTest is Openings {
    uint256 private constant NOTICE = 1 days;

    function test_deposit_moves_the_money_in_and_binds_the_caller_until_further_notice() public {
        VM.expectEmit(address(escrow));
        emit IAccounts.Bound(buyer, 0);
        VM.expectEmit(address(escrow));
        emit IAccounts.Credited(address(token), buyer, 70);
        deposit(buyer, 70);

        assertBound(buyer, true, 0);
        assertHeld(buyer, PRICE - 70);
        assertHeld(address(escrow), 70);
        VM.assertEq(escrow.balance(address(token), buyer), 70);
    }

    function test_nobody_is_bound_at_first_and_nobody_is_bound_by_anothers_deposit() public {
        assertBound(seller, false, 0);
        deposit(buyer, 1);
        assertBound(seller, false, 0);
    }

    function testFuzz_deposits_of_one_account_add_up(uint104 first, uint104 second) public {
        fund(stranger, uint256(first) + second);
        deposit(stranger, first);
        deposit(stranger, second);
        VM.assertEq(escrow.balance(address(token), stranger), uint256(first) + second);
        assertHeld(address(escrow), uint256(first) + second);
    }

    function test_balances_of_accounts_and_of_tokens_are_kept_apart() public {
        deposit(buyer, 5);
        deposit(seller, 7);
        VM.assertEq(escrow.balance(address(token), buyer), 5);
        VM.assertEq(escrow.balance(address(token), seller), 7);
        VM.assertEq(escrow.balance(stranger, buyer), 0);
    }

    function test_a_deposit_of_nothing_binds_and_asks_no_token() public {
        VM.prank(buyer);
        escrow.deposit(stranger, 0);
        assertBound(buyer, true, 0);
    }

    function test_a_deposit_that_fails_binds_nobody() public {
        VM.expectRevert(fundsShort(buyer, PRICE, uint256(PRICE) + 1));
        deposit(buyer, uint256(PRICE) + 1);
        VM.prank(seller);
        token.approve(address(escrow), 1);
        VM.expectRevert(allowanceShort(seller, 1, 2));
        deposit(seller, 2);
        assertBound(buyer, false, 0);
        assertBound(seller, false, 0);
    }

    function test_a_deposit_counts_what_came_and_nothing_else() public {
        int256[2] memory skews = [int256(-1), 1];
        for (uint256 i = 0; i < skews.length; i++) {
            SkewedToken skewed = new SkewedToken(skews[i]);
            skewed.mint(address(this), 100);
            skewed.approve(address(escrow), 100);
            VM.expectRevert(pullShort(address(skewed), 100, uint256(100 + skews[i])));
            escrow.deposit(address(skewed), 100);
            VM.assertEq(escrow.balance(address(skewed), address(this)), 0);
        }
    }

    function test_a_bound_account_takes_nothing_back_before_it_has_announced() public {
        deposit(buyer, 10);
        VM.warp(START + 365 days);
        refuseLeaving(buyer, 0);
    }

    function test_announce_says_from_when_on_the_account_is_free() public {
        deposit(buyer, 10);
        VM.expectEmit(address(escrow));
        emit IAccounts.Bound(buyer, START + NOTICE);
        announce(buyer);
        assertBound(buyer, true, START + NOTICE);
        VM.assertEq(escrow.NOTICE(), NOTICE);
    }

    function test_an_account_is_bound_until_the_last_second_of_its_notice() public {
        deposit(buyer, 10);
        announce(buyer);
        refuseLeaving(buyer, START + NOTICE);
        VM.warp(START + NOTICE - 1);
        assertBound(buyer, true, START + NOTICE);
        refuseLeaving(buyer, START + NOTICE);
    }

    function test_an_account_is_free_from_the_end_of_its_notice_on() public {
        for (uint256 late = 0; late < 2; late++) {
            address account = late == 0 ? buyer : seller;
            VM.warp(START);
            deposit(account, 10);
            announce(account);
            VM.warp(START + NOTICE + late);
            assertBound(account, false, START + NOTICE);
            act(account, abi.encodeCall(IAccounts.withdraw, (address(token), account, 10)));
            act(account, abi.encodeCall(IAccounts.cancel, (1)));
            act(account, abi.encodeCall(IAccounts.cancelAll, ()));
            VM.assertEq(escrow.balance(address(token), account), 0);
        }
    }

    function test_announce_reverts_for_an_account_that_is_not_bound() public {
        VM.expectRevert(abi.encodeWithSelector(IAccounts.AccountUnbound.selector, stranger));
        announce(stranger);
    }

    function test_announce_twice_neither_shortens_nor_lengthens_the_notice() public {
        deposit(buyer, 10);
        announce(buyer);
        VM.warp(START + 7);
        VM.expectRevert(accountBound(buyer, START + NOTICE));
        announce(buyer);
        assertBound(buyer, true, START + NOTICE);
        VM.warp(START + NOTICE);
        VM.expectRevert(abi.encodeWithSelector(IAccounts.AccountUnbound.selector, buyer));
        announce(buyer);
    }

    function test_a_deposit_takes_a_running_notice_back() public {
        deposit(buyer, 10);
        announce(buyer);
        VM.warp(START + NOTICE - 1);
        deposit(buyer, 0);
        VM.warp(START + NOTICE);
        assertBound(buyer, true, 0);
        refuseLeaving(buyer, 0);
    }

    function test_a_deposit_binds_again_who_had_left() public {
        deposit(buyer, 10);
        announce(buyer);
        VM.warp(START + NOTICE);
        deposit(buyer, 1);
        assertBound(buyer, true, 0);
        refuseLeaving(buyer, 0);
        announce(buyer);
        assertBound(buyer, true, START + 2 * NOTICE);
    }

    function test_a_strangers_deposit_holds_nobody_back() public {
        deposit(buyer, 10);
        announce(buyer);
        fund(stranger, 5);
        deposit(stranger, 5);
        assertBound(buyer, true, START + NOTICE);
    }

    function test_an_announcement_does_not_reach_an_offer_before_its_openBy() public {
        deposit(buyer, PRICE);
        announce(buyer);
        VM.warp(START + 599);
        assertState(open(offer()), State.FUNDED);
    }

    function testFuzz_no_time_of_a_bound_account_lets_it_leave_early(uint256 announced, uint256 asked) public {
        announced = within(announced, START, START + 10 * NOTICE);
        asked = within(asked, announced, announced + 2 * NOTICE);
        deposit(buyer, 10);
        VM.warp(announced);
        announce(buyer);
        VM.warp(asked);
        VM.prank(buyer);
        (bool done,) = address(escrow).call(abi.encodeCall(IAccounts.withdraw, (address(token), buyer, 10)));
        VM.assertEq(done, asked >= announced + NOTICE);
    }

    function deposit(address account, uint256 amount) private {
        VM.prank(account);
        escrow.deposit(address(token), amount);
    }

    function announce(address account) private {
        VM.prank(account);
        escrow.announce();
    }

    function refuseLeaving(address account, uint256 leavesAt) private {
        bytes memory reason = accountBound(account, leavesAt);
        refuse(account, abi.encodeCall(IAccounts.cancel, (1)), reason);
        refuse(account, abi.encodeCall(IAccounts.cancelAll, ()), reason);
        refuse(account, abi.encodeCall(IAccounts.withdraw, (address(token), account, 1)), reason);
    }

    function accountBound(address account, uint256 leavesAt) private view returns (bytes memory) {
        return abi.encodeWithSelector(IAccounts.AccountBound.selector, account, leavesAt, block.timestamp);
    }

    function assertBound(address account, bool expected, uint256 expectedAt) private view {
        (bool isBound, uint256 leavesAt) = escrow.bound(account);
        VM.assertEq(isBound, expected);
        VM.assertEq(leavesAt, expectedAt);
    }
}
