// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Own, Position, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {SmartWallet} from "../../contracts/mocks/SmartWallet.sol";
import {ReentrantToken} from "../../contracts/mocks/tokens/ReentrantToken.sol";
import {SkewedToken} from "../../contracts/mocks/tokens/SkewedToken.sol";
import {VM, within} from "./Cheats.sol";
import {Series} from "./Series.sol";
import {IMintable} from "./Stage.sol";
import {proofOf, rootOf} from "./Tree.sol";

/// @notice Many deals of one pair that open at once, on one signature of each.
contract OpenSeriesTest is Series {
    function test_openSeries_opens_each_deal_under_the_digest_of_its_own_terms() public {
        uint256[9] memory sizes = [uint256(1), 2, 3, 5, 7, 8, 9, 33, MOST];
        for (uint256 i = 0; i < sizes.length; i++) {
            Terms memory terms = offer();
            Own[] memory owns = ownsOf(sizes[i], 1_000 * i);
            assertOpened(terms, owns, openSeries(terms, owns), 0);
        }
    }

    function testFuzz_a_series_of_any_size_opens(uint256 size, uint256 first) public {
        Terms memory terms = metered();
        Own[] memory owns = ownsOf(within(size, 1, 40), within(first, 0, type(uint128).max));
        assertOpened(terms, owns, openSeries(terms, owns), 0);
        assertHeld(address(escrow), owns.length * (uint256(PRICE) + BOND));
    }

    function test_openSeries_tells_of_each_deal_in_its_order() public {
        Terms memory terms = offer();
        Own[] memory owns = ownsOf(3);
        for (uint256 i = 0; i < owns.length; i++) {
            bytes32 deal = escrow.digest(member(terms, owns[i]));
            (uint256 ofBuyer, uint256 ofSeller) = (owns[i].buyerNonce, owns[i].sellerNonce);
            VM.expectEmit(address(escrow));
            emit IEscrow.Opened(deal, buyer, seller, address(token), PRICE, BOND, ofBuyer, ofSeller);
        }
        act(stranger, encodeOpen(terms, owns));
    }

    function test_openSeries_takes_the_money_of_all_in_one_pull_from_each() public {
        Own[] memory owns = ownsOf(5);
        bytes memory call = encodeOpen(offer(), owns);
        expectPull(buyer, 5 * uint256(PRICE));
        expectPull(seller, 5 * uint256(BOND));
        act(stranger, call);
        assertHeld(address(escrow), 5 * (uint256(PRICE) + BOND));
    }

    function test_openSeries_takes_the_money_of_bound_parties_out_of_their_balances() public {
        deposit(buyer, 3 * uint256(PRICE) + 1);
        deposit(seller, 3 * uint256(BOND) + 2);
        (Terms memory terms, Own[] memory owns) = (offer(), ownsOf(3));
        bytes memory call = encodeOpen(terms, owns);
        VM.expectEmit(address(escrow));
        emit IAccounts.Debited(address(token), buyer, 3 * uint256(PRICE));
        VM.expectEmit(address(escrow));
        emit IAccounts.Debited(address(token), seller, 3 * uint256(BOND));
        act(stranger, call);
        assertBalances(1, 2);
        assertPositions(terms, owns, 3);
        assertHeld(address(escrow), 3 * (uint256(PRICE) + BOND) + 3);
    }

    function test_one_party_of_a_series_may_pay_inside_and_the_other_from_its_wallet() public {
        deposit(buyer, 3 * uint256(PRICE));
        Own[] memory owns = ownsOf(3);
        bytes memory call = encodeOpen(offer(), owns);
        expectPull(seller, 3 * uint256(BOND));
        act(stranger, call);
        assertPositions(offer(), owns, 1);
        assertBalances(0, 0);
    }

    function test_the_seller_of_a_series_may_be_the_one_that_is_bound() public {
        deposit(seller, 2 * uint256(BOND));
        Own[] memory owns = ownsOf(2);
        bytes memory call = encodeOpen(offer(), owns);
        expectPull(buyer, 2 * uint256(PRICE));
        act(stranger, call);
        assertPositions(offer(), owns, 2);
        assertBalances(0, 0);
    }

    function test_a_series_whose_buyer_is_a_unit_short_opens_nothing() public {
        uint256 needed = 3 * uint256(PRICE);
        drain(buyer, needed - 1);
        refuseSeries(fundsShort(buyer, needed - 1, needed));
        fund(buyer, 1);
        VM.prank(buyer);
        token.approve(address(escrow), needed - 1);
        refuseSeries(allowanceShort(buyer, needed - 1, needed));
        deposit(buyer, needed - 1);
        refuseSeries(balanceShort(buyer, needed - 1, needed));
    }

    function test_a_series_whose_seller_is_a_unit_short_opens_nothing() public {
        uint256 needed = 3 * uint256(BOND);
        drain(seller, needed - 1);
        refuseSeries(fundsShort(seller, needed - 1, needed));
        fund(seller, 1);
        VM.prank(seller);
        token.approve(address(escrow), needed - 1);
        refuseSeries(allowanceShort(seller, needed - 1, needed));
        deposit(seller, needed - 1);
        refuseSeries(balanceShort(seller, needed - 1, needed));
    }

    function test_a_series_in_a_token_that_keeps_a_fee_opens_nothing() public {
        token = IMintable(address(new SkewedToken(-1)));
        fund(buyer, 3 * uint256(PRICE));
        fund(seller, 3 * uint256(BOND));
        refuseSeries(pullShort(address(token), 3 * uint256(PRICE), 3 * uint256(PRICE) - 1));
    }

    function test_a_series_of_no_deals_reverts() public {
        bytes memory call = abi.encodeCall(IEscrow.openSeries, (offer(), new Own[](0), "", ""));
        refuse(stranger, call, indexOutside());
    }

    function test_what_the_terms_say_in_the_places_of_each_deal_is_not_read() public {
        Terms memory terms = offer();
        Own[] memory owns = ownsOf(2);
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, owns);
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, owns);
        (terms.subject, terms.previous, terms.buyerNonce, terms.sellerNonce) = (0, DELIVERABLE, owns[0].buyerNonce, 9);
        escrow.openSeries(terms, owns, ofBuyer, ofSeller);
        assertPositions(terms, owns, 0);
        VM.assertFalse(escrow.nonceSpent(seller, 9));
    }

    function test_deals_of_every_rail_but_the_atomic_open_in_series() public {
        Terms[4] memory each = [offer(), disputable(), metered(), exchange()];
        for (uint256 i = 0; i < each.length; i++) {
            openSeries(each[i], ownsOf(3, 10 * i));
            assertPositions(each[i], ownsOf(3, 10 * i), 0);
        }
        Terms memory terms = offer();
        terms.rail = Rail.ATOMIC;
        refuse(stranger, encodeOpen(terms, ownsOf(3, 90)), wrongRail(Rail.ATOMIC, Rail.ESCROW));
    }

    function test_members_of_a_bundle_do_not_open_in_series() public {
        Terms memory terms = offer();
        terms.bundle = keccak256(abi.encodePacked(leavesOf(terms, ownsOf(2))));
        refuse(stranger, encodeOpen(terms, ownsOf(2)), wrongBundle(terms.bundle, 0));
    }

    function test_terms_that_cannot_open_alone_cannot_open_in_series() public {
        Terms memory terms = offer();
        terms.price = 0;
        bytes memory reason = abi.encodeWithSelector(IEscrow.PriceTooLow.selector, 0, 1);
        refuse(stranger, encodeOpen(terms, ownsOf(2)), reason);
        VM.warp(offer().openBy);
        refuseSeries(abi.encodeWithSelector(IEscrow.OpenExpired.selector, offer().openBy, block.timestamp));
    }

    function test_a_member_opens_alone_with_its_proof_and_stops_the_series_by_its_nonce() public {
        (Terms memory terms, Own[] memory owns) = (offer(), ownsOf(5));
        openAlone(terms, owns, 3);
        bytes32[] memory leaves = leavesOf(terms, owns);
        refuse(stranger, encodeOpen(terms, owns), nonceSpent(buyer, owns[3].buyerNonce));
        // The rest is not lost: each opens on the very same signature.
        uint256[4] memory rest = [uint256(0), 1, 2, 4];
        for (uint256 i = 0; i < rest.length; i++) {
            assertState(typedDigest(leaves[rest[i]]), State.NONE);
            openAlone(terms, owns, rest[i]);
        }
        assertPositions(terms, owns, 0);
        assertHeld(address(escrow), 5 * (uint256(PRICE) + BOND));
    }

    function test_no_deal_of_a_series_opens_again_alone_or_with_others() public {
        (Terms memory terms, Own[] memory owns) = (offer(), ownsOf(3));
        openSeries(terms, owns);
        refuse(stranger, encodeOpen(terms, owns), nonceSpent(buyer, 0));
        for (uint256 i = 0; i < owns.length; i++) {
            refuseOpen(member(terms, owns[i]), nonceSpent(buyer, owns[i].buyerNonce));
        }
        Own[] memory later = ownsOf(3, 2);
        refuse(stranger, encodeOpen(terms, later), nonceSpent(buyer, later[0].buyerNonce));
        VM.assertFalse(escrow.nonceSpent(buyer, later[1].buyerNonce));
    }

    function test_a_cancelled_nonce_of_either_party_stops_the_series() public {
        VM.prank(buyer);
        escrow.cancel(2);
        refuseSeries(nonceSpent(buyer, 2));
        VM.prank(seller);
        escrow.cancel(~uint256(1));
        refuseSeries(nonceSpent(seller, ~uint256(1)));
    }

    function test_deals_of_a_series_that_share_one_nonce_do_not_open() public {
        Terms memory terms = offer();
        Own[] memory twice = picked(ownsOf(3), order("0120"));
        refuse(stranger, encodeOpen(terms, twice), nonceSpent(buyer, 0));
        Own[] memory owns = ownsOf(3);
        owns[2].sellerNonce = owns[0].sellerNonce;
        refuse(stranger, encodeOpen(terms, owns), nonceSpent(seller, owns[0].sellerNonce));
        assertHeld(address(escrow), 0);
    }

    function test_a_signature_over_one_deal_alone_is_none_over_a_series_of_one_nor_the_reverse() public {
        Terms memory terms = offer();
        Own[] memory owns = ownsOf(1);
        Terms memory alone = member(terms, owns[0]);
        Opening memory plain = signed(alone);
        refuseForged(
            stranger, abi.encodeCall(IEscrow.openSeries, (terms, owns, plain.buyerSignature, plain.sellerSignature))
        );
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, owns);
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, owns);
        refuseForged(stranger, abi.encodeCall(IEscrow.open, (Opening(alone, ofBuyer, ofSeller, "", ""))));
        // An empty proof leads to the terms themselves, and to no tree.
        ofBuyer = withProof(ofBuyer, new bytes32[](0), false);
        refuseForged(stranger, abi.encodeCall(IEscrow.open, (Opening(alone, ofBuyer, ofSeller, "", ""))));
    }

    function test_a_signature_counts_for_its_own_list_and_order() public {
        string[8] memory lists = ["01234", "0123456", "012346", "123450", "021345", "345012", "0", "5"];
        for (uint256 i = 0; i < lists.length; i++) {
            refuseList(picked(ownsOf(7), order(lists[i])));
        }
        Own[] memory owns = ownsOf(6);
        owns[5].subject = DELIVERABLE;
        refuseList(owns);
        owns[5] = Own(0, 0, 0x5ca1ab1e, 0x5ca1ab1e);
        refuseList(owns);
    }

    /// @dev A node is the hash of its children in ascending order: what is signed is which deals, and how they pair.
    function test_neighbours_in_the_tree_may_change_places_for_they_are_the_same_deals() public {
        Terms memory terms = offer();
        Own[] memory turned = picked(ownsOf(6), order("321054"));
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, ownsOf(6));
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, ownsOf(6));
        bytes32[] memory deals = escrow.openSeries(terms, turned, ofBuyer, ofSeller);
        assertOpened(terms, turned, deals, 0);
        VM.assertEq(rootOf(leavesOf(terms, turned)), rootOf(leavesOf(terms, ownsOf(6))));
    }

    function test_a_signature_over_other_terms_does_not_count() public {
        Terms memory terms = offer();
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, ownsOf(3));
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, ownsOf(3));
        terms.price += 1;
        refuseForged(stranger, abi.encodeCall(IEscrow.openSeries, (terms, ownsOf(3), ofBuyer, ofSeller)));
    }

    function test_both_have_to_sign_each_for_itself() public {
        (Terms memory terms, Own[] memory owns) = (offer(), ownsOf(3));
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, owns);
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, owns);
        refuseSigned(terms, ofSeller, ofBuyer, wrongSigner(buyer, seller));
        refuseSigned(terms, ofBuyer, ofBuyer, wrongSigner(seller, buyer));
        refuseSigned(terms, ofSeller, ofSeller, wrongSigner(buyer, seller));
        refuseSigned(terms, "", ofSeller, wrongSigner(buyer, address(0)));
        refuseSigned(terms, ofBuyer, "", wrongSigner(seller, address(0)));
    }

    function test_compact_signatures_open_a_series() public {
        (Terms memory terms, Own[] memory owns) = (offer(), ownsOf(3));
        bytes32 digest = bulkDigest(rootOf(leavesOf(terms, owns)));
        bytes32[] memory deals = escrow.openSeries(terms, owns, compact(BUYER_KEY, digest), compact(SELLER_KEY, digest));
        assertOpened(terms, owns, deals, 0);
    }

    function test_wallets_open_a_series() public {
        Terms memory terms = offer();
        terms.buyer = join(address(new SmartWallet(buyer)));
        terms.seller = join(address(new SmartWallet(seller)));
        fund(terms.buyer, 2 * uint256(PRICE));
        bytes32[] memory deals = openSeries(terms, ownsOf(3));
        assertOpened(terms, ownsOf(3), deals, 0);
    }

    function test_a_wallet_that_does_not_accept_opens_nothing() public {
        Terms memory terms = offer();
        terms.seller = join(address(new SmartWallet(address(0))));
        refuse(stranger, encodeOpen(terms, ownsOf(3)), wrongSigner(terms.seller, seller));
    }

    function test_a_series_under_another_epoch_does_not_open() public {
        Terms memory terms = offer();
        (terms.buyerEpoch, terms.sellerEpoch) = (1, 2);
        refuse(stranger, encodeOpen(terms, ownsOf(2)), epochStale(buyer, 1, 0));
        terms.buyerEpoch = 0;
        refuse(stranger, encodeOpen(terms, ownsOf(2)), epochStale(seller, 2, 0));
        VM.prank(seller);
        escrow.cancelAll();
        terms.sellerEpoch = escrow.epoch(seller);
        assertOpened(terms, ownsOf(2), openSeries(terms, ownsOf(2)), 0);
    }

    function test_no_operation_can_be_entered_from_the_opening_of_a_series() public {
        ReentrantToken reentrant = new ReentrantToken();
        token = IMintable(address(reentrant));
        fund(buyer, 6 * uint256(PRICE));
        fund(seller, 6 * uint256(BOND));
        Terms memory terms = offer();
        bytes memory later = encodeOpen(terms, ownsOf(3, 10));
        reentrant.prepare(address(escrow), later);
        openSeries(terms, ownsOf(3));
        VM.assertEq(
            reentrant.answer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
        reentrant.prepare(address(0), "");
        act(stranger, later);
    }

    function openAlone(Terms memory terms, Own[] memory owns, uint256 index) private {
        bytes32[] memory siblings = proofOf(leavesOf(terms, owns), index);
        bytes memory ofBuyer = withProof(signSeries(BUYER_KEY, terms, owns), siblings, false);
        bytes memory ofSeller = withProof(signSeries(SELLER_KEY, terms, owns), siblings, false);
        escrow.open(Opening(member(terms, owns[index]), ofBuyer, ofSeller, "", ""));
    }

    function compact(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, uint256(s) | uint256(v - 27) << 255);
    }

    function drain(address account, uint256 left) private {
        uint256 held = token.balanceOf(account);
        VM.prank(account);
        VM.assertTrue(token.transfer(stranger, held - left));
    }

    function expectPull(address from, uint256 amount) private {
        VM.expectCall(address(token), abi.encodeCall(IERC20.transferFrom, (from, address(escrow), amount)), 1);
    }

    /// @dev A series of three reverts so, and leaves no nonce, no deal and no money behind.
    function refuseSeries(bytes memory reason) private {
        uint256 held = token.balanceOf(address(escrow));
        (Terms memory terms, Own[] memory owns) = (offer(), ownsOf(3));
        refuse(stranger, encodeOpen(terms, owns), reason);
        assertHeld(address(escrow), held);
        for (uint256 i = 0; i < owns.length; i++) {
            assertState(escrow.digest(member(terms, owns[i])), State.NONE);
        }
        VM.assertFalse(escrow.nonceSpent(buyer, owns[0].buyerNonce));
        VM.assertFalse(escrow.nonceSpent(seller, owns[0].sellerNonce));
    }

    function refuseSigned(Terms memory terms, bytes memory ofBuyer, bytes memory ofSeller, bytes memory reason)
        private
    {
        refuse(stranger, abi.encodeCall(IEscrow.openSeries, (terms, ownsOf(3), ofBuyer, ofSeller)), reason);
    }

    /// @dev Both signed the six deals 0 to 5, and these are not they.
    function refuseList(Own[] memory owns) private {
        Terms memory terms = offer();
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, ownsOf(6));
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, owns);
        refuseForged(stranger, abi.encodeCall(IEscrow.openSeries, (terms, owns, ofBuyer, ofSeller)));
        ofBuyer = signSeries(BUYER_KEY, terms, owns);
        ofSeller = signSeries(SELLER_KEY, terms, ownsOf(6));
        refuseForged(stranger, abi.encodeCall(IEscrow.openSeries, (terms, owns, ofBuyer, ofSeller)));
    }

    function assertOpened(Terms memory terms, Own[] memory owns, bytes32[] memory deals, uint8 inside) private view {
        VM.assertEq(deals.length, owns.length);
        for (uint256 i = 0; i < owns.length; i++) {
            VM.assertEq(deals[i], typedDigest(structHash(member(terms, owns[i]))));
            VM.assertTrue(escrow.nonceSpent(terms.buyer, owns[i].buyerNonce));
            VM.assertTrue(escrow.nonceSpent(terms.seller, owns[i].sellerNonce));
        }
        assertPositions(terms, owns, inside);
    }

    function assertPositions(Terms memory terms, Own[] memory owns, uint8 inside) private view {
        for (uint256 i = 0; i < owns.length; i++) {
            bytes32 deal = escrow.digest(member(terms, owns[i]));
            assertPosition(deal, State.FUNDED, block.timestamp, 0, 0);
            Position memory held = escrow.position(deal);
            VM.assertEq(held.inside, inside);
        }
    }
}
