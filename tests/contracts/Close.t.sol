// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract CloseTest is Scenes {
    Terms private terms;
    bytes32 private deal;
    uint256 private graceEnd;

    function setUp() public override {
        super.setUp();
        terms = metered();
        deal = open(terms);
        graceEnd = uint256(START) + terms.deliveryWindow + terms.reviewWindow;
    }

    function testFuzz_close_by_the_seller_redeems_its_last_voucher_and_returns_the_rest(uint104 first, uint104 last)
        public
    {
        first = uint104(within(first, 1, PRICE - 1));
        last = uint104(within(last, first, PRICE));
        act(stranger, encode(Operation.REDEEM, terms, first, 0));
        uint256 fee = share(last, terms.feeBps);
        uint256 feeNow = fee - share(first, terms.feeBps);
        VM.warp(START + 9);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, seller, last, last - first - feeNow + BOND, feeNow, PRICE - last);
        act(seller, call(last));
        assertPaid(PRICE - last, last - fee + BOND, fee);
        assertPosition(deal, State.RELEASED, START + 9, 0, last);
    }

    function testFuzz_close_by_the_seller_without_a_voucher_is_possible_at_any_time(uint40 passed) public {
        VM.warp(START + within(passed, 0, 3 * 365 days));
        act(seller, abi.encodeCall(IEscrow.close, (terms, 0, "")));
        assertPaid(PRICE, BOND, 0);
    }

    function test_close_by_the_seller_redeems_before_the_end_of_the_grace_and_not_at_it() public {
        actBefore(graceEnd, seller, call(CHARGE));
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
    }

    function testFuzz_close_by_the_buyer_is_possible_from_the_end_of_the_grace_on(uint32 window, uint32 grace) public {
        (terms.deliveryWindow, terms.reviewWindow) =
        (uint32(within(window, 60, 365 days)), uint32(within(grace, 60, 365 days)));
        terms = bring(terms, State.FUNDED);
        actFrom(uint256(START) + terms.deliveryWindow + terms.reviewWindow, buyer, call(0));
    }

    function testFuzz_close_by_the_buyer_returns_what_was_not_released(uint104 released) public {
        released = uint104(within(released, 1, PRICE - 1));
        act(stranger, encode(Operation.REDEEM, terms, released, 0));
        VM.warp(graceEnd);
        VM.expectEmit(address(escrow));
        emit IEscrow.Paid(deal, State.RELEASED, buyer, released, BOND, 0, PRICE - released);
        act(buyer, call(released));
    }

    function testFuzz_close_by_the_buyer_names_nothing_beyond_what_was_released(uint104 released, uint104 told) public {
        released = uint104(within(released, 1, PRICE - 1));
        act(stranger, encode(Operation.REDEEM, terms, released, 0));
        VM.warp(graceEnd);
        refuse(buyer, call(uint104(within(told, released + 1, type(uint104).max))), tooLate(graceEnd));
        act(buyer, call(uint104(within(told, 0, released))));
        assertPosition(deal, State.RELEASED, graceEnd, 0, released);
    }

    function testFuzz_close_on_a_total_that_was_passed_needs_no_voucher_and_takes_nothing_back(
        uint104 released,
        uint104 told,
        bool byBuyer
    ) public {
        released = uint104(within(released, 1, PRICE - 1));
        act(stranger, encode(Operation.REDEEM, terms, released, 0));
        VM.warp(graceEnd);
        VM.expectEmit(address(escrow));
        address closer = byBuyer ? buyer : seller;
        emit IEscrow.Paid(deal, State.RELEASED, closer, released, BOND, 0, PRICE - released);
        act(closer, abi.encodeCall(IEscrow.close, (terms, uint104(within(told, 0, released)), "no voucher")));
        assertHeld(address(escrow), 0);
    }

    function test_close_with_an_older_voucher_than_the_one_that_somebody_redeemed_first_ends_the_deal() public {
        bytes memory older = call(CHARGE - 1);
        act(stranger, encode(Operation.REDEEM, terms, CHARGE, 0));
        act(seller, older);
        assertPaid(PRICE - CHARGE, CHARGE - 19_980 + BOND, 19_980);
    }

    function test_close_pays_at_most_the_price() public {
        refuse(seller, call(PRICE + 1), amountTooHigh(PRICE + 1, PRICE));
        act(seller, call(PRICE));
        assertPaid(0, PRICE - 33_300 + BOND, 33_300);
    }

    function test_close_refuses_a_voucher_that_the_buyer_did_not_sign() public {
        bytes memory own = abi.encodeCall(IEscrow.close, (terms, CHARGE, voucher(SELLER_KEY, deal, CHARGE)));
        refuse(seller, own, wrongSigner(buyer, seller));
        bytes memory none = abi.encodeCall(IEscrow.close, (terms, CHARGE, ""));
        refuse(seller, none, wrongSigner(buyer, address(0)));
        refuseForged(seller, abi.encodeCall(IEscrow.close, (terms, CHARGE, voucher(deal, CHARGE - 1))));
    }

    function test_close_takes_the_vouchers_of_the_key_that_the_terms_name() public {
        terms.voucherSigner = voucherSigner;
        terms = bring(terms, State.FUNDED);
        deal = escrow.digest(terms);
        refuse(seller, call(CHARGE), wrongSigner(voucherSigner, buyer));
        act(seller, abi.encodeCall(IEscrow.close, (terms, CHARGE, voucher(VOUCHER_KEY, deal, CHARGE))));
        assertPosition(deal, State.RELEASED, START, 0, CHARGE);
    }

    function test_close_after_a_notice_follows_its_own_grace() public {
        act(seller, encode(Operation.NOTICE, terms));
        actFrom(uint256(START) + terms.noticeWindow + terms.reviewWindow, buyer, call(0));
        assertPaid(PRICE, BOND, 0);
    }

    function testFuzz_close_reverts_when_caller_is_neither_party(address anyone) public {
        VM.warp(graceEnd);
        refuseOthers(call(0), anyone, buyer, seller);
    }

    function test_close_reverts_in_every_state_that_is_not_open() public {
        refuseInOtherStates(Operation.CLOSE, seller, Rail.METERED, anyOpen(), State.FUNDED);
    }

    function test_close_reverts_on_every_other_rail() public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        refuse(seller, call(0), wrongRail(Rail.ESCROW, Rail.METERED));
        terms = reach(Rail.EXCHANGE, State.FUNDED);
        refuse(seller, call(0), wrongRail(Rail.EXCHANGE, Rail.METERED));
    }

    function call(uint104 amount) private view returns (bytes memory) {
        return encode(Operation.CLOSE, terms, amount, 0);
    }
}
