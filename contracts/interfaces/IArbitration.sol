// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// The parts of ERC-792 (arbitration) and ERC-1497 (evidence) that an arbitrable contract meets, with the standards' names.

/// @notice ERC-792: who judges.
interface IArbitrator {
    enum DisputeStatus {
        Waiting,
        Appealable,
        Solved
    }

    event DisputeCreation(uint256 indexed disputeID, IArbitrable indexed arbitrable);
    event AppealPossible(uint256 indexed disputeID, IArbitrable indexed arbitrable);
    event AppealDecision(uint256 indexed disputeID, IArbitrable indexed arbitrable);

    /// @notice Opens a dispute between `choices` rulings, numbered from one; needs at least arbitrationCost in native coin.
    function createDispute(uint256 choices, bytes calldata extraData) external payable returns (uint256 disputeID);

    function appeal(uint256 disputeID, bytes calldata extraData) external payable;

    function arbitrationCost(bytes calldata extraData) external view returns (uint256 cost);

    function appealCost(uint256 disputeID, bytes calldata extraData) external view returns (uint256 cost);

    function appealPeriod(uint256 disputeID) external view returns (uint256 start, uint256 end);

    function disputeStatus(uint256 disputeID) external view returns (DisputeStatus status);

    function currentRuling(uint256 disputeID) external view returns (uint256 ruling);
}

/// @notice ERC-792: who is judged.
interface IArbitrable {
    event Ruling(IArbitrator indexed arbitrator, uint256 indexed disputeID, uint256 ruling);

    /// @notice Called once by the arbitrator, with its final ruling; zero: it refuses to decide.
    function rule(uint256 disputeID, uint256 ruling) external;
}

/// @notice ERC-1497: what the judges read.
interface IEvidence {
    event MetaEvidence(uint256 indexed metaEvidenceID, string evidence);
    event Evidence(
        IArbitrator indexed arbitrator, uint256 indexed evidenceGroupID, address indexed party, string evidence
    );
    event Dispute(
        IArbitrator indexed arbitrator, uint256 indexed disputeID, uint256 metaEvidenceID, uint256 evidenceGroupID
    );
}
