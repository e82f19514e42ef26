// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../contracts/Escrow.sol";
import {IEscrow, Position, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";
import {Stage} from "./Stage.sol";

contract OpenTest is Stage {
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
        Position memory held = escrow.position(open(offer()));
        VM.assertEq(uint8(held.state), uint8(State.FUNDED));
        VM.assertEq(held.openedAt, START + 17);
        VM.assertEq(held.deliveredAt, 0);
        VM.assertEq(held.charge, 0);
    }

    function test_open_returns_the_digest_and_says_who_trades_what() public {
        Terms memory terms = offer();
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        VM.expectEmit(address(escrow));
        emit IEscrow.Opened(deal, buyer, seller, address(token), PRICE, BOND);
        VM.assertEq(escrow.open(terms, ofBuyer, ofSeller), deal);
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
        refuseOpen(terms, abi.encodeWithSelector(IEscrow.NonceSpent.selector, buyer, terms.buyerNonce));
    }

    function test_open_refuses_an_ended_deal() public {
        Terms memory terms = offer();
        open(terms);
        VM.prank(seller);
        escrow.refund(terms);
        refuseOpen(terms, abi.encodeWithSelector(IEscrow.NonceSpent.selector, buyer, terms.buyerNonce));
    }

    function test_open_refuses_a_second_deal_on_the_buyers_nonce() public {
        open(offer());
        Terms memory second = offer();
        second.sellerNonce += 1;
        refuseOpen(second, abi.encodeWithSelector(IEscrow.NonceSpent.selector, buyer, second.buyerNonce));
    }

    function test_open_refuses_a_second_deal_on_the_sellers_nonce() public {
        open(offer());
        Terms memory second = offer();
        second.buyerNonce += 1;
        refuseOpen(second, abi.encodeWithSelector(IEscrow.NonceSpent.selector, seller, second.sellerNonce));
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
        VM.assertTrue(escrow.nonceSpent(buyer, first.buyerNonce));
        VM.assertTrue(escrow.nonceSpent(seller, first.sellerNonce));

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
        refuseOpen(
            terms, abi.encodeWithSelector(IEscrow.AllowanceShort.selector, seller, uint256(BOND) - 1, uint256(BOND))
        );
        VM.assertFalse(escrow.nonceSpent(buyer, terms.buyerNonce));
        assertHeld(buyer, PRICE);
        assertState(escrow.digest(terms), State.NONE);
    }

    function test_digest_is_another_on_another_chain_and_in_another_escrow() public {
        Terms memory terms = offer();
        bytes32 here = escrow.digest(terms);
        VM.assertTrue(new Escrow().digest(terms) != here);
        VM.chainId(block.chainid + 1);
        VM.assertTrue(escrow.digest(terms) != here);
    }

    function test_domain_is_parley_version_1_of_this_escrow() public view {
        (bytes1 fields, string memory name, string memory version, uint256 chain, address home,,) =
            escrow.eip712Domain();
        VM.assertEq(bytes32(fields), bytes32(bytes1(0x0f)));
        VM.assertEq(name, "Parley");
        VM.assertEq(version, "1");
        VM.assertEq(chain, block.chainid);
        VM.assertEq(home, address(escrow));
    }

    function test_calldata_with_dirty_upper_bits_has_no_digest() public {
        bytes memory call = abi.encodeCall(escrow.digest, (offer()));
        // The fifth word after the selector is the price: sixteen of its bytes must be zero.
        call[4 + 4 * 32] = 0x01;
        (bool done,) = address(escrow).call(call);
        VM.assertFalse(done);
    }
}
