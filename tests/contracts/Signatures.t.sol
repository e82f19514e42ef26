// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice What counts as a party's own hand. Wallets with code are in Wallets.t.sol.
contract SignaturesTest is Openings {
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    Terms private terms;
    bytes32 private deal;
    bytes private ofBuyer;
    bytes private ofSeller;

    function setUp() public override {
        super.setUp();
        terms = offer();
        deal = escrow.digest(terms);
        ofBuyer = sign(BUYER_KEY, deal);
        ofSeller = sign(SELLER_KEY, deal);
    }

    function test_open_refuses_a_strangers_signature_in_either_place() public {
        bytes memory forged = sign(0xbad, deal);
        refuseOpen(terms, forged, ofSeller, wrongSigner(buyer, VM.addr(0xbad)));
        refuseOpen(terms, ofBuyer, forged, wrongSigner(seller, VM.addr(0xbad)));
    }

    function test_open_refuses_swapped_signatures() public {
        refuseOpen(terms, ofSeller, ofBuyer, wrongSigner(buyer, seller));
    }

    function test_open_refuses_signatures_over_terms_that_differ_in_any_field() public {
        // The rail and the bundle are refused before; a party that is changed has not signed.
        for (uint256 place = 0; place < 24; place++) {
            if (place == 6) continue;
            Terms memory other = offer();
            uint256 value = wordAt(other, place);
            set(other, place, value == 0 ? 61 : value - 1);
            refuseEither(other);
        }
    }

    function test_open_refuses_the_high_s_twin_of_a_good_signature() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(BUYER_KEY, deal);
        bytes memory twin = abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        VM.assertEq(ecrecover(deal, uint8(twin[64]), r, bytes32(CURVE_ORDER - uint256(s))), buyer);
        refuseOpen(terms, twin, ofSeller, wrongSigner(buyer, address(0)));
    }

    function test_open_refuses_every_v_but_27_and_28() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(BUYER_KEY, deal);
        uint8[6] memory others = [v - 27, 0, 1, 26, 29, 255];
        for (uint256 i = 0; i < others.length; i++) {
            refuseOpen(terms, abi.encodePacked(r, s, others[i]), ofSeller, wrongSigner(buyer, address(0)));
        }
    }

    function test_open_accepts_the_compact_form_of_either_parity_in_either_place() public {
        bool[2] memory seen;
        for (uint256 nonce = 0; !seen[0] || !seen[1]; nonce++) {
            (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
            deal = escrow.digest(terms);
            (bytes memory compact, uint256 parity) = compactOf(BUYER_KEY, deal);
            (bytes memory other,) = compactOf(SELLER_KEY, deal);
            seen[parity] = true;
            escrow.open(Opening(terms, compact, other, "", ""));
            assertState(deal, State.FUNDED);
            fund(buyer, PRICE);
            fund(seller, BOND);
        }
    }

    function test_open_refuses_the_compact_form_with_the_other_parity() public {
        (bytes memory compact,) = compactOf(BUYER_KEY, deal);
        compact[32] ^= 0x80;
        Opening memory opening = Opening(terms, compact, ofSeller, "", "");
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
    }

    function test_open_refuses_every_other_length() public {
        for (uint256 length = 0; length < 131; length++) {
            if (length == 64 || length == 65) continue;
            bytes memory stretched = new bytes(length);
            for (uint256 i = 0; i < length && i < 65; i++) {
                stretched[i] = ofBuyer[i];
            }
            refuseOpen(terms, stretched, ofSeller, wrongSigner(buyer, address(0)));
        }
    }

    function test_open_refuses_a_signature_that_recovers_nobody() public {
        refuseOpen(terms, new bytes(65), ofSeller, wrongSigner(buyer, address(0)));
        refuseOpen(terms, new bytes(64), ofSeller, wrongSigner(buyer, address(0)));
        (, bytes32 r, bytes32 s) = VM.sign(BUYER_KEY, deal);
        refuseOpen(terms, abi.encodePacked(r, bytes32(0), uint8(27)), ofSeller, wrongSigner(buyer, address(0)));
        refuseOpen(terms, abi.encodePacked(bytes32(0), s, uint8(27)), ofSeller, wrongSigner(buyer, address(0)));
        bytes32 over = bytes32(CURVE_ORDER);
        refuseOpen(terms, abi.encodePacked(over, s, uint8(27)), ofSeller, wrongSigner(buyer, address(0)));
    }

    function testFuzz_open_refuses_any_65_bytes_that_are_not_the_buyers(bytes32 r, bytes32 s, bool odd) public {
        bytes memory forged = abi.encodePacked(r, s, odd ? uint8(28) : uint8(27));
        Opening memory opening = Opening(terms, forged, ofSeller, "", "");
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
    }

    function test_open_refuses_a_signature_for_another_chain() public {
        uint256 here = block.chainid;
        VM.chainId(here + 1);
        bytes32 elsewhere = typedDigest(structHash(terms));
        VM.chainId(here);
        refuseBoth(sign(BUYER_KEY, elsewhere), sign(SELLER_KEY, elsewhere));
    }

    function test_open_refuses_a_signature_for_another_escrow() public {
        bytes32 elsewhere = IEscrow(VM.deployCode("Escrow.sol:Escrow")).digest(terms);
        refuseBoth(sign(BUYER_KEY, elsewhere), sign(SELLER_KEY, elsewhere));
    }

    function test_open_refuses_a_bare_hash_of_the_terms_and_a_personal_message() public {
        bytes32 bare = structHash(terms);
        refuseBoth(sign(BUYER_KEY, bare), sign(SELLER_KEY, bare));
        bytes32 personal = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", deal));
        refuseBoth(sign(BUYER_KEY, personal), sign(SELLER_KEY, personal));
    }

    function test_no_signature_for_another_purpose_opens_a_deal() public {
        bytes memory forVoucher = voucher(BUYER_KEY, deal, PRICE);
        (bytes memory forSettlement,) = settlement(deal, PRICE, BOND);
        refuseBoth(forVoucher, ofSeller);
        refuseBoth(forSettlement, ofSeller);
    }

    function test_a_signature_that_opens_a_deal_is_no_voucher() public {
        escrow.open(Opening(terms, ofBuyer, ofSeller, "", ""));
        bytes memory call = abi.encodeCall(IEscrow.redeem, (terms, PRICE, ofBuyer));
        refuseWith(call, IEscrow.WrongSigner.selector);
    }

    function compactOf(uint256 key, bytes32 digest) private pure returns (bytes memory compact, uint256 parity) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        parity = v - 27;
        compact = abi.encodePacked(r, uint256(s) | parity << 255);
    }

    function wordAt(Terms memory other, uint256 place) private pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := mload(add(other, shl(5, place)))
        }
    }

    /// @dev Refused for whatever reason comes first, and never opened.
    function refuseEither(Terms memory other) private {
        Opening memory opening = Opening(other, ofBuyer, ofSeller, "", "");
        (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertFalse(done);
    }

    function refuseBoth(bytes memory first, bytes memory second) private {
        Opening memory opening = Opening(terms, first, second, "", "");
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
    }
}
