// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {VM, deployAt} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

contract OpenTest is Openings {
    function test_open_moves_price_and_bond_to_the_unit_and_spends_both_nonces() public {
        Terms memory terms = offer();
        fund(buyer, 11);
        fund(seller, 13);
        open(terms);

        assertHeld(address(escrow), uint256(PRICE) + BOND);
        assertHeld(buyer, 11);
        assertHeld(seller, 13);
        VM.assertTrue(escrow.nonceSpent(buyer, terms.buyerNonce));
        VM.assertTrue(escrow.nonceSpent(seller, terms.sellerNonce));
    }

    function test_open_records_the_state_the_time_and_nothing_else() public {
        VM.warp(START + 17);
        bytes32 deal = open(offer());
        assertPosition(deal, State.FUNDED, START + 17, 0, 0);
        VM.assertEq(escrow.position(deal).inside, 0);
    }

    function test_open_accepts_every_rail_that_stores_a_position() public {
        Terms[4] memory all = [offer(), disputable(), metered(), exchange()];
        for (uint256 i = 0; i < all.length; i++) {
            (all[i].buyerNonce, all[i].sellerNonce) = (i, i);
            assertState(open(all[i]), State.FUNDED);
            fund(buyer, PRICE);
            fund(seller, BOND);
        }
    }

    function test_open_returns_the_digest_and_says_who_trades_what() public {
        Terms memory terms = offer();
        Opening memory opening = signed(terms);
        bytes32 deal = escrow.digest(terms);
        VM.expectEmit(address(escrow));
        emit IEscrow.Opened(deal, buyer, seller, address(token), PRICE, BOND, terms.buyerNonce, terms.sellerNonce);
        VM.assertEq(escrow.open(opening), deal);
    }

    function test_the_digest_is_the_typed_data_hash_of_the_terms() public view {
        VM.assertEq(escrow.digest(offer()), typedDigest(structHash(offer())));
    }

    function test_open_succeeds_without_bond_and_without_a_seller_who_approved() public {
        Terms memory terms = offer();
        terms.bond = 0;
        VM.prank(seller);
        token.approve(address(escrow), 0);
        open(terms);
        assertHeld(address(escrow), PRICE);
        assertHeld(seller, BOND);
    }

    function test_open_succeeds_in_the_last_second_before_openBy() public {
        Terms memory terms = offer();
        VM.warp(terms.openBy - 1);
        assertState(open(terms), State.FUNDED);
    }

    function test_open_refuses_the_same_deal_twice() public {
        Terms memory terms = offer();
        open(terms);
        fund(buyer, PRICE);
        fund(seller, BOND);
        refuseOpen(terms, nonceSpent(buyer, terms.buyerNonce));
    }

    function test_open_refuses_an_ended_deal() public {
        Terms memory terms = offer();
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        refuseOpen(terms, nonceSpent(buyer, terms.buyerNonce));
    }

    function test_one_negotiation_is_one_deal_though_both_signed_many_offers() public {
        Terms memory first = offer();
        Terms memory second = offer();
        (second.price, second.previous) = (PRICE - 1, escrow.digest(first));
        // The later offer supersedes nothing by itself: whichever is opened first closes the others.
        open(first);
        fund(buyer, PRICE);
        fund(seller, BOND);
        refuseOpen(second, nonceSpent(buyer, second.buyerNonce));
        assertState(escrow.digest(second), State.NONE);
    }

    function test_open_refuses_a_second_deal_on_the_buyers_nonce() public {
        open(offer());
        Terms memory second = offer();
        second.sellerNonce += 1;
        refuseOpen(second, nonceSpent(buyer, second.buyerNonce));
    }

    function test_open_refuses_a_second_deal_on_the_sellers_nonce() public {
        open(offer());
        Terms memory second = offer();
        second.buyerNonce += 1;
        refuseOpen(second, nonceSpent(seller, second.sellerNonce));
        VM.assertFalse(escrow.nonceSpent(buyer, second.buyerNonce));
    }

    function test_a_nonce_is_spent_in_whichever_role_its_signer_trades() public {
        Terms memory terms = offer();
        terms.sellerNonce = 7;
        open(terms);
        Terms memory turned = offer();
        (turned.buyer, turned.seller, turned.buyerNonce) = (seller, buyer, 7);
        Opening memory opening = signed(turned, SELLER_KEY, BUYER_KEY);
        VM.expectRevert(nonceSpent(seller, 7));
        escrow.open(opening);
    }

    function test_open_keeps_two_deals_of_the_same_parties_apart() public {
        Terms memory first = offer();
        Terms memory second = offer();
        // The neighbours in the same word of the bitmap stay free.
        second.buyerNonce += 1;
        second.sellerNonce += 1;
        bytes32 one = open(first);
        fund(buyer, PRICE);
        fund(seller, BOND);
        bytes32 two = open(second);

        deliver(first, CHARGE);
        assertState(one, State.DELIVERED);
        assertState(two, State.FUNDED);
    }

    function testFuzz_open_spends_exactly_one_nonce_of_each_party(uint256 buyerNonce, uint256 other) public {
        if (buyerNonce == other) return;
        Terms memory terms = offer();
        terms.buyerNonce = buyerNonce;
        open(terms);
        VM.assertTrue(escrow.nonceSpent(buyer, buyerNonce));
        VM.assertFalse(escrow.nonceSpent(buyer, other));
        // A nonce belongs to its signer: the same number of another account is another nonce.
        VM.assertFalse(escrow.nonceSpent(stranger, buyerNonce));
    }

    function test_open_leaves_nothing_behind_when_the_sellers_bond_fails() public {
        Terms memory terms = offer();
        VM.prank(seller);
        token.approve(address(escrow), BOND - 1);
        refuseOpen(terms, allowanceShort(seller, BOND - 1, BOND));
        VM.assertFalse(escrow.nonceSpent(buyer, terms.buyerNonce));
        assertHeld(buyer, PRICE);
        assertState(escrow.digest(terms), State.NONE);
    }

    function test_open_refuses_the_atomic_rail_which_swaps() public {
        Terms memory terms = offer();
        terms.rail = Rail.ATOMIC;
        refuseOpen(terms, wrongRail(Rail.ATOMIC, Rail.ESCROW));
    }

    function test_open_refuses_terms_that_name_a_bundle() public {
        Terms memory terms = offer();
        terms.bundle = keccak256("a bundle");
        refuseOpen(terms, wrongBundle(terms.bundle, 0));
    }

    function test_digest_is_another_on_another_chain_and_in_another_escrow() public {
        Terms memory terms = offer();
        bytes32 here = escrow.digest(terms);
        VM.assertTrue(IEscrow(VM.deployCode("Escrow.sol:Escrow")).digest(terms) != here);
        VM.chainId(block.chainid + 1);
        deployAt(address(escrow), "Escrow.sol:Escrow");
        VM.assertTrue(escrow.digest(terms) != here);
        VM.assertEq(escrow.digest(terms), typedDigest(structHash(terms)));
    }

    function test_every_field_of_the_terms_is_in_the_digest() public view {
        bytes32 whole = escrow.digest(offer());
        for (uint256 place = 0; place < 25; place++) {
            Terms memory terms = offer();
            set(terms, place, 9);
            VM.assertTrue(escrow.digest(terms) != whole);
        }
    }

    /// @dev The digest is over the raw words: bits beyond a member's type make another deal, which must never open, as
    /// it could not end.
    function test_terms_with_dirty_upper_bits_never_open() public {
        for (uint256 place = 0; place < 23; place++) {
            if (place < 8 || place > 13) refuseDirty(place); // the others are whole words
        }
    }

    function test_domain_is_parley_version_1_of_this_escrow() public view {
        (bytes1 fields, string memory name, string memory version, uint256 chain, address home,,) =
            IERC5267(address(escrow)).eip712Domain();
        VM.assertEq(bytes32(fields), bytes32(bytes1(0x0f)));
        VM.assertEq(name, "Parley");
        VM.assertEq(version, "2");
        VM.assertEq(chain, block.chainid);
        VM.assertEq(home, address(escrow));
    }

    function refuseDirty(uint256 place) private {
        Terms memory terms = offer();
        // Without a fee, a bond and an arbiter, so that as few members as possible are read.
        (terms.feeBps, terms.bond) = (0, 0);
        bytes memory words = abi.encode(terms);
        words[32 * place] = 0x80;
        bytes32 deal = typedDigest(keccak256(bytes.concat(TermsLib.TYPE_HASH, words)));
        Opening memory opening = Opening(terms, sign(BUYER_KEY, deal), sign(SELLER_KEY, deal), "", "");
        bytes memory attack = abi.encodeCall(IEscrow.open, (opening));
        // The terms begin after the selector and the opening's offset.
        attack[4 + 32 + 32 * place] = 0x80;
        (bool done,) = address(escrow).call(attack);
        VM.assertFalse(done);
    }
}
