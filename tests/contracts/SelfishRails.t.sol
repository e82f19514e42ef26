// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {State} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation} from "./Scenes.sol";
import {SelfishStage} from "./SelfishStage.sol";

/// @notice The metered and the exchange rail: for each state the best that a selfish party can do, and what it costs the
/// other at most.
contract SelfishRailsTest is SelfishStage {
    // ------------------------------------------------------------------ metered

    function testFuzz_a_buyer_that_stops_signing_costs_the_seller_its_work_since_the_last_voucher(
        uint104 worked,
        uint104 signed
    ) public {
        begin(metered());
        worked = uint104(within(worked, 2, PRICE));
        signed = uint104(within(signed, 1, worked - 1));
        act(seller, encode(Operation.CLOSE, terms, signed, 0));
        assertShort(seller, had[seller] + worked, worked - signed);
    }

    function testFuzz_a_notice_and_a_close_in_the_first_second_cost_a_seller_that_sleeps_every_voucher_not_redeemed(
        uint104 redeemed,
        uint104 signed
    ) public {
        (redeemed, signed) = beginVouchers(redeemed, signed);
        uint256 graceEnd = giveNotice();
        VM.warp(graceEnd);
        act(buyer, encode(Operation.CLOSE, terms, redeemed, 0));
        refuse(seller, encode(Operation.REDEEM, terms, signed, 0), wrongState(State.RELEASED, State.FUNDED));
        assertShort(seller, had[seller] + signed, signed - redeemed);
    }

    function testFuzz_a_notice_costs_a_seller_that_watches_nothing(uint104 redeemed, uint104 signed) public {
        (redeemed, signed) = beginVouchers(redeemed, signed);
        uint256 graceEnd = giveNotice();
        VM.warp(graceEnd - 1);
        refuse(buyer, encode(Operation.CLOSE, terms, redeemed, 0), tooEarly(graceEnd));
        act(seller, encode(Operation.CLOSE, terms, signed, 0));
        assertShort(seller, had[seller] + signed, 0);
    }

    function testFuzz_a_seller_that_never_closes_costs_the_buyer_time_and_what_it_signed_ahead(
        uint104 redeemed,
        uint104 signed
    ) public {
        (redeemed, signed) = beginVouchers(redeemed, signed);
        VM.warp(START + terms.deliveryWindow + terms.reviewWindow - 1);
        act(seller, encode(Operation.REDEEM, terms, signed, 0));
        VM.warp(block.timestamp + 1);
        act(buyer, encode(Operation.CLOSE, terms, signed, 0));
        assertShort(buyer, had[buyer], signed);
    }

    function testFuzz_a_buyer_that_releases_a_unit_in_front_of_each_closing_keeps_no_bond(uint104 told, uint8 units)
        public
    {
        begin(metered());
        VM.warp(START + terms.deliveryWindow + terms.reviewWindow + 30 days);
        told = uint104(within(told, 0, PRICE - 256));
        if (told != 0) act(buyer, encode(Operation.RELEASE, terms, told, 0));
        bytes memory closing = abi.encodeCall(IEscrow.close, (terms, told, ""));
        for (uint104 i = 1; i <= units; i++) {
            act(buyer, encode(Operation.RELEASE, terms, told + i, 0));
        }
        act(seller, closing);
        // What it paid to stand in front is the seller's.
        assertShort(seller, had[seller] + told + units, 0);
        assertShort(buyer, had[buyer] - told - units, 0);
    }

    function testFuzz_a_voucher_key_that_is_stolen_costs_the_buyer_the_price(uint104 stolen) public {
        begin(metered());
        act(stranger, encode(Operation.REDEEM, terms, uint104(within(stolen, PRICE, type(uint104).max)), 0));
        assertShort(buyer, had[buyer], PRICE);
    }

    // ------------------------------------------------------------------ exchange

    function test_a_key_that_never_comes_costs_the_buyer_nothing_but_time() public {
        begin(exchange());
        VM.warp(START + terms.deliveryWindow);
        act(buyer, encode(Operation.REFUND, terms));
        assertShort(buyer, had[buyer], 0);
    }

    function testFuzz_a_buyer_that_took_the_data_and_is_silent_costs_the_seller_nothing_but_time(uint104 charge)
        public
    {
        begin(exchange());
        charge = uint104(within(charge, 0, PRICE));
        deliver(terms, charge);
        actFrom(START + terms.reviewWindow, seller, encode(Operation.CLAIM, terms));
        assertShort(seller, had[seller] + charge, 0);
    }

    function testFuzz_wrong_data_cost_a_buyer_that_complains_nothing_and_earn_it_the_bond(uint104 before) public {
        begin(exchange());
        before = uint104(within(before, 1, PRICE - 1));
        // Whatever it let go before, the contract's ruling of nothing is taken.
        act(buyer, encode(Operation.RELEASE, terms, before, 0));
        deliver(terms, PRICE);
        act(umpire, encode(Operation.RESOLVE, terms, 0, 0));
        assertShort(buyer, had[buyer] + BOND, before);
    }

    function test_wrong_data_cost_a_buyer_that_sleeps_the_price() public {
        begin(exchange());
        deliver(terms, PRICE);
        VM.warp(START + terms.reviewWindow);
        refuse(umpire, encode(Operation.RESOLVE, terms, 0, 0), tooLate(block.timestamp));
        act(seller, encode(Operation.CLAIM, terms));
        assertShort(buyer, had[buyer], PRICE);
    }

    function test_a_hostile_arbiter_contract_costs_the_buyer_the_price() public {
        begin(exchange());
        act(umpire, abi.encodeCall(IEscrow.deliver, (terms, keccak256("no key at all"), PRICE)));
        VM.warp(START + terms.reviewWindow);
        act(seller, encode(Operation.CLAIM, terms));
        assertShort(buyer, had[buyer], PRICE);
    }

    function testFuzz_a_hostile_arbiter_contract_costs_the_seller_its_data_and_c_less_r_and_b(
        uint104 charge,
        uint104 ruled,
        uint104 bondToSeller
    ) public {
        begin(exchange());
        charge = uint104(within(charge, 1, PRICE));
        (ruled, bondToSeller) = (uint104(within(ruled, 0, charge)), uint104(within(bondToSeller, 0, BOND)));
        deliver(terms, charge);
        act(umpire, encode(Operation.RESOLVE, terms, ruled, bondToSeller));
        assertShort(seller, had[seller] + charge, uint256(charge) - ruled + BOND - bondToSeller);
        VM.assertLe(had[seller] + charge, worth(seller) + charge + BOND);
    }

    // ------------------------------------------------------------------ inside

    /// @dev A metered deal with one voucher redeemed and a higher one in the seller's hands.
    function beginVouchers(uint104 redeemed, uint104 signed) private returns (uint104, uint104) {
        begin(metered());
        redeemed = uint104(within(redeemed, 1, PRICE - 2));
        signed = uint104(within(signed, uint256(redeemed) + 1, PRICE - 1));
        act(seller, encode(Operation.REDEEM, terms, redeemed, 0));
        return (redeemed, signed);
    }

    /// @return graceEnd from when on the buyer may close
    function giveNotice() private returns (uint256 graceEnd) {
        act(buyer, encode(Operation.NOTICE, terms));
        return block.timestamp + terms.noticeWindow + terms.reviewWindow;
    }
}
