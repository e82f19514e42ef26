// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "./IEscrow.sol";
import {Terms} from "./Types.sol";

/// @notice A member's signature over a ruling: 65 bytes, 64 bytes (ERC-2098) or what its wallet accepts (ERC-1271).
struct Vote {
    address member;
    bytes signature;
}

/// @title A panel that rules by m of n signatures
/// @notice Members and threshold are those of the deployment, for ever; another panel is another contract. Members sign
/// Ruling(bytes32 deal,uint104 charge,uint104 bondToSeller) in the domain ("Parley panel", "1", chain, this contract) and
/// anyone submits what they signed. The threshold is a majority, so that two contradictory rulings have a member in common.
/// WARNING to members: a signed ruling does not lapse before the deal ends. Sign one a deal.
interface IPanelArbiter {
    /// @notice The panel's threshold and members, in ascending order: once, when it is deployed.
    event Convened(uint256 threshold, address[] members);

    /// @notice A member was paid its share of the fees in `token`, of what the escrow kept or out of the panel's wallet.
    event Collected(address indexed token, address indexed member, bool kept, uint256 amount);

    /// @notice A panel's threshold is more than half of its members and at most all of them.
    error ThresholdOutside(uint256 threshold, uint256 least, uint256 most);

    /// @notice Members, and the votes of a ruling, come in ascending order: nobody sits or votes twice.
    error OutOfOrder(address before, address given);

    /// @notice The ruling has less votes than the panel asks for.
    error VotesShort(uint256 given, uint256 required);

    /// @notice Only members vote.
    error MemberUnknown(address account);

    /// @notice A member is no judge of its own deal.
    error MemberPartial(address member);

    /// @notice Hands the ruling to the escrow; see IEscrow.resolve for the amounts and the time.
    function rule(Terms calldata terms, uint104 charge, uint104 bondToSeller, Vote[] calldata votes) external;

    /// @notice Pays a member its share of the fees in `token` so far. Anyone may call.
    /// @param kept of the fees that the token refused to the panel and the escrow kept, else of those in the panel's wallet
    function collect(address token, address member, bool kept) external;

    /// @notice What a member can collect there: an equal share of all fees that ever came there, whoever voted, less what it
    /// was paid. What does not divide waits for the next fee.
    function due(address token, address member, bool kept) external view returns (uint256);

    /// @notice What the members sign.
    function rulingDigest(bytes32 deal, uint104 charge, uint104 bondToSeller) external view returns (bytes32);

    /// @notice The members, in ascending order.
    function members() external view returns (address[] memory);

    /// @notice How many votes make a ruling.
    function threshold() external view returns (uint256);

    /// @notice The escrow at which this panel is an arbiter.
    function escrow() external view returns (IEscrow);
}
