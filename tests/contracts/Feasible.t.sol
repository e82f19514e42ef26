// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

/// @notice Every refusal is asked of the view and of `open`: the two may never differ.
contract FeasibleTest is Stage {
    function test_feasible_returns_the_digest_of_good_terms() public view {
        VM.assertEq(escrow.feasible(offer()), escrow.digest(offer()));
    }

    function test_refuses_terms_without_a_buyer_or_a_seller() public {
        Terms memory terms = offer();
        terms.buyer = address(0);
        refuse(terms, abi.encodeWithSelector(IEscrow.PartyMissing.selector, address(0), seller));
        terms = offer();
        terms.seller = address(0);
        refuse(terms, abi.encodeWithSelector(IEscrow.PartyMissing.selector, buyer, address(0)));
    }

    function test_refuses_a_party_that_trades_with_itself() public {
        Terms memory terms = offer();
        terms.seller = buyer;
        refuse(terms, abi.encodeWithSelector(IEscrow.PartiesEqual.selector, buyer, buyer));
    }

    function test_refuses_another_rail() public {
        Terms memory terms = offer();
        terms.rail = 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.RailUnsupported.selector, 1, 0));
    }

    function test_refuses_each_field_that_nothing_here_would_honour() public {
        Terms memory terms = offer();
        terms.arbiter = stranger;
        refuse(terms, unsupported("arbiter", uint160(stranger)));
        terms = offer();
        terms.arbiterFee = 2;
        refuse(terms, unsupported("arbiterFee", 2));
        terms = offer();
        terms.arbitrationWindow = 3;
        refuse(terms, unsupported("arbitrationWindow", 3));
        terms = offer();
        terms.defaultSellerBps = 4;
        refuse(terms, unsupported("defaultSellerBps", 4));
        terms = offer();
        terms.voucherSigner = stranger;
        refuse(terms, unsupported("voucherSigner", uint160(stranger)));
        terms = offer();
        terms.bundle = bytes32(uint256(6));
        refuse(terms, unsupported("bundle", 6));
    }

    function test_refuses_a_token_without_code() public {
        Terms memory terms = offer();
        terms.token = stranger;
        refuse(terms, abi.encodeWithSelector(IEscrow.TokenMissing.selector, stranger));
    }

    function test_refuses_a_free_deal_and_accepts_one_unit() public {
        Terms memory terms = offer();
        terms.feeBps = 0;
        terms.price = 0;
        refuse(terms, abi.encodeWithSelector(IEscrow.PriceTooLow.selector, 0, 1));
        terms.price = 1;
        escrow.feasible(terms);
    }

    function test_refuses_a_fee_over_the_whole_and_accepts_the_whole() public {
        Terms memory terms = offer();
        terms.feeBps = 10_001;
        refuse(terms, abi.encodeWithSelector(IEscrow.FeeTooHigh.selector, 10_001, 10_000));
        terms.feeBps = 10_000;
        escrow.feasible(terms);
    }

    function test_refuses_a_fee_without_a_recipient_and_accepts_a_recipient_without_a_fee() public {
        Terms memory terms = offer();
        terms.feeRecipient = address(0);
        refuse(terms, abi.encodeWithSelector(IEscrow.FeeRecipientMissing.selector, 333, address(0)));
        terms.feeBps = 0;
        escrow.feasible(terms);
        terms.feeRecipient = recipient;
        escrow.feasible(terms);
    }

    function test_refuses_a_fee_that_rounds_to_nothing() public {
        Terms memory terms = offer();
        terms.feeBps = 100;
        terms.price = 99;
        refuse(terms, abi.encodeWithSelector(IEscrow.FeeRoundsToZero.selector, 99, 100));
        terms.price = 100;
        escrow.feasible(terms);
    }

    function test_refuses_terms_from_openBy_on() public {
        Terms memory terms = offer();
        VM.warp(terms.openBy);
        refuse(terms, abi.encodeWithSelector(IEscrow.OpenExpired.selector, terms.openBy, uint256(terms.openBy)));
        VM.warp(terms.openBy - 1);
        escrow.feasible(terms);
    }

    function test_refuses_windows_under_a_minute() public {
        Terms memory terms = offer();
        terms.deliveryWindow = 59;
        refuse(terms, abi.encodeWithSelector(IEscrow.WindowTooShort.selector, "deliveryWindow", 59, 60));
        terms.deliveryWindow = 60;
        terms.reviewWindow = 59;
        refuse(terms, abi.encodeWithSelector(IEscrow.WindowTooShort.selector, "reviewWindow", 59, 60));
        terms.reviewWindow = 60;
        escrow.feasible(terms);
    }

    function test_refuses_windows_over_a_year() public {
        Terms memory terms = offer();
        uint32 year = 31_536_000;
        terms.deliveryWindow = year + 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.WindowTooLong.selector, "deliveryWindow", year + 1, year));
        terms.deliveryWindow = year;
        terms.reviewWindow = year + 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.WindowTooLong.selector, "reviewWindow", year + 1, year));
        terms.reviewWindow = year;
        escrow.feasible(terms);
    }

    function test_refuses_an_epoch_that_is_not_the_current_one() public {
        Terms memory terms = offer();
        terms.buyerEpoch = 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.EpochStale.selector, buyer, 1, 0));
        terms = offer();
        terms.sellerEpoch = 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.EpochStale.selector, seller, 1, 0));
    }

    function test_refuses_a_spent_nonce_of_either_party() public {
        Terms memory terms = offer();
        VM.prank(seller);
        escrow.cancel(terms.sellerNonce);
        refuse(terms, abi.encodeWithSelector(IEscrow.NonceSpent.selector, seller, terms.sellerNonce));
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        refuse(terms, abi.encodeWithSelector(IEscrow.NonceSpent.selector, buyer, terms.buyerNonce));
    }

    function test_refuses_a_party_that_does_not_hold_the_money() public {
        Terms memory terms = offer();
        terms.bond = BOND + 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.FundsShort.selector, seller, BOND, BOND + 1));
        terms.price = PRICE + 1;
        refuse(terms, abi.encodeWithSelector(IEscrow.FundsShort.selector, buyer, PRICE, PRICE + 1));
    }

    function test_refuses_a_party_that_did_not_approve_the_money() public {
        VM.prank(seller);
        token.approve(address(escrow), BOND - 1);
        refuse(offer(), abi.encodeWithSelector(IEscrow.AllowanceShort.selector, seller, BOND - 1, BOND));
        VM.prank(buyer);
        token.approve(address(escrow), PRICE - 1);
        refuse(offer(), abi.encodeWithSelector(IEscrow.AllowanceShort.selector, buyer, PRICE - 1, PRICE));
    }

    function test_accepts_parties_that_hold_and_approved_exactly_what_is_needed() public {
        VM.prank(buyer);
        token.approve(address(escrow), PRICE);
        VM.prank(seller);
        token.approve(address(escrow), BOND);
        escrow.feasible(offer());
    }

    /// @dev Everything is wrong at first; each line mends what was named, and the next thing must be named.
    function test_checks_of_the_terms_run_in_the_order_of_the_interface() public view {
        Terms memory terms;
        (terms.buyerEpoch, terms.sellerEpoch) = (1, 1);
        assertFirst(terms, IEscrow.PartyMissing.selector);
        (terms.buyer, terms.seller, terms.rail) = (buyer, buyer, 9);
        assertFirst(terms, IEscrow.PartiesEqual.selector);
        (terms.seller, terms.arbiter) = (seller, stranger);
        assertFirst(terms, IEscrow.RailUnsupported.selector);
        terms.rail = 0;
        assertFirst(terms, IEscrow.FieldUnsupported.selector);
        terms.arbiter = address(0);
        assertFirst(terms, IEscrow.TokenMissing.selector);
        (terms.token, terms.feeBps) = (address(token), 10_001);
        assertFirst(terms, IEscrow.PriceTooLow.selector);
        terms.price = 1;
        assertFirst(terms, IEscrow.FeeTooHigh.selector);
        terms.feeBps = 9_999;
        assertFirst(terms, IEscrow.FeeRecipientMissing.selector);
        terms.feeRecipient = recipient;
        assertFirst(terms, IEscrow.FeeRoundsToZero.selector);
        terms.price = 2;
        assertFirst(terms, IEscrow.OpenExpired.selector);
        (terms.openBy, terms.deliveryWindow) = (START + 1, type(uint32).max);
        assertFirst(terms, IEscrow.WindowTooShort.selector);
        terms.reviewWindow = 60;
        assertFirst(terms, IEscrow.WindowTooLong.selector);
        terms.deliveryWindow = 60;
        assertFirst(terms, IEscrow.EpochStale.selector);
    }

    /// @dev The same for what the chain says of the parties.
    function test_checks_of_the_parties_run_in_the_order_of_the_interface() public {
        Terms memory terms = offer();
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        VM.prank(buyer);
        token.approve(address(escrow), 0);
        (terms.sellerEpoch, terms.bond) = (1, BOND + 1);

        assertFirst(terms, IEscrow.EpochStale.selector);
        terms.sellerEpoch = 0;
        assertFirst(terms, IEscrow.NonceSpent.selector);
        terms.buyerNonce = 0;
        assertFirst(terms, IEscrow.FundsShort.selector);
        terms.bond = BOND;
        assertFirst(terms, IEscrow.AllowanceShort.selector);
    }

    function refuse(Terms memory terms, bytes memory reason) private {
        VM.expectRevert(reason);
        escrow.feasible(terms);
        refuseOpen(terms, reason);
    }

    function assertFirst(Terms memory terms, bytes4 expected) private view {
        try escrow.feasible(terms) {
            revert("feasible");
        } catch (bytes memory reason) {
            VM.assertEq(bytes32(bytes4(reason)), bytes32(expected));
        }
    }

    function unsupported(string memory field, uint256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.FieldUnsupported.selector, field, value);
    }
}
