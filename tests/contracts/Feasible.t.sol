// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Rail, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice Every refusal is asked of the view and of `open`: the two may never differ. See FeasibleFields for what each
/// rail leaves at zero.
contract FeasibleTest is Openings {
    uint32 private constant YEAR = 31_536_000;

    function test_feasible_returns_the_digest_of_good_terms_of_every_rail() public view {
        Terms[4] memory all = rails();
        for (uint256 i = 0; i < all.length; i++) {
            VM.assertEq(escrow.feasible(all[i]), escrow.digest(all[i]));
        }
    }

    function test_refuses_terms_without_a_buyer_or_a_seller() public {
        Terms memory terms = offer();
        terms.buyer = address(0);
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.PartyMissing.selector, address(0), seller));
        terms = offer();
        terms.seller = address(0);
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.PartyMissing.selector, buyer, address(0)));
    }

    function test_refuses_a_party_that_trades_with_itself() public {
        Terms memory terms = offer();
        terms.seller = buyer;
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.PartiesEqual.selector, buyer, buyer));
    }

    function test_refuses_a_rail_that_is_none() public {
        Terms memory terms = offer();
        uint8[3] memory none = [4, 5, 255];
        for (uint256 i = 0; i < none.length; i++) {
            terms.rail = none[i];
            refuseTerms(terms, abi.encodeWithSelector(IEscrow.RailUnknown.selector, none[i], Rail.EXCHANGE));
        }
    }

    function test_refuses_an_arbiter_in_its_own_cause() public {
        Terms[2] memory judged = [disputable(), exchange()];
        for (uint256 i = 0; i < judged.length; i++) {
            judged[i].arbiter = buyer;
            refuseTerms(judged[i], abi.encodeWithSelector(IEscrow.ArbiterPartial.selector, buyer));
            judged[i].arbiter = seller;
            refuseTerms(judged[i], abi.encodeWithSelector(IEscrow.ArbiterPartial.selector, seller));
        }
    }

    function test_refuses_a_token_without_code() public {
        Terms[4] memory all = rails();
        for (uint256 i = 0; i < all.length; i++) {
            all[i].token = stranger;
            refuseTerms(all[i], abi.encodeWithSelector(IEscrow.TokenMissing.selector, stranger));
        }
    }

    function test_refuses_a_free_deal_and_accepts_one_unit() public {
        Terms[4] memory all = rails();
        for (uint256 i = 0; i < all.length; i++) {
            (all[i].feeBps, all[i].price) = (0, 0);
            refuseTerms(all[i], abi.encodeWithSelector(IEscrow.PriceTooLow.selector, 0, 1));
            all[i].price = 1;
            escrow.feasible(all[i]);
        }
    }

    function test_refuses_a_fee_over_the_whole_and_accepts_the_whole() public {
        Terms[4] memory all = rails();
        for (uint256 i = 0; i < all.length; i++) {
            all[i].feeBps = 10_001;
            refuseTerms(all[i], abi.encodeWithSelector(IEscrow.ShareTooHigh.selector, 10_001, 10_000));
            all[i].feeBps = 10_000;
            escrow.feasible(all[i]);
        }
    }

    function test_refuses_a_fee_without_a_recipient_and_accepts_a_recipient_without_a_fee() public {
        Terms memory terms = offer();
        terms.feeRecipient = address(0);
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.FeeRecipientMissing.selector, 333, address(0)));
        terms.feeBps = 0;
        escrow.feasible(terms);
        terms.feeRecipient = recipient;
        escrow.feasible(terms);
    }

    function test_refuses_a_fee_that_rounds_to_nothing() public {
        Terms memory terms = offer();
        terms.feeBps = 100;
        terms.price = 99;
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.FeeRoundsToZero.selector, 99, 100));
        terms.price = 100;
        escrow.feasible(terms);
    }

    function test_refuses_a_default_share_over_the_whole_and_accepts_the_whole() public {
        Terms memory terms = disputable();
        terms.defaultSellerBps = 10_001;
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.ShareTooHigh.selector, 10_001, 10_000));
        terms.defaultSellerBps = 10_000;
        escrow.feasible(terms);
        terms.defaultSellerBps = 0;
        escrow.feasible(terms);
    }

    function test_refuses_an_arbiters_fee_over_the_bond_and_accepts_the_bond() public {
        Terms memory terms = disputable();
        terms.arbiterFee = BOND + 1;
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.ArbiterFeeUncovered.selector, BOND + 1, BOND));
        terms.arbiterFee = BOND;
        escrow.feasible(terms);
        (terms.arbiterFee, terms.bond) = (0, 0);
        escrow.feasible(terms);
    }

    function test_refuses_terms_from_openBy_on() public {
        Terms[4] memory all = rails();
        uint40 end = START + 600;
        for (uint256 i = 0; i < all.length; i++) {
            VM.warp(end - 1);
            escrow.feasible(all[i]);
            for (uint256 late = 0; late < 2; late++) {
                VM.warp(end + late);
                refuseTerms(all[i], abi.encodeWithSelector(IEscrow.OpenExpired.selector, end, end + late));
            }
        }
    }

    function test_refuses_windows_under_a_minute_or_over_a_year() public {
        // Each place that is a window, on each rail where it is one.
        for (uint256 place = 15; place <= 16; place++) {
            boundWindow(offer(), place);
            boundWindow(disputable(), place);
            boundWindow(metered(), place);
            boundWindow(exchange(), place);
        }
        boundWindow(metered(), 17);
        boundWindow(disputable(), 21);
    }

    function test_a_metered_deal_needs_no_notice() public view {
        Terms memory terms = metered();
        terms.noticeWindow = 0;
        escrow.feasible(terms);
    }

    function test_refuses_an_epoch_that_is_not_the_current_one() public {
        Terms[4] memory all = rails();
        for (uint256 i = 0; i < all.length; i++) {
            all[i].sellerEpoch = 1;
            refuseTerms(all[i], epochStale(seller, 1, 0));
            // The stored epoch is narrower than a word: what would be cut off counts.
            all[i].buyerEpoch = 1 << 208;
            refuseTerms(all[i], epochStale(buyer, 1 << 208, 0));
        }
    }

    function test_refuses_a_spent_nonce_of_either_party() public {
        Terms memory terms = offer();
        VM.prank(seller);
        escrow.cancel(terms.sellerNonce);
        refuseTerms(terms, nonceSpent(seller, terms.sellerNonce));
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        refuseTerms(terms, nonceSpent(buyer, terms.buyerNonce));
    }

    function test_refuses_a_party_that_does_not_hold_the_money() public {
        Terms memory terms = offer();
        terms.bond = BOND + 1;
        refuseTerms(terms, fundsShort(seller, BOND, BOND + 1));
        terms.price = PRICE + 1;
        refuseTerms(terms, fundsShort(buyer, PRICE, PRICE + 1));
    }

    function test_refuses_a_party_that_did_not_approve_the_money() public {
        VM.prank(seller);
        token.approve(address(escrow), BOND - 1);
        refuseTerms(offer(), allowanceShort(seller, BOND - 1, BOND));
        VM.prank(buyer);
        token.approve(address(escrow), PRICE - 1);
        refuseTerms(offer(), allowanceShort(buyer, PRICE - 1, PRICE));
    }

    function test_accepts_parties_that_hold_and_approved_exactly_what_is_needed() public {
        VM.prank(buyer);
        token.approve(address(escrow), PRICE);
        VM.prank(seller);
        token.approve(address(escrow), BOND);
        escrow.feasible(offer());
    }

    /// @dev Everything is wrong at first; each line mends what was named, and the next thing must be named.
    function test_checks_of_the_terms_run_in_one_order() public view {
        Terms memory terms;
        (terms.buyerEpoch, terms.sellerEpoch, terms.arbiterFee) = (1, 1, 9);
        assertFirst(terms, IEscrow.PartyMissing.selector);
        (terms.buyer, terms.seller, terms.rail) = (buyer, buyer, 9);
        assertFirst(terms, IEscrow.PartiesEqual.selector);
        (terms.seller, terms.defaultSellerBps) = (seller, 10_001);
        assertFirst(terms, IEscrow.RailUnknown.selector);
        terms.rail = Rail.EXCHANGE;
        assertFirst(terms, IEscrow.FieldUnsupported.selector);
        (terms.arbiterFee, terms.defaultSellerBps) = (0, 0);
        assertFirst(terms, IEscrow.FieldMissing.selector);
        (terms.rail, terms.arbiter, terms.arbiterFee, terms.defaultSellerBps) = (Rail.ESCROW, buyer, 9, 10_001);
        assertFirst(terms, IEscrow.ArbiterPartial.selector);
        terms.arbiter = umpire;
        assertFirst(terms, IEscrow.TokenMissing.selector);
        (terms.token, terms.feeBps) = (address(token), 10_001);
        assertFirst(terms, IEscrow.PriceTooLow.selector);
        terms.price = 1;
        assertFirst(terms, IEscrow.ShareTooHigh.selector);
        terms.feeBps = 9_999;
        assertFirst(terms, IEscrow.FeeRecipientMissing.selector);
        terms.feeRecipient = recipient;
        assertFirst(terms, IEscrow.FeeRoundsToZero.selector);
        terms.price = 2;
        assertFirst(terms, IEscrow.ShareTooHigh.selector);
        terms.defaultSellerBps = 10_000;
        assertFirst(terms, IEscrow.ArbiterFeeUncovered.selector);
        terms.arbiterFee = 0;
        assertFirst(terms, IEscrow.OpenExpired.selector);
        (terms.openBy, terms.deliveryWindow) = (START + 1, type(uint32).max);
        assertFirst(terms, IEscrow.WindowTooLong.selector);
        (terms.deliveryWindow, terms.arbitrationWindow) = (60, 60);
        assertFirst(terms, IEscrow.WindowTooShort.selector);
        terms.reviewWindow = 60;
        assertFirst(terms, IAccounts.EpochStale.selector);
    }

    /// @dev The same for what the chain says of the parties.
    function test_checks_of_the_parties_run_in_one_order() public {
        Terms memory terms = offer();
        VM.prank(buyer);
        escrow.cancel(terms.buyerNonce);
        VM.prank(buyer);
        token.approve(address(escrow), 0);
        (terms.sellerEpoch, terms.bond) = (1, BOND + 1);

        assertFirst(terms, IAccounts.EpochStale.selector);
        terms.sellerEpoch = 0;
        assertFirst(terms, IAccounts.NonceSpent.selector);
        terms.buyerNonce = 0;
        assertFirst(terms, IAccounts.AllowanceShort.selector);
        VM.prank(buyer);
        token.approve(address(escrow), PRICE);
        assertFirst(terms, IAccounts.FundsShort.selector);
    }

    function test_open_looks_at_the_terms_before_the_signatures_and_at_those_before_the_money() public {
        Terms memory terms = offer();
        (terms.price, terms.buyerNonce) = (0, 0);
        refuseOpen(terms, "", "", abi.encodeWithSelector(IEscrow.PriceTooLow.selector, 0, 1));
        terms.price = PRICE + 1;
        refuseOpen(terms, "", "", wrongSigner(buyer, address(0)));
    }

    /// @dev One member of good terms is overwritten with anything: either both accept or both name the same fault.
    function testFuzz_open_refuses_exactly_what_feasible_refuses(uint8 rail, uint8 place, uint256 value) public {
        Terms memory terms = [offer(), disputable(), metered(), exchange()][rail % 4];
        // Not the parties, who sign, and not the bundle, which is more than one opening.
        place = uint8(within(place, 3, 23));
        set(terms, place, value);
        terms = copy(terms);
        if (terms.rail == Rail.ATOMIC) return;

        Opening memory opening = signed(terms);
        (bool may, bytes memory said) = address(escrow).staticcall(abi.encodeCall(IEscrow.feasible, (terms)));
        (bool done, bytes memory answer) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertEq(done, may);
        VM.assertEq(answer, said);
    }

    function rails() private view returns (Terms[4] memory) {
        return [offer(), disputable(), metered(), exchange()];
    }

    function boundWindow(Terms memory terms, uint256 place) private {
        set(terms, place, 59);
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.WindowTooShort.selector, place, 59, 60));
        set(terms, place, 60);
        escrow.feasible(terms);
        set(terms, place, YEAR);
        escrow.feasible(terms);
        set(terms, place, YEAR + 1);
        refuseTerms(terms, abi.encodeWithSelector(IEscrow.WindowTooLong.selector, place, YEAR + 1, YEAR));
    }

    function refuseTerms(Terms memory terms, bytes memory reason) private {
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
}
