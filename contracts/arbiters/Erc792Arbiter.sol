// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IArbitrable, IArbitrator} from "../interfaces/IArbitration.sol";
import {Case, IErc792Arbiter, Stage} from "../interfaces/IErc792Arbiter.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {Position, State, Terms} from "../interfaces/Types.sol";
import {Feasibility} from "../libraries/Feasibility.sol";
import {Earnings} from "./Earnings.sol";

/// @title Erc792Arbiter
/// @notice See IErc792Arbiter, which holds the contract with the reader.
contract Erc792Arbiter is IErc792Arbiter, ReentrancyGuardTransient {
    // ------------------------------------------------------------------ CONSTANTS

    uint256 private constant CHOICES = 3;
    uint256 private constant META_EVIDENCE = 0;

    /// @inheritdoc IErc792Arbiter
    IEscrow public immutable escrow;
    /// @inheritdoc IErc792Arbiter
    IArbitrator public immutable arbitrator;

    // ------------------------------------------------------------------ STORAGE

    /// @inheritdoc IErc792Arbiter
    bytes public extraData;
    mapping(bytes32 deal => Case) private _cases;
    mapping(uint256 disputeID => bytes32 deal) private _deals;

    constructor(IEscrow escrow_, IArbitrator arbitrator_, bytes memory extraData_, string memory metaEvidence) {
        (escrow, arbitrator, extraData) = (escrow_, arbitrator_, extraData_);
        emit MetaEvidence(META_EVIDENCE, metaEvidence);
    }

    // ------------------------------------------------------------------ OPERATIONS

    /// @inheritdoc IErc792Arbiter
    function submit(Terms calldata terms) external payable returns (uint256 disputeID) {
        (bytes32 deal,) = _disputed(terms);
        if (terms.arbiter != address(this)) revert ArbiterElsewhere(terms.arbiter, address(this));
        if (msg.value != cost()) revert WrongCost(msg.value, cost());
        _advance(deal, Stage.NONE, Stage.SUBMITTED);
        _cases[deal].payer = msg.sender;

        // The id is not known before, and the stage lets nobody submit or rule meanwhile.
        // slither-disable-next-line reentrancy-benign,reentrancy-events
        disputeID = arbitrator.createDispute{value: msg.value}(CHOICES, extraData);
        _deals[disputeID] = deal;
        emit Submitted(deal, disputeID, msg.sender);
        emit Dispute(arbitrator, disputeID, META_EVIDENCE, uint256(deal));
    }

    /// @inheritdoc IErc792Arbiter
    function submitEvidence(Terms calldata terms, string calldata evidence) external {
        (bytes32 deal,) = _disputed(terms);
        if (msg.sender != terms.seller) _checkCaller(terms.buyer);
        emit Evidence(arbitrator, uint256(deal), msg.sender, evidence);
    }

    /// @inheritdoc IArbitrable
    function rule(uint256 disputeID, uint256 ruling) external {
        _checkCaller(address(arbitrator));
        bytes32 deal = _deals[disputeID];
        if (deal == 0) revert DisputeUnknown(disputeID);
        if (ruling > CHOICES) revert ChoiceUnknown(ruling, CHOICES);
        _advance(deal, Stage.SUBMITTED, Stage.RULED);
        _cases[deal].ruling = uint8(ruling);
        emit Ruling(arbitrator, disputeID, ruling);
    }

    /// @inheritdoc IErc792Arbiter
    function enforce(Terms calldata terms) external nonReentrant {
        (bytes32 deal, Position memory held) = _disputed(terms);
        _advance(deal, Stage.RULED, Stage.ENFORCED);
        uint256 ruling = _cases[deal].ruling;
        if (ruling == 0) revert RulingRefused(deal);
        // The seller's ten-thousandths by choice.
        uint16 bps = [0, 0, Feasibility.WHOLE_BPS, Feasibility.WHOLE_BPS / 2][ruling];
        uint256 charge = held.released + Feasibility.fee(held.charge - held.released, bps);
        uint256 before = Earnings.held(escrow, terms.token, true);
        // Where the fee arrives is known only after the call; guard and stage keep everybody off the case meanwhile.
        // slither-disable-next-line reentrancy-no-eth
        escrow.resolve(terms, uint104(charge), uint104(Feasibility.fee(terms.bond, bps)));
        bool kept = Earnings.held(escrow, terms.token, true) != before;
        _cases[deal].kept = kept;
        emit Enforced(deal, kept);
    }

    /// @inheritdoc IErc792Arbiter
    function reimburse(Terms calldata terms) external nonReentrant {
        bytes32 deal = escrow.digest(terms);
        _advance(deal, Stage.ENFORCED, Stage.REIMBURSED);
        Case memory held = _cases[deal];
        emit Reimbursed(deal, held.payer, terms.arbiterFee);
        Earnings.pay(escrow, terms.token, held.payer, terms.arbiterFee, held.kept);
    }

    // ------------------------------------------------------------------ VIEWS

    /// @inheritdoc IErc792Arbiter
    function caseOf(bytes32 deal) external view returns (Case memory) {
        return _cases[deal];
    }

    /// @inheritdoc IErc792Arbiter
    function cost() public view returns (uint256) {
        return arbitrator.arbitrationCost(extraData);
    }

    // ------------------------------------------------------------------ INTERNAL

    function _advance(bytes32 deal, Stage required, Stage next) private {
        Case storage held = _cases[deal];
        if (held.stage != required) revert WrongStage(held.stage, required);
        held.stage = next;
    }

    function _disputed(Terms calldata terms) private view returns (bytes32 deal, Position memory held) {
        deal = escrow.digest(terms);
        held = escrow.position(deal);
        if (held.state != State.DISPUTED) revert IEscrow.WrongState(uint8(held.state), uint8(State.DISPUTED));
    }

    function _checkCaller(address required) private view {
        if (msg.sender != required) revert IEscrow.WrongCaller(msg.sender, required);
    }
}
