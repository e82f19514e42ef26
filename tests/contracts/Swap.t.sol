// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1155Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Credits, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {HollowItems} from "../../contracts/mocks/tokens/HollowItems.sol";
import {OpenItems} from "../../contracts/mocks/tokens/OpenItems.sol";
import {OpenToken} from "../../contracts/mocks/tokens/OpenToken.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM, within} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice The atomic rail: money against tokenised credits in one transaction, or nothing at all.
contract SwapTest is Openings {
    uint256 private constant AMOUNT = 4_099;
    uint256 private constant ID = 17;
    uint256 private constant FEE = 33_300; // 333 bps of PRICE

    OpenToken private units;
    OpenItems private items;

    function setUp() public override {
        super.setUp();
        units = new OpenToken();
        items = new OpenItems();
        units.mint(seller, AMOUNT);
        items.mint(seller, ID, AMOUNT);
        VM.prank(seller);
        units.approve(address(escrow), type(uint256).max);
        VM.prank(seller);
        items.setApprovalForAll(address(escrow), true);
    }

    function test_swap_moves_money_and_units_to_the_unit() public {
        Terms memory terms = atomic(ofUnits());
        bytes32 deal = swap(terms, ofUnits());
        assertPaid(0, PRICE - FEE + BOND, FEE);
        assertUnits(AMOUNT, 0);
        assertState(deal, State.NONE);
        VM.assertTrue(escrow.nonceSpent(buyer, terms.buyerNonce));
        VM.assertTrue(escrow.nonceSpent(seller, terms.sellerNonce));
    }

    function test_swap_moves_money_and_items_to_the_unit() public {
        swap(atomic(ofItems()), ofItems());
        assertPaid(0, PRICE - FEE + BOND, FEE);
        VM.assertEq(items.balanceOf(buyer, ID), AMOUNT);
        VM.assertEq(items.balanceOf(seller, ID), 0);
    }

    function test_swap_returns_the_digest_and_says_who_traded_what() public {
        Terms memory terms = atomic(ofUnits());
        bytes32 deal = escrow.digest(terms);
        VM.expectEmit(address(escrow));
        emit IEscrow.Swapped(deal, buyer, seller, address(token), PRICE, FEE, terms.buyerNonce, terms.sellerNonce);
        VM.assertEq(swap(terms, ofUnits()), deal);
    }

    function testFuzz_swap_pays_to_the_unit(uint104 price, uint16 feeBps, uint256 amount) public {
        (price, feeBps) = (uint104(within(price, 10_000, type(uint104).max)), uint16(within(feeBps, 0, 10_000)));
        amount = within(amount, 0, type(uint256).max - AMOUNT);
        fund(buyer, price);
        units.mint(seller, amount);
        Credits memory credits = Credits(address(units), false, 0, amount);
        Terms memory terms = atomic(credits);
        (terms.price, terms.feeBps) = (price, feeBps);
        swap(terms, credits);
        uint256 fee = uint256(price) * feeBps / 10_000;
        assertPaid(PRICE, price - fee + BOND, fee);
        assertUnits(amount, AMOUNT);
    }

    function test_swap_of_one_token_against_itself_nets_to_the_unit() public {
        Credits memory credits = Credits(address(token), false, 0, 20_000);
        swap(atomic(credits), credits);
        assertPaid(20_000, PRICE - FEE + BOND - 20_000, FEE);
    }

    function test_swap_serves_a_recipient_who_is_a_party() public {
        Terms memory terms = atomic(ofUnits());
        terms.feeRecipient = seller;
        swap(terms, ofUnits());
        assertPaid(0, PRICE + BOND, 0);

        Credits memory none = Credits(address(units), false, 0, 0);
        terms = atomic(none);
        (terms.feeRecipient, terms.buyerNonce, terms.sellerNonce) = (buyer, 1, 1);
        fund(buyer, PRICE);
        swap(terms, none);
        assertPaid(FEE, 2 * uint256(PRICE) - FEE + BOND, 0);
    }

    function test_feasible_asks_of_a_buyer_that_is_the_fees_recipient_what_the_swap_moves() public {
        Terms memory terms = atomic(ofUnits());
        terms.feeRecipient = buyer;
        VM.prank(buyer);
        token.transfer(stranger, FEE + 1);
        VM.expectRevert(fundsShort(buyer, PRICE - FEE - 1, PRICE - FEE));
        escrow.feasible(terms);
        fund(buyer, 1);
        VM.assertEq(escrow.feasible(terms), escrow.digest(terms));
        swap(terms, ofUnits());
        assertHeld(buyer, 0);
        assertHeld(seller, PRICE - FEE + BOND);
    }

    function test_feasible_asks_the_whole_price_of_a_buyer_of_another_rail_though_the_fee_is_its_own() public {
        Terms memory terms = offer();
        terms.feeRecipient = buyer;
        VM.prank(buyer);
        token.transfer(stranger, 1);
        VM.expectRevert(fundsShort(buyer, PRICE - 1, PRICE));
        escrow.feasible(terms);
    }

    function test_swap_whose_fee_is_the_whole_price_pays_the_seller_nothing() public {
        Terms memory terms = atomic(ofUnits());
        terms.feeBps = 10_000;
        swap(terms, ofUnits());
        assertPaid(0, BOND, PRICE);
    }

    function test_swap_refuses_goods_that_differ_in_any_field() public {
        Terms memory terms = atomic(ofUnits());
        Credits[4] memory others = [ofUnits(), ofUnits(), ofUnits(), ofUnits()];
        (others[0].token, others[1].multi, others[2].id, others[3].amount) = (address(items), true, 1, AMOUNT - 1);
        for (uint256 i = 0; i < others.length; i++) {
            bytes memory reason = abi.encodeWithSelector(IEscrow.WrongGoods.selector, terms.goods, hashOf(others[i]));
            refuseSwap(terms, others[i], reason);
        }
    }

    function test_swap_refuses_other_amounts_of_goods_whatever_their_hash() public {
        Terms memory terms = atomic(ofUnits());
        (uint256 below, uint256 above) = (0, 0);
        for (uint256 i = 1; i <= 16; i++) {
            Credits memory other = ofUnits();
            other.amount += i;
            bytes32 given = atomic(other).goods;
            if (given < terms.goods) below++;
            else above++;
            bytes memory reason = abi.encodeWithSelector(IEscrow.WrongGoods.selector, terms.goods, given);
            refuse(stranger, abi.encodeCall(IEscrow.swap, (terms, other, "", "")), reason);
        }
        VM.assertGt(below, 0);
        VM.assertGt(above, 0);
    }

    function test_swap_refuses_every_other_rail() public {
        uint8[5] memory others = [Rail.ESCROW, Rail.METERED, Rail.EXCHANGE, 4, 255];
        for (uint256 i = 0; i < others.length; i++) {
            Terms memory terms = atomic(ofUnits());
            terms.rail = others[i];
            refuseSwap(terms, ofUnits(), wrongRail(others[i], Rail.ATOMIC));
        }
    }

    function test_swap_refuses_what_is_not_feasible() public {
        Terms memory terms = atomic(ofUnits());
        terms.bond = 1;
        refuseBoth(terms, abi.encodeWithSelector(IEscrow.FieldUnsupported.selector, Rail.ATOMIC, 14, 1));
        terms = atomic(ofUnits());
        terms.price = 0;
        refuseBoth(terms, abi.encodeWithSelector(IEscrow.PriceTooLow.selector, 0, 1));
        terms = atomic(ofUnits());
        terms.sellerEpoch = 5;
        refuseBoth(terms, epochStale(seller, 5, 0));
        terms = atomic(ofUnits());
        terms.price = PRICE + 1;
        VM.expectRevert(fundsShort(buyer, PRICE, PRICE + 1));
        escrow.feasible(terms);
    }

    function test_swap_is_possible_until_openBy() public {
        Terms memory terms = atomic(ofUnits());
        VM.warp(terms.openBy);
        refuseBoth(terms, abi.encodeWithSelector(IEscrow.OpenExpired.selector, terms.openBy, terms.openBy));
        VM.warp(terms.openBy - 1);
        swap(terms, ofUnits());
    }

    function test_swap_refuses_a_replay_and_a_cancelled_nonce() public {
        Terms memory terms = atomic(ofUnits());
        swap(terms, ofUnits());
        fund(buyer, PRICE);
        units.mint(seller, AMOUNT);
        refuseBoth(terms, nonceSpent(buyer, terms.buyerNonce));
        terms.buyerNonce = 1;
        refuseBoth(terms, nonceSpent(seller, terms.sellerNonce));
    }

    function test_a_nonce_that_opened_a_deal_swaps_nothing() public {
        open(offer());
        fund(buyer, PRICE);
        refuseBoth(atomic(ofUnits()), nonceSpent(buyer, 0x105));
    }

    function test_swap_refuses_a_wrong_signature_in_either_place() public {
        Terms memory terms = atomic(ofUnits());
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        VM.expectRevert(wrongSigner(buyer, seller));
        escrow.swap(terms, ofUnits(), ofSeller, ofSeller);
        VM.expectRevert(wrongSigner(seller, buyer));
        escrow.swap(terms, ofUnits(), ofBuyer, ofBuyer);
    }

    function test_an_open_offer_of_credits_is_swapped_by_any_buyer() public {
        Terms memory terms = atomic(ofUnits());
        bytes memory ofSeller = sign(SELLER_KEY, typedDigest(structHash(unnamed(terms))));
        bytes memory ofBuyer = sign(BUYER_KEY, escrow.digest(terms));
        escrow.swap(terms, ofUnits(), ofBuyer, withProof(ofSeller, new bytes32[](0), true));
        assertUnits(AMOUNT, 0);
    }

    function test_swap_takes_from_the_wallets_of_bound_parties_and_leaves_their_balances() public {
        fund(buyer, 7);
        VM.prank(buyer);
        escrow.deposit(address(token), 7);
        VM.prank(seller);
        escrow.deposit(address(token), BOND);
        Terms memory terms = atomic(ofUnits());
        VM.assertEq(escrow.feasible(terms), swap(terms, ofUnits()));
        assertHeld(seller, PRICE - FEE);
        VM.assertEq(escrow.balance(address(token), buyer), 7);
        VM.assertEq(escrow.balance(address(token), seller), BOND);
    }

    function test_swap_moves_nothing_when_the_buyer_cannot_pay() public {
        VM.prank(buyer);
        token.approve(address(escrow), PRICE - 1);
        refuseSwap(atomic(ofUnits()), ofUnits(), allowanceShort(buyer, FEE - 1, FEE));
        assertHeld(buyer, PRICE);
        assertUnits(0, AMOUNT);
    }

    function test_swap_moves_nothing_when_the_seller_lacks_units() public {
        Credits memory more = Credits(address(units), false, 0, AMOUNT + 1);
        refuseSwap(atomic(more), more, fundsShort(seller, AMOUNT, AMOUNT + 1));
        VM.prank(seller);
        units.approve(address(escrow), AMOUNT - 1);
        refuseSwap(atomic(ofUnits()), ofUnits(), allowanceShort(seller, AMOUNT - 1, AMOUNT));
        assertHeld(buyer, PRICE);
    }

    function test_swap_moves_nothing_when_the_seller_lacks_items() public {
        Credits memory more = Credits(address(items), true, ID, AMOUNT + 1);
        bytes4 short = IERC1155Errors.ERC1155InsufficientBalance.selector;
        refuseSwap(atomic(more), more, abi.encodeWithSelector(short, seller, AMOUNT, AMOUNT + 1, ID));
        VM.prank(seller);
        items.setApprovalForAll(address(escrow), false);
        short = IERC1155Errors.ERC1155MissingApprovalForAll.selector;
        refuseSwap(atomic(ofItems()), ofItems(), abi.encodeWithSelector(short, address(escrow), seller));
        assertHeld(buyer, PRICE);
    }

    function test_swap_refuses_items_that_never_come() public {
        HollowItems hollow = new HollowItems();
        hollow.mint(seller, ID, AMOUNT);
        Credits memory credits = Credits(address(hollow), true, ID, AMOUNT);
        refuseSwap(atomic(credits), credits, pullShort(address(hollow), AMOUNT, 0));
        assertHeld(buyer, PRICE);
    }

    function test_swap_refuses_money_or_units_of_another_amount_than_signed() public {
        int256[2] memory skews = [int256(-1), 1];
        for (uint256 i = 0; i < skews.length; i++) {
            SkewedToken skewed = new SkewedToken(skews[i]);
            skewed.mint(seller, AMOUNT);
            VM.prank(seller);
            skewed.approve(address(escrow), AMOUNT);
            Credits memory credits = Credits(address(skewed), false, 0, AMOUNT);
            refuseSwap(atomic(credits), credits, pullShort(address(skewed), AMOUNT, uint256(int256(AMOUNT) + skews[i])));
        }
        assertHeld(buyer, PRICE);
    }

    function test_swap_moves_nothing_when_the_goods_have_no_contract() public {
        bool[2] memory kinds = [false, true];
        for (uint256 i = 0; i < kinds.length; i++) {
            Credits memory credits = Credits(stranger, kinds[i], 0, AMOUNT);
            refuseSwap(atomic(credits), credits, "");
        }
        assertHeld(buyer, PRICE);
    }

    function test_swap_moves_nothing_when_the_buyers_wallet_refuses_the_items() public {
        HookedWallet wallet = new HookedWallet(buyer);
        Terms memory terms = atomic(ofItems());
        terms.buyer = join(address(wallet));
        wallet.turn(HookedWallet.Mood.REFUSE);
        refuseSwap(terms, ofItems(), abi.encodeWithSelector(HookedWallet.Refused.selector));
        assertHeld(address(wallet), PRICE);
        wallet.turn(HookedWallet.Mood.ACCEPT);
        swap(terms, ofItems());
        VM.assertEq(items.balanceOf(address(wallet), ID), AMOUNT);
    }

    function ofUnits() private view returns (Credits memory) {
        return Credits(address(units), false, 0, AMOUNT);
    }

    function ofItems() private view returns (Credits memory) {
        return Credits(address(items), true, ID, AMOUNT);
    }

    function atomic(Credits memory credits) private view returns (Terms memory terms) {
        terms = offer();
        (terms.rail, terms.goods) = (Rail.ATOMIC, hashOf(credits));
        (terms.bond, terms.deliveryWindow, terms.reviewWindow) = (0, 0, 0);
    }

    function hashOf(Credits memory credits) private pure returns (bytes32) {
        bytes32 typeHash = keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
        return keccak256(abi.encode(typeHash, credits.token, credits.multi, credits.id, credits.amount));
    }

    function swap(Terms memory terms, Credits memory credits) private returns (bytes32) {
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        VM.prank(stranger);
        return escrow.swap(terms, credits, ofBuyer, ofSeller);
    }

    function refuseSwap(Terms memory terms, Credits memory credits, bytes memory reason) private {
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        refuse(stranger, abi.encodeCall(IEscrow.swap, (terms, credits, ofBuyer, ofSeller)), reason);
    }

    function refuseBoth(Terms memory terms, bytes memory reason) private {
        VM.expectRevert(reason);
        escrow.feasible(terms);
        refuseSwap(terms, ofUnits(), reason);
    }

    function assertUnits(uint256 ofBuyer, uint256 ofSeller) private view {
        VM.assertEq(units.balanceOf(buyer), ofBuyer);
        VM.assertEq(units.balanceOf(seller), ofSeller);
    }
}
