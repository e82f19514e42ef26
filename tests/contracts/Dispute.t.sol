// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract DisputeTest is Scenes {
    uint8 private constant ARBITER = 19; // the arbiter's place in Terms

    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = disputable();
        deal = open(terms);
        VM.warp(START + 1_000);
        deliver(terms, CHARGE);
    }

    function testFuzz_dispute_freezes_the_deal_and_stakes_the_arbiters_fee(bytes32 reasons) public {
        fund(buyer, STAKE);
        VM.warp(START + 1_100);
        VM.expectEmit(address(escrow));
        emit IEscrow.Disputed(deal, reasons, STAKE);
        act(buyer, abi.encodeCall(IEscrow.dispute, (terms, reasons)));
        assertPosition(deal, State.DISPUTED, START + 1_100, CHARGE, 0);
        assertHeld(buyer, 0);
        assertHeld(address(escrow), uint256(PRICE) + BOND + STAKE);
    }

    function testFuzz_dispute_is_possible_before_the_end_of_the_review_window_and_not_at_it(uint32 window) public {
        terms.reviewWindow = uint32(within(window, 60, 365 days));
        terms = bring(terms, State.DELIVERED);
        fund(buyer, STAKE);
        actBefore(block.timestamp + terms.reviewWindow, buyer, call());
    }

    function test_dispute_without_an_arbiters_fee_stakes_nothing() public {
        terms.arbiterFee = 0;
        terms = bring(terms, State.DELIVERED);
        VM.expectCall(address(token), abi.encodeCall(token.transferFrom, (buyer, address(escrow), 0)), 0);
        act(buyer, call());
        assertState(escrow.digest(terms), State.DISPUTED);
    }

    function test_dispute_keeps_what_was_released_before() public {
        act(buyer, encode(Operation.RELEASE, terms, 41, 0));
        dispute(terms);
        assertPosition(deal, State.DISPUTED, START + 1_000, CHARGE, 41);
    }

    function test_dispute_reverts_while_the_buyer_cannot_pay_the_stake() public {
        fund(buyer, STAKE - 1);
        refuse(buyer, call(), abi.encodeWithSelector(IAccounts.FundsShort.selector, buyer, STAKE - 1, STAKE));
        fund(buyer, 1);
        VM.prank(buyer);
        token.approve(address(escrow), STAKE - 1);
        refuse(buyer, call(), abi.encodeWithSelector(IAccounts.AllowanceShort.selector, buyer, STAKE - 1, STAKE));
        assertState(deal, State.DELIVERED);
    }

    function test_dispute_stakes_out_of_the_balance_of_a_buyer_that_paid_from_it() public {
        fund(buyer, uint256(PRICE) + STAKE);
        act(buyer, abi.encodeCall(IAccounts.deposit, (address(token), uint256(PRICE) + STAKE)));
        terms = bring(terms, State.DELIVERED);
        VM.assertEq(escrow.balance(address(token), buyer), STAKE);
        VM.expectEmit(address(escrow));
        emit IAccounts.Debited(address(token), buyer, STAKE);
        act(buyer, call());
        VM.assertEq(escrow.balance(address(token), buyer), 0);
    }

    function test_dispute_stakes_out_of_the_wallet_where_the_balance_does_not_last() public {
        fund(buyer, uint256(PRICE) + STAKE - 1);
        act(buyer, abi.encodeCall(IAccounts.deposit, (address(token), uint256(PRICE) + STAKE - 1)));
        terms = bring(terms, State.DELIVERED);
        uint256 before = token.balanceOf(buyer);
        fund(buyer, STAKE);
        act(buyer, call());
        VM.assertEq(escrow.balance(address(token), buyer), STAKE - 1);
        assertHeld(buyer, before);
    }

    function test_dispute_stakes_out_of_the_wallet_of_a_buyer_that_has_left_since() public {
        fund(buyer, PRICE);
        act(buyer, abi.encodeCall(IAccounts.deposit, (address(token), PRICE)));
        terms.deliveryWindow = 2 days;
        terms = bring(terms, State.FUNDED);
        act(buyer, abi.encodeCall(IAccounts.announce, ()));
        VM.warp(block.timestamp + 1 days);
        deliver(terms, PRICE);
        fund(buyer, STAKE);
        act(buyer, call());
        assertState(escrow.digest(terms), State.DISPUTED);
    }

    function test_dispute_reverts_where_neither_balance_nor_wallet_covers_the_stake() public {
        fund(buyer, PRICE);
        act(buyer, abi.encodeCall(IAccounts.deposit, (address(token), PRICE)));
        terms = bring(terms, State.DELIVERED);
        uint256 held = token.balanceOf(buyer);
        VM.prank(buyer);
        VM.assertTrue(token.transfer(stranger, held));
        refuse(buyer, call(), abi.encodeWithSelector(IAccounts.FundsShort.selector, buyer, 0, STAKE));
    }

    function test_dispute_reverts_where_the_terms_name_no_arbiter() public {
        terms = bring(offer(), State.DELIVERED);
        refuse(buyer, call(), abi.encodeWithSelector(IEscrow.FieldMissing.selector, Rail.ESCROW, ARBITER));
    }

    function testFuzz_dispute_reverts_when_caller_is_not_the_buyer(address anyone) public {
        refuseOthers(call(), anyone, buyer);
    }

    function test_dispute_reverts_in_every_state_but_delivered() public {
        refuseInOtherStates(Operation.DISPUTE, buyer, Rail.ESCROW, only(State.DELIVERED), State.DELIVERED);
    }

    function test_dispute_reverts_on_every_rail_but_escrow() public {
        terms = reach(Rail.METERED, State.FUNDED);
        refuse(buyer, call(), wrongRail(Rail.METERED, Rail.ESCROW));
        terms = reach(Rail.EXCHANGE, State.DELIVERED);
        refuse(buyer, call(), wrongRail(Rail.EXCHANGE, Rail.ESCROW));
    }

    function call() private view returns (bytes memory) {
        return encode(Operation.DISPUTE, terms);
    }
}
