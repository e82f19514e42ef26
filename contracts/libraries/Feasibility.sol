// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../interfaces/IEscrow.sol";
import {Rail, Terms} from "../interfaces/Types.sol";
import {TermsLib} from "./TermsLib.sol";

/// @title What terms say by themselves: can they be opened and ended at all?
/// @dev The rules, their order and their names are those of marketplace/core/feasibility.py.
library Feasibility {
    using TermsLib for Terms;

    uint16 internal constant WHOLE_BPS = 10_000;
    uint104 private constant MIN_PRICE = 1;
    uint32 private constant MIN_WINDOW = 60 seconds;
    uint32 private constant MAX_WINDOW = 365 days;

    // Which places of Terms each rail leaves at zero, one bit a place.
    uint256 private constant JUDGED_BY_CLOCK =
        1 << TermsLib.ARBITER_FEE | 1 << TermsLib.ARBITRATION_WINDOW | 1 << TermsLib.DEFAULT_SELLER_BPS;
    uint256 private constant ESCROW_UNUSED = 1 << TermsLib.NOTICE_WINDOW | 1 << TermsLib.GOODS;
    uint256 private constant ATOMIC_UNUSED = 1 << TermsLib.ARBITER | 1 << TermsLib.BOND | JUDGED_BY_CLOCK | 1
        << TermsLib.DELIVERY_WINDOW | 1 << TermsLib.REVIEW_WINDOW | 1 << TermsLib.NOTICE_WINDOW | 1
        << TermsLib.VOUCHER_SIGNER | 1 << TermsLib.BUNDLE;
    uint256 private constant METERED_UNUSED = 1 << TermsLib.ARBITER | JUDGED_BY_CLOCK | 1 << TermsLib.GOODS;
    uint256 private constant EXCHANGE_UNUSED =
        JUDGED_BY_CLOCK | 1 << TermsLib.NOTICE_WINDOW | 1 << TermsLib.VOUCHER_SIGNER;

    function check(Terms calldata terms) internal view {
        (address buyer, address seller, address arbiter) = (terms.buyer, terms.seller, terms.arbiter);
        if (buyer == address(0) || seller == address(0)) revert IEscrow.PartyMissing(buyer, seller);
        if (buyer == seller) revert IEscrow.PartiesEqual(buyer, seller);
        _checkRail(terms);
        // No check that there is an arbiter: zero is neither party.
        if (arbiter == buyer || arbiter == seller) revert IEscrow.ArbiterPartial(arbiter);
        address token = terms.token;
        if (token.code.length == 0) revert IEscrow.TokenMissing(token);
        _checkAmounts(terms);
        uint40 openBy = terms.openBy;
        if (block.timestamp >= openBy) revert IEscrow.OpenExpired(openBy, block.timestamp);
        _checkWindows(terms);
    }

    function _checkRail(Terms calldata terms) private pure {
        uint8 rail = terms.rail;
        uint256 unused;
        uint256 required;
        if (rail == Rail.ESCROW) {
            unused = ESCROW_UNUSED;
            if (terms.arbiter == address(0)) unused |= JUDGED_BY_CLOCK;
        } else if (rail == Rail.ATOMIC) {
            (unused, required) = (ATOMIC_UNUSED, 1 << TermsLib.GOODS);
        } else if (rail == Rail.METERED) {
            unused = METERED_UNUSED;
        } else if (rail == Rail.EXCHANGE) {
            (unused, required) = (EXCHANGE_UNUSED, 1 << TermsLib.ARBITER | 1 << TermsLib.GOODS);
        } else {
            revert IEscrow.RailUnknown(rail, Rail.EXCHANGE);
        }
        uint256 present = terms.present();
        uint256 wrong = present & unused;
        if (wrong != 0) {
            uint8 place = _lowest(wrong);
            revert IEscrow.FieldUnsupported(rail, place, terms.word(place));
        }
        uint256 missing = required & ~present;
        if (missing != 0) revert IEscrow.FieldMissing(rail, _lowest(missing));
    }

    function _checkAmounts(Terms calldata terms) private pure {
        uint104 price = terms.price;
        if (price < MIN_PRICE) revert IEscrow.PriceTooLow(price, MIN_PRICE);
        // Read whether there is a fee or not, as voucherSigner is: with dirty upper bits every exit would revert.
        (uint16 feeBps, address feeRecipient,) = (terms.feeBps, terms.feeRecipient, terms.voucherSigner);
        if (feeBps != 0) {
            if (feeBps > WHOLE_BPS) revert IEscrow.ShareTooHigh(feeBps, WHOLE_BPS);
            if (feeRecipient == address(0)) revert IEscrow.FeeRecipientMissing(feeBps, feeRecipient);
            if (fee(price, feeBps) == 0) revert IEscrow.FeeRoundsToZero(price, feeBps);
        }
        if (terms.defaultSellerBps > WHOLE_BPS) revert IEscrow.ShareTooHigh(terms.defaultSellerBps, WHOLE_BPS);
        if (terms.arbiterFee > terms.bond) revert IEscrow.ArbiterFeeUncovered(terms.arbiterFee, terms.bond);
    }

    function _checkWindows(Terms calldata terms) private pure {
        if (terms.rail == Rail.ATOMIC) return;
        _checkWindow(TermsLib.DELIVERY_WINDOW, terms.deliveryWindow);
        _checkWindow(TermsLib.REVIEW_WINDOW, terms.reviewWindow);
        if (terms.rail == Rail.ESCROW && terms.arbiter != address(0)) {
            _checkWindow(TermsLib.ARBITRATION_WINDOW, terms.arbitrationWindow);
        }
        if (terms.noticeWindow != 0) _checkWindow(TermsLib.NOTICE_WINDOW, terms.noticeWindow);
    }

    function _checkWindow(uint8 place, uint32 value) private pure {
        if (value < MIN_WINDOW) revert IEscrow.WindowTooShort(place, value, MIN_WINDOW);
        if (value > MAX_WINDOW) revert IEscrow.WindowTooLong(place, value, MAX_WINDOW);
    }

    function _lowest(uint256 bits) private pure returns (uint8 place) {
        while (bits >> place & 1 == 0) place++;
    }

    /// @notice Rounds down: the fraction of a unit stays with the seller.
    function fee(uint104 amount, uint16 bps) internal pure returns (uint256) {
        // 104 and 16 bits cannot overflow 256.
        unchecked {
            return uint256(amount) * bps / WHOLE_BPS;
        }
    }
}
