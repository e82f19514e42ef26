// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Complaint} from "../../../contracts/interfaces/IExchangeArbiter.sol";
import {Terms} from "../../../contracts/interfaces/Types.sol";
import {VM} from "../Cheats.sol";
import {ExchangeStage} from "./ExchangeStage.sol";
import {Parcel, Sealer} from "./Sealer.sol";

/// @notice What an exchange costs in the steady state: accounts that hold the token, nonces in used words, no fee, no bond.
contract ExchangeGasTest is ExchangeStage {
    using Sealer for Parcel;

    function setUp() public override {
        super.setUp();
        token.mint(address(escrow), 1);
        fund(buyer, 10 * uint256(PRICE));
        Terms memory terms = plain(honest());
        (terms.buyerNonce, terms.sellerNonce) = (terms.buyerNonce + 1, terms.sellerNonce - 1);
        open(terms);
    }

    function test_gas_of_a_whole_exchange() public {
        Parcel memory parcel = honest();
        Terms memory terms = plain(parcel);
        open(terms);
        VM.snapshotGasLastCall("Exchange", "open");
        arbiter.reveal(terms, parcel.goods, KEY);
        VM.snapshotGasLastCall("Exchange", "reveal");
        VM.warp(START + terms.reviewWindow);
        VM.prank(seller);
        escrow.claim(terms);
        VM.snapshotGasLastCall("Exchange", "claim");
    }

    function test_gas_of_a_complaint_of_a_chunk_of_32_KiB() public {
        complain("complain, 32 KiB of 128 KiB", 4, 32_768);
    }

    function test_gas_of_a_complaint_of_a_chunk_of_1_KiB() public {
        complain("complain, 1 KiB of 128 KiB", 128, 1_024);
    }

    function test_gas_of_a_complaint_of_a_chunk_of_256_bytes() public {
        complain("complain, 256 bytes of 128 KiB", 512, 256);
    }

    function complain(string memory name, uint256 chunks, uint32 chunkSize) private {
        Parcel memory parcel = parcelOf(chunks * chunkSize, chunkSize);
        parcel.spoil(1, 1);
        Terms memory terms = plain(parcel);
        open(terms);
        arbiter.reveal(terms, parcel.goods, KEY);
        Complaint memory complaint = parcel.complaint(KEY, 1);
        VM.prank(buyer);
        arbiter.complain(terms, parcel.goods, complaint);
        VM.snapshotGasLastCall("Exchange", name);
    }

    function plain(Parcel memory parcel) private view returns (Terms memory terms) {
        terms = termsOf(parcel.goods);
        (terms.feeBps, terms.feeRecipient, terms.bond) = (0, address(0), 0);
    }
}
