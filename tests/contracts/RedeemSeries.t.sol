// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Own, State, Terms} from "../../contracts/interfaces/Types.sol";
import {BarringToken} from "../../contracts/mocks/tokens/BarringToken.sol";
import {HookedToken} from "../../contracts/mocks/tokens/HookedToken.sol";
import {ReentrantToken} from "../../contracts/mocks/tokens/ReentrantToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM, within} from "./Cheats.sol";
import {Series} from "./Series.sol";
import {IMintable} from "./Stage.sol";

/// @notice One amount in each of many deals, on one signature, paid in one transfer a receiver.
contract RedeemSeriesTest is Series {
    uint256 private constant FEE = 19_980; // 333 bps of CHARGE
    uint256 private constant WHOLE_FEE = 33_300; // 333 bps of PRICE

    function test_a_part_is_paid_in_each_deal_and_ends_none() public {
        uint256[6] memory sizes = [uint256(1), 2, 3, 8, 33, MOST];
        for (uint256 i = 0; i < sizes.length; i++) {
            (Terms memory terms, Own[] memory owns) = opened(offer(), sizes[i], 1_000 * i);
            uint256[3] memory before = wallets();
            redeemSeries(terms, owns, CHARGE);
            assertGained(before, 0, sizes[i] * (CHARGE - FEE), sizes[i] * FEE);
            assertAll(terms, owns, State.FUNDED, CHARGE);
        }
    }

    function test_the_whole_ends_every_deal_and_returns_the_bonds() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 5, 0);
        uint256[3] memory before = wallets();
        redeemSeries(terms, owns, PRICE);
        assertGained(before, 0, 5 * (PRICE - WHOLE_FEE + BOND), 5 * WHOLE_FEE);
        assertAll(terms, owns, State.RELEASED, PRICE);
        assertHeld(address(escrow), 0);
    }

    function test_each_receiver_is_paid_in_one_transfer() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 5, 0);
        for (uint256 i = 0; i < owns.length; i++) {
            deliver(member(terms, owns[i]), CHARGE);
        }
        bytes memory call = encodeRedeem(terms, owns, PRICE);
        expectPush(seller, 5 * (CHARGE - FEE + BOND));
        expectPush(recipient, 5 * FEE);
        expectPush(buyer, 5 * uint256(PRICE - CHARGE));
        act(stranger, call);
        assertAll(terms, owns, State.RELEASED, CHARGE);
        assertHeld(address(escrow), 0);
    }

    /// @dev 3 % and a third of 31 is 1.03: a hundred of them would come to 103, but each deal's own is 1.
    function test_the_fee_of_each_deal_is_rounded_by_itself() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), MOST, 0);
        uint256[3] memory before = wallets();
        redeemSeries(terms, owns, 31);
        assertGained(before, 0, 30 * MOST, 1 * MOST);
    }

    function test_redeemSeries_tells_of_each_deal_in_its_order() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        bytes memory part = encodeRedeem(terms, owns, CHARGE);
        expectPaid(terms, owns, State.FUNDED, [uint256(CHARGE), CHARGE - FEE, FEE]);
        act(stranger, part);
        bytes memory whole = encodeRedeem(terms, owns, PRICE);
        uint256 rest = PRICE - CHARGE - (WHOLE_FEE - FEE) + BOND;
        expectPaid(terms, owns, State.RELEASED, [uint256(PRICE), rest, WHOLE_FEE - FEE]);
        act(stranger, whole);
    }

    function test_a_replay_pays_nothing_and_a_higher_total_the_difference() public {
        (Terms memory terms, Own[] memory owns) = opened(metered(), 3, 0);
        bytes memory call = encodeRedeem(terms, owns, CHARGE);
        act(stranger, call);
        uint256[3] memory before = wallets();
        act(stranger, call);
        redeemSeries(terms, owns, CHARGE - 1);
        redeemSeries(terms, owns, 0);
        assertGained(before, 0, 0, 0);
        redeemSeries(terms, owns, CHARGE + 100);
        assertGained(before, 0, 3 * 97, 3 * 3);
        redeemSeries(terms, owns, PRICE);
        act(stranger, call);
        assertAll(terms, owns, State.RELEASED, PRICE);
        assertHeld(address(escrow), 0);
    }

    /// @dev Nine deals of one pair, each brought somewhere else before the one voucher over all of them.
    function test_deals_that_would_not_take_the_voucher_are_passed_over() public {
        (Terms memory terms, Own[] memory owns) = opened(disputable(), 8, 0);
        Own[] memory all = picked(ownsOf(9), order("801234567")); // the first was never opened
        scatter(terms, owns);
        uint256[3] memory before = wallets();
        redeemSeries(terms, all, CHARGE);

        assertOne(terms, all[0], State.NONE, 0);
        assertOne(terms, all[1], State.FUNDED, CHARGE);
        assertOne(terms, all[2], State.REFUNDED, 0);
        assertOne(terms, all[3], State.FUNDED, CHARGE);
        assertOne(terms, all[4], State.FUNDED, CHARGE);
        assertOne(terms, all[5], State.RELEASED, 500_000);
        assertOne(terms, all[6], State.DISPUTED, 500_000);
        assertOne(terms, all[7], State.DISPUTED, CHARGE);
        assertOne(terms, all[8], State.FUNDED, CHARGE + 1);
        // What was new: all of 1, 100,007 of 4, all of the bill in 5, 100,007 of 7. The fee of 500,000 is 16,650.
        uint256 fee = FEE + (FEE - 16_650) + 16_650 + (FEE - 16_650);
        uint256 toSeller = uint256(CHARGE) + 100_007 + 500_000 + 100_007 - fee + BOND;
        assertGained(before, PRICE - 500_000, toSeller, fee);
    }

    function test_metered_deals_take_the_voucher_to_the_last_second_of_their_grace() public {
        (Terms memory terms, Own[] memory owns) = opened(metered(), 3, 0);
        // The first ends early: 600 seconds of notice and 1,800 of grace.
        act(seller, abi.encodeCall(IEscrow.notice, (member(terms, owns[0]))));
        VM.warp(START + 600 + 1_800 - 1);
        redeemSeries(terms, owns, 1_000);
        assertOne(terms, owns[0], State.NOTICED, 1_000);
        assertOne(terms, owns[1], State.FUNDED, 1_000);
        VM.warp(START + 600 + 1_800);
        redeemSeries(terms, owns, 2_000);
        assertOne(terms, owns[0], State.NOTICED, 1_000);
        assertOne(terms, owns[2], State.FUNDED, 2_000);
        VM.warp(START + 3_600 + 1_800 - 1);
        redeemSeries(terms, owns, 3_000);
        assertOne(terms, owns[1], State.FUNDED, 3_000);
        VM.warp(START + 3_600 + 1_800);
        redeemSeries(terms, owns, PRICE);
        assertOne(terms, owns[0], State.NOTICED, 1_000);
        assertOne(terms, owns[1], State.FUNDED, 3_000);
        assertOne(terms, owns[2], State.FUNDED, 3_000);
    }

    function test_a_deal_twice_in_one_series_is_paid_once() public {
        (Terms memory terms,) = opened(offer(), 2, 0);
        uint256[3] memory before = wallets();
        redeemSeries(terms, picked(ownsOf(2), order("00110")), CHARGE);
        assertGained(before, 0, 2 * (CHARGE - FEE), 2 * FEE);
    }

    function test_deals_are_paid_where_each_of_them_was_paid_from() public {
        (Terms memory terms, Own[] memory owns) = mixed();
        uint256[3] memory before = wallets();
        (uint256 ofBuyer, uint256 ofSeller) = balances();
        redeemSeries(terms, picked(owns, order("30102312")), CHARGE);
        // Of four deals, the seller was bound at the opening of two.
        assertGained(before, 0, 2 * (CHARGE - FEE), 4 * FEE);
        assertBalances(ofBuyer, ofSeller + 2 * (CHARGE - FEE));

        before = wallets();
        for (uint256 i = 0; i < owns.length; i++) {
            deliver(member(terms, owns[i]), CHARGE + 1);
        }
        redeemSeries(terms, picked(owns, order("3210")), PRICE);
        // The last unit bears no fee, and the rest of the price returns to two buyers inside and two outside.
        assertGained(before, 2 * uint256(PRICE - CHARGE - 1), 2 * uint256(BOND + 1), 0);
        assertBalances(ofBuyer + 2 * uint256(PRICE - CHARGE - 1), ofSeller + 2 * (CHARGE - FEE) + 2 * uint256(BOND + 1));
    }

    function testFuzz_the_order_of_deals_that_are_paid_elsewhere_changes_no_sum(uint256 seed) public {
        (Terms memory terms, Own[] memory owns) = mixed();
        uint256[] memory places = new uint256[](within(seed % 251, 1, 12));
        bool[4] memory named;
        for (uint256 i = 0; i < places.length; i++) {
            places[i] = (seed >> (8 + 2 * i)) % 4;
            named[places[i]] = true;
        }
        uint256[3] memory before = wallets();
        (uint256 ofBuyer, uint256 ofSeller) = balances();
        redeemSeries(terms, picked(owns, places), CHARGE);
        // The seller was bound at the opening of the last two.
        uint256 outside = (named[0] ? 1 : 0) + (named[1] ? 1 : 0);
        uint256 inside = (named[2] ? 1 : 0) + (named[3] ? 1 : 0);
        assertGained(before, 0, outside * (CHARGE - FEE), (outside + inside) * FEE);
        assertBalances(ofBuyer, ofSeller + inside * (CHARGE - FEE));
    }

    function test_deals_that_were_opened_one_by_one_or_as_a_bundle_are_redeemed_as_a_series() public {
        Terms memory terms = offer();
        Own[] memory owns = ownsOf(3);
        for (uint256 i = 0; i < owns.length; i++) {
            open(member(terms, owns[i]));
        }
        redeemSeries(terms, owns, CHARGE);
        assertAll(terms, owns, State.FUNDED, CHARGE);

        owns = ownsOf(2, 10);
        terms.bundle = keccak256(abi.encodePacked(leavesOf(terms, owns)));
        Opening[] memory openings = new Opening[](2);
        (openings[0], openings[1]) = (signed(member(terms, owns[0])), signed(member(terms, owns[1])));
        escrow.openBundle(openings);
        redeemSeries(terms, owns, PRICE);
        assertAll(terms, owns, State.RELEASED, PRICE);
    }

    function test_a_receiver_that_cannot_be_paid_keeps_one_credit_and_holds_nobody_up() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        token = IMintable(address(barring));
        fund(buyer, 3 * uint256(PRICE));
        fund(seller, 3 * uint256(BOND));
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        barring.bar(seller, true);
        bytes memory call = encodeRedeem(terms, owns, CHARGE);
        VM.expectEmit(address(escrow));
        emit IAccounts.Credited(address(token), seller, 3 * (CHARGE - FEE));
        act(stranger, call);
        assertBalances(0, 3 * (CHARGE - FEE));
        assertHeld(recipient, 3 * FEE);
    }

    /// @dev Whoever calls chooses the gas: all of it fails, or all is paid in tokens and nothing turns into a credit.
    function test_the_least_gas_that_redeems_a_series_pays_it_in_tokens() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        bytes memory call = encodeRedeem(terms, owns, CHARGE);
        uint256[3] memory before = wallets();
        bytes4 last;
        for (uint256 gas_ = 200_000;; gas_ += 2_000) {
            (bool done, bytes memory said) = address(escrow).call{gas: gas_}(call);
            if (done) break;
            assertAll(terms, owns, State.FUNDED, 0);
            last = bytes4(said);
        }
        VM.assertEq(bytes32(last), bytes32(IAccounts.GasShort.selector));
        assertGained(before, 0, 3 * (CHARGE - FEE), 3 * FEE);
        assertBalances(0, 0);
    }

    function test_no_operation_can_be_entered_from_the_redemption_of_a_series() public {
        ReentrantToken reentrant = new ReentrantToken();
        token = IMintable(address(reentrant));
        fund(buyer, 3 * uint256(PRICE));
        fund(seller, 3 * uint256(BOND));
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        reentrant.prepare(address(escrow), encodeRedeem(terms, owns, PRICE));
        redeemSeries(terms, owns, CHARGE);
        VM.assertEq(
            reentrant.answer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
        );
        assertAll(terms, owns, State.FUNDED, CHARGE);
    }

    /// @dev `deliver` has no guard. The first deal's buyer paid from its wallet and the second's from its balance, so that
    /// the seller may be paid twice: what it delivers when the first money comes still stands when the second does.
    function test_a_delivery_from_inside_a_payout_is_not_undone() public {
        (Terms memory terms, Own[] memory owns, HookedWallet wallet) = hooked();
        Terms memory second = member(terms, owns[1]);
        wallet.prepare(address(escrow), abi.encodeCall(IEscrow.deliver, (second, DELIVERABLE, PRICE)));
        redeemSeries(terms, owns, CHARGE);
        VM.assertEq(wallet.hooks(), 2);
        VM.assertEq(wallet.answer(), wrongState(State.DELIVERED, State.FUNDED));
        assertPosition(escrow.digest(second), State.DELIVERED, block.timestamp, PRICE, CHARGE);
    }

    function testFuzz_a_series_never_pays_more_than_came_in(uint256 size, uint104[3] memory amounts, uint16 bps)
        public
    {
        Terms memory terms = offer();
        terms.feeBps = uint16(within(bps, 1, 10_000));
        size = within(size, 1, 12);
        Own[] memory owns = ownsOf(size);
        openSeries(terms, owns);
        uint256[3] memory before = wallets();
        uint104 total;
        for (uint256 i = 0; i < amounts.length; i++) {
            uint104 amount = uint104(within(amounts[i], 0, PRICE - 1));
            redeemSeries(terms, owns, amount);
            if (amount > total) total = amount;
        }
        uint256 fee = uint256(total) * terms.feeBps / 10_000;
        assertGained(before, 0, size * (total - fee), size * fee);
        for (uint256 i = 0; i < size; i++) {
            act(seller, abi.encodeCall(IEscrow.refund, (member(terms, owns[i]))));
        }
        assertGained(before, size * (PRICE - total), size * (total - fee + BOND), size * fee);
        assertHeld(address(escrow), 0);
    }

    function testFuzz_an_amount_above_the_price_ends_every_deal_at_its_price(uint104 amount, uint256 size) public {
        amount = uint104(within(amount, PRICE, type(uint104).max));
        size = within(size, 1, 12);
        (Terms memory terms, Own[] memory owns) = opened(offer(), size, 0);
        uint256[3] memory before = wallets();
        redeemSeries(terms, owns, amount);
        assertGained(before, 0, size * (PRICE - WHOLE_FEE + BOND), size * WHOLE_FEE);
        assertAll(terms, owns, State.RELEASED, PRICE);
        assertHeld(address(escrow), 0);
    }

    // ------------------------------------------------------------------ scenes

    /// @dev 0 as opened; 1 refunded; 2 paid as much; 3 paid less; 4 billed less; 5 disputed, paid all of its bill;
    /// 6 disputed, paid less; 7 paid more.
    function scatter(Terms memory terms, Own[] memory owns) private {
        act(seller, abi.encodeCall(IEscrow.refund, (member(terms, owns[1]))));
        redeemOne(terms, owns[2], CHARGE);
        redeemOne(terms, owns[3], 500_000);
        deliver(member(terms, owns[4]), 500_000);
        for (uint256 i = 5; i < 7; i++) {
            redeemOne(terms, owns[i], 500_000);
            deliver(member(terms, owns[i]), i == 5 ? 500_000 : PRICE);
            dispute(member(terms, owns[i]));
        }
        redeemOne(terms, owns[7], CHARGE + 1);
    }

    function redeemOne(Terms memory terms, Own memory own, uint104 amount) private {
        Terms memory one = member(terms, own);
        escrow.redeem(one, amount, voucher(escrow.digest(one), amount));
    }

    /// @dev Four deals that differ in who was bound at the opening: nobody, the buyer, both, the seller.
    function mixed() private returns (Terms memory terms, Own[] memory owns) {
        terms = offer();
        (terms.openBy, terms.deliveryWindow) = (START + 10 days, 30 days);
        owns = ownsOf(4);
        open(member(terms, owns[0]));
        deposit(buyer, 10 * uint256(PRICE));
        open(member(terms, owns[1]));
        deposit(seller, 10 * uint256(BOND));
        open(member(terms, owns[2]));
        VM.prank(buyer);
        escrow.announce();
        VM.warp(START + 1 days);
        open(member(terms, owns[3]));
        for (uint256 i = 0; i < owns.length; i++) {
            uint8[4] memory inside = [0, 1, 3, 2];
            VM.assertEq(escrow.position(escrow.digest(member(terms, owns[i]))).inside, inside[i]);
        }
    }

    /// @dev Two deals of a seller that is called when money comes, the second opened while its buyer was bound.
    function hooked() private returns (Terms memory terms, Own[] memory owns, HookedWallet wallet) {
        HookedToken hooks = new HookedToken();
        token = IMintable(address(hooks));
        wallet = new HookedWallet(seller);
        fund(address(wallet), 2 * uint256(BOND));
        fund(buyer, PRICE);
        terms = offer();
        terms.seller = address(wallet);
        owns = ownsOf(2);
        open(member(terms, owns[0]));
        deposit(buyer, PRICE);
        open(member(terms, owns[1]));
        wallet.listen(hooks);
    }

    // ------------------------------------------------------------------ what came of it

    function expectPush(address to, uint256 amount) private {
        VM.expectCall(address(token), abi.encodeCall(IERC20.transfer, (to, amount)), 1);
    }

    /// @param figures the total so far, to the seller, the fee
    function expectPaid(Terms memory terms, Own[] memory owns, State state, uint256[3] memory figures) private {
        for (uint256 i = 0; i < owns.length; i++) {
            bytes32 deal = escrow.digest(member(terms, owns[i]));
            VM.expectEmit(address(escrow));
            emit IEscrow.Paid(deal, state, stranger, figures[0], figures[1], figures[2], 0);
        }
    }
}
