// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Position, State, Terms} from "../../contracts/interfaces/Types.sol";
import {HookedToken} from "../../contracts/mocks/tokens/HookedToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {IMintable} from "./Stage.sol";

/// @notice What a party can do while its money moves: the operations that call nobody have no guard, and find the books
/// already as they will be.
contract InterleavingTest is Openings {
    HookedWallet private buying;
    HookedWallet private selling;

    function setUp() public override {
        super.setUp();
        HookedToken hooked = new HookedToken();
        token = IMintable(address(hooked));
        (buying, selling) = (new HookedWallet(buyer), new HookedWallet(seller));
        fund(address(buying), PRICE);
        fund(address(selling), BOND);
        buying.listen(hooked);
        selling.listen(hooked);
    }

    function test_a_deal_is_already_funded_while_it_is_paid_in() public {
        Terms memory terms = between();
        buying.prepare(address(escrow), abi.encodeCall(IEscrow.position, (escrow.digest(terms))));
        open(terms);
        assertSaw(buying, State.FUNDED, 0);
    }

    function test_a_deal_has_already_ended_while_it_is_paid_out() public {
        Terms memory terms = between();
        bytes32 deal = open(terms);
        selling.prepare(address(escrow), abi.encodeCall(IEscrow.position, (deal)));
        act(address(buying), abi.encodeCall(IEscrow.release, (terms, PRICE)));
        assertSaw(selling, State.RELEASED, PRICE);
    }

    function test_a_part_is_already_counted_while_it_is_paid_out() public {
        Terms memory terms = between();
        bytes32 deal = open(terms);
        selling.prepare(address(escrow), abi.encodeCall(IEscrow.position, (deal)));
        act(address(buying), abi.encodeCall(IEscrow.release, (terms, CHARGE)));
        assertSaw(selling, State.FUNDED, CHARGE);
    }

    function test_a_nonce_is_too_late_to_cancel_while_its_deal_opens() public {
        Terms memory terms = between();
        buying.prepare(address(escrow), abi.encodeCall(IAccounts.cancel, (terms.buyerNonce)));
        assertState(open(terms), State.FUNDED);
        VM.assertEq(buying.answer(), nonceSpent(address(buying), terms.buyerNonce));
    }

    function test_an_epoch_moved_while_a_deal_opens_leaves_that_deal() public {
        Terms memory terms = between();
        buying.prepare(address(escrow), abi.encodeCall(IAccounts.cancelAll, ()));
        assertState(open(terms), State.FUNDED);
        VM.assertGt(escrow.epoch(address(buying)), 0);
    }

    function test_a_seller_that_delivers_while_its_bond_is_paid_in_gains_nothing() public {
        Terms memory terms = between();
        selling.prepare(address(escrow), abi.encodeCall(IEscrow.deliver, (terms, DELIVERABLE, CHARGE)));
        bytes32 deal = open(terms);
        assertPosition(deal, State.DELIVERED, START, CHARGE, 0);
        selling.turn(HookedWallet.Mood.ACCEPT);
        VM.warp(START + terms.reviewWindow);
        act(address(selling), abi.encodeCall(IEscrow.claim, (terms)));
        assertSplit(CHARGE, 19_980);
    }

    function test_a_seller_that_delivers_while_a_part_is_paid_bills_for_that_part_too() public {
        Terms memory terms = between();
        bytes memory short = abi.encodeCall(IEscrow.deliver, (terms, DELIVERABLE, CHARGE - 1));
        rehearse(short);
        bytes32 deal = open(terms);
        selling.prepare(address(escrow), short);
        act(address(buying), abi.encodeCall(IEscrow.release, (terms, CHARGE)));
        VM.assertEq(selling.answer(), amountTooLow(CHARGE - 1, CHARGE));

        selling.prepare(address(escrow), abi.encodeCall(IEscrow.deliver, (terms, DELIVERABLE, CHARGE + 2)));
        act(address(buying), abi.encodeCall(IEscrow.release, (terms, CHARGE + 1)));
        assertPosition(deal, State.DELIVERED, START, CHARGE + 2, CHARGE + 1);
    }

    function test_a_notice_given_while_a_part_is_paid_keeps_the_part() public {
        Terms memory terms = metered();
        (terms.buyer, terms.seller) = (address(buying), address(selling));
        bytes32 deal = open(terms);
        selling.prepare(address(escrow), abi.encodeCall(IEscrow.notice, (terms)));
        escrow.redeem(terms, CHARGE, voucher(deal, CHARGE));
        assertPosition(deal, State.NOTICED, START, 0, CHARGE);
        selling.turn(HookedWallet.Mood.ACCEPT);
        act(address(selling), abi.encodeCall(IEscrow.close, (terms, CHARGE, "")));
        assertSplit(CHARGE, 19_980);
    }

    function test_nothing_can_be_done_to_a_deal_while_it_is_paid_out() public {
        Terms memory terms = between();
        bytes memory late = abi.encodeCall(IEscrow.deliver, (terms, DELIVERABLE, PRICE));
        rehearse(late);
        open(terms);
        selling.prepare(address(escrow), late);
        act(address(selling), abi.encodeCall(IEscrow.refund, (terms)));
        VM.assertEq(selling.answer(), wrongState(State.REFUNDED, State.FUNDED));
    }

    function test_a_bound_party_that_announces_while_it_deposits_stays_bound_for_the_notice() public {
        buying.prepare(address(escrow), abi.encodeCall(IAccounts.announce, ()));
        act(address(buying), abi.encodeCall(IAccounts.deposit, (address(token), 10)));
        (bool isBound, uint256 leavesAt) = escrow.bound(address(buying));
        VM.assertTrue(isBound);
        VM.assertEq(leavesAt, START + 1 days);
    }

    /// @dev The offer between two wallets that hear of every movement of their money.
    function between() private view returns (Terms memory terms) {
        terms = offer();
        (terms.buyer, terms.seller) = (address(buying), address(selling));
    }

    /// @dev The seller's wallet is refused once, before the deal opens: a transfer's allotment is too little to store a new
    /// answer, but enough to change one.
    function rehearse(bytes memory attack) private {
        selling.prepare(address(escrow), attack);
        token.mint(address(selling), 0);
        VM.assertEq(selling.answer(), wrongState(State.NONE, State.FUNDED));
        selling.turn(HookedWallet.Mood.ACCEPT);
    }

    function assertSaw(HookedWallet wallet, State state, uint104 released) private view {
        Position memory held = abi.decode(wallet.answer(), (Position));
        VM.assertEq(uint8(held.state), uint8(state));
        VM.assertEq(held.released, released);
    }

    function assertSplit(uint256 charge, uint256 fee) private view {
        assertHeld(address(buying), PRICE - charge);
        assertHeld(address(selling), charge - fee + BOND);
        assertHeld(recipient, fee);
        assertHeld(address(escrow), 0);
    }
}
