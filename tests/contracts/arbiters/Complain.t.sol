// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../../contracts/interfaces/IEscrow.sol";
import {Complaint, IExchangeArbiter, Sealed} from "../../../contracts/interfaces/IExchangeArbiter.sol";
import {State, Terms} from "../../../contracts/interfaces/Types.sol";
import {VM, within} from "../Cheats.sol";
import {ExchangeStage} from "./ExchangeStage.sol";
import {Parcel, Sealer} from "./Sealer.sol";

contract ComplainTest is ExchangeStage {
    using Sealer for Parcel;

    // ------------------------------------------------------------------ a cheated buyer

    function test_one_wrong_chunk_pays_price_and_bond_to_the_buyer() public {
        Parcel memory parcel = spoilt(2);
        Terms memory terms = revealed(parcel.goods);
        bytes32 deal = escrow.digest(terms);
        Complaint memory complaint = parcel.complaint(KEY, 2);
        VM.expectEmit(address(escrow));
        emit IEscrow.Ruled(deal);
        VM.prank(buyer);
        arbiter.complain(terms, parcel.goods, complaint);
        assertPosition(deal, State.RESOLVED, START, PRICE, 0);
        assertPaid(PRICE + BOND, 0, 0);
    }

    function test_a_wrong_bit_anywhere_is_enough(uint256 length, uint256 size, uint256 index, uint256 bit) public {
        length = within(length, 1, 300);
        size = within(size, 1, 100);
        index = within(index, 0, (length - 1) / size);
        Parcel memory parcel = parcelOf(length, uint32(size));
        parcel.spoil(index, within(bit, 0, 8 * size - 1));
        Terms memory terms = revealed(parcel.goods);
        arbiter.complain(terms, parcel.goods, parcel.complaint(KEY, index));
        assertPaid(PRICE + BOND, 0, 0);
    }

    function test_a_promised_leaf_that_no_chunk_has_is_enough() public {
        Parcel memory parcel = honest();
        parcel.leaves[LAST] = keccak256("no chunk hashes to this");
        parcel.goods.plaintextRoot = Sealer.root(parcel.leaves);
        Terms memory terms = revealed(parcel.goods);
        arbiter.complain(terms, parcel.goods, parcel.complaint(KEY, LAST));
        assertPaid(PRICE + BOND, 0, 0);
    }

    function test_anyone_may_complain_and_the_buyer_is_paid() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = revealed(parcel.goods);
        VM.prank(stranger);
        arbiter.complain(terms, parcel.goods, parcel.complaint(KEY, 0));
        assertPaid(PRICE + BOND, 0, 0);
    }

    function test_what_the_buyer_had_released_stays_with_the_seller() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = revealed(parcel.goods);
        VM.prank(buyer);
        escrow.release(terms, CHARGE);
        arbiter.complain(terms, parcel.goods, parcel.complaint(KEY, 0));
        uint256 fee = uint256(CHARGE) * terms.feeBps / 10_000;
        assertPaid(PRICE - CHARGE + BOND, CHARGE - fee, fee);
    }

    // ------------------------------------------------------------------ time and state

    function test_a_complaint_is_in_time_in_the_last_second_of_the_review_window() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = revealed(parcel.goods);
        VM.warp(START + terms.reviewWindow - 1);
        arbiter.complain(terms, parcel.goods, parcel.complaint(KEY, 0));
        assertPaid(PRICE + BOND, 0, 0);
    }

    function test_a_complaint_is_late_from_the_end_of_the_review_window_on() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = revealed(parcel.goods);
        for (uint256 late = 0; late < 2; late++) {
            VM.warp(START + terms.reviewWindow + late);
            bytes memory reason = tooLate(START + terms.reviewWindow);
            refuseComplaint(terms, parcel.goods, parcel.complaint(KEY, 0), reason);
        }
    }

    function test_a_complaint_before_the_key_is_revealed_is_refused() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = termsOf(parcel.goods);
        open(terms);
        bytes memory reason = wrongState(State.FUNDED, State.DELIVERED);
        refuseComplaint(terms, parcel.goods, parcel.complaint(KEY, 0), reason);
    }

    function test_a_complaint_comes_once() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = revealed(parcel.goods);
        arbiter.complain(terms, parcel.goods, parcel.complaint(KEY, 0));
        bytes memory reason = wrongState(State.RESOLVED, State.DELIVERED);
        refuseComplaint(terms, parcel.goods, parcel.complaint(KEY, 0), reason);
    }

    function test_a_buyer_that_released_everything_complains_of_nothing_more() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = revealed(parcel.goods);
        VM.prank(buyer);
        escrow.release(terms, PRICE);
        bytes memory reason = wrongState(State.RELEASED, State.DELIVERED);
        refuseComplaint(terms, parcel.goods, parcel.complaint(KEY, 0), reason);
    }

    function test_a_complaint_reaches_no_deal_with_another_arbiter() public {
        Parcel memory parcel = spoilt(0);
        Terms memory terms = termsOf(parcel.goods);
        terms.arbiter = umpire;
        open(terms);
        deliver(terms, PRICE);
        bytes memory reason = wrongCaller(address(arbiter), umpire);
        refuseComplaint(terms, parcel.goods, parcel.complaint(KEY, 0), reason);
    }

    // ------------------------------------------------------------------ an honest seller

    function test_no_chunk_of_honest_data_is_wrong() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        for (uint256 i = 0; i <= LAST; i++) {
            bytes memory reason = abi.encodeWithSelector(IExchangeArbiter.ChunkRight.selector, i, parcel.leaves[i]);
            refuseComplaint(terms, parcel.goods, parcel.complaint(KEY, i), reason);
        }
    }

    function test_the_proof_of_one_bad_deal_is_worth_nothing_in_another() public {
        Parcel memory bad = spoilt(0);
        Parcel memory good = honest();
        Terms memory terms = revealed(good.goods);
        bytes memory reason =
            abi.encodeWithSelector(IEscrow.WrongGoods.selector, terms.goods, Sealer.goodsHash(bad.goods));
        refuseComplaint(terms, bad.goods, bad.complaint(KEY, 0), reason);
    }

    function test_a_wrong_key_makes_no_chunk_wrong(bytes32 key) public {
        if (key == KEY) return;
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        bytes memory reason = abi.encodeWithSelector(
            IExchangeArbiter.WrongKey.selector, parcel.goods.keyHash, keccak256(abi.encode(key))
        );
        refuseComplaint(terms, parcel.goods, parcel.complaint(key, 1), reason);
    }

    function test_a_chunk_that_was_not_sent_is_refused(uint256 bit) public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        Complaint memory complaint = parcel.complaint(KEY, 1);
        complaint.chunk[bit / 8 % CHUNK] ^= bytes1(uint8(1 << bit % 8));
        bytes32 given = fold(Sealer.leafHash(complaint.chunk), 1, complaint.chunkProof);
        refuseComplaint(terms, parcel.goods, complaint, wrongRoot(parcel.goods.ciphertextRoot, given));
    }

    function test_a_leaf_that_was_not_promised_is_refused(bytes32 leaf) public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        Complaint memory complaint = parcel.complaint(KEY, 1);
        if (leaf == complaint.leaf) return;
        complaint.leaf = leaf;
        bytes32 given = fold(leaf, 1, complaint.leafProof);
        refuseComplaint(terms, parcel.goods, complaint, wrongRoot(parcel.goods.plaintextRoot, given));
    }

    function test_a_chunk_or_leaf_of_another_place_is_refused() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        for (uint256 i = 0; i <= LAST; i++) {
            uint256 other = (i + 1) % (LAST + 1);
            Complaint memory complaint = parcel.complaint(KEY, i);
            (complaint.leaf, complaint.leafProof) = (parcel.leaves[other], Sealer.proof(parcel.leaves, other));
            bytes32 given = fold(complaint.leaf, i, complaint.leafProof);
            refuseComplaint(terms, parcel.goods, complaint, wrongRoot(parcel.goods.plaintextRoot, given));
            if (i == LAST || other == LAST) continue; // the last chunk has another length, which is refused first
            complaint = parcel.complaint(KEY, other);
            complaint.index = i;
            given = fold(Sealer.leafHash(complaint.chunk), i, complaint.chunkProof);
            refuseComplaint(terms, parcel.goods, complaint, wrongRoot(parcel.goods.ciphertextRoot, given));
        }
    }

    function test_the_padding_of_the_tree_is_no_chunk() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        Complaint memory complaint = parcel.complaint(KEY, LAST);
        for (uint256 i = LAST + 1; i < 8; i++) {
            (complaint.index, complaint.leaf) = (i, 0);
            complaint.leafProof = Sealer.proof(parcel.leaves, i);
            bytes memory reason = abi.encodeWithSelector(IExchangeArbiter.IndexTooHigh.selector, i, LAST);
            refuseComplaint(terms, parcel.goods, complaint, reason);
        }
    }

    function test_an_index_beyond_the_tree_does_not_wrap_into_it() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        Complaint memory complaint = parcel.complaint(KEY, 1);
        uint256[3] memory indices = [uint256(8 + 1), (1 << 128) + 1, type(uint256).max];
        for (uint256 i = 0; i < 3; i++) {
            complaint.index = indices[i];
            bytes memory reason = abi.encodeWithSelector(IExchangeArbiter.IndexTooHigh.selector, indices[i], LAST);
            refuseComplaint(terms, parcel.goods, complaint, reason);
        }
    }

    function test_a_chunk_of_another_length_is_refused() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        for (uint256 i = 0; i < 2; i++) {
            uint256 index = i == 0 ? 0 : LAST;
            Complaint memory complaint = parcel.complaint(KEY, index);
            uint256 required = complaint.chunk.length;
            complaint.chunk = bytes.concat(complaint.chunk, hex"00");
            bytes memory reason = abi.encodeWithSelector(IExchangeArbiter.WrongLength.selector, required + 1, required);
            refuseComplaint(terms, parcel.goods, complaint, reason);
            complaint.chunk = "";
            reason = abi.encodeWithSelector(IExchangeArbiter.WrongLength.selector, 0, required);
            refuseComplaint(terms, parcel.goods, complaint, reason);
        }
    }

    function test_a_node_passes_for_no_leaf() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        Complaint memory complaint = parcel.complaint(KEY, 0);
        complaint.leaf = keccak256(abi.encodePacked(hex"01", parcel.leaves[0], parcel.leaves[1]));
        complaint.leafProof = tail(complaint.leafProof);
        refuseComplaint(terms, parcel.goods, complaint, wrongDepth(2, 3));
        complaint = parcel.complaint(KEY, 0);
        complaint.chunkProof = tail(complaint.chunkProof);
        refuseComplaint(terms, parcel.goods, complaint, wrongDepth(2, 3));
    }

    function test_a_proof_that_goes_on_beyond_the_root_is_refused() public {
        Parcel memory parcel = honest();
        Terms memory terms = revealed(parcel.goods);
        Complaint memory complaint = parcel.complaint(KEY, 0);
        complaint.leafProof = new bytes32[](4);
        refuseComplaint(terms, parcel.goods, complaint, wrongDepth(4, 3));
    }

    function tail(bytes32[] memory whole) private pure returns (bytes32[] memory rest) {
        rest = new bytes32[](whole.length - 1);
        for (uint256 i = 0; i < rest.length; i++) {
            rest[i] = whole[i + 1];
        }
    }

    function fold(bytes32 leaf, uint256 index, bytes32[] memory siblings) private pure returns (bytes32) {
        for (uint256 i = 0; i < siblings.length; i++) {
            bool right = (index >> i) % 2 == 1;
            leaf = right
                ? keccak256(abi.encodePacked(hex"01", siblings[i], leaf))
                : keccak256(abi.encodePacked(hex"01", leaf, siblings[i]));
        }
        return leaf;
    }

    function wrongRoot(bytes32 signed, bytes32 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IExchangeArbiter.WrongRoot.selector, signed, given);
    }

    function wrongDepth(uint256 given, uint256 required) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IExchangeArbiter.WrongDepth.selector, given, required);
    }
}
