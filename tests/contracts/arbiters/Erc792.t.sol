// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable, IArbitrator, IEvidence} from "../../../contracts/interfaces/IArbitration.sol";
import {Case, IErc792Arbiter, Stage as CaseStage} from "../../../contracts/interfaces/IErc792Arbiter.sol";
import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {State, Terms} from "../../../contracts/interfaces/Types.sol";
import {CentralizedArbitrator} from "../../../contracts/mocks/CentralizedArbitrator.sol";
import {BarringToken} from "../../../contracts/mocks/tokens/BarringToken.sol";
import {VM} from "../Cheats.sol";
import {IMintable, Stage} from "../Stage.sol";
import {EnteringToken} from "./EnteringToken.sol";

contract Erc792Test is Stage {
    uint256 private constant COST = 0.01 ether;
    bytes private constant EXTRA = hex"00000003";
    uint256 private constant REFUSED = 0;
    uint256 private constant TO_BUYER = 1;
    uint256 private constant TO_SELLER = 2;
    uint256 private constant HALF = 3;

    CentralizedArbitrator private _court;
    IErc792Arbiter private _arbiter;
    address private _payer = address(0xca5e);

    function setUp() public override {
        super.setUp();
        _court = new CentralizedArbitrator(umpire);
        bytes memory arguments = abi.encode(escrow, _court, EXTRA, "/meta.json");
        _arbiter = IErc792Arbiter(VM.deployCode("Erc792Arbiter.sol:Erc792Arbiter", arguments));
        (bool done,) = _payer.call{value: 1 ether}("");
        VM.assertTrue(done);
    }

    // ------------------------------------------------------------------ submit

    function test_anyone_brings_a_disputed_deal_to_court_for_its_cost() public {
        Terms memory terms = disputed(0);
        bytes32 deal = escrow.digest(terms);
        VM.assertEq(_arbiter.cost(), COST);
        VM.expectCall(address(_court), abi.encodeCall(IArbitrator.createDispute, (3, EXTRA)), 1);
        VM.expectEmit(address(_arbiter));
        emit IErc792Arbiter.Submitted(deal, 0, _payer);
        VM.expectEmit(address(_arbiter));
        emit IEvidence.Dispute(IArbitrator(address(_court)), 0, 0, uint256(deal));
        VM.assertEq(submit(terms), 0);
        VM.assertEq(address(_arbiter).balance, 0);
        VM.assertEq(address(_court).balance, COST);
        assertCase(deal, CaseStage.SUBMITTED, 0);
        VM.assertEq(_arbiter.caseOf(deal).payer, _payer);
    }

    function test_a_deal_goes_to_court_once() public {
        Terms memory terms = disputed(0);
        submit(terms);
        refuse(
            _payer,
            COST,
            abi.encodeCall(IErc792Arbiter.submit, (terms)),
            wrongStage(CaseStage.SUBMITTED, CaseStage.NONE)
        );
    }

    function test_the_court_is_paid_to_the_unit() public {
        bytes memory call = abi.encodeCall(IErc792Arbiter.submit, (disputed(0)));
        uint256[3] memory given = [uint256(0), COST - 1, COST + 1];
        for (uint256 i = 0; i < 3; i++) {
            refuse(_payer, given[i], call, abi.encodeWithSelector(IErc792Arbiter.WrongCost.selector, given[i], COST));
        }
    }

    function test_a_deal_that_nobody_disputed_does_not_go_to_court() public {
        Terms memory terms = disputable();
        terms.arbiter = address(_arbiter);
        bytes memory call = abi.encodeCall(IErc792Arbiter.submit, (terms));
        refuse(_payer, COST, call, wrongState(State.NONE, State.DISPUTED));
        open(terms);
        refuse(_payer, COST, call, wrongState(State.FUNDED, State.DISPUTED));
        deliver(terms, CHARGE);
        refuse(_payer, COST, call, wrongState(State.DELIVERED, State.DISPUTED));
    }

    function test_a_deal_with_another_arbiter_does_not_go_to_court_here() public {
        Terms memory terms = disputable();
        open(terms);
        deliver(terms, CHARGE);
        dispute(terms);
        bytes memory reason =
            abi.encodeWithSelector(IErc792Arbiter.ArbiterElsewhere.selector, umpire, address(_arbiter));
        refuse(_payer, COST, abi.encodeCall(IErc792Arbiter.submit, (terms)), reason);
    }

    // ------------------------------------------------------------------ evidence

    function test_both_parties_bring_evidence_before_and_after_the_case_is_submitted() public {
        Terms memory terms = disputed(0);
        bytes32 deal = escrow.digest(terms);
        for (uint256 i = 0; i < 2; i++) {
            address party = i == 0 ? buyer : seller;
            VM.expectEmit(address(_arbiter));
            emit IEvidence.Evidence(IArbitrator(address(_court)), uint256(deal), party, "/evidence.json");
            VM.prank(party);
            _arbiter.submitEvidence(terms, "/evidence.json");
            if (i == 0) submit(terms);
        }
    }

    function test_nobody_else_brings_evidence() public {
        Terms memory terms = disputed(0);
        bytes memory call = abi.encodeCall(IErc792Arbiter.submitEvidence, (terms, "/spam.json"));
        refuse(stranger, 0, call, wrongCaller(stranger, buyer));
        refuse(_payer, 0, call, wrongCaller(_payer, buyer));
    }

    function test_there_is_no_evidence_without_a_dispute() public {
        Terms memory terms = disputable();
        terms.arbiter = address(_arbiter);
        bytes memory call = abi.encodeCall(IErc792Arbiter.submitEvidence, (terms, "/early.json"));
        refuse(buyer, 0, call, wrongState(State.NONE, State.DISPUTED));
        terms = enforced(TO_BUYER);
        call = abi.encodeCall(IErc792Arbiter.submitEvidence, (terms, "/late.json"));
        refuse(seller, 0, call, wrongState(State.RESOLVED, State.DISPUTED));
    }

    // ------------------------------------------------------------------ rulings

    function test_a_ruling_for_the_buyer_returns_charge_and_bond() public {
        enforced(TO_BUYER);
        assertHeld(buyer, PRICE + BOND);
        assertHeld(seller, 0);
    }

    function test_a_ruling_for_the_seller_pays_charge_and_bond() public {
        Terms memory terms = enforced(TO_SELLER);
        uint256 fee = uint256(CHARGE) * terms.feeBps / 10_000;
        assertHeld(seller, CHARGE - fee + BOND);
        assertHeld(buyer, PRICE - CHARGE);
    }

    function test_a_ruling_of_halves_gives_the_odd_units_to_the_buyer() public {
        Terms memory terms = enforced(HALF);
        VM.assertEq(CHARGE % 2, 1);
        VM.assertEq(BOND % 2, 1);
        uint256 fee = uint256(CHARGE / 2) * terms.feeBps / 10_000;
        assertHeld(seller, CHARGE / 2 - fee + BOND / 2);
        assertHeld(buyer, PRICE - CHARGE / 2 + BOND - BOND / 2);
    }

    function test_what_was_released_before_is_out_of_the_courts_reach() public {
        Terms memory terms = disputed(0);
        VM.prank(buyer);
        escrow.release(terms, 200_002);
        submit(terms);
        decide(0, HALF);
        _arbiter.enforce(terms);
        uint104 charge = 200_002 + (CHARGE - 200_002) / 2;
        assertPosition(escrow.digest(terms), State.RESOLVED, block.timestamp, CHARGE, charge);
    }

    function test_a_court_that_refuses_to_decide_leaves_the_deal_to_its_default() public {
        Terms memory terms = disputed(0);
        bytes32 deal = escrow.digest(terms);
        submit(terms);
        decide(0, REFUSED);
        bytes memory call = abi.encodeCall(IErc792Arbiter.enforce, (terms));
        refuse(stranger, 0, call, abi.encodeWithSelector(IErc792Arbiter.RulingRefused.selector, deal));
        VM.warp(START + terms.arbitrationWindow);
        escrow.expire(terms);
        assertHeld(address(_arbiter), 0);
        assertHeld(address(escrow), 0);
        call = abi.encodeCall(IErc792Arbiter.reimburse, (terms));
        refuse(_payer, 0, call, wrongStage(CaseStage.RULED, CaseStage.ENFORCED));
    }

    function test_the_arbiter_records_and_announces_the_ruling() public {
        Terms memory terms = disputed(0);
        submit(terms);
        VM.prank(umpire);
        _court.giveRuling(0, HALF);
        VM.warp(START + _court.APPEAL_WINDOW());
        VM.expectEmit(address(_arbiter));
        emit IArbitrable.Ruling(IArbitrator(address(_court)), 0, HALF);
        _court.executeRuling(0);
        assertCase(escrow.digest(terms), CaseStage.RULED, HALF);
    }

    function test_an_appeal_is_the_courts_business_and_only_the_last_ruling_counts() public {
        Terms memory terms = disputed(0);
        submit(terms);
        VM.prank(umpire);
        _court.giveRuling(0, TO_SELLER);
        VM.prank(_payer);
        _court.appeal{value: COST}(0, "");
        refuse(
            stranger,
            0,
            abi.encodeCall(IErc792Arbiter.enforce, (terms)),
            wrongStage(CaseStage.SUBMITTED, CaseStage.RULED)
        );
        decide(0, TO_BUYER);
        _arbiter.enforce(terms);
        assertHeld(buyer, PRICE + BOND);
    }

    function test_nobody_but_the_court_rules() public {
        submit(disputed(0));
        bytes memory call = abi.encodeCall(IArbitrable.rule, (0, TO_BUYER));
        address[4] memory others = [buyer, seller, umpire, _payer];
        for (uint256 i = 0; i < 4; i++) {
            refuse(others[i], 0, call, wrongCaller(others[i], address(_court)));
        }
    }

    function test_a_court_rules_once_on_a_case_that_it_was_given_with_a_choice_that_it_was_given() public {
        submit(disputed(0));
        bytes memory call = abi.encodeCall(IArbitrable.rule, (1, TO_BUYER));
        refuse(address(_court), 0, call, abi.encodeWithSelector(IErc792Arbiter.DisputeUnknown.selector, 1));
        call = abi.encodeCall(IArbitrable.rule, (0, HALF + 1));
        refuse(address(_court), 0, call, abi.encodeWithSelector(IErc792Arbiter.ChoiceUnknown.selector, HALF + 1, HALF));
        // No number that its storage would cut to a choice.
        call = abi.encodeCall(IArbitrable.rule, (0, 256 + TO_BUYER));
        refuse(address(_court), 0, call, abi.encodeWithSelector(IErc792Arbiter.ChoiceUnknown.selector, 257, HALF));
        decide(0, TO_BUYER);
        call = abi.encodeCall(IArbitrable.rule, (0, TO_SELLER));
        refuse(address(_court), 0, call, wrongStage(CaseStage.RULED, CaseStage.SUBMITTED));
    }

    function test_the_ruling_on_one_deal_does_not_carry_to_another() public {
        submit(disputed(0));
        Terms memory other = disputed(1);
        decide(0, TO_BUYER);
        bytes memory call = abi.encodeCall(IErc792Arbiter.enforce, (other));
        refuse(stranger, 0, call, wrongStage(CaseStage.NONE, CaseStage.RULED));
        VM.assertEq(submit(other), 1);
        refuse(stranger, 0, call, wrongStage(CaseStage.SUBMITTED, CaseStage.RULED));
    }

    function test_a_ruling_is_enforced_until_the_arbitration_window_ends() public {
        Terms memory terms = disputed(0);
        submit(terms);
        decide(0, TO_BUYER);
        VM.warp(START + terms.arbitrationWindow);
        refuse(stranger, 0, abi.encodeCall(IErc792Arbiter.enforce, (terms)), tooLate(START + terms.arbitrationWindow));
        VM.warp(START + terms.arbitrationWindow - 1);
        _arbiter.enforce(terms);
        assertState(escrow.digest(terms), State.RESOLVED);
    }

    function test_a_ruling_is_enforced_once() public {
        Terms memory terms = enforced(TO_BUYER);
        refuse(stranger, 0, abi.encodeCall(IErc792Arbiter.enforce, (terms)), wrongState(State.RESOLVED, State.DISPUTED));
    }

    // ------------------------------------------------------------------ the arbiter's fee

    function test_who_paid_the_court_gets_the_arbiters_fee_once() public {
        Terms memory terms = enforced(TO_SELLER);
        assertHeld(address(_arbiter), STAKE);
        VM.expectEmit(address(_arbiter));
        emit IErc792Arbiter.Reimbursed(escrow.digest(terms), _payer, STAKE);
        VM.prank(stranger);
        _arbiter.reimburse(terms);
        assertHeld(_payer, STAKE);
        assertHeld(address(_arbiter), 0);
        bytes memory call = abi.encodeCall(IErc792Arbiter.reimburse, (terms));
        refuse(_payer, 0, call, wrongStage(CaseStage.REIMBURSED, CaseStage.ENFORCED));
    }

    function test_nobody_is_reimbursed_before_the_ruling_is_enforced() public {
        Terms memory terms = disputed(0);
        bytes memory call = abi.encodeCall(IErc792Arbiter.reimburse, (terms));
        refuse(_payer, 0, call, wrongStage(CaseStage.NONE, CaseStage.ENFORCED));
        submit(terms);
        refuse(_payer, 0, call, wrongStage(CaseStage.SUBMITTED, CaseStage.ENFORCED));
        decide(0, TO_BUYER);
        refuse(_payer, 0, call, wrongStage(CaseStage.RULED, CaseStage.ENFORCED));
    }

    function test_a_deal_without_a_fee_reimburses_nothing_out_of_anothers() public {
        enforced(TO_BUYER);
        Terms memory free = disputed(1, 0);
        submit(free);
        decide(1, TO_BUYER);
        _arbiter.enforce(free);
        _arbiter.reimburse(free);
        assertHeld(_payer, 0);
        assertHeld(address(_arbiter), STAKE);
    }

    function test_a_fee_that_the_token_refused_to_the_arbiter_is_paid_from_the_escrow() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        token = IMintable(address(barring));
        barring.bar(address(_arbiter), true);
        Terms memory terms = disputed(1);
        submit(terms);
        decide(0, TO_BUYER);
        _arbiter.enforce(terms);
        VM.assertEq(escrow.balance(address(token), address(_arbiter)), STAKE);
        _arbiter.reimburse(terms);
        assertHeld(_payer, STAKE);
    }

    function test_each_case_is_repaid_from_where_its_own_fee_arrived() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        token = IMintable(address(barring));
        (Terms memory first, Terms memory second) = (disputed(1), disputed(2));
        submit(first);
        address other = address(0xca5f);
        (bool done,) = other.call{value: COST}("");
        VM.assertTrue(done);
        VM.prank(other);
        _arbiter.submit{value: COST}(second);
        decide(0, TO_SELLER);
        decide(1, TO_SELLER);
        enforceAndTell(first, false);
        barring.bar(address(_arbiter), true);
        enforceAndTell(second, true);
        // The first one's fee is in the wallet of an account that is barred now: it waits, and takes nobody else's.
        refuse(
            stranger,
            0,
            abi.encodeCall(IErc792Arbiter.reimburse, (first)),
            abi.encodeWithSelector(BarringToken.Barred.selector, address(_arbiter))
        );
        _arbiter.reimburse(second);
        assertHeld(other, STAKE);
        barring.bar(address(_arbiter), false);
        _arbiter.reimburse(first);
        assertHeld(_payer, STAKE);
        assertHeld(address(_arbiter), 0);
    }

    function test_a_fee_that_arrives_beside_one_that_the_escrow_kept_is_not_taken_for_kept() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        token = IMintable(address(barring));
        (Terms memory first, Terms memory second) = (disputed(1), disputed(2));
        submit(first);
        submit(second);
        decide(0, TO_SELLER);
        decide(1, TO_SELLER);
        barring.bar(address(_arbiter), true);
        enforceAndTell(first, true);
        barring.bar(address(_arbiter), false);
        enforceAndTell(second, false);
        _arbiter.reimburse(second);
        VM.assertEq(escrow.balance(address(token), address(_arbiter)), STAKE);
        assertHeld(address(_arbiter), 0);
    }

    function test_nobody_is_reimbursed_in_the_middle_of_the_ruling_that_pays_the_fee() public {
        EnteringToken entering = new EnteringToken();
        token = IMintable(address(entering));
        (Terms memory first, Terms memory second) = (disputed(1), disputed(2));
        submit(first);
        submit(second);
        decide(0, TO_SELLER);
        decide(1, TO_SELLER);
        _arbiter.enforce(first);
        // The seller is paid before the arbiter: its fee is not there yet, another's is.
        entering.prepare(address(_arbiter), abi.encodeCall(IErc792Arbiter.reimburse, (second)));
        _arbiter.enforce(second);
        VM.assertEq(entering.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
        entering.prepare(address(_arbiter), abi.encodeCall(IErc792Arbiter.enforce, (first)));
        _arbiter.reimburse(second);
        VM.assertEq(entering.answer(), abi.encodeWithSignature("ReentrancyGuardReentrantCall()"));
        assertHeld(_payer, STAKE);
    }

    function test_a_case_goes_on_after_its_chain_has_changed_its_id() public {
        Terms memory terms = disputed(0);
        submit(terms);
        VM.chainId(block.chainid + 1);
        decide(0, TO_BUYER);
        _arbiter.enforce(terms);
        _arbiter.reimburse(terms);
        assertState(escrow.digest(terms), State.RESOLVED);
        assertHeld(_payer, STAKE);
    }

    function test_a_payer_that_the_token_bars_does_not_stop_the_ruling() public {
        BarringToken barring = new BarringToken(BarringToken.Refusal.REVERT);
        token = IMintable(address(barring));
        barring.bar(_payer, true);
        Terms memory terms = disputed(1);
        submit(terms);
        decide(0, TO_BUYER);
        _arbiter.enforce(terms);
        assertState(escrow.digest(terms), State.RESOLVED);
        VM.expectRevert(abi.encodeWithSelector(BarringToken.Barred.selector, _payer));
        _arbiter.reimburse(terms);
        barring.bar(_payer, false);
        _arbiter.reimburse(terms);
        assertHeld(_payer, STAKE);
    }

    // ------------------------------------------------------------------ the cast

    function disputed(uint256 nonce) private returns (Terms memory) {
        return disputed(nonce, STAKE);
    }

    /// @dev Billed CHARGE and disputed, all at START; `nonce` tells deals of one test apart.
    function disputed(uint256 nonce, uint104 arbiterFee) private returns (Terms memory terms) {
        terms = disputable();
        (terms.arbiter, terms.arbiterFee) = (address(_arbiter), arbiterFee);
        terms.arbitrationWindow = 1 days;
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
        if (nonce != 0) fund(buyer, PRICE);
        if (nonce != 0) fund(seller, BOND);
        VM.warp(START);
        open(terms);
        deliver(terms, CHARGE);
        dispute(terms);
    }

    function enforced(uint256 ruling) private returns (Terms memory terms) {
        terms = disputed(0);
        submit(terms);
        decide(0, ruling);
        VM.prank(stranger);
        _arbiter.enforce(terms);
    }

    function enforceAndTell(Terms memory terms, bool kept) private {
        VM.expectEmit(address(_arbiter));
        emit IErc792Arbiter.Enforced(escrow.digest(terms), kept);
        _arbiter.enforce(terms);
        VM.assertEq(_arbiter.caseOf(escrow.digest(terms)).kept, kept);
    }

    function submit(Terms memory terms) private returns (uint256) {
        VM.prank(_payer);
        return _arbiter.submit{value: COST}(terms);
    }

    /// @dev The court rules and carries it out when nobody can appeal any more.
    function decide(uint256 disputeId, uint256 ruling) private {
        VM.prank(umpire);
        _court.giveRuling(disputeId, ruling);
        VM.warp(block.timestamp + _court.APPEAL_WINDOW());
        _court.executeRuling(disputeId);
    }

    function refuse(address caller, uint256 value, bytes memory call, bytes memory reason) private {
        VM.prank(caller);
        (bool done, bytes memory said) = address(_arbiter).call{value: value}(call);
        VM.assertFalse(done);
        VM.assertEq(said, reason);
    }

    function assertCase(bytes32 deal, CaseStage stage, uint256 ruling) private view {
        Case memory held = _arbiter.caseOf(deal);
        VM.assertEq(uint8(held.stage), uint8(stage));
        VM.assertEq(held.ruling, ruling);
    }

    function wrongStage(CaseStage actual, CaseStage required) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IErc792Arbiter.WrongStage.selector, actual, required);
    }
}
