// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";

contract NoticeTest is Scenes {
    uint8 private constant NOTICE_WINDOW = 17; // the notice window's place in Terms

    Terms private terms;
    bytes32 private deal;

    function setUp() public override {
        super.setUp();
        terms = metered();
        deal = open(terms);
    }

    function testFuzz_notice_ends_the_deal_one_notice_window_later(uint32 passed, bool byBuyer) public {
        uint256 noticed = START + within(passed, 0, terms.deliveryWindow - terms.noticeWindow - 1);
        VM.warp(noticed);
        address caller = byBuyer ? buyer : seller;
        VM.expectEmit(address(escrow));
        emit IEscrow.Noticed(deal, caller, noticed + terms.noticeWindow);
        act(caller, call());
        assertPosition(deal, State.NOTICED, noticed, 0, 0);
        actFrom(noticed + terms.noticeWindow + terms.reviewWindow, buyer, encode(Operation.CLOSE, terms, 0, 0));
    }

    function test_notice_moves_no_money_and_keeps_what_was_released() public {
        act(buyer, encode(Operation.RELEASE, terms, CHARGE, 0));
        act(buyer, call());
        assertPosition(deal, State.NOTICED, START, 0, CHARGE);
        assertHeld(address(escrow), uint256(PRICE) + BOND - CHARGE);
    }

    function testFuzz_notice_reverts_where_it_would_not_shorten_the_deal(uint32 window, uint32 noticeWindow) public {
        terms.deliveryWindow = uint32(within(window, 61, 365 days));
        terms.noticeWindow = uint32(within(noticeWindow, 60, terms.deliveryWindow - 1));
        terms = bring(terms, State.FUNDED);
        actBefore(uint256(START) + terms.deliveryWindow - terms.noticeWindow, seller, call());
    }

    function test_notice_as_long_as_the_deal_itself_can_never_be_given() public {
        terms.noticeWindow = terms.deliveryWindow;
        terms = bring(terms, State.FUNDED);
        refuse(buyer, call(), tooLate(START));
    }

    function test_notice_can_be_given_once() public {
        act(buyer, call());
        refuse(buyer, call(), wrongState(State.NOTICED, State.FUNDED));
        refuse(seller, call(), wrongState(State.NOTICED, State.FUNDED));
    }

    function testFuzz_notice_reverts_when_caller_is_neither_party(address anyone) public {
        refuseOthers(call(), anyone, buyer, seller);
    }

    function test_notice_reverts_where_the_terms_have_no_notice_window() public {
        terms.noticeWindow = 0;
        terms = bring(terms, State.FUNDED);
        refuse(buyer, call(), abi.encodeWithSelector(IEscrow.FieldMissing.selector, Rail.METERED, NOTICE_WINDOW));
    }

    function test_notice_reverts_on_the_other_rails() public {
        terms = reach(Rail.ESCROW, State.FUNDED);
        refuse(buyer, call(), abi.encodeWithSelector(IEscrow.FieldMissing.selector, Rail.ESCROW, NOTICE_WINDOW));
        terms = reach(Rail.EXCHANGE, State.FUNDED);
        refuse(buyer, call(), abi.encodeWithSelector(IEscrow.FieldMissing.selector, Rail.EXCHANGE, NOTICE_WINDOW));
    }

    function test_notice_reverts_in_every_state_but_funded() public {
        refuseInOtherStates(Operation.NOTICE, buyer, Rail.METERED, only(State.FUNDED), State.FUNDED);
    }

    function call() private view returns (bytes memory) {
        return encode(Operation.NOTICE, terms);
    }
}
