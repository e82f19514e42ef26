// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IPanelArbiter, Vote} from "../interfaces/IPanelArbiter.sol";
import {Terms} from "../interfaces/Types.sol";
import {Consent} from "../libraries/Consent.sol";
import {Earnings} from "./Earnings.sol";

/// @title PanelArbiter
/// @notice See IPanelArbiter, which holds the contract with the reader.
contract PanelArbiter is IPanelArbiter, EIP712, ReentrancyGuardTransient {
    bytes32 private constant RULING_TYPE_HASH = keccak256("Ruling(bytes32 deal,uint104 charge,uint104 bondToSeller)");

    /// @inheritdoc IPanelArbiter
    IEscrow public immutable escrow;
    /// @inheritdoc IPanelArbiter
    uint256 public immutable threshold;

    address[] private _members;
    mapping(address account => bool) private _seated;
    // What the wallet and what the escrow kept have paid so far: each is shared by itself.
    mapping(address token => mapping(bool kept => uint256)) private _paid;
    mapping(address token => mapping(bool kept => mapping(address member => uint256))) private _paidTo;

    constructor(IEscrow escrow_, uint256 threshold_, address[] memory members_) EIP712("Parley panel", "1") {
        uint256 least = members_.length / 2 + 1;
        if (threshold_ < least || threshold_ > members_.length) {
            revert ThresholdOutside(threshold_, least, members_.length);
        }
        (escrow, threshold, _members) = (escrow_, threshold_, members_);
        address last;
        for (uint256 i = 0; i < members_.length; i++) {
            last = _after(last, members_[i]);
            _seated[last] = true;
        }
        emit Convened(threshold_, members_);
    }

    // ------------------------------------------------------------------ OPERATIONS

    /// @inheritdoc IPanelArbiter
    function rule(Terms calldata terms, uint104 charge, uint104 bondToSeller, Vote[] calldata votes) external {
        if (votes.length < threshold) revert VotesShort(votes.length, threshold);
        bytes32 signed = rulingDigest(escrow.digest(terms), charge, bondToSeller);
        address last;
        for (uint256 i = 0; i < votes.length; i++) {
            last = _after(last, votes[i].member);
            if (!_seated[last]) revert MemberUnknown(last);
            if (last == terms.buyer || last == terms.seller) revert MemberPartial(last);
            Consent.checkDigest(last, signed, votes[i].signature);
        }
        escrow.resolve(terms, charge, bondToSeller);
    }

    /// @inheritdoc IPanelArbiter
    function collect(address token, address member, bool kept) external nonReentrant {
        uint256 amount = due(token, member, kept);
        _paid[token][kept] += amount;
        _paidTo[token][kept][member] += amount;
        emit Collected(token, member, kept, amount);
        Earnings.pay(escrow, token, member, amount, kept);
    }

    // ------------------------------------------------------------------ VIEWS

    /// @inheritdoc IPanelArbiter
    function due(address token, address member, bool kept) public view returns (uint256) {
        if (!_seated[member]) revert MemberUnknown(member);
        uint256 earned = Earnings.held(escrow, token, kept) + _paid[token][kept];
        return earned / _members.length - _paidTo[token][kept][member];
    }

    /// @inheritdoc IPanelArbiter
    function rulingDigest(bytes32 deal, uint104 charge, uint104 bondToSeller) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RULING_TYPE_HASH, deal, charge, bondToSeller)));
    }

    /// @inheritdoc IPanelArbiter
    function members() external view returns (address[] memory) {
        return _members;
    }

    // ------------------------------------------------------------------ INTERNAL

    function _after(address last, address given) private pure returns (address) {
        if (given <= last) revert OutOfOrder(last, given);
        return given;
    }
}
