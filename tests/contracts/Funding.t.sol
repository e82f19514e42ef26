// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC3009} from "@openzeppelin/contracts/interfaces/draft-IERC3009.sol";
import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {Funding} from "../../contracts/libraries/Funding.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {VM} from "./Cheats.sol";
import {IFiatToken, tokenDigest} from "./foreign/FiatToken.sol";
import {CreditFundings, FiatFundings, Funds, Fundings, ICancelling, Way} from "./foreign/Fundings.sol";
import {IMintable} from "./Stage.sol";
import {IPermitTwo, PERMIT_TWO} from "./foreign/PermitTwo.sol";

/// @notice Money brought in on the payers' signatures, by whoever hands them in: each way funds the deal that its signer
/// meant, once, and no other. Every test goes for the buyer's price and for the seller's bond.
abstract contract FundingTest is Fundings {
    // ------------------------------------------------------------------ every way

    function test_every_way_funds_price_and_bond_and_may_differ_between_the_two() public {
        for (uint8 ofBuyer = Way.PERMIT; ofBuyer <= Way.WITNESS; ofBuyer++) {
            for (uint8 ofSeller = Way.PERMIT; ofSeller <= Way.WITNESS; ofSeller++) {
                Terms memory terms = another();
                Opening memory opening = funded(terms, ofBuyer);
                opening.sellerFunding = fundingOf(terms, ofSeller, false);
                openFunded(opening);
                assertHeld(buyer, WEALTH - deals * PRICE);
                assertHeld(seller, WEALTH - deals * BOND);
            }
        }
    }

    function test_a_compact_signature_funds_as_well() public {
        for (uint8 way = Way.PERMIT; way <= Way.WITNESS; way++) {
            Opening memory opening = funded(another(), way);
            opening.buyerFunding = compact(opening.buyerFunding);
            opening.sellerFunding = compact(opening.sellerFunding);
            openFunded(opening);
        }
    }

    function test_every_way_funds_until_the_last_second_before_openBy() public {
        for (uint8 way = Way.PERMIT; way <= Way.WITNESS; way++) {
            Opening memory opening = funded(another(), way);
            VM.warp(opening.terms.openBy);
            refuseFunded(
                opening,
                abi.encodeWithSelector(IEscrow.OpenExpired.selector, opening.terms.openBy, opening.terms.openBy)
            );
            VM.warp(opening.terms.openBy - 1);
            openFunded(opening);
        }
    }

    function testFuzz_no_other_way_is_known(uint8 way, bool ofBuyer, bytes calldata rest) public {
        if (way > Way.ALLOWANCE && way <= Way.WITNESS) way += 3;
        Opening memory opening = funded(offer(), Way.AUTHORIZATION);
        replace(opening, ofBuyer, abi.encodePacked(way, rest));
        refuseFunded(opening, abi.encodeWithSelector(Funding.FundingUnknown.selector, way, Way.WITNESS));
    }

    function testFuzz_random_bytes_fund_nothing(uint8 way, bool ofBuyer, bytes calldata rest) public {
        way = Way.PERMIT + way % 3;
        Opening memory opening = funded(offer(), Way.AUTHORIZATION);
        replace(opening, ofBuyer, abi.encodePacked(way, rest));
        (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertFalse(done);
        assertNothingMoved(opening.terms);
    }

    function testFuzz_a_bit_flipped_in_what_was_signed_funds_nothing(uint8 way, bool ofBuyer, uint256 place) public {
        way = Way.PERMIT + way % 3;
        Opening memory opening = funded(offer(), way);
        bytes memory funding = ofBuyer ? opening.buyerFunding : opening.sellerFunding;
        // Of r and s; the way before them and v behind them have tests of their own.
        funding[1 + place % 64] ^= bytes1(uint8(1 << (place >> 128) % 8));
        (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertFalse(done);
        assertNothingMoved(opening.terms);
    }

    function test_nothing_is_asked_of_a_funding_where_nothing_is_to_pay() public {
        Terms memory terms = offer();
        terms.bond = 0;
        Opening memory opening = funded(terms, Way.AUTHORIZATION);
        opening.sellerFunding = hex"ff";
        openFunded(opening);
        assertHeld(seller, WEALTH);
    }

    function test_a_bound_party_pays_from_its_balance_whatever_its_funding_says() public {
        deposit(buyer, PRICE);
        deposit(seller, BOND);
        Opening memory opening = funded(offer(), Way.AUTHORIZATION);
        openFunded(opening);
        VM.assertEq(escrow.balance(address(token), buyer), 0);
        VM.assertEq(escrow.balance(address(token), seller), 0);
        assertHeld(buyer, WEALTH - PRICE);
        VM.assertFalse(IERC3009(address(token)).authorizationState(buyer, escrow.digest(opening.terms)));
        // Its authorisation does not make up for a balance that is short.
        opening = funded(another(), Way.AUTHORIZATION);
        (opening.buyerFunding, opening.sellerFunding) = (hex"ff", hex"ff");
        refuseFunded(opening, balanceShort(buyer, 0, PRICE));
    }

    function test_a_relayer_who_takes_another_way_than_was_meant_costs_nobody_more() public {
        for (uint8 way = Way.AUTHORIZATION; way <= Way.WITNESS; way++) {
            VM.prank(buyer);
            token.approve(address(escrow), PRICE);
            Opening memory opening = funded(another(), way);
            bytes memory meant = opening.buyerFunding;
            opening.buyerFunding = "";
            openFunded(opening);
            assertHeld(buyer, WEALTH - deals * PRICE);
            // What the buyer had signed was for this deal alone, and that is open.
            refuseFunded(opening, nonceSpent(buyer, opening.terms.buyerNonce));
            opening = funded(another(), way);
            opening.buyerFunding = meant;
            (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
            VM.assertFalse(done);
            deals--;
        }
    }

    function test_a_relayer_who_takes_an_authorization_leaves_the_permit_to_pay_for_nothing_else() public {
        Opening memory opening = funded(offer(), Way.PERMIT);
        bytes memory meant = opening.buyerFunding;
        opening.buyerFunding = fundingOf(opening.terms, Way.AUTHORIZATION, true);
        openFunded(opening);
        // The allowance alone moves nothing: it takes terms that the buyer signed.
        handIn(meant, buyer, PRICE, opening.terms.openBy);
        Terms memory forgedTerms = another();
        opening = signed(forgedTerms, SELLER_KEY, SELLER_KEY);
        refuseFunded(opening, wrongSigner(buyer, seller));
    }

    // ------------------------------------------------------------------ ERC-2612

    function test_a_permit_that_somebody_used_first_funds_all_the_same() public {
        Opening memory opening = funded(offer(), Way.PERMIT);
        handIn(opening.buyerFunding, buyer, PRICE, opening.terms.openBy);
        handIn(opening.sellerFunding, seller, BOND, opening.terms.openBy);
        openFunded(opening);
    }

    function test_a_permit_that_says_anything_else_is_no_allowance() public {
        for (uint256 i = 0; i < 5; i++) {
            refuseOtherPermit(i, true);
            refuseOtherPermit(i, false);
        }
    }

    function test_two_permits_fund_two_deals_one_after_the_other() public {
        openFunded(funded(another(), Way.PERMIT));
        openFunded(funded(another(), Way.PERMIT));
    }

    function test_of_two_permits_used_beforehand_the_later_is_the_allowance() public {
        Terms memory second = another();
        second.price = PRICE - 1;
        Opening memory opening = funded(offer(), Way.PERMIT);
        handIn(opening.buyerFunding, buyer, PRICE, opening.terms.openBy);
        handIn(fundingOf(second, Way.PERMIT, true), buyer, PRICE - 1, second.openBy);
        refuseFunded(opening, allowanceShort(buyer, PRICE - 1, PRICE));
        opening = signed(second);
        opening.sellerFunding = fundingOf(second, Way.AUTHORIZATION, false);
        openFunded(opening);
    }

    // ------------------------------------------------------------------ ERC-3009

    function test_an_authorization_that_says_anything_else_is_forged() public {
        for (uint256 i = 0; i < 5; i++) {
            refuseOther(Way.AUTHORIZATION, i, true, forged());
            refuseOther(Way.AUTHORIZATION, i, false, forged());
        }
    }

    function test_an_authorization_for_one_deal_pays_for_no_other() public {
        Opening memory opening = funded(another(), Way.AUTHORIZATION);
        opening.buyerFunding = fundingOf(offer(), Way.AUTHORIZATION, true);
        refuseFunded(opening, forged());
        opening = funded(another(), Way.AUTHORIZATION);
        opening.sellerFunding = fundingOf(offer(), Way.AUTHORIZATION, false);
        refuseFunded(opening, forged());
    }

    function test_an_authorization_that_its_payer_took_back_opens_nothing() public {
        Opening memory opening = funded(offer(), Way.AUTHORIZATION);
        bytes32 deal = escrow.digest(opening.terms);
        bytes32 typeHash = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
        (uint8 v, bytes32 r, bytes32 s) =
            VM.sign(BUYER_KEY, tokenDigest(IFiatToken(address(token)), keccak256(abi.encode(typeHash, buyer, deal))));
        ICancelling(address(token)).cancelAuthorization(buyer, deal, v, r, s);
        refuseFunded(opening, used(buyer, deal));
    }

    function test_an_authorization_is_handed_in_by_nobody_but_the_escrow() public {
        Opening memory opening = funded(offer(), Way.AUTHORIZATION);
        (uint8 v, bytes32 r, bytes32 s) = parts(opening.buyerFunding);
        bytes32 deal = escrow.digest(opening.terms);
        (bool done,) = address(token)
            .call(
                abi.encodeCall(
                    IERC3009.receiveWithAuthorization,
                    (buyer, address(escrow), PRICE, 0, opening.terms.openBy, deal, v, r, s)
                )
            );
        VM.assertFalse(done);
        openFunded(opening);
    }

    // ------------------------------------------------------------------ Permit2

    function test_a_witness_that_says_anything_else_is_not_its_payers() public {
        for (uint256 i = 0; i < 5; i++) {
            refuseOther(Way.WITNESS, i, true, abi.encodeWithSelector(IPermitTwo.InvalidSigner.selector));
            refuseOther(Way.WITNESS, i, false, abi.encodeWithSelector(IPermitTwo.InvalidSigner.selector));
        }
    }

    function test_a_witness_of_one_deal_pays_for_no_other() public {
        Opening memory opening = funded(another(), Way.WITNESS);
        opening.buyerFunding = fundingOf(offer(), Way.WITNESS, true);
        refuseFunded(opening, abi.encodeWithSelector(IPermitTwo.InvalidSigner.selector));
        opening = funded(another(), Way.WITNESS);
        opening.sellerFunding = fundingOf(offer(), Way.WITNESS, false);
        refuseFunded(opening, abi.encodeWithSelector(IPermitTwo.InvalidSigner.selector));
    }

    function test_a_witness_whose_nonce_is_spent_opens_nothing() public {
        Opening memory opening = funded(offer(), Way.WITNESS);
        uint256 nonce = uint256(escrow.digest(opening.terms));
        VM.prank(buyer);
        PERMIT_TWO.invalidateUnorderedNonces(nonce >> 8, 1 << (nonce & 0xff));
        refuseFunded(opening, abi.encodeWithSelector(IPermitTwo.InvalidNonce.selector));
    }

    function test_a_witness_without_an_allowance_for_permit2_opens_nothing() public {
        VM.prank(seller);
        token.approve(address(PERMIT_TWO), BOND - 1);
        Opening memory opening = funded(offer(), Way.WITNESS);
        (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertFalse(done);
        assertNothingMoved(opening.terms);
    }

    function testFuzz_a_witness_that_brings_another_amount_is_refused_by_what_came(int8 skew) public {
        if (skew == 0) skew = 1;
        token = IMintable(address(new SkewedToken(skew)));
        token.mint(buyer, PRICE);
        VM.prank(buyer);
        token.approve(address(PERMIT_TWO), PRICE);
        Opening memory opening = signed(offer());
        opening.buyerFunding = fundingOf(opening.terms, Way.WITNESS, true);
        uint256 came = uint256(int256(uint256(PRICE)) + skew);
        refuseFunded(opening, pullShort(address(token), PRICE, came));
    }

    // ------------------------------------------------------------------ the same, in other words

    function refuseOther(uint8 way, uint256 field, bool ofBuyer, bytes memory reason) private {
        Terms memory terms = offer();
        Opening memory opening = funded(terms, Way.AUTHORIZATION);
        Funds memory funds = fundsOf(terms, way, ofBuyer);
        misstate(funds, field);
        replace(opening, ofBuyer, encode(funds));
        refuseFunded(opening, reason);
        assertNothingMoved(terms);
    }

    function refuseOtherPermit(uint256 field, bool ofBuyer) private {
        (address payer, uint256 amount) = ofBuyer ? (buyer, uint256(PRICE)) : (seller, BOND);
        refuseOther(Way.PERMIT, field, ofBuyer, allowanceShort(payer, 0, amount));
    }

    function assertNothingMoved(Terms memory terms) private view {
        assertState(escrow.digest(terms), State.NONE);
        assertHeld(buyer, WEALTH);
        assertHeld(seller, WEALTH);
        VM.assertFalse(escrow.nonceSpent(buyer, terms.buyerNonce));
    }

    function deposit(address account, uint256 amount) private {
        VM.prank(account);
        token.approve(address(escrow), amount);
        act(account, abi.encodeCall(IAccounts.deposit, (address(token), amount)));
    }
}

contract CreditTokenFundingTest is FundingTest, CreditFundings {}

contract FiatTokenFundingTest is FundingTest, FiatFundings {}
