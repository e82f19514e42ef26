// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM, within} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice Who gets what on every exit, against a formula that shares no line with the contract.
contract PayoutTest is Stage {
    function testFuzz_release_pays_to_the_unit(uint128 price, uint128 bond, uint16 feeBps, uint128 charge) public {
        Terms memory terms = stage(price, bond, feeBps);
        charge = uint128(within(charge, 0, terms.price));
        deliver(terms, charge);
        VM.prank(buyer);
        escrow.release(terms);
        assertSplit(terms, charge);
    }

    function testFuzz_release_before_delivery_pays_to_the_unit(uint128 price, uint128 bond, uint16 feeBps) public {
        Terms memory terms = stage(price, bond, feeBps);
        VM.prank(buyer);
        escrow.release(terms);
        assertSplit(terms, terms.price);
    }

    function testFuzz_claim_pays_to_the_unit(uint128 price, uint128 bond, uint16 feeBps, uint128 charge) public {
        Terms memory terms = stage(price, bond, feeBps);
        charge = uint128(within(charge, 0, terms.price));
        deliver(terms, charge);
        VM.warp(START + terms.reviewWindow);
        VM.prank(seller);
        escrow.claim(terms);
        assertSplit(terms, charge);
    }

    function testFuzz_refund_returns_what_each_paid_in(uint128 price, uint128 bond, uint16 feeBps) public {
        Terms memory terms = stage(price, bond, feeBps);
        VM.prank(seller);
        escrow.refund(terms);
        assertPaid(uint256(PRICE) + terms.price, uint256(BOND) + bond, 0);
    }

    function test_the_largest_price_and_bond_together_are_not_trapped() public {
        Terms memory terms = stage(type(uint128).max, type(uint128).max, 0);
        bytes32 deal = escrow.digest(terms);
        VM.prank(buyer);
        escrow.release(terms);
        assertState(deal, State.RELEASED);
        assertPaid(PRICE, uint256(BOND) + 2 * uint256(type(uint128).max), 0);
    }

    function test_the_last_fraction_of_a_fee_stays_with_the_seller() public {
        uint128[3] memory charges = [uint128(10_000), 10_001, 19_999];
        uint256[3] memory fees = [uint256(1), 1, 1];
        for (uint256 i = 0; i < charges.length; i++) {
            Terms memory terms = stage(20_000, 0, 1, i);
            deliver(terms, charges[i]);
            uint256 before = token.balanceOf(recipient);
            VM.prank(buyer);
            escrow.release(terms);
            VM.assertEq(token.balanceOf(recipient) - before, fees[i]);
        }
    }

    function test_a_charge_too_small_for_a_fee_is_all_the_sellers() public {
        Terms memory terms = stage(20_000, 0, 1);
        deliver(terms, 9_999);
        VM.prank(buyer);
        escrow.release(terms);
        assertPaid(uint256(PRICE) + 10_001, uint256(BOND) + 9_999, 0);
    }

    function test_amounts_of_nothing_are_not_sent() public {
        VM.expectCall(address(token), abi.encodeCall(token.transferFrom, (seller, address(escrow), 0)), 0);
        VM.expectCall(address(token), abi.encodeCall(token.transfer, (recipient, 0)), 0);
        VM.expectCall(address(token), abi.encodeCall(token.transfer, (buyer, 0)), 0);
        Terms memory terms = stage(20_000, 0, 0);
        VM.prank(buyer);
        escrow.release(terms);
    }

    function stage(uint128 price, uint128 bond, uint16 feeBps) private returns (Terms memory) {
        return stage(price, bond, feeBps, 0);
    }

    function stage(uint128 price, uint128 bond, uint16 feeBps, uint256 nonce) private returns (Terms memory terms) {
        terms = offer();
        terms.feeBps = uint16(within(feeBps, 0, 10_000));
        terms.price = uint128(within(price, 10_000, type(uint128).max));
        terms.bond = bond;
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
        fund(buyer, terms.price);
        fund(seller, bond);
        open(terms);
    }

    function assertSplit(Terms memory terms, uint256 charge) private view {
        // Long division by 10,000, quotient and remainder apart: floor(charge x bps / 10,000) without the product.
        uint256 fee = (charge / 10_000) * terms.feeBps + ((charge % 10_000) * terms.feeBps) / 10_000;
        assertPaid(uint256(PRICE) + terms.price - charge, uint256(BOND) + terms.bond + charge - fee, fee);
    }
}
