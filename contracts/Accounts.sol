// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAccounts} from "./interfaces/IAccounts.sol";
import {Tokens} from "./libraries/Tokens.sol";

/// @title Accounts
/// @notice See IAccounts, which holds the contract with the reader.
abstract contract Accounts is IAccounts, ReentrancyGuardTransient {
    // ------------------------------------------------------------------ CONSTANTS

    /// @inheritdoc IAccounts
    uint256 public constant NOTICE = 1 days;

    // ------------------------------------------------------------------ STORAGE

    /// @dev One slot: opening a deal asks for the epoch and for the bond together.
    struct Account {
        uint208 epoch;
        uint40 leavesAt;
        bool bound;
    }

    mapping(address account => Account) private _accounts;
    mapping(address account => mapping(uint256 word => uint256 bits)) private _spentNonces;
    mapping(address token => mapping(address account => uint256)) private _balances;

    // ------------------------------------------------------------------ OPERATIONS

    // cancel, cancelAll and announce call nobody, so they need no guard; a nonce being opened is spent before any transfer.

    /// @inheritdoc IAccounts
    function cancel(uint256 nonce) external {
        _checkUnbound(msg.sender);
        _spend(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IAccounts
    function cancelAll() external {
        _checkUnbound(msg.sender);
        // The step is unknown until its block, as in Seaport's counter, and at least one even where blockhash is zero.
        uint256 step = 1 + (uint256(blockhash(block.number - 1)) >> 128);
        uint208 current = _accounts[msg.sender].epoch += uint208(step);
        emit EpochChanged(msg.sender, current);
    }

    /// @inheritdoc IAccounts
    function deposit(address token, uint256 amount) external nonReentrant {
        Account storage account = _accounts[msg.sender];
        (account.bound, account.leavesAt) = (true, 0);
        emit Bound(msg.sender, 0);
        _credit(token, msg.sender, amount);

        Tokens.move(token, msg.sender, address(this), amount);
    }

    /// @inheritdoc IAccounts
    function announce() external {
        (bool isBound, uint256 leavesAt) = bound(msg.sender);
        if (!isBound) revert AccountUnbound(msg.sender);
        if (leavesAt != 0) revert AccountBound(msg.sender, leavesAt, block.timestamp);
        leavesAt = block.timestamp + NOTICE;
        _accounts[msg.sender].leavesAt = uint40(leavesAt);
        emit Bound(msg.sender, leavesAt);
    }

    /// @inheritdoc IAccounts
    function withdraw(address token, address to, uint256 amount) external nonReentrant {
        _checkUnbound(msg.sender);
        _debit(token, msg.sender, amount);
        // What the escrow sent to itself would be nobody's. Nobody waits behind the owner: the transfer has all its gas.
        if (to == address(this) || !Tokens.push(token, to, amount, gasleft())) revert PushRefused(token, to, amount);
    }

    // ------------------------------------------------------------------ VIEWS

    /// @inheritdoc IAccounts
    function nonceSpent(address account, uint256 nonce) public view returns (bool) {
        return _spentNonces[account][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc IAccounts
    function epoch(address account) external view returns (uint256) {
        return _accounts[account].epoch;
    }

    /// @inheritdoc IAccounts
    function bound(address account) public view returns (bool isBound, uint256 leavesAt) {
        Account storage held = _accounts[account];
        leavesAt = held.leavesAt;
        isBound = _isBound(held.bound, leavesAt);
    }

    /// @inheritdoc IAccounts
    function balance(address token, address account) public view returns (uint256) {
        return _balances[token][account];
    }

    // ------------------------------------------------------------------ INTERNAL

    /// @dev Whether the account signed under its current epoch; returns whether it is bound, from the same slot.
    function _checkEpoch(address signer, uint256 signed) internal view returns (bool isBound) {
        Account storage held = _accounts[signer];
        if (signed != held.epoch) revert EpochStale(signer, signed, held.epoch);
        return _isBound(held.bound, held.leavesAt);
    }

    function _isBound(bool bound_, uint256 leavesAt) private view returns (bool) {
        return bound_ && (leavesAt == 0 || block.timestamp < leavesAt);
    }

    function _checkNonce(address signer, uint256 nonce) internal view {
        if (nonceSpent(signer, nonce)) revert NonceSpent(signer, nonce);
    }

    /// @dev Permit2's unordered nonces: 256 to a storage word.
    function _spend(address account, uint256 nonce) internal {
        uint256 bit = 1 << (nonce & 0xff);
        uint256 bits = _spentNonces[account][nonce >> 8];
        if (bits & bit != 0) revert NonceSpent(account, nonce);
        _spentNonces[account][nonce >> 8] = bits | bit;
    }

    /// @dev Only so that the refusal has a name and its figures: the pull itself trusts none of these answers.
    function _checkFunds(address token, address account, uint256 needed, bool inside) internal view {
        if (needed == 0) return;
        if (inside) {
            uint256 held = balance(token, account);
            if (held < needed) revert BalanceShort(account, held, needed);
        } else {
            Tokens.checkFunds(token, account, needed);
        }
    }

    function _checkUnbound(address account) private view {
        (bool isBound, uint256 leavesAt) = bound(account);
        if (isBound) revert AccountBound(account, leavesAt, block.timestamp);
    }

    /// @dev Takes a payment in: from the balance of a bound party, else from its wallet by allowance.
    function _take(address token, address from, uint256 amount, bool inside) internal {
        if (amount == 0) return;
        if (inside) _debit(token, from, amount);
        else Tokens.move(token, from, address(this), amount);
    }

    /// @dev Pays out: into the balance of a party that was bound at the opening, else in tokens. A receiver that cannot be
    /// paid keeps a credit and holds nobody else up.
    function _give(address token, address to, uint256 amount, bool inside) internal {
        if (amount == 0) return;
        if (inside || !Tokens.push(token, to, amount, Tokens.PUSH_GAS)) _credit(token, to, amount);
    }

    function _credit(address token, address account, uint256 amount) private {
        _balances[token][account] += amount;
        emit Credited(token, account, amount);
    }

    function _debit(address token, address account, uint256 amount) private {
        uint256 held = _balances[token][account];
        if (held < amount) revert BalanceShort(account, held, amount);
        unchecked {
            _balances[token][account] = held - amount;
        }
        emit Debited(token, account, amount);
    }
}
