// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {proofOf, rootOf} from "./Tree.sol";

/// @notice A wallet whose owners approve on-chain what it signs; its signature is no bytes at all (as Safe's).
contract ApprovingWallet is IERC1271 {
    mapping(bytes32 digest => bool) private _approved;

    function approve(bytes32 digest) external {
        _approved[digest] = true;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        bool accepted = signature.length == 0 && _approved[digest];
        return accepted ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @notice What a seller signs to whoever comes, and how often it binds.
contract OpenOfferTest is Openings {
    uint256 private constant OTHER_KEY = 0x07e4;
    uint256 private constant VOLUME = 5;
    address private immutable other = VM.addr(OTHER_KEY);

    function setUp() public override {
        super.setUp();
        fund(buyer, 20 * uint256(PRICE));
        fund(other, 20 * uint256(PRICE));
        fund(seller, 20 * uint256(BOND));
    }

    function test_any_buyer_opens_an_open_offer_with_its_own_nonce_and_epoch() public {
        bytes memory ofSeller = openSignature(offer());
        Terms memory terms = offer();
        VM.prank(other);
        escrow.cancelAll();
        (terms.buyer, terms.buyerNonce, terms.buyerEpoch) = (other, 77, escrow.epoch(other));
        openAs(OTHER_KEY, terms, ofSeller);
        VM.assertTrue(escrow.nonceSpent(other, 77));
    }

    function test_an_open_offer_sells_once_and_the_first_buyer_wins() public {
        bytes memory ofSeller = openSignature(offer());
        openAs(BUYER_KEY, offer(), ofSeller);
        Terms memory late = offer();
        late.buyer = other;
        refuseAs(OTHER_KEY, late, ofSeller, nonceSpent(seller, late.sellerNonce));
    }

    function test_an_open_offer_needs_the_buyers_signature() public {
        bytes memory ofSeller = openSignature(offer());
        refuseOpen(offer(), "", ofSeller, wrongSigner(buyer, address(0)));
        refuseOpen(offer(), ofSeller, ofSeller, openRecovered(ofSeller));
        bytes memory elsewhere = sign(OTHER_KEY, escrow.digest(offer()));
        refuseOpen(offer(), elsewhere, ofSeller, wrongSigner(buyer, other));
    }

    function test_an_open_offer_is_never_opened_without_a_buyer() public {
        Terms memory bare = unnamed(offer());
        bytes memory reason = abi.encodeWithSelector(IEscrow.PartyMissing.selector, address(0), seller);
        refuseOpen(bare, "", openSignature(offer()), reason);
    }

    function test_a_buyers_own_signature_may_not_be_open() public {
        bytes memory ofBuyer = openSignature(BUYER_KEY, offer());
        Opening memory opening = signed(offer());
        opening.buyerSignature = ofBuyer;
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
    }

    function test_what_a_seller_signed_to_one_buyer_is_not_open() public {
        bytes memory named = sign(SELLER_KEY, escrow.digest(offer()));
        Terms memory terms = offer();
        terms.buyer = other;
        refuseSeller(OTHER_KEY, terms, named);
        refuseSeller(OTHER_KEY, terms, withProof(named, new bytes32[](0), true));
    }

    function test_an_open_signature_says_so_with_exactly_one() public {
        bytes memory plain = sign(SELLER_KEY, typedDigest(structHash(unnamed(offer()))));
        refuseSeller(BUYER_KEY, offer(), plain);
        refuseSeller(BUYER_KEY, offer(), withTail(plain, 0, 0));
        refuseSeller(BUYER_KEY, offer(), withTail(plain, 2, 0));
        refuseSeller(BUYER_KEY, offer(), withTail(plain, type(uint64).max, 0));
        openAs(BUYER_KEY, offer(), withTail(plain, 1, 0));
    }

    function test_the_buyer_of_an_open_offer_chooses_nothing_but_itself() public {
        bytes memory ofSeller = openSignature(offer());
        for (uint256 place = 1; place < 25; place++) {
            // Its own nonce and epoch; the bundle, which openBundle checks.
            if (place == 10 || place == 12 || place == 24) continue;
            Terms memory terms = offer();
            set(terms, place, 61);
            Opening memory opening = signed(terms);
            opening.sellerSignature = ofSeller;
            (bool done,) = address(escrow).call(abi.encodeCall(IEscrow.open, (opening)));
            VM.assertFalse(done);
        }
        openAs(BUYER_KEY, offer(), ofSeller);
    }

    function test_a_seller_does_not_buy_its_own_open_offer() public {
        Terms memory terms = offer();
        terms.buyer = seller;
        bytes memory reason = abi.encodeWithSelector(IEscrow.PartiesEqual.selector, seller, seller);
        refuseAs(SELLER_KEY, terms, openSignature(offer()), reason);
    }

    function test_a_seller_takes_an_open_offer_back_by_nonce_or_by_epoch() public {
        bytes memory ofSeller = openSignature(offer());
        VM.prank(seller);
        escrow.cancel(offer().sellerNonce);
        refuseAs(BUYER_KEY, offer(), ofSeller, nonceSpent(seller, offer().sellerNonce));
        VM.prank(seller);
        escrow.cancelAll();
        refuseAs(BUYER_KEY, offer(), ofSeller, epochStale(seller, 0, escrow.epoch(seller)));
    }

    function test_an_open_offer_in_volume_sells_as_often_as_it_says_and_not_once_more() public {
        bytes32[] memory leaves = new bytes32[](VOLUME);
        for (uint256 i = 0; i < VOLUME; i++) {
            leaves[i] = structHash(unnamed(unit(i)));
        }
        for (uint256 i = 0; i < VOLUME; i++) {
            Terms memory terms = unit(i);
            if (i % 2 == 1) terms.buyer = other;
            openAs(i % 2 == 1 ? OTHER_KEY : BUYER_KEY, terms, bulkOpen(leaves, i));
        }
        assertHeld(address(escrow), VOLUME * (uint256(PRICE) + BOND));
        for (uint256 i = 0; i < VOLUME; i++) {
            Terms memory again = unit(i);
            again.buyerNonce = 100;
            refuseAs(BUYER_KEY, again, bulkOpen(leaves, i), nonceSpent(seller, i));
            again.sellerNonce = VOLUME;
            refuseSeller(BUYER_KEY, again, bulkOpen(leaves, i));
        }
    }

    function test_a_catalogue_holds_open_and_named_offers_side_by_side() public {
        bytes32[] memory leaves = new bytes32[](2);
        leaves[0] = structHash(unnamed(unit(0)));
        leaves[1] = structHash(unit(1));
        bytes memory root = sign(SELLER_KEY, bulkDigest(rootOf(leaves)));
        Terms memory stolen = unit(1);
        stolen.buyer = other;
        refuseSeller(OTHER_KEY, stolen, withProof(root, proofOf(leaves, 1), true));
        openAs(BUYER_KEY, unit(1), withProof(root, proofOf(leaves, 1), false));
        openAs(BUYER_KEY, unit(0), withProof(root, proofOf(leaves, 0), true));
    }

    function test_a_wallet_that_signs_with_no_bytes_at_all_can_make_open_offers() public {
        ApprovingWallet wallet = new ApprovingWallet();
        Terms memory terms = offer();
        terms.seller = join(address(wallet));
        wallet.approve(typedDigest(structHash(unnamed(terms))));
        openAs(BUYER_KEY, terms, withTail("", 1, 0));
    }

    function test_a_wallet_that_signs_with_no_bytes_at_all_can_sign_in_bulk() public {
        ApprovingWallet wallet = new ApprovingWallet();
        Terms memory terms = offer();
        terms.seller = join(address(wallet));
        bytes32[] memory leaves = new bytes32[](3);
        leaves[0] = structHash(terms);
        wallet.approve(bulkDigest(rootOf(leaves)));
        openAs(BUYER_KEY, terms, withProof("", proofOf(leaves, 0), false));
    }

    function unit(uint256 nonce) private view returns (Terms memory terms) {
        terms = offer();
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
    }

    function openSignature(Terms memory terms) private view returns (bytes memory) {
        return openSignature(SELLER_KEY, terms);
    }

    function openSignature(uint256 key, Terms memory terms) private view returns (bytes memory) {
        return withProof(sign(key, typedDigest(structHash(unnamed(terms)))), new bytes32[](0), true);
    }

    function bulkOpen(bytes32[] memory leaves, uint256 index) private view returns (bytes memory) {
        return withProof(sign(SELLER_KEY, bulkDigest(rootOf(leaves))), proofOf(leaves, index), true);
    }

    /// @dev In the buyer's place the seller's open signature is one over the terms with the buyer: it recovers somebody.
    function openRecovered(bytes memory ofSeller) private view returns (bytes memory) {
        (bytes32 r, bytes32 s) = abi.decode(ofSeller, (bytes32, bytes32));
        return wrongSigner(buyer, ecrecover(escrow.digest(offer()), uint8(ofSeller[64]), r, s));
    }

    function openAs(uint256 key, Terms memory terms, bytes memory ofSeller) private {
        bytes memory ofBuyer = sign(key, escrow.digest(terms));
        assertState(escrow.open(Opening(terms, ofBuyer, ofSeller, "", "")), State.FUNDED);
    }

    function refuseAs(uint256 key, Terms memory terms, bytes memory ofSeller, bytes memory reason) private {
        refuseOpen(terms, sign(key, escrow.digest(terms)), ofSeller, reason);
    }

    function refuseSeller(uint256 key, Terms memory terms, bytes memory ofSeller) private {
        Opening memory opening = signed(terms, key, SELLER_KEY);
        opening.sellerSignature = ofSeller;
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
    }
}
