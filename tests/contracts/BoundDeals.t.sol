// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice Deals of bound accounts: paid from their balances here and into them.
contract BoundDealsTest is Openings {
    uint256 private constant FEE = 33_300; // 333 bps of PRICE
    uint256 private constant NOTICE = 1 days;

    function test_a_deal_of_two_bound_parties_moves_no_token_but_the_fee() public {
        deposit(buyer, PRICE);
        deposit(seller, BOND);
        Terms memory terms = offer();
        bytes32 deal = open(terms);
        VM.assertEq(escrow.position(deal).inside, 3);
        assertBalances(0, 0);
        assertHeld(address(escrow), uint256(PRICE) + BOND);

        VM.prank(buyer);
        escrow.release(terms, PRICE);
        assertBalances(0, PRICE - FEE + BOND);
        assertHeld(recipient, FEE);
        assertHeld(address(escrow), PRICE - FEE + BOND);
    }

    function test_an_opening_says_what_was_debited_and_an_end_what_was_credited() public {
        deposit(buyer, PRICE);
        deposit(seller, BOND);
        Terms memory terms = offer();
        Opening memory opening = signed(terms);
        VM.expectEmit(address(escrow));
        emit IAccounts.Debited(address(token), buyer, PRICE);
        VM.expectEmit(address(escrow));
        emit IAccounts.Debited(address(token), seller, BOND);
        escrow.open(opening);

        VM.expectEmit(address(escrow));
        emit IAccounts.Credited(address(token), seller, BOND);
        VM.expectEmit(address(escrow));
        emit IAccounts.Credited(address(token), buyer, PRICE);
        VM.prank(seller);
        escrow.refund(terms);
    }

    function test_each_party_is_paid_where_it_paid_from() public {
        deposit(buyer, PRICE);
        Terms memory terms = offer();
        VM.assertEq(escrow.position(open(terms)).inside, 1);
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        assertBalances(PRICE - CHARGE, 0);
        assertHeld(seller, CHARGE - 19_980 + BOND);
        assertHeld(buyer, 0);
    }

    function test_a_bound_seller_alone_is_paid_inside_in_parts_too() public {
        deposit(seller, BOND);
        Terms memory terms = offer();
        VM.assertEq(escrow.position(open(terms)).inside, 2);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        assertBalances(0, CHARGE - 19_980);
        VM.prank(seller);
        escrow.refund(terms);
        assertBalances(0, CHARGE - 19_980 + BOND);
        assertHeld(buyer, PRICE - CHARGE);
    }

    function test_a_bound_party_pays_from_its_balance_only_however_full_its_wallet() public {
        deposit(buyer, PRICE - 1);
        fund(buyer, 10 * uint256(PRICE));
        refuseBoth(offer(), balanceShort(buyer, PRICE - 1, PRICE));
        deposit(buyer, 1);
        deposit(seller, BOND - 1);
        fund(seller, 10 * uint256(BOND));
        refuseBoth(offer(), balanceShort(seller, BOND - 1, BOND));
        assertBalances(PRICE, BOND - 1);
    }

    function test_a_bound_party_is_bound_in_every_token() public {
        // A deposit of nothing in whatever token binds like any other.
        VM.prank(buyer);
        escrow.deposit(stranger, 0);
        refuseBoth(offer(), balanceShort(buyer, 0, PRICE));
    }

    function test_a_bound_seller_without_a_bond_needs_no_balance() public {
        deposit(seller, 0);
        Terms memory terms = offer();
        terms.bond = 0;
        open(terms);
        VM.prank(buyer);
        escrow.release(terms, PRICE);
        assertBalances(0, PRICE - FEE);
    }

    function test_what_a_deal_pays_in_can_pay_for_the_next() public {
        deposit(seller, BOND);
        Terms memory first = offer();
        open(first);
        VM.prank(buyer);
        escrow.release(first, PRICE);
        // The seller buys with what it has earned.
        Terms memory second = offer();
        (second.buyer, second.seller, second.price, second.bond) = (seller, buyer, 900_000, 0);
        second.buyerNonce = 9;
        escrow.open(signed(second, SELLER_KEY, BUYER_KEY));
        assertBalances(0, PRICE - FEE + BOND - 900_000);
    }

    function test_a_deal_opened_while_bound_pays_inside_also_after_the_party_has_left() public {
        deposit(buyer, PRICE);
        Terms memory terms = offer();
        open(terms);
        depart(buyer);
        VM.prank(buyer);
        escrow.refund(terms);
        assertBalances(PRICE, 0);
        VM.prank(buyer);
        escrow.withdraw(address(token), buyer, PRICE);
        assertPaid(PRICE, BOND, 0);
    }

    function test_a_deal_opened_before_the_party_was_bound_pays_in_tokens() public {
        Terms memory terms = offer();
        open(terms);
        deposit(buyer, 0);
        deposit(seller, 0);
        VM.prank(seller);
        escrow.refund(terms);
        assertPaid(PRICE, BOND, 0);
    }

    function test_a_party_pays_from_its_balance_to_the_last_second_of_its_notice() public {
        Terms memory terms = lasting();
        deposit(buyer, PRICE);
        fund(buyer, PRICE);
        VM.prank(buyer);
        escrow.announce();
        VM.warp(START + NOTICE - 1);
        escrow.feasible(terms);
        VM.assertEq(escrow.position(open(terms)).inside, 1);
        assertBalances(0, 0);
        assertHeld(buyer, PRICE);
    }

    function test_a_party_whose_notice_is_over_deals_from_its_wallet_again() public {
        Terms memory terms = lasting();
        deposit(buyer, PRICE);
        depart(buyer);
        refuseBoth(terms, fundsShort(buyer, 0, PRICE));
        fund(buyer, PRICE);
        escrow.feasible(terms);
        VM.assertEq(escrow.position(open(terms)).inside, 0);
        // What was inside stays there until it is withdrawn.
        assertBalances(PRICE, 0);
        VM.prank(seller);
        escrow.refund(terms);
        assertHeld(buyer, PRICE);
    }

    function test_a_bound_arbiter_and_a_bound_recipient_are_paid_in_tokens() public {
        deposit(umpire, 0);
        deposit(recipient, 0);
        Terms memory terms = disputable();
        open(terms);
        deliver(terms, CHARGE);
        dispute(terms);
        VM.prank(umpire);
        escrow.resolve(terms, CHARGE, BOND);
        assertHeld(umpire, STAKE);
        assertHeld(recipient, 19_980);
        assertHeld(address(escrow), 0);
    }

    function test_a_bound_buyer_stakes_and_recovers_the_arbiters_fee_inside() public {
        deposit(buyer, PRICE);
        Terms memory terms = disputed(STAKE);
        assertBalances(0, 0);
        assertHeld(buyer, STAKE);
        VM.warp(START + terms.arbitrationWindow);
        escrow.expire(terms);
        // 6,667 bps of CHARGE and of BOND are the seller's.
        assertBalances(PRICE - 400_024 + BOND - 33_349 + STAKE, 0);
    }

    function test_a_bound_buyer_whose_balance_is_a_unit_short_stakes_out_of_its_wallet() public {
        deposit(buyer, PRICE);
        Terms memory terms = disputed(STAKE - 1);
        assertBalances(STAKE - 1, 0);
        assertHeld(buyer, 0);
        VM.warp(START + terms.arbitrationWindow);
        escrow.expire(terms);
        assertBalances(STAKE - 1 + PRICE - 400_024 + BOND - 33_349 + STAKE, 0);
    }

    function test_the_escrow_holds_its_balances_and_its_open_deals_and_not_a_unit_more() public {
        deposit(buyer, PRICE);
        fund(stranger, 17);
        deposit(stranger, 17);
        Terms memory terms = offer();
        open(terms);
        assertHeld(address(escrow), uint256(PRICE) + BOND + 17);
        deliver(terms, CHARGE);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        assertHeld(address(escrow), escrow.balance(address(token), buyer) + 17);
    }

    function deposit(address account, uint256 amount) private {
        VM.prank(account);
        token.approve(address(escrow), type(uint256).max);
        VM.prank(account);
        escrow.deposit(address(token), amount);
    }

    /// @dev Billed and disputed by a bound buyer, with so much in its balance for the stake.
    function disputed(uint256 inside) private returns (Terms memory terms) {
        terms = disputable();
        open(terms);
        deliver(terms, CHARGE);
        fund(buyer, STAKE);
        deposit(buyer, inside);
        VM.prank(buyer);
        VM.assertTrue(token.transfer(stranger, STAKE - inside));
        dispute(terms); // its wallet holds another stake by then
    }

    function depart(address account) private {
        VM.prank(account);
        escrow.announce();
        VM.warp(block.timestamp + NOTICE);
    }

    /// @dev Still opens when a notice is over.
    function lasting() private view returns (Terms memory terms) {
        terms = offer();
        terms.openBy = uint40(START + 2 * NOTICE);
    }

    function refuseBoth(Terms memory terms, bytes memory reason) private {
        VM.expectRevert(reason);
        escrow.feasible(terms);
        refuseOpen(terms, reason);
    }

    function assertBalances(uint256 ofBuyer, uint256 ofSeller) private view {
        VM.assertEq(escrow.balance(address(token), buyer), ofBuyer);
        VM.assertEq(escrow.balance(address(token), seller), ofSeller);
    }
}
