// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Accounts} from "./Accounts.sol";
import {IEscrow} from "./interfaces/IEscrow.sol";
import {Credits, Opening, Own, Position, Rail, State, Terms} from "./interfaces/Types.sol";
import {Consent} from "./libraries/Consent.sol";
import {Feasibility} from "./libraries/Feasibility.sol";
import {Funding} from "./libraries/Funding.sol";
import {TermsLib} from "./libraries/TermsLib.sol";
import {Tokens} from "./libraries/Tokens.sol";

/// @title Openings: how a deal begins
/// @notice See IEscrow, which holds the contract with the reader.
abstract contract Openings is IEscrow, Accounts, EIP712 {
    using TermsLib for Terms;
    using TermsLib for Credits;

    // ------------------------------------------------------------------ CONSTANTS

    uint8 internal constant BUYER_INSIDE = 1;
    uint8 internal constant SELLER_INSIDE = 2;

    /// @dev The domain in which deals have their names. It stays where a chain changes its id, for the deals stay too.
    bytes32 private immutable _home;

    // ------------------------------------------------------------------ STORAGE

    mapping(bytes32 deal => Position) internal _positions;

    constructor() EIP712("Parley", "2") {
        _home = _domainSeparatorV4();
    }

    // ------------------------------------------------------------------ OPERATIONS

    /// @inheritdoc IEscrow
    function open(Opening calldata opening) external nonReentrant returns (bytes32) {
        if (opening.terms.bundle != 0) revert WrongBundle(opening.terms.bundle, 0);
        return _open(opening);
    }

    /// @inheritdoc IEscrow
    function openBundle(Opening[] calldata openings) external nonReentrant returns (bytes32[] memory deals) {
        bytes32[] memory members = new bytes32[](openings.length);
        for (uint256 i = 0; i < openings.length; i++) {
            members[i] = openings[i].terms.hashMember();
        }
        bytes32 bundle = keccak256(abi.encodePacked(members));
        deals = members;
        for (uint256 i = 0; i < openings.length; i++) {
            bytes32 signed = openings[i].terms.bundle;
            if (signed != bundle) revert WrongBundle(signed, bundle);
            deals[i] = _open(openings[i]);
        }
    }

    /// @inheritdoc IEscrow
    function openSeries(
        Terms calldata terms,
        Own[] calldata owns,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external nonReentrant returns (bytes32[] memory deals) {
        if (terms.bundle != 0) revert WrongBundle(terms.bundle, 0);
        if (terms.rail == Rail.ATOMIC) revert WrongRail(terms.rail, Rail.ESCROW);
        Feasibility.check(terms);
        uint8 inside = _checkEpochs(terms);
        bytes32[] memory leaves = terms.hashSeries(owns);
        deals = _fundSeries(terms, owns, leaves, inside);
        bytes32 signed = _hashTypedDataV4(Consent.bulk(leaves));
        Consent.checkDigest(terms.buyer, signed, buyerSignature);
        Consent.checkDigest(terms.seller, signed, sellerSignature);

        _take(terms.token, terms.buyer, uint256(terms.price) * owns.length, inside & BUYER_INSIDE != 0);
        _take(terms.token, terms.seller, uint256(terms.bond) * owns.length, inside & SELLER_INSIDE != 0);
    }

    /// @inheritdoc IEscrow
    function swap(
        Terms calldata terms,
        Credits calldata credits,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external nonReentrant returns (bytes32 deal) {
        if (terms.rail != Rail.ATOMIC) revert WrongRail(terms.rail, Rail.ATOMIC);
        if (credits.hash() != terms.goods) revert WrongGoods(terms.goods, credits.hash());
        (deal,) = _agree(terms, buyerSignature, sellerSignature);
        uint256 fee = Feasibility.fee(terms.price, terms.feeBps);
        emit Swapped(
            deal, terms.buyer, terms.seller, terms.token, terms.price, fee, terms.buyerNonce, terms.sellerNonce
        );

        Tokens.move(terms.token, terms.buyer, terms.seller, terms.price - fee);
        Tokens.move(terms.token, terms.buyer, terms.feeRecipient, fee);
        Tokens.moveCredits(credits, terms.seller, terms.buyer);
    }

    // ------------------------------------------------------------------ VIEWS

    /// @inheritdoc IEscrow
    function digest(Terms calldata terms) public view returns (bytes32) {
        return _name(terms.hash());
    }

    /// @inheritdoc IEscrow
    function position(bytes32 deal) external view returns (Position memory) {
        return _positions[deal];
    }

    /// @inheritdoc IEscrow
    function feasible(Terms calldata terms) external view returns (bytes32) {
        Feasibility.check(terms);
        uint8 inside = _checkEpochs(terms);
        (address buyer, address seller, address token) = (terms.buyer, terms.seller, terms.token);
        _checkNonce(buyer, terms.buyerNonce);
        _checkNonce(seller, terms.sellerNonce);
        // A swap moves what the wallets have, whoever is bound, and no fee of the buyer's to itself.
        uint256 price = terms.price;
        if (terms.rail == Rail.ATOMIC) {
            inside = 0;
            if (terms.feeRecipient == buyer) price -= Feasibility.fee(uint104(price), terms.feeBps);
        }
        _checkFunds(token, buyer, price, inside & BUYER_INSIDE != 0);
        _checkFunds(token, seller, terms.bond, inside & SELLER_INSIDE != 0);
        return digest(terms);
    }

    // ------------------------------------------------------------------ INTERNAL

    function _open(Opening calldata opening) private returns (bytes32 deal) {
        Terms calldata terms = opening.terms;
        if (terms.rail == Rail.ATOMIC) revert WrongRail(terms.rail, Rail.ESCROW);
        uint8 inside;
        (deal, inside) = _agree(terms, opening.buyerSignature, opening.sellerSignature);
        _fund(terms, deal, inside, terms.buyerNonce, terms.sellerNonce);

        _takeFunded(terms, deal, terms.buyer, terms.price, inside & BUYER_INSIDE != 0, opening.buyerFunding);
        // The guard is shut: whom the first payment calls finds no way in before the second.
        // slither-disable-next-line reentrancy-no-eth,reentrancy-events
        _takeFunded(terms, deal, terms.seller, terms.bond, inside & SELLER_INSIDE != 0, opening.sellerFunding);
    }

    /// @dev A deal's name, from hashStruct of its terms.
    function _name(bytes32 leaf) internal view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(_home, leaf);
    }

    /// @dev Feasible, fresh, signed by both; spends both nonces. Returns the name, and which of the two are bound.
    function _agree(Terms calldata terms, bytes calldata buyerSignature, bytes calldata sellerSignature)
        private
        returns (bytes32 deal, uint8 inside)
    {
        bytes32 leaf = terms.hash();
        deal = _name(leaf);
        Feasibility.check(terms);
        inside = _checkEpochs(terms);
        (address buyer, address seller) = (terms.buyer, terms.seller);
        _spend(buyer, terms.buyerNonce);
        _spend(seller, terms.sellerNonce);
        bytes32 domain = _domainSeparatorV4();
        Consent.check(terms, buyer, domain, leaf, buyerSignature, false);
        Consent.check(terms, seller, domain, leaf, sellerSignature, true);
    }

    /// @dev Both epochs are current; returns which of the two parties are bound.
    function _checkEpochs(Terms calldata terms) private view returns (uint8 inside) {
        if (_checkEpoch(terms.buyer, terms.buyerEpoch)) inside = BUYER_INSIDE;
        if (_checkEpoch(terms.seller, terms.sellerEpoch)) inside |= SELLER_INSIDE;
    }

    /// @dev No check that the deal is new: its nonces are part of its name and were unspent.
    function _fund(Terms calldata terms, bytes32 deal, uint8 inside, uint256 buyerNonce, uint256 sellerNonce) private {
        _positions[deal] = Position(State.FUNDED, uint32(block.timestamp), inside, 0, 0);
        emit Opened(deal, terms.buyer, terms.seller, terms.token, terms.price, terms.bond, buyerNonce, sellerNonce);
    }

    function _fundSeries(Terms calldata terms, Own[] calldata owns, bytes32[] memory leaves, uint8 inside)
        private
        returns (bytes32[] memory deals)
    {
        deals = new bytes32[](owns.length);
        (address buyer, address seller) = (terms.buyer, terms.seller);
        for (uint256 i = 0; i < owns.length; i++) {
            Own calldata own = owns[i];
            _spend(buyer, own.buyerNonce);
            _spend(seller, own.sellerNonce);
            deals[i] = _name(leaves[i]);
            _fund(terms, deals[i], inside, own.buyerNonce, own.sellerNonce);
        }
    }

    /// @dev Takes a payment in as its funding says; a bound party's comes from its balance.
    function _takeFunded(
        Terms calldata terms,
        bytes32 deal,
        address from,
        uint104 amount,
        bool inside,
        bytes calldata funding
    ) private {
        if (inside || funding.length == 0) return _take(terms.token, from, amount, inside);
        if (amount != 0) Funding.take(Funding.Payment(terms.token, from, amount, terms.openBy, deal), funding);
    }
}
