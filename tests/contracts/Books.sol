// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Position, State} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";

struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

interface LogVm {
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
}

LogVm constant LOG_VM = LogVm(address(VM));

/// @notice What the events of one deal say.
struct Page {
    State state;
    uint256 since;
    uint8 inside;
    uint256 charge;
    uint256 released;
    uint256 stake;
    uint256 paidIn;
    uint256 paidOut;
}

/// @notice What the events of one account say.
struct Standing {
    bool bound;
    uint256 leavesAt;
    uint256 epoch;
}

/// @notice The escrow as it is to whoever hears its events and asks it nothing.
contract Books {
    error EventUnknown(bytes32 kind);

    IEscrow private immutable _escrow;
    mapping(bytes32 deal => Page) private _pages;
    mapping(address account => Standing) private _standings;
    mapping(address account => mapping(uint256 nonce => bool)) public spent;
    mapping(address token => mapping(address account => uint256)) public balance;

    constructor(IEscrow escrow) {
        _escrow = escrow;
    }

    /// @notice Whatever the escrow has said since the recording began.
    function readEvents() external {
        Log[] memory logs = LOG_VM.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter == address(_escrow) && !_readDeal(logs[i])) _readAccount(logs[i]);
        }
    }

    function page(bytes32 deal) external view returns (Page memory) {
        return _pages[deal];
    }

    function standing(address account) external view returns (Standing memory) {
        return _standings[account];
    }

    function isBound(address account) public view returns (bool) {
        Standing storage told = _standings[account];
        return told.bound && (told.leavesAt == 0 || block.timestamp < told.leavesAt);
    }

    /// @notice What the escrow stores of the deal is what it has told.
    function checkDeal(bytes32 deal) external view {
        Page storage told = _pages[deal];
        Position memory held = _escrow.position(deal);
        VM.assertEq(
            abi.encode(held.state, held.since, held.inside, held.charge, held.released),
            abi.encode(told.state, told.since, told.inside, told.charge, told.released)
        );
    }

    /// @notice What the escrow stores of the account is what it has told.
    function checkAccount(address account, address token, uint256 nonces) external view {
        VM.assertEq(_escrow.balance(token, account), balance[token][account]);
        VM.assertEq(_escrow.epoch(account), _standings[account].epoch);
        (bool bound, uint256 leavesAt) = _escrow.bound(account);
        VM.assertEq(bound, isBound(account));
        VM.assertEq(leavesAt, _standings[account].leavesAt);
        for (uint256 nonce = 0; nonce <= nonces; nonce++) {
            VM.assertEq(_escrow.nonceSpent(account, nonce), spent[account][nonce]);
        }
    }

    function _readDeal(Log memory log) private returns (bool) {
        bytes32 kind = log.topics[0];
        if (kind == IEscrow.Opened.selector) {
            _open(log);
        } else if (kind == IEscrow.Swapped.selector) {
            (,,, uint256 buyerNonce, uint256 sellerNonce) =
                abi.decode(log.data, (address, uint256, uint256, uint256, uint256));
            _spendBoth(log, buyerNonce, sellerNonce);
        } else if (kind == IEscrow.Delivered.selector) {
            (, _pages[log.topics[1]].charge) = abi.decode(log.data, (bytes32, uint256));
            _enter(log.topics[1], State.DELIVERED);
        } else if (kind == IEscrow.Noticed.selector) {
            _enter(log.topics[1], State.NOTICED);
        } else if (kind == IEscrow.Disputed.selector) {
            Page storage told = _pages[log.topics[1]];
            (, told.stake) = abi.decode(log.data, (bytes32, uint256));
            told.paidIn += told.stake;
            _enter(log.topics[1], State.DISPUTED);
        } else if (kind == IEscrow.Ruled.selector) {
            _pages[log.topics[1]].paidOut += _pages[log.topics[1]].stake;
        } else if (kind == IEscrow.Paid.selector) {
            _pay(log);
        } else {
            return false;
        }
        return true;
    }

    function _readAccount(Log memory log) private {
        bytes32 kind = log.topics[0];
        uint256 value = abi.decode(log.data, (uint256));
        address first = _address(log.topics[1]);
        if (kind == IAccounts.NonceCancelled.selector) _spend(first, value);
        else if (kind == IAccounts.EpochChanged.selector) _standings[first].epoch = value;
        else if (kind == IAccounts.Bound.selector) (_standings[first].bound, _standings[first].leavesAt) = (true, value);
        else if (kind == IAccounts.Credited.selector) balance[first][_address(log.topics[2])] += value;
        else if (kind == IAccounts.Debited.selector) balance[first][_address(log.topics[2])] -= value;
        else revert EventUnknown(kind);
    }

    function _open(Log memory log) private {
        (, uint256 price, uint256 bond, uint256 buyerNonce, uint256 sellerNonce) =
            abi.decode(log.data, (address, uint256, uint256, uint256, uint256));
        Page storage told = _pages[log.topics[1]];
        // A digest opens once.
        VM.assertEq(uint8(told.state), uint8(State.NONE));
        told.paidIn = price + bond;
        told.inside = (isBound(_address(log.topics[2])) ? 1 : 0) | (isBound(_address(log.topics[3])) ? 2 : 0);
        _spendBoth(log, buyerNonce, sellerNonce);
        _enter(log.topics[1], State.FUNDED);
    }

    function _pay(Log memory log) private {
        (State state,, uint256 released, uint256 toSeller, uint256 fee, uint256 toBuyer) =
            abi.decode(log.data, (State, address, uint256, uint256, uint256, uint256));
        Page storage told = _pages[log.topics[1]];
        // What has ended pays nothing more.
        VM.assertLe(uint8(told.state), uint8(State.DISPUTED));
        told.released = released;
        told.paidOut += toSeller + fee + toBuyer;
        if (state != told.state) _enter(log.topics[1], state);
    }

    function _spendBoth(Log memory log, uint256 buyerNonce, uint256 sellerNonce) private {
        _spend(_address(log.topics[2]), buyerNonce);
        _spend(_address(log.topics[3]), sellerNonce);
    }

    /// @dev A nonce is spent once, so a negotiation opens one deal at most.
    function _spend(address account, uint256 nonce) private {
        VM.assertFalse(spent[account][nonce]);
        spent[account][nonce] = true;
    }

    function _enter(bytes32 deal, State state) private {
        (_pages[deal].state, _pages[deal].since) = (state, block.timestamp);
    }

    function _address(bytes32 topic) private pure returns (address) {
        return address(uint160(uint256(topic)));
    }
}
