// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {IExchangeArbiter, Sealed} from "../../../contracts/interfaces/IExchangeArbiter.sol";
import {Position, Rail, State, Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {ExchangeStage} from "./ExchangeStage.sol";
import {Sealer} from "./Sealer.sol";

contract RevealTest is ExchangeStage {
    Terms private terms;
    Sealed private goods;

    function setUp() public override {
        super.setUp();
        goods = honest().goods;
        terms = termsOf(goods);
    }

    function test_the_key_delivers_the_deal_and_bills_the_price() public {
        bytes32 deal = open(terms);
        VM.warp(START + 5);
        VM.expectEmit(address(arbiter));
        emit IExchangeArbiter.Revealed(deal, KEY);
        VM.expectEmit(address(escrow));
        emit IEscrow.Delivered(deal, keccak256(abi.encode(terms.goods, KEY)), PRICE);
        VM.prank(seller);
        arbiter.reveal(terms, goods, KEY);
        assertPosition(deal, State.DELIVERED, START + 5, PRICE, 0);
    }

    function test_anyone_may_hand_the_key_in_for_the_seller() public {
        bytes32 deal = open(terms);
        VM.prank(stranger);
        arbiter.reveal(terms, goods, KEY);
        assertState(deal, State.DELIVERED);
    }

    function test_silence_after_the_key_pays_the_seller() public {
        revealed(goods);
        VM.warp(START + terms.reviewWindow);
        VM.prank(seller);
        escrow.claim(terms);
        uint256 fee = uint256(PRICE) * terms.feeBps / 10_000;
        assertPaid(0, PRICE - fee + BOND, fee);
    }

    function test_no_key_opens_goods_that_nobody_could_complain_of() public {
        for (uint256 i = 0; i < 3; i++) {
            Sealed memory nothing = goods;
            if (i == 0) nothing.length = 0;
            else nothing.chunkSize = i == 1 ? 0 : 32_769;
            Terms memory empty = termsOf(nothing);
            (empty.buyerNonce, empty.sellerNonce) = (i, i);
            fund(buyer, PRICE);
            fund(seller, BOND);
            open(empty);
            bytes memory reason = abi.encodeWithSelector(
                IExchangeArbiter.WrongChunks.selector, nothing.length, nothing.chunkSize, 32_768
            );
            refuseReveal(empty, nothing, KEY, reason);
        }
    }

    function test_no_key_within_the_window_refunds_the_buyer() public {
        open(terms);
        VM.warp(START + terms.deliveryWindow);
        VM.prank(buyer);
        escrow.refund(terms);
        assertPaid(PRICE, BOND, 0);
        refuseReveal(terms, goods, KEY, wrongState(State.REFUNDED, State.FUNDED));
    }

    function test_the_key_is_in_time_in_the_last_second_of_the_window() public {
        bytes32 deal = open(terms);
        VM.warp(START + terms.deliveryWindow - 1);
        arbiter.reveal(terms, goods, KEY);
        assertState(deal, State.DELIVERED);
    }

    function test_the_key_is_late_from_the_end_of_the_window_on() public {
        open(terms);
        for (uint256 late = 0; late < 2; late++) {
            VM.warp(START + terms.deliveryWindow + late);
            refuseReveal(terms, goods, KEY, tooLate(START + terms.deliveryWindow));
        }
    }

    function test_a_part_that_the_buyer_released_before_does_not_stop_the_key() public {
        bytes32 deal = open(terms);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        arbiter.reveal(terms, goods, KEY);
        assertPosition(deal, State.DELIVERED, START, PRICE, CHARGE);
    }

    function test_another_key_is_refused_whatever_it_is(bytes32 key) public {
        if (key == KEY) return;
        open(terms);
        bytes32 given = keccak256(abi.encode(key));
        refuseReveal(
            terms, goods, key, abi.encodeWithSelector(IExchangeArbiter.WrongKey.selector, goods.keyHash, given)
        );
    }

    function test_goods_that_differ_from_the_signed_ones_in_one_field_are_refused() public {
        open(terms);
        for (uint256 field = 0; field < 5; field++) {
            Sealed memory other = goods;
            if (field == 0) other.plaintextRoot ^= bytes32(uint256(1));
            if (field == 1) other.ciphertextRoot ^= bytes32(uint256(1));
            if (field == 2) other.keyHash ^= bytes32(uint256(1));
            if (field == 3) other.length ^= 1;
            if (field == 4) other.chunkSize ^= 1;
            refuseReveal(terms, other, KEY, wrongGoods(terms, other));
        }
    }

    function test_a_seller_cannot_deliver_without_the_arbiter() public {
        open(terms);
        refuse(
            seller, abi.encodeCall(IEscrow.deliver, (terms, DELIVERABLE, PRICE)), wrongCaller(seller, address(arbiter))
        );
    }

    function test_a_deal_with_another_arbiter_is_not_delivered_here() public {
        terms.arbiter = umpire;
        open(terms);
        refuseReveal(terms, goods, KEY, wrongCaller(address(arbiter), umpire));
    }

    function test_a_deal_of_the_escrow_rail_is_not_delivered_here_though_it_names_this_arbiter() public {
        terms = disputable();
        terms.arbiter = address(arbiter);
        open(terms);
        refuseReveal(terms, goods, KEY, wrongGoods(terms, goods));
    }

    function test_terms_that_were_never_opened_are_not_delivered() public {
        refuseReveal(terms, goods, KEY, wrongState(State.NONE, State.FUNDED));
    }

    function test_terms_that_differ_from_the_opened_ones_are_not_delivered() public {
        open(terms);
        terms.price -= 1;
        refuseReveal(terms, goods, KEY, wrongState(State.NONE, State.FUNDED));
    }

    function test_the_key_comes_once() public {
        terms = revealed(goods);
        refuseReveal(terms, goods, KEY, wrongState(State.DELIVERED, State.FUNDED));
    }

    function test_the_buyer_of_an_exchange_deal_opens_no_dispute() public {
        revealed(goods);
        refuse(buyer, abi.encodeCall(IEscrow.dispute, (terms, REASONS)), wrongRail(Rail.EXCHANGE, Rail.ESCROW));
    }

    function wrongGoods(Terms memory signed, Sealed memory given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongGoods.selector, signed.goods, Sealer.goodsHash(given));
    }
}
