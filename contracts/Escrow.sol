// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IEscrow, Position, State, Terms} from "./interfaces/IEscrow.sol";
import {TermsLib} from "./libraries/TermsLib.sol";

/// @title Escrow
/// @notice See IEscrow, which holds the contract with the reader.
contract Escrow is IEscrow, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using TermsLib for Terms;

    // ------------------------------------------------------------------ CONSTANTS

    uint8 private constant RAIL_ESCROW = 0;
    uint16 private constant WHOLE_BPS = 10_000;
    uint128 private constant MIN_PRICE = 1;
    uint32 private constant MIN_WINDOW = 60 seconds;
    uint32 private constant MAX_WINDOW = 365 days;

    // ------------------------------------------------------------------ STORAGE

    mapping(bytes32 deal => Position) private _positions;
    mapping(address account => mapping(uint256 word => uint256 bits)) private _spentNonces;
    mapping(address account => uint256) private _epochs;
    mapping(address token => mapping(address account => uint256)) private _credits;

    constructor() EIP712("Parley", "1") {}

    // ------------------------------------------------------------------ OPERATIONS

    /// @inheritdoc IEscrow
    function open(Terms calldata terms, bytes calldata buyerSignature, bytes calldata sellerSignature)
        external
        nonReentrant
        returns (bytes32 deal)
    {
        deal = digest(terms);
        _checkTerms(terms);
        _checkFresh(terms);
        _checkSigner(terms.buyer, deal, buyerSignature);
        _checkSigner(terms.seller, deal, sellerSignature);
        _checkFunds(terms);
        // No check that the deal is new: its nonces are part of its name and were unspent.

        _spend(terms.buyer, terms.buyerNonce);
        _spend(terms.seller, terms.sellerNonce);
        _positions[deal] = Position(State.FUNDED, uint40(block.timestamp), 0, 0);
        emit Opened(deal, terms.buyer, terms.seller, terms.token, terms.price, terms.bond);

        _pull(terms.token, terms.buyer, terms.price);
        _pull(terms.token, terms.seller, terms.bond);
    }

    /// @inheritdoc IEscrow
    function deliver(Terms calldata terms, bytes32 deliverable, uint128 charge) external nonReentrant {
        bytes32 deal = digest(terms);
        Position storage held = _positions[deal];
        _checkState(held.state, State.FUNDED);
        _checkCaller(terms.seller);
        uint256 deadline = uint256(held.openedAt) + terms.deliveryWindow;
        if (block.timestamp >= deadline) revert DeliveryLate(deadline, block.timestamp);
        if (charge > terms.price) revert ChargeTooHigh(charge, terms.price);
        if (deliverable == 0) revert DeliverableMissing(deal);

        held.state = State.DELIVERED;
        held.deliveredAt = uint40(block.timestamp);
        held.charge = charge;
        emit Delivered(deal, deliverable, charge);
    }

    /// @inheritdoc IEscrow
    function release(Terms calldata terms) external nonReentrant {
        bytes32 deal = digest(terms);
        Position storage held = _positions[deal];
        bool delivered = held.state == State.DELIVERED;
        if (!delivered) _checkState(held.state, State.FUNDED);
        _checkCaller(terms.buyer);

        _pay(terms, deal, delivered ? held.charge : terms.price);
    }

    /// @inheritdoc IEscrow
    function claim(Terms calldata terms) external nonReentrant {
        bytes32 deal = digest(terms);
        Position storage held = _positions[deal];
        _checkState(held.state, State.DELIVERED);
        _checkCaller(terms.seller);
        uint256 notBefore = uint256(held.deliveredAt) + terms.reviewWindow;
        if (block.timestamp < notBefore) revert ClaimEarly(notBefore, block.timestamp);

        _pay(terms, deal, held.charge);
    }

    /// @inheritdoc IEscrow
    function refund(Terms calldata terms) external nonReentrant {
        bytes32 deal = digest(terms);
        Position storage held = _positions[deal];
        _checkState(held.state, State.FUNDED);
        if (msg.sender != terms.seller) {
            _checkCaller(terms.buyer);
            uint256 notBefore = uint256(held.openedAt) + terms.deliveryWindow;
            if (block.timestamp < notBefore) revert RefundEarly(notBefore, block.timestamp);
        }

        held.state = State.REFUNDED;
        emit Refunded(deal, msg.sender);

        _push(terms.token, terms.buyer, terms.price);
        _push(terms.token, terms.seller, terms.bond);
    }

    // cancel and cancelAll call nobody, so they need no guard; a nonce being opened is spent before any transfer.

    /// @inheritdoc IEscrow
    function cancel(uint256 nonce) external {
        _spend(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IEscrow
    function cancelAll() external {
        // The step is unknown until its block, as in Seaport's counter, and at least one even where blockhash is zero.
        uint256 current = _epochs[msg.sender] += 1 + (uint256(blockhash(block.number - 1)) >> 128);
        emit EpochChanged(msg.sender, current);
    }

    /// @inheritdoc IEscrow
    function withdraw(address token, address to) external nonReentrant {
        uint256 amount = _credits[token][msg.sender];
        if (amount == 0) revert CreditMissing(token, msg.sender);

        delete _credits[token][msg.sender];
        emit Withdrawn(token, msg.sender, to, amount);

        IERC20(token).safeTransfer(to, amount);
    }

    // ------------------------------------------------------------------ VIEWS

    /// @inheritdoc IEscrow
    function digest(Terms calldata terms) public view returns (bytes32) {
        return _hashTypedDataV4(terms.hash());
    }

    /// @inheritdoc IEscrow
    function position(bytes32 deal) external view returns (Position memory) {
        return _positions[deal];
    }

    /// @inheritdoc IEscrow
    function nonceSpent(address account, uint256 nonce) public view returns (bool) {
        return _spentNonces[account][nonce >> 8] & (1 << (nonce & 0xff)) != 0;
    }

    /// @inheritdoc IEscrow
    function epoch(address account) external view returns (uint256) {
        return _epochs[account];
    }

    /// @inheritdoc IEscrow
    function credit(address token, address account) external view returns (uint256) {
        return _credits[token][account];
    }

    /// @inheritdoc IEscrow
    function feasible(Terms calldata terms) external view returns (bytes32) {
        _checkTerms(terms);
        _checkFresh(terms);
        _checkFunds(terms);
        return digest(terms);
    }

    // ------------------------------------------------------------------ INTERNAL

    /// @dev What the terms say by themselves, at this block's time.
    function _checkTerms(Terms calldata terms) private view {
        if (terms.buyer == address(0) || terms.seller == address(0)) revert PartyMissing(terms.buyer, terms.seller);
        if (terms.buyer == terms.seller) revert PartiesEqual(terms.buyer, terms.seller);
        if (terms.rail != RAIL_ESCROW) revert RailUnsupported(terms.rail, RAIL_ESCROW);
        _checkZero("arbiter", uint160(terms.arbiter));
        _checkZero("arbiterFee", terms.arbiterFee);
        _checkZero("arbitrationWindow", terms.arbitrationWindow);
        _checkZero("defaultSellerBps", terms.defaultSellerBps);
        _checkZero("voucherSigner", uint160(terms.voucherSigner));
        _checkZero("bundle", uint256(terms.bundle));
        if (terms.token.code.length == 0) revert TokenMissing(terms.token);
        if (terms.price < MIN_PRICE) revert PriceTooLow(terms.price, MIN_PRICE);
        _checkFee(terms);
        if (block.timestamp >= terms.openBy) revert OpenExpired(terms.openBy, block.timestamp);
        _checkNotShort("deliveryWindow", terms.deliveryWindow);
        _checkNotShort("reviewWindow", terms.reviewWindow);
        _checkNotLong("deliveryWindow", terms.deliveryWindow);
        _checkNotLong("reviewWindow", terms.reviewWindow);
    }

    function _checkZero(string memory field, uint256 value) private pure {
        if (value != 0) revert FieldUnsupported(field, value);
    }

    function _checkFee(Terms calldata terms) private pure {
        if (terms.feeBps == 0) return;
        if (terms.feeBps > WHOLE_BPS) revert FeeTooHigh(terms.feeBps, WHOLE_BPS);
        if (terms.feeRecipient == address(0)) revert FeeRecipientMissing(terms.feeBps, terms.feeRecipient);
        if (_fee(terms.price, terms.feeBps) == 0) revert FeeRoundsToZero(terms.price, terms.feeBps);
    }

    function _checkNotShort(string memory window, uint32 value) private pure {
        if (value < MIN_WINDOW) revert WindowTooShort(window, value, MIN_WINDOW);
    }

    function _checkNotLong(string memory window, uint32 value) private pure {
        if (value > MAX_WINDOW) revert WindowTooLong(window, value, MAX_WINDOW);
    }

    /// @dev What either party may have revoked since it signed.
    function _checkFresh(Terms calldata terms) private view {
        _checkEpoch(terms.buyer, terms.buyerEpoch);
        _checkEpoch(terms.seller, terms.sellerEpoch);
        _checkNonce(terms.buyer, terms.buyerNonce);
        _checkNonce(terms.seller, terms.sellerNonce);
    }

    function _checkEpoch(address signer, uint256 signed) private view {
        uint256 current = _epochs[signer];
        if (signed != current) revert EpochStale(signer, signed, current);
    }

    function _checkNonce(address signer, uint256 nonce) private view {
        if (nonceSpent(signer, nonce)) revert NonceSpent(signer, nonce);
    }

    /// @dev ECDSA first: an EIP-7702 account has code and still signs with its key.
    function _checkSigner(address signer, bytes32 deal, bytes calldata signature) private view {
        (address recovered,,) = ECDSA.tryRecoverCalldata(deal, signature);
        // A malformed signature recovers zero, which is no party.
        if (recovered == signer) return;
        // No look at the signer's code: an account without any answers nothing, and nothing is a refusal.
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(signer, deal, signature)) {
            revert WrongSigner(signer, recovered);
        }
    }

    /// @dev Only so that the refusal has a name and its figures: the pull itself trusts none of these answers.
    function _checkFunds(Terms calldata terms) private view {
        IERC20 token = IERC20(terms.token);
        _checkHeld(token, terms.buyer, terms.price);
        _checkHeld(token, terms.seller, terms.bond);
        _checkAllowed(token, terms.buyer, terms.price);
        _checkAllowed(token, terms.seller, terms.bond);
    }

    function _checkHeld(IERC20 token, address account, uint256 needed) private view {
        if (needed == 0) return;
        uint256 held = token.balanceOf(account);
        if (held < needed) revert FundsShort(account, held, needed);
    }

    function _checkAllowed(IERC20 token, address account, uint256 needed) private view {
        if (needed == 0) return;
        uint256 allowed = token.allowance(account, address(this));
        if (allowed < needed) revert AllowanceShort(account, allowed, needed);
    }

    function _checkState(State actual, State required) private pure {
        if (actual != required) revert WrongState(uint8(actual), uint8(required));
    }

    function _checkCaller(address required) private view {
        if (msg.sender != required) revert WrongCaller(msg.sender, required);
    }

    /// @dev Permit2's unordered nonces: 256 to a storage word.
    function _spend(address account, uint256 nonce) private {
        _checkNonce(account, nonce);
        _spentNonces[account][nonce >> 8] |= 1 << (nonce & 0xff);
    }

    /// @dev Rounds down: the fraction of a unit stays with the seller.
    function _fee(uint128 charge, uint16 feeBps) private pure returns (uint128) {
        return uint128(uint256(charge) * feeBps / WHOLE_BPS);
    }

    function _pay(Terms calldata terms, bytes32 deal, uint128 charge) private {
        uint128 fee = _fee(charge, terms.feeBps);
        uint128 toBuyer = terms.price - charge;
        uint256 toSeller = uint256(charge - fee) + terms.bond;

        Position storage held = _positions[deal];
        held.state = State.RELEASED;
        held.charge = charge;
        emit Released(deal, msg.sender, toSeller, fee, toBuyer);

        _push(terms.token, terms.seller, toSeller);
        _push(terms.token, terms.feeRecipient, fee);
        _push(terms.token, terms.buyer, toBuyer);
    }

    function _pull(address token, address from, uint256 amount) private {
        if (amount == 0) return;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(from, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert PullShort(token, amount, received);
    }

    /// @dev A receiver that cannot be paid keeps a credit and holds nobody else up.
    function _push(address token, address to, uint256 amount) private {
        if (amount == 0) return;
        if (IERC20(token).trySafeTransfer(to, amount)) return;
        _credits[token][to] += amount;
        emit Credited(token, to, amount);
    }
}
