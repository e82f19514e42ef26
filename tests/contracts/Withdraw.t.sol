// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {BarringToken} from "../../contracts/mocks/HostileTokens.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice What cannot be pushed is credited, and nobody else waits for it.
contract WithdrawTest is Stage {
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

    function test_credits_of_all_three_payees_are_kept_apart() public {
        barring.bar(buyer, true);
        barring.bar(seller, true);
        barring.bar(recipient, true);
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms);
        VM.assertEq(escrow.credit(address(barring), seller), CHARGE - 19_980 + BOND);
        VM.assertEq(escrow.credit(address(barring), recipient), 19_980);
        VM.assertEq(escrow.credit(address(barring), buyer), PRICE - CHARGE);
        VM.assertEq(escrow.credit(address(token), seller), 0);
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
        VM.assertEq(escrow.credit(address(barring), seller), 2 * uint256(BOND));
    }

    function test_withdraw_sends_the_whole_credit_where_its_owner_says() public {
        barring.bar(seller, true);
        refundBySeller();
        VM.expectEmit(address(escrow));
        emit IEscrow.Withdrawn(address(barring), seller, stranger, BOND);
        VM.prank(seller);
        escrow.withdraw(address(barring), stranger);

        VM.assertEq(barring.balanceOf(stranger), BOND);
        VM.assertEq(barring.balanceOf(address(escrow)), 0);
        refuse(seller);
    }

    function test_withdraw_keeps_the_credit_while_the_token_still_refuses() public {
        barring.bar(seller, true);
        refundBySeller();
        VM.expectRevert(abi.encodeWithSelector(BarringToken.Barred.selector, seller));
        VM.prank(seller);
        escrow.withdraw(address(barring), seller);
        VM.assertEq(escrow.credit(address(barring), seller), BOND);
    }

    function test_withdraw_reverts_without_a_credit() public {
        refuse(stranger);
        barring.bar(seller, true);
        refundBySeller();
        refuse(stranger);
    }

    function stageWith(BarringToken.Refusal refusal) private {
        barring = new BarringToken(refusal);
        fundBarring(buyer, PRICE);
        fundBarring(seller, BOND);
        terms = offer();
        terms.token = address(barring);
        (terms.buyerNonce, terms.sellerNonce) = (uint256(refusal) + 500, uint256(refusal) + 500);
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

    function assertSellerCreditedAndOthersPaid() private {
        barring.bar(seller, true);
        deliver(terms, CHARGE);
        VM.expectEmit(address(escrow));
        emit IEscrow.Credited(address(barring), seller, CHARGE - 19_980 + BOND);
        VM.prank(buyer);
        escrow.release(terms);

        assertState(deal, State.RELEASED);
        VM.assertEq(barring.balanceOf(buyer), PRICE - CHARGE);
        VM.assertEq(barring.balanceOf(recipient), 19_980);
        VM.assertEq(barring.balanceOf(seller), 0);
        VM.assertEq(barring.balanceOf(address(escrow)), CHARGE - 19_980 + BOND);
        VM.assertEq(escrow.credit(address(barring), seller), CHARGE - 19_980 + BOND);
    }

    function refuse(address caller) private {
        VM.expectRevert(abi.encodeWithSelector(IEscrow.CreditMissing.selector, address(barring), caller));
        VM.prank(caller);
        escrow.withdraw(address(barring), caller);
    }
}
