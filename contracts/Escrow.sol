// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Openings} from "./Openings.sol";
import {IEscrow} from "./interfaces/IEscrow.sol";
import {Own, Position, Rail, State, Terms} from "./interfaces/Types.sol";
import {checkBefore, checkCaller, checkFrom, checkOpen, checkState, ends, isOpen} from "./libraries/Checks.sol";
import {Consent} from "./libraries/Consent.sol";
import {Feasibility} from "./libraries/Feasibility.sol";
import {TermsLib} from "./libraries/TermsLib.sol";

/// @title Escrow: how an open deal goes on and ends
/// @notice See IEscrow, which holds the contract with the reader.
contract Escrow is Openings {
    using TermsLib for Terms;

    /// @dev What a series has come to.
    struct Payout {
        uint256 toSeller;
        uint256 fee;
        uint256 toBuyer;
    }

    // ------------------------------------------------------------------ OPERATIONS
    // Only deliver and notice have no guard, for they call nobody. A deal is in its next state before its transfers.

    /// @inheritdoc IEscrow
    function deliver(Terms calldata terms, bytes32 deliverable, uint104 charge) external {
        (bytes32 deal, Position memory held) = _load(terms);
        uint8 rail = terms.rail;
        if (rail == Rail.METERED) revert WrongRail(rail, Rail.ESCROW);
        checkState(held.state, State.FUNDED);
        checkCaller(rail == Rail.EXCHANGE ? terms.arbiter : terms.seller);
        checkBefore(ends(held.since, terms.deliveryWindow));
        uint104 price = terms.price;
        if (charge > price) revert AmountTooHigh(charge, price);
        if (charge < held.released) revert AmountTooLow(charge, held.released);
        if (deliverable == 0) revert DeliverableMissing(deal);

        held.charge = charge;
        _enter(deal, held, State.DELIVERED);
        emit Delivered(deal, deliverable, charge);
    }

    /// @inheritdoc IEscrow
    function release(Terms calldata terms, uint104 amount) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        checkOpen(held.state);
        checkCaller(terms.buyer);
        uint104 due = _due(terms, held);
        if (amount > due) revert AmountTooHigh(amount, due);
        if (amount != due) _checkMore(held, amount);
        (uint256 toSeller, uint256 fee, uint256 toBuyer) = _release(terms, deal, held, amount, amount == due);
        _pay(terms, held.inside, toSeller, fee, toBuyer);
    }

    /// @inheritdoc IEscrow
    function redeem(Terms calldata terms, uint104 amount, bytes calldata voucher) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        _checkVoucher(terms, deal, held, amount, voucher);
        (uint256 toSeller, uint256 fee, uint256 toBuyer) = _redeem(terms, deal, held, amount);
        _pay(terms, held.inside, toSeller, fee, toBuyer);
    }

    /// @inheritdoc IEscrow
    function redeemSeries(Terms calldata terms, Own[] calldata owns, uint104 amount, bytes calldata voucher)
        external
        nonReentrant
    {
        if (terms.rail == Rail.EXCHANGE) revert WrongRail(terms.rail, Rail.ESCROW);
        bytes32[] memory deals = terms.hashSeries(owns);
        bytes32[] memory vouchers = new bytes32[](owns.length);
        for (uint256 i = 0; i < owns.length; i++) {
            deals[i] = _name(deals[i]);
            vouchers[i] = TermsLib.hashVoucher(deals[i], amount);
        }
        Consent.checkDigest(_voucherSigner(terms), _hashTypedDataV4(Consent.bulk(vouchers)), voucher);
        // By where the money goes, into wallets or balances; paid when every deal is in its new state.
        Payout[4] memory sums;
        for (uint256 i = 0; i < owns.length; i++) {
            _redeemInto(sums, terms, deals[i], amount);
        }
        for (uint8 inside = 0; inside < sums.length; inside++) {
            _pay(terms, inside, sums[inside].toSeller, sums[inside].fee, sums[inside].toBuyer);
        }
    }

    /// @inheritdoc IEscrow
    function claim(Terms calldata terms) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        checkState(held.state, State.DELIVERED);
        checkCaller(terms.seller);
        checkFrom(ends(held.since, terms.reviewWindow));

        _finish(terms, deal, held, State.RELEASED, held.charge, terms.bond, 0);
    }

    /// @inheritdoc IEscrow
    function refund(Terms calldata terms) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        if (terms.rail == Rail.METERED) revert WrongRail(terms.rail, Rail.ESCROW);
        checkState(held.state, State.FUNDED);
        if (msg.sender != terms.seller) {
            checkCaller(terms.buyer);
            checkFrom(ends(held.since, terms.deliveryWindow));
        }

        _finish(terms, deal, held, State.REFUNDED, held.released, terms.bond, 0);
    }

    /// @inheritdoc IEscrow
    function dispute(Terms calldata terms, bytes32 claim_) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        uint8 rail = terms.rail;
        if (rail != Rail.ESCROW) revert WrongRail(rail, Rail.ESCROW);
        if (terms.arbiter == address(0)) revert FieldMissing(rail, TermsLib.ARBITER);
        checkState(held.state, State.DELIVERED);
        checkCaller(terms.buyer);
        checkBefore(ends(held.since, terms.reviewWindow));

        _enter(deal, held, State.DISPUTED);
        (address token, address buyer, uint104 stake) = (terms.token, terms.buyer, terms.arbiterFee);
        emit Disputed(deal, claim_, stake);

        // Out of the balance if that is where its money is, and lasts.
        _take(token, buyer, stake, held.inside & BUYER_INSIDE != 0 && balance(token, buyer) >= stake);
    }

    /// @inheritdoc IEscrow
    function resolve(Terms calldata terms, uint104 charge, uint104 bondToSeller) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        bool exchange = terms.rail == Rail.EXCHANGE;
        checkState(held.state, exchange ? State.DELIVERED : State.DISPUTED);
        checkCaller(terms.arbiter);
        checkBefore(ends(held.since, exchange ? terms.reviewWindow : terms.arbitrationWindow));
        if (charge > held.charge) revert AmountTooHigh(charge, held.charge);
        // A voucher in front of a ruling takes nothing away from it.
        if (charge < held.released) charge = held.released;
        uint104 arbiterFee = terms.arbiterFee;
        emit Ruled(deal);

        _finish(terms, deal, held, State.RESOLVED, charge, bondToSeller, arbiterFee);
        _give(terms.token, terms.arbiter, arbiterFee, false);
    }

    /// @inheritdoc IEscrow
    function expire(Terms calldata terms) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        checkState(held.state, State.DISPUTED);
        checkFrom(ends(held.since, terms.arbitrationWindow));

        uint104 disputed = held.charge - held.released;
        uint104 charge = held.released + uint104(Feasibility.fee(disputed, terms.defaultSellerBps));
        uint104 bondToSeller = uint104(Feasibility.fee(terms.bond, terms.defaultSellerBps));
        _finish(terms, deal, held, State.RESOLVED, charge, bondToSeller, 0);
    }

    /// @inheritdoc IEscrow
    function settle(
        Terms calldata terms,
        uint104 charge,
        uint104 bondToSeller,
        uint40 validBefore,
        bytes calldata buyerSignature,
        bytes calldata sellerSignature
    ) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        checkOpen(held.state);
        checkBefore(validBefore);
        if (charge > terms.price) revert AmountTooHigh(charge, terms.price);
        bytes32 signed = _hashTypedDataV4(TermsLib.hashSettlement(deal, charge, bondToSeller, validBefore));
        Consent.checkDigest(terms.buyer, signed, buyerSignature);
        Consent.checkDigest(terms.seller, signed, sellerSignature);

        _finish(terms, deal, held, State.SETTLED, charge, bondToSeller, 0);
    }

    /// @inheritdoc IEscrow
    function notice(Terms calldata terms) external {
        (bytes32 deal, Position memory held) = _load(terms);
        checkState(held.state, State.FUNDED);
        if (terms.noticeWindow == 0) revert FieldMissing(terms.rail, TermsLib.NOTICE_WINDOW);
        if (msg.sender != terms.seller) checkCaller(terms.buyer);
        // A notice that ended later than the deal itself would lengthen it.
        uint256 endsAt = block.timestamp + terms.noticeWindow;
        uint256 endedAt = ends(held.since, terms.deliveryWindow);
        if (endsAt >= endedAt) revert TooLate(endedAt - terms.noticeWindow, block.timestamp);

        _enter(deal, held, State.NOTICED);
        emit Noticed(deal, msg.sender, endsAt);
    }

    /// @inheritdoc IEscrow
    function close(Terms calldata terms, uint104 amount, bytes calldata voucher) external nonReentrant {
        (bytes32 deal, Position memory held) = _load(terms);
        if (terms.rail != Rail.METERED) revert WrongRail(terms.rail, Rail.METERED);
        checkOpen(held.state);
        if (msg.sender != terms.seller) {
            checkCaller(terms.buyer);
            checkFrom(_graceEnd(terms, held));
        }
        // A release or a voucher in front of a closing takes nothing away from it.
        if (amount <= held.released) amount = held.released;
        else _checkVoucher(terms, deal, held, amount, voucher);
        if (amount > terms.price) revert AmountTooHigh(amount, terms.price);

        _finish(terms, deal, held, State.RELEASED, amount, terms.bond, 0);
    }

    // ------------------------------------------------------------------ INTERNAL

    function _load(Terms calldata terms) private view returns (bytes32 deal, Position memory held) {
        deal = digest(terms);
        held = _positions[deal];
    }

    function _enter(bytes32 deal, Position memory held, State state) private {
        (held.state, held.since) = (state, uint32(block.timestamp));
        _positions[deal] = held;
    }

    /// @dev Until when a metered deal's vouchers are redeemed, and from when on the buyer may close it.
    function _graceEnd(Terms calldata terms, Position memory held) private pure returns (uint256) {
        uint32 window = held.state == State.NOTICED ? terms.noticeWindow : terms.deliveryWindow;
        return ends(held.since, window) + terms.reviewWindow;
    }

    function _checkVoucher(
        Terms calldata terms,
        bytes32 deal,
        Position memory held,
        uint104 amount,
        bytes calldata voucher
    ) private view {
        if (terms.rail == Rail.EXCHANGE) revert WrongRail(terms.rail, Rail.ESCROW);
        checkOpen(held.state);
        if (terms.rail == Rail.METERED) checkBefore(_graceEnd(terms, held));
        Consent.checkDigest(_voucherSigner(terms), _hashTypedDataV4(TermsLib.hashVoucher(deal, amount)), voucher);
    }

    function _voucherSigner(Terms calldata terms) private pure returns (address signer) {
        signer = terms.voucherSigner;
        if (signer == address(0)) signer = terms.buyer;
    }

    /// @dev A total that was released already says nothing more.
    function _checkMore(Position memory held, uint104 amount) private pure {
        if (amount <= held.released) revert AmountTooLow(amount, uint256(held.released) + 1);
    }

    /// @dev Whether a voucher for `amount` would pay now; who redeems many does not fail for one.
    function _redeemable(Terms calldata terms, Position memory held, uint104 amount) private view returns (bool) {
        if (!isOpen(held.state) || amount <= held.released || _due(terms, held) == held.released) return false;
        return terms.rail != Rail.METERED || block.timestamp < _graceEnd(terms, held);
    }

    /// @dev Adds what one deal of a series pays to the sum of its kind, if it takes the voucher.
    function _redeemInto(Payout[4] memory sums, Terms calldata terms, bytes32 deal, uint104 amount) private {
        Position memory held = _positions[deal];
        if (!_redeemable(terms, held, amount)) return;
        (uint256 toSeller, uint256 fee, uint256 toBuyer) = _redeem(terms, deal, held, amount);
        Payout memory sum = sums[held.inside];
        sum.toSeller += toSeller;
        sum.fee += fee;
        sum.toBuyer += toBuyer;
    }

    function _due(Terms calldata terms, Position memory held) private pure returns (uint104) {
        return held.state < State.DELIVERED ? terms.price : held.charge;
    }

    /// @dev A voucher is good for what is due at most, and ends what is not disputed: there the bond is still to be judged.
    function _redeem(Terms calldata terms, bytes32 deal, Position memory held, uint104 amount)
        private
        returns (uint256 toSeller, uint256 fee, uint256 toBuyer)
    {
        uint104 due = _due(terms, held);
        if (amount > due) amount = due;
        _checkMore(held, amount);
        return _release(terms, deal, held, amount, amount == due && held.state != State.DISPUTED);
    }

    /// @dev The buyer's word that `amount` in all is the seller's.
    function _release(Terms calldata terms, bytes32 deal, Position memory held, uint104 amount, bool whole)
        private
        returns (uint256 toSeller, uint256 fee, uint256 toBuyer)
    {
        if (whole) return _end(terms, deal, held, State.RELEASED, amount, terms.bond, 0);
        (toSeller, fee) = _split(terms, held.released, amount);
        held.released = amount;
        _positions[deal] = held;
        emit Paid(deal, held.state, msg.sender, amount, toSeller, fee, 0);
    }

    /// @dev Every exit: `charge` in all and `bondToSeller` are the seller's, `arbiterFee` is the arbiter's, the rest is the
    /// buyer's. The stake of a dispute that no arbiter has earned is the seller's where the buyer gave in, else the buyer's.
    function _end(
        Terms calldata terms,
        bytes32 deal,
        Position memory held,
        State state,
        uint104 charge,
        uint104 bondToSeller,
        uint104 arbiterFee
    ) private returns (uint256 toSeller, uint256 fee, uint256 toBuyer) {
        if (charge < held.released) revert AmountTooLow(charge, held.released);
        uint104 bond = terms.bond;
        if (bondToSeller > bond) revert AmountTooHigh(bondToSeller, bond);
        (toSeller, fee) = _split(terms, held.released, charge);
        toSeller += bondToSeller;
        toBuyer = uint256(terms.price - charge) + (bond - bondToSeller);
        if (held.state == State.DISPUTED) {
            uint256 stake = terms.arbiterFee - arbiterFee;
            if (state == State.RELEASED) toSeller += stake;
            else toBuyer += stake;
        }

        held.released = charge;
        _enter(deal, held, state);
        emit Paid(deal, state, msg.sender, charge, toSeller, fee, toBuyer);
    }

    function _finish(
        Terms calldata terms,
        bytes32 deal,
        Position memory held,
        State state,
        uint104 charge,
        uint104 bondToSeller,
        uint104 arbiterFee
    ) private {
        (uint256 toSeller, uint256 fee, uint256 toBuyer) =
            _end(terms, deal, held, state, charge, bondToSeller, arbiterFee);
        _pay(terms, held.inside, toSeller, fee, toBuyer);
    }

    function _pay(Terms calldata terms, uint8 inside, uint256 toSeller, uint256 fee, uint256 toBuyer) private {
        address token = terms.token;
        _give(token, terms.seller, toSeller, inside & SELLER_INSIDE != 0);
        _give(token, terms.feeRecipient, fee, false);
        _give(token, terms.buyer, toBuyer, inside & BUYER_INSIDE != 0);
    }

    /// @dev What a step from one total to a higher one pays; the fee is that of the totals, so that the number of steps
    /// does not change what it comes to.
    function _split(Terms calldata terms, uint104 from, uint104 to)
        private
        pure
        returns (uint256 toSeller, uint256 fee)
    {
        uint16 feeBps = terms.feeBps;
        fee = Feasibility.fee(to, feeBps) - Feasibility.fee(from, feeBps);
        toSeller = uint256(to - from) - fee;
    }
}
