// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IArbitrable, IArbitrator, IEvidence} from "./IArbitration.sol";
import {IEscrow} from "./IEscrow.sol";
import {Terms} from "./Types.sol";

/// @notice Where a case stands.
enum Stage {
    NONE,
    SUBMITTED,
    RULED,
    ENFORCED,
    REIMBURSED
}

/// @notice All that is stored of a case, in one slot.
struct Case {
    Stage stage;
    uint8 ruling; // zero: refused; else a choice
    address payer; // paid the court
    bool kept; // whether the escrow kept the arbiter's fee, because the token refused it to the adapter
}

/// @title Disputes before a court that speaks ERC-792
/// @notice One adapter serves one arbitrator with one configuration (`extraData`), so that who signs an adapter's address as
/// arbiter has signed its court. The choices: 1 the buyer is right and has charge and bond back, 2 the seller is right and
/// gets both, 3 each gets half of both, the odd unit going to the buyer. The court that refuses (0) leaves the deal to
/// `expire` and to the default shares that both signed. Appeals are the court's business: it rules here once, at the end.
/// Whoever pays the court gets the deal's arbiterFee, in the deal's token, once the ruling is enforced. So the loser pays as
/// far as the terms foresaw; nothing converts the court's native coin into the token, and a refusal reimburses nobody.
/// WARNING: the terms' arbitrationWindow has to be longer than the court takes with its appeals, or `expire` comes first.
interface IErc792Arbiter is IArbitrable, IEvidence {
    /// @notice `payer` paid the court for the deal's case. The standard's `Dispute` follows.
    event Submitted(bytes32 indexed deal, uint256 indexed disputeID, address indexed payer);

    /// @notice The court's ruling on the deal was carried out at the escrow, whose `Ruled` and `Paid` came before.
    /// @param kept whether the escrow kept the arbiter's fee for the adapter
    event Enforced(bytes32 indexed deal, bool kept);

    /// @notice `payer` was paid the deal's arbiterFee, in the deal's token.
    event Reimbursed(bytes32 indexed deal, address indexed payer, uint256 amount);

    /// @notice The deal has another arbiter.
    error ArbiterElsewhere(address named, address here);

    /// @notice The court takes exactly its cost: it would keep what is more.
    error WrongCost(uint256 given, uint256 required);

    /// @notice The deal's case is not where the call needs it (a Stage each).
    error WrongStage(Stage actual, Stage required);

    /// @notice No case has this number.
    error DisputeUnknown(uint256 disputeID);

    /// @notice There is no such choice.
    error ChoiceUnknown(uint256 ruling, uint256 last);

    /// @notice The court refused to decide: call the escrow's `expire` once the arbitration window is over.
    error RulingRefused(bytes32 deal);

    /// @notice Brings a disputed deal before the court, once. Anyone may pay; the value is exactly the court's cost.
    /// @return disputeID the court's number of the case
    function submit(Terms calldata terms) external payable returns (uint256 disputeID);

    /// @notice Buyer or seller of a disputed deal adds evidence, before or after it is submitted: the URI of a JSON document
    /// as in ERC-1497. The group of a deal's evidence is its digest.
    function submitEvidence(Terms calldata terms, string calldata evidence) external;

    /// @notice Carries the court's ruling out at the escrow, inside the arbitration window. Anyone may call.
    /// @dev Not done by `rule`, which knows no terms and which nothing may make fail.
    function enforce(Terms calldata terms) external;

    /// @notice Pays the arbiter's fee to who paid the court. Anyone may call, once the ruling is enforced.
    /// @dev Not done by `enforce`: a payer that the token bars would stop the ruling. Paid from where this deal's own fee
    /// arrived: no case waits for another's.
    function reimburse(Terms calldata terms) external;

    /// @notice A deal's case.
    function caseOf(bytes32 deal) external view returns (Case memory);

    /// @notice What `submit` costs now, in native coin.
    function cost() external view returns (uint256);

    /// @notice The court.
    function arbitrator() external view returns (IArbitrator);

    /// @notice What the court is told with each case: for one, which of its chambers and how many jurors.
    function extraData() external view returns (bytes memory);

    /// @notice The escrow at which this contract is an arbiter.
    function escrow() external view returns (IEscrow);
}
