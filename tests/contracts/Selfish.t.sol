// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Credits, Opening, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation} from "./Scenes.sol";
import {SelfishStage} from "./SelfishStage.sol";

interface SnapshotVm {
    function snapshotState() external returns (uint256 id);
    function revertToState(uint256 id) external returns (bool done);
}

SnapshotVm constant SNAPSHOT_VM = SnapshotVm(address(VM));

/// @notice The escrow rail: for each state the best that a selfish party can do, and what it costs the other at most.
contract SelfishTest is SelfishStage {
    // ------------------------------------------------------------------ before the opening

    function test_who_kills_its_own_offer_costs_the_other_nothing_but_gas() public {
        terms = disputable();
        bytes[5] memory ways = [
            abi.encodeCall(IAccounts.cancel, (terms.buyerNonce)),
            abi.encodeCall(IAccounts.cancelAll, ()),
            abi.encodeCall(IAccounts.deposit, (address(token), 0)),
            abi.encodeCall(IAccounts.deposit, (address(token), PRICE - 1)),
            oneUnitSwap(terms.buyerNonce)
        ];
        for (uint256 i = 0; i < ways.length; i++) {
            uint256 before = SNAPSHOT_VM.snapshotState();
            act(buyer, ways[i]);
            assertNeverOpens();
            VM.assertTrue(SNAPSHOT_VM.revertToState(before));
        }
        VM.prank(buyer);
        token.approve(address(escrow), PRICE - 1);
        assertNeverOpens();
    }

    function test_a_bound_buyer_that_spends_its_balance_elsewhere_costs_the_seller_nothing_but_gas() public {
        act(buyer, abi.encodeCall(IAccounts.deposit, (address(token), PRICE)));
        Terms memory elsewhere = disputable();
        (elsewhere.seller, elsewhere.bond, elsewhere.arbiterFee) = (voucherSigner, 0, 0);
        elsewhere.sellerNonce = 1;
        bytes32 deal = escrow.digest(elsewhere);
        escrow.open(Opening(elsewhere, sign(BUYER_KEY, deal), sign(VOUCHER_KEY, deal), "", ""));
        terms = disputable();
        terms.buyerNonce = 1;
        assertNeverOpens();
    }

    function test_a_stale_offer_is_an_option_until_openBy_and_nothing_from_then_on() public {
        terms = disputable();
        VM.warp(terms.openBy);
        assertNeverOpens();
        VM.warp(terms.openBy - 1);
        open(terms);
    }

    function test_a_reorganised_opening_costs_the_seller_its_work_and_no_money() public {
        terms = disputable();
        uint256 before = SNAPSHOT_VM.snapshotState();
        open(terms);
        VM.assertTrue(SNAPSHOT_VM.revertToState(before));
        act(buyer, abi.encodeCall(IAccounts.cancel, (terms.buyerNonce)));
        assertNeverOpens();
        assertShort(seller, had[seller] + PRICE, PRICE);
    }

    // ------------------------------------------------------------------ FUNDED

    function test_a_silent_seller_costs_the_buyer_nothing_but_time() public {
        begin(disputable());
        VM.warp(START + terms.deliveryWindow);
        act(buyer, encode(Operation.REFUND, terms));
        assertShort(buyer, had[buyer], 0);
        assertShort(seller, had[seller], 0);
    }

    function testFuzz_a_seller_that_takes_its_vouchers_and_leaves_costs_the_buyer_what_it_signed(uint104 signed)
        public
    {
        signed = uint104(within(signed, 1, PRICE - 1));
        begin(disputable());
        act(seller, encode(Operation.REDEEM, terms, signed, 0));
        act(seller, encode(Operation.REFUND, terms));
        assertShort(buyer, had[buyer], signed);
    }

    function testFuzz_a_refund_in_the_first_second_costs_the_seller_its_work_and_vouchers_not_redeemed(uint104 signed)
        public
    {
        signed = uint104(within(signed, 1, PRICE - 1));
        begin(disputable());
        VM.warp(START + terms.deliveryWindow);
        act(buyer, encode(Operation.REFUND, terms));
        refuse(seller, encode(Operation.REDEEM, terms, signed, 0), wrongState(State.REFUNDED, State.FUNDED));
        refuse(seller, encode(Operation.DELIVER, terms), wrongState(State.REFUNDED, State.FUNDED));
        assertShort(seller, had[seller] + PRICE, PRICE);
    }

    function testFuzz_a_part_in_flight_that_a_delivery_makes_the_whole_costs_the_buyer_what_it_named(uint104 named)
        public
    {
        named = uint104(within(named, 1, PRICE - 1));
        begin(disputable());
        act(seller, encode(Operation.DELIVER, terms, named, 0));
        act(buyer, encode(Operation.RELEASE, terms, named, 0));
        assertShort(buyer, had[buyer], named);
    }

    // ------------------------------------------------------------------ DELIVERED

    function testFuzz_garbage_without_an_arbiter_costs_the_buyer_what_was_billed(uint104 charge) public {
        Terms memory unjudged = offer();
        unjudged.feeBps = 0;
        begin(unjudged);
        charge = uint104(within(charge, 0, PRICE));
        deliver(terms, charge);
        VM.warp(START + terms.reviewWindow);
        act(seller, encode(Operation.CLAIM, terms));
        assertShort(buyer, had[buyer], charge);
    }

    function testFuzz_garbage_costs_a_buyer_that_sleeps_what_was_billed(uint104 charge) public {
        begin(disputable());
        charge = uint104(within(charge, 0, PRICE));
        deliver(terms, charge);
        VM.warp(START + terms.reviewWindow);
        act(seller, encode(Operation.CLAIM, terms));
        refuse(buyer, encode(Operation.DISPUTE, terms), wrongState(State.RELEASED, State.DELIVERED));
        assertShort(buyer, had[buyer], charge);
    }

    function testFuzz_garbage_costs_a_buyer_that_disputes_nothing_where_the_ruling_takes_the_fee_off_the_bond(uint104 charge)
        public
    {
        beginDispute(charge);
        act(umpire, encode(Operation.RESOLVE, terms, 0, BOND - STAKE));
        assertShort(buyer, had[buyer], 0);
    }

    function testFuzz_a_buyer_that_never_releases_costs_the_seller_nothing_but_time(uint104 charge) public {
        begin(disputable());
        charge = uint104(within(charge, 0, PRICE));
        deliver(terms, charge);
        actFrom(START + terms.reviewWindow, seller, encode(Operation.CLAIM, terms));
        assertShort(seller, had[seller] + charge, 0);
    }

    function testFuzz_a_dispute_in_the_last_second_given_in_costs_the_seller_nothing_and_the_buyer_the_stake(
        uint104 charge,
        uint40 later
    ) public {
        begin(disputable());
        charge = uint104(within(charge, 0, PRICE));
        deliver(terms, charge);
        VM.warp(START + terms.reviewWindow - 1);
        act(buyer, encode(Operation.DISPUTE, terms));
        // In front of the ruling, or long after an arbiter has said nothing.
        VM.warp(block.timestamp + within(later, 0, 365 days));
        act(buyer, encode(Operation.RELEASE, terms, charge, 0));
        assertShort(seller, had[seller] + charge + STAKE, 0);
        assertShort(buyer, had[buyer] - charge, STAKE);
        // What the arbiter had worked is its own loss.
        refuse(umpire, encode(Operation.RESOLVE, terms, charge, BOND), wrongState(State.RELEASED, State.DISPUTED));
        assertHeld(umpire, 0);
    }

    // ------------------------------------------------------------------ DISPUTED

    function testFuzz_vouchers_in_front_of_rulings_cost_the_buyer_what_it_signed(uint104[3] memory vouchers) public {
        beginDispute(PRICE);
        uint104 most;
        for (uint256 i = 0; i < vouchers.length; i++) {
            most = uint104(within(vouchers[i], uint256(most) + 1, PRICE - 3 + i));
            act(seller, encode(Operation.REDEEM, terms, most, 0));
        }
        // None of them voids the ruling that was under way.
        act(umpire, encode(Operation.RESOLVE, terms, 0, BOND - STAKE));
        assertShort(buyer, had[buyer], most);
        assertHeld(umpire, STAKE);
    }

    function testFuzz_a_spent_voucher_saves_no_bond_from_the_ruling(uint104 signed) public {
        signed = uint104(within(signed, 1, PRICE));
        begin(disputable());
        if (signed < PRICE) act(seller, encode(Operation.REDEEM, terms, signed, 0));
        deliver(terms, signed);
        act(buyer, encode(Operation.DISPUTE, terms));
        VM.prank(seller);
        (bool done,) = address(escrow).call(encode(Operation.REDEEM, terms, signed, 0));
        VM.assertEq(done, signed == PRICE);
        act(umpire, encode(Operation.RESOLVE, terms, 0, 0));
        assertShort(buyer, had[buyer] + BOND - STAKE, signed);
    }

    function testFuzz_a_silent_arbiter_costs_an_honest_seller_c_less_share_c_and_b_less_share_b(
        uint104 charge,
        uint104 released,
        uint16 bps
    ) public {
        (charge, released) = beginDefault(charge, released, bps);
        uint104 disputed = charge - released;
        act(buyer, encode(Operation.EXPIRE, terms));
        uint256 loss = disputed - share(disputed, terms.defaultSellerBps) + BOND - share(BOND, terms.defaultSellerBps);
        assertShort(seller, had[seller] + charge, loss);
    }

    function testFuzz_a_silent_arbiter_costs_the_buyer_of_garbage_r_and_share_c_and_earns_it_b_less_share_b(
        uint104 charge,
        uint104 released,
        uint16 bps
    ) public {
        (charge, released) = beginDefault(charge, released, bps);
        act(seller, encode(Operation.EXPIRE, terms));
        uint256 loss = released + share(charge - released, terms.defaultSellerBps);
        assertShort(buyer, had[buyer] + BOND - share(BOND, terms.defaultSellerBps), loss);
        assertHeld(umpire, 0);
    }

    function testFuzz_no_ruling_costs_the_seller_more_than_c_less_r_and_b(
        uint104 charge,
        uint104 released,
        uint104 ruled,
        uint104 bondToSeller
    ) public {
        (charge, released) = beginDefault(charge, released, 0);
        VM.warp(block.timestamp - 1);
        (ruled, bondToSeller) = (uint104(within(ruled, 0, charge)), uint104(within(bondToSeller, 0, BOND)));
        act(umpire, encode(Operation.RESOLVE, terms, ruled, bondToSeller));
        uint256 loss = had[seller] + charge - worth(seller);
        VM.assertLe(loss, uint256(charge) - released + BOND);
        if (ruled <= released && bondToSeller == 0) VM.assertEq(loss, uint256(charge) - released + BOND);
    }

    function testFuzz_no_ruling_costs_the_buyer_more_than_c_and_s(
        uint104 charge,
        uint104 released,
        uint104 ruled,
        uint104 bondToSeller
    ) public {
        (charge, released) = beginDefault(charge, released, 0);
        VM.warp(block.timestamp - 1);
        refuse(umpire, encode(Operation.RESOLVE, terms, charge + 1, BOND), amountTooHigh(charge + 1, charge));
        (ruled, bondToSeller) = (uint104(within(ruled, 0, charge)), uint104(within(bondToSeller, 0, BOND)));
        act(umpire, encode(Operation.RESOLVE, terms, ruled, bondToSeller));
        // What it lost, if anything: the bond may outweigh it.
        VM.assertLe(had[buyer], worth(buyer) + charge + STAKE);
        if (ruled == charge && bondToSeller == BOND) assertShort(buyer, had[buyer], uint256(charge) + STAKE);
    }

    // ------------------------------------------------------------------ any open state

    function testFuzz_a_settlement_signed_first_costs_its_signer_what_it_says_and_nothing_from_validBefore_on(
        uint104 total,
        uint104 bondToSeller
    ) public {
        (total, bondToSeller) = (uint104(within(total, 0, PRICE)), uint104(within(bondToSeller, 0, BOND)));
        begin(disputable());
        uint40 validBefore = START + 500;
        (bytes memory ofBuyer, bytes memory ofSeller) =
            settlement(escrow.digest(terms), total, bondToSeller, validBefore);
        deliver(terms, PRICE);
        bytes memory kept = abi.encodeCall(IEscrow.settle, (terms, total, bondToSeller, validBefore, ofBuyer, ofSeller));
        actBefore(validBefore, buyer, kept);
        assertShort(seller, had[seller] + PRICE, uint256(PRICE) - total + BOND - bondToSeller);
    }

    // ------------------------------------------------------------------ inside

    /// @dev A buyer's part of the charge is released, the arbiter's window is over.
    function beginDefault(uint104 charge, uint104 released, uint16 bps) private returns (uint104, uint104) {
        Terms memory split = disputable();
        split.defaultSellerBps = uint16(within(bps, 0, 10_000));
        begin(split);
        charge = uint104(within(charge, 2, PRICE));
        released = uint104(within(released, 1, charge - 1));
        act(stranger, encode(Operation.REDEEM, terms, released, 0));
        deliver(terms, charge);
        act(buyer, encode(Operation.DISPUTE, terms));
        VM.warp(block.timestamp + terms.arbitrationWindow);
        return (charge, released);
    }

    function beginDispute(uint104 charge) private {
        begin(disputable());
        deliver(terms, uint104(within(charge, 0, PRICE)));
        act(buyer, encode(Operation.DISPUTE, terms));
    }

    /// @dev The opening fails, and the seller has all that it had.
    function assertNeverOpens() private {
        bytes32 deal = escrow.digest(terms);
        (bytes memory ofBuyer, bytes memory ofSeller) = (sign(BUYER_KEY, deal), sign(SELLER_KEY, deal));
        VM.prank(seller);
        (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (Opening(terms, ofBuyer, ofSeller, "", ""))));
        VM.assertFalse(done);
        VM.assertFalse(escrow.nonceSpent(seller, terms.sellerNonce));
        assertShort(seller, had[seller], 0);
    }

    /// @dev A swap of a unit against nothing, with a partner of the buyer's own: it spends a nonce, also of a bound buyer.
    function oneUnitSwap(uint256 nonce) private view returns (bytes memory) {
        Credits memory nothing = Credits(address(token), false, 0, 0);
        Terms memory swapped;
        (swapped.buyer, swapped.seller, swapped.token) = (buyer, voucherSigner, address(token));
        (swapped.price, swapped.rail, swapped.openBy, swapped.buyerNonce) = (1, Rail.ATOMIC, terms.openBy, nonce);
        bytes32 typeHash = keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
        swapped.goods = keccak256(abi.encode(typeHash, nothing));
        bytes32 deal = escrow.digest(swapped);
        bytes memory ofPartner = sign(VOUCHER_KEY, deal);
        return abi.encodeCall(IEscrow.swap, (swapped, nothing, sign(BUYER_KEY, deal), ofPartner));
    }
}
