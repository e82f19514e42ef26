// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "../contracts/Cheats.sol";
import {ProofStage} from "./ProofStage.sol";

/// @notice For all amounts and times, on every exit: what leaves and what stays is what came in, nobody is paid out of
/// another deal's money, and the buyer and the seller get what is theirs.
/// @dev Each `check_` holds for all values of its arguments, or halmos shows values for which it does not.
contract ConservationProof is ProofStage {
    function check_release_undelivered(Figures memory figures) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        release(terms, terms.price);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == 0);
    }

    function check_release_in_two_steps(Figures memory figures, uint104 part) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        release(terms, part);
        release(terms, terms.price);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == 0);
    }

    function check_claim(Figures memory figures, uint104 charge, uint40 claimedAt) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        deliver(terms, charge);
        VM.warp(claimedAt);
        VM.prank(seller);
        escrow.claim(terms);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == terms.price - charge);
    }

    function check_refund(Figures memory figures, uint40 refundedAt, address caller) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        VM.warp(refundedAt);
        VM.prank(caller);
        escrow.refund(terms);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == terms.price);
    }

    function check_resolve(Figures memory figures, uint104 charge, uint104 ruled, uint104 bondToSeller) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        deliver(terms, charge);
        dispute(terms);
        VM.prank(ARBITER);
        escrow.resolve(terms, ruled, bondToSeller);
        assertConserved(uint256(terms.price) + terms.bond + terms.arbiterFee);
        assert(holding(ARBITER) == terms.arbiterFee);
        assert(holding(buyer) == uint256(terms.price) - ruled + terms.bond - bondToSeller);
    }

    function check_expire(Figures memory figures, uint104 charge, uint40 expiredAt) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        deliver(terms, charge);
        dispute(terms);
        VM.warp(expiredAt);
        escrow.expire(terms);
        assertConserved(uint256(terms.price) + terms.bond + terms.arbiterFee);
        assert(holding(ARBITER) == 0);
    }

    function check_settle(Figures memory figures, uint104 charge, uint104 bondToSeller, uint40 validBefore) public {
        Terms memory terms = disputable(figures);
        open(terms, figures.openedAt);
        escrow.settle(terms, charge, bondToSeller, validBefore, UNRECOVERABLE, UNRECOVERABLE);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == uint256(terms.price) - charge + terms.bond - bondToSeller);
    }

    function check_close(Figures memory figures, uint104 amount) public {
        Terms memory terms = metered(figures);
        open(terms, figures.openedAt);
        VM.prank(seller);
        escrow.close(terms, amount, UNRECOVERABLE);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == terms.price - amount);
    }

    /// @dev By a voucher for the price or more; one for a part pays as a part that the buyer releases.
    function check_redeem(Figures memory figures, uint104 beyond, uint40 redeemedAt) public {
        Terms memory terms = metered(figures);
        open(terms, figures.openedAt);
        VM.warp(redeemedAt);
        escrow.redeem(terms, terms.price + beyond, UNRECOVERABLE);
        assertConserved(uint256(terms.price) + terms.bond);
        assert(holding(buyer) == 0);
    }
}
