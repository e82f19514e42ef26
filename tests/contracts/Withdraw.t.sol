// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {State, Terms} from "../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../contracts/mocks/tokens/BarringToken.sol";
import {HeavyToken} from "../../contracts/mocks/tokens/HeavyToken.sol";
import {ReturnBombToken} from "../../contracts/mocks/tokens/ReturnBombToken.sol";
import {VM, within} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {IMintable} from "./Stage.sol";

/// @notice What cannot be pushed is credited, and nobody else waits for it; and how a credit is taken out.
contract WithdrawTest is Openings {
    uint256 private constant FEE = 19_980; // 333 bps of CHARGE

    BarringToken private barring;
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        stageWith(BarringToken.Refusal.REVERT);
    }

    function test_a_push_that_reverts_becomes_a_credit_and_the_others_are_paid() public {
        assertSellerCreditedAndOthersPaid();
    }

    function test_a_push_that_answers_false_becomes_a_credit_and_the_others_are_paid() public {
        stageWith(BarringToken.Refusal.FALSE);
        assertSellerCreditedAndOthersPaid();
    }

    function test_credits_of_all_payees_are_kept_apart() public {
        barring.bar(buyer, true);
        barring.bar(seller, true);
        barring.bar(recipient, true);
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        assertCredit(seller, CHARGE - FEE + BOND);
        assertCredit(recipient, FEE);
        assertCredit(buyer, PRICE - CHARGE);
        VM.assertEq(escrow.balance(address(token), seller), 0);
    }

    function test_credits_of_two_deals_add_up() public {
        barring.bar(seller, true);
        refundBySeller();
        (terms.buyerNonce, terms.sellerNonce) = (1, 1);
        barring.bar(seller, false);
        fundBarring(seller, BOND);
        open(terms);
        barring.bar(seller, true);
        refundBySeller();
        assertCredit(seller, 2 * uint256(BOND));
    }

    function test_a_credit_binds_nobody_and_is_withdrawn_at_once() public {
        barring.bar(seller, true);
        refundBySeller();
        (bool isBound,) = escrow.bound(seller);
        VM.assertFalse(isBound);
        barring.bar(seller, false);
        withdraw(seller, seller, BOND);
        VM.assertEq(barring.balanceOf(seller), BOND);
    }

    function test_withdraw_sends_the_credit_where_its_owner_says() public {
        barring.bar(seller, true);
        refundBySeller();
        VM.expectEmit(address(escrow));
        emit IAccounts.Debited(address(barring), seller, BOND);
        withdraw(seller, stranger, BOND);
        VM.assertEq(barring.balanceOf(stranger), BOND);
        VM.assertEq(barring.balanceOf(address(escrow)), 0);
        refuseShort(seller, 0, 1);
    }

    function testFuzz_withdraw_takes_any_part_to_the_unit(uint256 first, uint256 second) public {
        barring.bar(seller, true);
        refundBySeller();
        first = within(first, 0, BOND);
        withdraw(seller, stranger, first);
        assertCredit(seller, BOND - first);
        second = within(second, 0, BOND - first);
        withdraw(seller, stranger, second);
        assertCredit(seller, BOND - first - second);
        VM.assertEq(barring.balanceOf(stranger), first + second);
    }

    function test_withdraw_refuses_a_unit_more_than_the_credit() public {
        barring.bar(seller, true);
        refundBySeller();
        refuseShort(seller, BOND, uint256(BOND) + 1);
        refuseShort(seller, BOND, type(uint256).max);
        assertCredit(seller, BOND);
    }

    function test_withdraw_keeps_the_credit_while_the_token_still_refuses() public {
        BarringToken.Refusal[2] memory ways = [BarringToken.Refusal.REVERT, BarringToken.Refusal.FALSE];
        for (uint256 i = 0; i < ways.length; i++) {
            stageWith(ways[i], 700 + i);
            barring.bar(seller, true);
            refundBySeller();
            VM.expectRevert(abi.encodeWithSelector(IAccounts.PushRefused.selector, address(barring), seller, BOND));
            withdraw(seller, seller, BOND);
            assertCredit(seller, BOND);
        }
    }

    function test_withdraw_gives_a_transfer_all_the_gas_that_a_payout_could_not() public {
        token = IMintable(address(new HeavyToken()));
        fund(buyer, PRICE);
        fund(seller, BOND);
        terms = offer();
        open(terms);
        refundBySeller();
        VM.assertEq(escrow.balance(address(token), seller), BOND);
        act(seller, abi.encodeCall(IAccounts.withdraw, (address(token), stranger, BOND)));
        assertHeld(stranger, BOND);
        VM.assertEq(escrow.balance(address(token), seller), 0);
    }

    function test_withdraw_is_refused_by_name_to_the_escrow_itself() public {
        barring.bar(seller, true);
        refundBySeller();
        refuse(
            seller,
            abi.encodeCall(IAccounts.withdraw, (address(barring), address(escrow), BOND)),
            abi.encodeWithSelector(IAccounts.PushRefused.selector, address(barring), address(escrow), BOND)
        );
        assertCredit(seller, BOND);
    }

    function test_withdraw_answers_in_its_own_name_whatever_reason_the_token_gives() public {
        token = IMintable(address(new ReturnBombToken(ReturnBombToken.Bomb.REVERT)));
        fund(buyer, PRICE);
        fund(seller, BOND);
        terms = offer();
        open(terms);
        ReturnBombToken(address(token)).mark(seller, true);
        refundBySeller();
        bytes memory call = abi.encodeCall(IAccounts.withdraw, (address(token), seller, BOND));
        VM.prank(seller);
        (bool done, bytes memory said) = address(escrow).call(call);
        VM.assertFalse(done);
        VM.assertEq(said, abi.encodeWithSelector(IAccounts.PushRefused.selector, address(token), seller, BOND));
    }

    function test_withdraw_gives_nobody_what_is_anothers() public {
        refuseShort(stranger, 0, 1);
        barring.bar(seller, true);
        refundBySeller();
        refuseShort(stranger, 0, 1);
        refuseShort(buyer, 0, 1);
    }

    function test_withdraw_gives_nothing_of_what_open_deals_hold() public {
        VM.assertEq(barring.balanceOf(address(escrow)), uint256(PRICE) + BOND);
        refuseShort(buyer, 0, 1);
        refuseShort(seller, 0, 1);
    }

    function test_withdraw_reverts_with_too_little_gas_and_keeps_the_credit() public {
        barring.bar(seller, true);
        refundBySeller();
        VM.prank(seller);
        bytes memory call = abi.encodeCall(IAccounts.withdraw, (address(barring), stranger, BOND));
        (bool done, bytes memory said) = address(escrow).call{gas: 150_000}(call);
        VM.assertFalse(done);
        VM.assertEq(bytes32(bytes4(said)), bytes32(IAccounts.GasShort.selector));
        assertCredit(seller, BOND);
    }

    function stageWith(BarringToken.Refusal refusal) private {
        stageWith(refusal, uint256(refusal) + 500);
    }

    function stageWith(BarringToken.Refusal refusal, uint256 nonce) private {
        barring = new BarringToken(refusal);
        fundBarring(buyer, PRICE);
        fundBarring(seller, BOND);
        terms = offer();
        terms.token = address(barring);
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
        deal = open(terms);
    }

    function fundBarring(address account, uint256 amount) private {
        barring.mint(account, amount);
        VM.prank(account);
        barring.approve(address(escrow), type(uint256).max);
    }

    function refundBySeller() private {
        VM.prank(seller);
        escrow.refund(terms);
    }

    function withdraw(address caller, address to, uint256 amount) private {
        VM.prank(caller);
        escrow.withdraw(address(barring), to, amount);
    }

    function assertSellerCreditedAndOthersPaid() private {
        barring.bar(seller, true);
        deliver(terms, CHARGE);
        VM.expectEmit(address(escrow));
        emit IAccounts.Credited(address(barring), seller, CHARGE - FEE + BOND);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);

        assertState(deal, State.RELEASED);
        VM.assertEq(barring.balanceOf(buyer), PRICE - CHARGE);
        VM.assertEq(barring.balanceOf(recipient), FEE);
        VM.assertEq(barring.balanceOf(seller), 0);
        VM.assertEq(barring.balanceOf(address(escrow)), CHARGE - FEE + BOND);
        assertCredit(seller, CHARGE - FEE + BOND);
    }

    function assertCredit(address account, uint256 expected) private view {
        VM.assertEq(escrow.balance(address(barring), account), expected);
    }

    function refuseShort(address caller, uint256 held, uint256 needed) private {
        bytes memory call = abi.encodeCall(IAccounts.withdraw, (address(barring), caller, needed));
        refuse(caller, call, balanceShort(caller, held, needed));
    }
}
