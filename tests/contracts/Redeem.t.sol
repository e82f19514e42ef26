// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract RedeemTest is Scenes {
    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = bring(metered(), State.FUNDED);
        deal = escrow.digest(terms);
    }

    function testFuzz_redeem_by_anyone_pays_the_seller_what_the_voucher_says(address anyone, uint104 amount) public {
        amount = uint104(within(amount, 1, PRICE - 1));
        uint256 fee = share(amount, terms.feeBps);
        uint256 before = token.balanceOf(seller);
        VM.warp(START + 9);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.FUNDED, anyone, amount, amount - fee, fee, 0);
        act(anyone, call(amount));
        assertPosition(deal, State.FUNDED, START, 0, amount);
        VM.assertEq(token.balanceOf(seller) - before, amount - fee);
        assertHeld(recipient, fee);
        assertHeld(address(escrow), uint256(PRICE) + BOND - amount);
    }

    function testFuzz_redeem_of_a_higher_voucher_pays_the_difference(uint104 first, uint104 second) public {
        first = uint104(within(first, 1, PRICE - 2));
        second = uint104(within(second, first + 1, PRICE - 1));
        act(stranger, call(first));
        uint256 fee = share(second, terms.feeBps) - share(first, terms.feeBps);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.FUNDED, stranger, second, second - first - fee, fee, 0);
        act(stranger, call(second));
        assertHeld(recipient, share(second, terms.feeBps));
    }

    function testFuzz_redeem_of_a_voucher_that_pays_nothing_new_is_refused(uint104 released, uint104 stale) public {
        released = uint104(within(released, 1, PRICE - 1));
        stale = uint104(within(stale, 0, released));
        act(stranger, call(released));
        refuse(stranger, call(stale), amountTooLow(stale, released + 1));
    }

    function testFuzz_redeem_of_a_voucher_above_the_price_is_good_for_the_price(uint104 amount) public {
        amount = uint104(within(amount, PRICE, type(uint104).max));
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, stranger, PRICE, PRICE - 33_300 + BOND, 33_300, 0);
        act(stranger, call(amount));
        assertPosition(deal, State.RELEASED, START, 0, PRICE);
    }

    function test_redeem_of_nothing_is_refused() public {
        refuse(stranger, call(0), amountTooLow(0, 1));
    }

    function test_redeem_of_the_whole_price_ends_the_deal_and_returns_the_bond() public {
        VM.warp(START + 9);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, stranger, PRICE, PRICE - 33_300 + BOND, 33_300, 0);
        act(stranger, call(PRICE));
        assertPosition(deal, State.RELEASED, START + 9, 0, PRICE);
    }

    function test_redeem_of_the_charge_ends_a_delivered_deal() public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        deliver(terms, CHARGE);
        act(seller, call(CHARGE));
        assertPosition(escrow.digest(terms), State.RELEASED, START, CHARGE, CHARGE);
    }

    function testFuzz_redeem_of_a_voucher_above_the_charge_is_good_for_the_charge(uint104 amount) public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        deliver(terms, CHARGE);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(
            escrow.digest(terms), State.RELEASED, seller, CHARGE, CHARGE - 19_980 + BOND, 19_980, PRICE - CHARGE
        );
        act(seller, call(uint104(within(amount, CHARGE, type(uint104).max))));
    }

    function test_redeem_of_a_spent_voucher_never_ends_a_delivery_that_bills_as_much() public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        act(stranger, call(CHARGE));
        deliver(terms, CHARGE);
        refuse(seller, call(CHARGE), amountTooLow(CHARGE, CHARGE + 1));
        // Nor does a higher one: it is good for the charge, and that was paid.
        refuse(seller, call(PRICE), amountTooLow(CHARGE, CHARGE + 1));
        dispute(terms);
        refuse(seller, call(CHARGE), amountTooLow(CHARGE, CHARGE + 1));
        assertPosition(escrow.digest(terms), State.DISPUTED, START, CHARGE, CHARGE);
    }

    function testFuzz_redeem_in_a_dispute_pays_and_leaves_bond_and_stake_to_be_judged(uint104 amount) public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        deliver(terms, CHARGE);
        dispute(terms);
        amount = uint104(within(amount, 1, type(uint104).max));
        uint104 good = amount < CHARGE ? amount : CHARGE;
        uint256 fee = share(good, terms.feeBps);
        uint256 before = token.balanceOf(address(escrow));
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(escrow.digest(terms), State.DISPUTED, stranger, good, good - fee, fee, 0);
        act(stranger, call(amount));
        assertPosition(escrow.digest(terms), State.DISPUTED, START, CHARGE, good);
        VM.assertEq(before - token.balanceOf(address(escrow)), good);

        // All of the charge may be gone; the bond is the arbiter's to give all the same.
        uint256 ofBuyer = token.balanceOf(buyer);
        act(umpire, encode(Operation.RESOLVE, terms, 0, 0));
        VM.assertEq(token.balanceOf(buyer) - ofBuyer, uint256(PRICE) - good + BOND);
        assertHeld(umpire, STAKE);
    }

    function testFuzz_redeem_is_possible_before_the_end_of_the_grace_and_not_at_it(uint32 window, uint32 grace) public {
        (terms.deliveryWindow, terms.reviewWindow) =
        (uint32(within(window, 601, 365 days)), uint32(within(grace, 60, 365 days)));
        terms = bring(terms, State.FUNDED);
        actBefore(uint256(START) + terms.deliveryWindow + terms.reviewWindow, stranger, call(CHARGE));
    }

    function testFuzz_redeem_after_a_notice_is_possible_before_the_end_of_its_own_grace(uint32 passed) public {
        VM.warp(START + within(passed, 0, terms.deliveryWindow - terms.noticeWindow - 1));
        uint256 noticed = block.timestamp;
        act(buyer, encode(Operation.NOTICE, terms));
        actBefore(noticed + terms.noticeWindow + terms.reviewWindow, stranger, call(CHARGE));
        assertPosition(deal, State.NOTICED, noticed, 0, CHARGE);
    }

    function test_redeem_on_the_escrow_rail_has_no_deadline_but_the_deals_end() public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        VM.warp(START + 3 * 365 days);
        act(stranger, call(CHARGE));
        act(buyer, encode(Operation.REFUND, terms));
        refuse(stranger, call(CHARGE + 1), wrongState(State.REFUNDED, State.FUNDED));
    }

    function test_redeem_takes_the_vouchers_of_the_key_that_the_terms_name() public {
        terms.voucherSigner = voucherSigner;
        terms = bring(terms, State.FUNDED);
        act(stranger, signedBy(VOUCHER_KEY));
        VM.assertEq(escrow.position(escrow.digest(terms)).released, CHARGE);
    }

    function test_redeem_refuses_the_buyers_own_voucher_where_the_terms_name_a_key() public {
        terms.voucherSigner = voucherSigner;
        terms = bring(terms, State.FUNDED);
        refuse(stranger, signedBy(BUYER_KEY), wrongSigner(voucherSigner, buyer));
    }

    function test_redeem_refuses_a_voucher_that_the_seller_signed() public {
        refuse(seller, signedBy(SELLER_KEY), wrongSigner(buyer, seller));
    }

    function test_redeem_refuses_a_malformed_voucher() public {
        bytes memory empty = abi.encodeCall(IEscrow.redeem, (terms, CHARGE, ""));
        refuse(seller, empty, wrongSigner(buyer, address(0)));
        bytes memory short = abi.encodeCall(IEscrow.redeem, (terms, CHARGE, new bytes(63)));
        refuse(seller, short, wrongSigner(buyer, address(0)));
    }

    function test_redeem_refuses_the_voucher_of_another_amount_deal_chain_or_escrow() public {
        refuseSigned(voucher(deal, CHARGE + 1));
        refuseSigned(voucher(keccak256("another deal"), CHARGE));
        uint256 home = block.chainid;
        VM.chainId(home + 1);
        bytes memory foreign = voucher(deal, CHARGE);
        VM.chainId(home);
        refuseSigned(foreign);
        IEscrow own = escrow;
        escrow = IEscrow(VM.deployCode("Escrow.sol:Escrow"));
        foreign = voucher(deal, CHARGE);
        escrow = own;
        refuseSigned(foreign);
    }

    function test_redeem_refuses_a_settlement_and_the_terms_own_signature() public {
        (bytes memory ofBuyer,) = settlement(deal, CHARGE, 0);
        refuseSigned(ofBuyer);
        refuseSigned(sign(BUYER_KEY, deal));
    }

    function test_redeem_reverts_on_the_exchange_rail() public {
        terms = reach(Rail.EXCHANGE, State.DELIVERED);
        refuse(seller, call(PRICE), wrongRail(Rail.EXCHANGE, Rail.ESCROW));
    }

    function test_redeem_reverts_in_every_state_that_is_not_open() public {
        refuseInOtherStates(Operation.REDEEM, stranger, Rail.ESCROW, anyOpen(), State.FUNDED);
        refuseInOtherStates(Operation.REDEEM, stranger, Rail.METERED, anyOpen(), State.FUNDED);
    }

    function refuseSigned(bytes memory signature) private {
        refuseForged(seller, abi.encodeCall(IEscrow.redeem, (terms, CHARGE, signature)));
    }

    function signedBy(uint256 key) private view returns (bytes memory) {
        return abi.encodeCall(IEscrow.redeem, (terms, CHARGE, voucher(key, escrow.digest(terms), CHARGE)));
    }

    function call(uint104 amount) private view returns (bytes memory) {
        return encode(Operation.REDEEM, terms, amount, 0);
    }
}
