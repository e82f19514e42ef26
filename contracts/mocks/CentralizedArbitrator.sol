// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable, IArbitrator} from "../interfaces/IArbitration.sol";

/// @notice The court of ERC-792's own examples: its owner rules, a ruling can be appealed against within the hour and is
/// carried out after it. As the standard allows, it keeps whatever it is paid beyond its cost.
contract CentralizedArbitrator is IArbitrator {
    struct Trial {
        IArbitrable arbitrable;
        uint256 choices;
        uint256 ruling;
        uint256 appealStart;
        DisputeStatus status;
    }

    uint256 public constant COST = 0.01 ether;
    uint256 public constant APPEAL_WINDOW = 1 hours;

    address private immutable _owner;
    Trial[] private _trials;

    constructor(address owner) {
        _owner = owner;
    }

    /// @inheritdoc IArbitrator
    function createDispute(uint256 choices, bytes calldata) external payable returns (uint256 disputeID) {
        require(msg.value >= COST, "the cost is not covered");
        disputeID = _trials.length;
        _trials.push(Trial(IArbitrable(msg.sender), choices, 0, 0, DisputeStatus.Waiting));
        emit DisputeCreation(disputeID, IArbitrable(msg.sender));
    }

    function giveRuling(uint256 disputeID, uint256 ruling) external {
        Trial storage trial = _trials[disputeID];
        require(msg.sender == _owner, "only the owner rules");
        require(trial.status == DisputeStatus.Waiting, "the case does not wait for a ruling");
        require(ruling <= trial.choices, "there is no such choice");
        (trial.ruling, trial.appealStart, trial.status) = (ruling, block.timestamp, DisputeStatus.Appealable);
        emit AppealPossible(disputeID, trial.arbitrable);
    }

    function appeal(uint256 disputeID, bytes calldata) external payable {
        Trial storage trial = _trials[disputeID];
        require(msg.value >= COST, "the cost is not covered");
        require(trial.status == DisputeStatus.Appealable, "there is no ruling to appeal against");
        require(block.timestamp < trial.appealStart + APPEAL_WINDOW, "the time to appeal is over");
        trial.status = DisputeStatus.Waiting;
        emit AppealDecision(disputeID, trial.arbitrable);
    }

    function executeRuling(uint256 disputeID) external {
        Trial storage trial = _trials[disputeID];
        require(trial.status == DisputeStatus.Appealable, "there is no ruling to carry out");
        require(block.timestamp >= trial.appealStart + APPEAL_WINDOW, "the ruling can be appealed against");
        trial.status = DisputeStatus.Solved;
        trial.arbitrable.rule(disputeID, trial.ruling);
    }

    function arbitrationCost(bytes calldata) external pure returns (uint256) {
        return COST;
    }

    function appealCost(uint256, bytes calldata) external pure returns (uint256) {
        return COST;
    }

    function appealPeriod(uint256 disputeID) external view returns (uint256 start, uint256 end) {
        start = _trials[disputeID].appealStart;
        end = start == 0 ? 0 : start + APPEAL_WINDOW;
    }

    function disputeStatus(uint256 disputeID) external view returns (DisputeStatus) {
        return _trials[disputeID].status;
    }

    function currentRuling(uint256 disputeID) external view returns (uint256) {
        return _trials[disputeID].ruling;
    }
}
