// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Panic} from "@openzeppelin/contracts/utils/Panic.sol";
import {SmartWallet} from "../../contracts/mocks/SmartWallet.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM, within} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {parentOf, proofOf, rootOf} from "./Tree.sol";

/// @notice One signature over the root of a tree of terms, and what does not pass for one.
contract BulkTest is Openings {
    uint256 private constant MOST = 129;

    function setUp() public override {
        super.setUp();
        fund(buyer, 1_000 * uint256(PRICE));
        fund(seller, 1_000 * uint256(BOND));
    }

    function test_first_middle_and_last_leaf_of_odd_trees_open() public {
        uint256[16] memory sizes = [uint256(1), 2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 31, 33, 65, 127, MOST];
        for (uint256 i = 0; i < sizes.length; i++) {
            bytes32[] memory leaves = leavesOf(sizes[i], sizes[i] * 1_000);
            openLeaf(leaves, 0, sizes[i] * 1_000);
            if (sizes[i] > 2) openLeaf(leaves, sizes[i] / 2, sizes[i] * 1_000);
            if (sizes[i] > 1) openLeaf(leaves, sizes[i] - 1, sizes[i] * 1_000);
        }
    }

    function testFuzz_any_leaf_of_any_tree_opens(uint256 size, uint256 index) public {
        size = within(size, 1, MOST);
        openLeaf(leavesOf(size, 0), within(index, 0, size - 1), 0);
    }

    function test_every_leaf_of_one_tree_opens_once() public {
        bytes32[] memory leaves = leavesOf(7, 0);
        for (uint256 i = 0; i < leaves.length; i++) {
            openLeaf(leaves, i, 0);
        }
        refuseOpen(leaf(3), bulk(SELLER_KEY, leaves, 3), bulk(SELLER_KEY, leaves, 3), nonceSpent(buyer, 3));
    }

    function test_a_tree_of_any_shape_will_do() public {
        // Each leaf hangs directly under the one before: the last proof has as many siblings as there are leaves above.
        bytes32[] memory siblings = new bytes32[](100);
        bytes32 root = structHash(leaf(0));
        for (uint256 i = 0; i < siblings.length; i++) {
            siblings[i] = keccak256(abi.encode(i));
            root = parentOf(root, siblings[i]);
        }
        bytes memory signature = withProof(sign(SELLER_KEY, bulkDigest(root)), siblings, false);
        openWith(leaf(0), sign(BUYER_KEY, escrow.digest(leaf(0))), signature);
    }

    function test_both_parties_may_sign_in_bulk_each_over_its_own_tree() public {
        bytes32[] memory ofBuyer = leavesOf(5, 0);
        bytes32[] memory ofSeller = leavesOf(3, 2);
        // Leaf 4 is the last of the one and the last of the other.
        openWith(leaf(4), bulk(BUYER_KEY, ofBuyer, 4), bulk(SELLER_KEY, ofSeller, 2));
    }

    function test_a_compact_signature_carries_a_proof_too() public {
        bytes32[] memory leaves = leavesOf(3, 0);
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(SELLER_KEY, bulkDigest(rootOf(leaves)));
        bytes memory compact = abi.encodePacked(r, uint256(s) | uint256(v - 27) << 255);
        openWith(leaf(1), sign(BUYER_KEY, escrow.digest(leaf(1))), withProof(compact, proofOf(leaves, 1), false));
    }

    function test_a_wallet_with_code_may_sign_in_bulk() public {
        address wallet = join(address(new SmartWallet(seller)));
        Terms memory terms = leaf(0);
        terms.seller = wallet;
        bytes32[] memory leaves = leavesOf(4, 0);
        leaves[0] = structHash(terms);
        openWith(terms, sign(BUYER_KEY, escrow.digest(terms)), bulk(SELLER_KEY, leaves, 0));
    }

    function test_a_proof_of_no_sibling_is_a_signature_over_the_terms_alone() public {
        bytes memory plain = sign(SELLER_KEY, escrow.digest(leaf(0)));
        bytes memory ofBuyer = sign(BUYER_KEY, escrow.digest(leaf(0)));
        openWith(leaf(0), ofBuyer, withProof(plain, new bytes32[](0), false));
    }

    function test_a_signature_over_a_tree_of_one_is_no_signature_over_its_leaf() public {
        bytes memory signature = sign(SELLER_KEY, bulkDigest(structHash(leaf(0))));
        refuseSeller(leaf(0), signature);
        refuseSeller(leaf(0), withProof(signature, new bytes32[](0), false));
    }

    function test_a_leaf_that_is_not_in_the_tree_is_refused() public {
        bytes32[] memory leaves = leavesOf(5, 0);
        refuseSeller(leaf(5), bulk(SELLER_KEY, leaves, 2));
        Terms memory cheaper = leaf(2);
        cheaper.price -= 1;
        refuseSeller(cheaper, bulk(SELLER_KEY, leaves, 2));
    }

    function test_a_proof_of_another_leaf_is_refused() public {
        bytes32[] memory leaves = leavesOf(5, 0);
        refuseSeller(leaf(2), bulk(SELLER_KEY, leaves, 3));
    }

    function test_a_proof_with_any_sibling_changed_missing_or_moved_is_refused() public {
        bytes32[] memory leaves = leavesOf(8, 0);
        bytes memory signature = sign(SELLER_KEY, bulkDigest(rootOf(leaves)));
        for (uint256 i = 0; i < 3; i++) {
            bytes32[] memory siblings = proofOf(leaves, 5);
            siblings[i] ^= bytes32(uint256(1));
            refuseSeller(leaf(5), withProof(signature, siblings, false));
            siblings = proofOf(leaves, 5);
            (siblings[i], siblings[(i + 1) % 3]) = (siblings[(i + 1) % 3], siblings[i]);
            refuseSeller(leaf(5), withProof(signature, siblings, false));
            refuseSeller(leaf(5), withProof(signature, without(proofOf(leaves, 5), i), false));
        }
    }

    function test_a_proof_that_starts_at_an_inner_node_proves_nothing_of_a_leaf() public {
        // The way from the parent of leaf 5 to the root is a good proof, of the parent.
        bytes32[] memory leaves = leavesOf(8, 0);
        bytes32[] memory way = without(proofOf(leaves, 5), 0);
        bytes32 node = parentOf(leaves[4], leaves[5]);
        for (uint256 i = 0; i < way.length; i++) {
            node = parentOf(node, way[i]);
        }
        VM.assertEq(node, rootOf(leaves));
        refuseSeller(leaf(5), withProof(sign(SELLER_KEY, bulkDigest(node)), way, false));
    }

    function test_a_longer_proof_than_the_tree_is_deep_is_refused() public {
        bytes32[] memory leaves = leavesOf(2, 0);
        bytes32[] memory siblings = new bytes32[](2);
        siblings[0] = leaves[1];
        refuseSeller(leaf(0), withProof(sign(SELLER_KEY, bulkDigest(rootOf(leaves))), siblings, false));
    }

    function test_a_signature_over_the_bare_root_is_refused() public {
        bytes32[] memory leaves = leavesOf(2, 0);
        bytes memory signature = sign(SELLER_KEY, typedDigest(rootOf(leaves)));
        refuseSeller(leaf(0), withProof(signature, proofOf(leaves, 0), false));
    }

    function test_a_tree_that_somebody_else_signed_is_refused() public {
        bytes32[] memory leaves = leavesOf(3, 0);
        refuseSeller(leaf(0), bulk(0xbad, leaves, 0));
    }

    function test_a_count_beyond_the_signature_is_refused_whatever_it_is() public {
        bytes memory body = abi.encodePacked(sign(SELLER_KEY, escrow.digest(leaf(0))), bytes32(0));
        uint64[6] memory counts = [uint64(4), 5, 1 << 32, 1 << 58, 1 << 59, type(uint64).max];
        for (uint256 i = 0; i < counts.length; i++) {
            Opening memory opening = signed(leaf(0));
            opening.sellerSignature = withTail(body, 0, counts[i]);
            bytes memory reason = abi.encodeWithSignature("Panic(uint256)", Panic.UNDER_OVERFLOW);
            refuse(stranger, abi.encodeCall(IEscrow.open, (opening)), reason);
        }
    }

    function test_a_count_that_eats_into_the_signature_is_refused() public {
        bytes memory body = abi.encodePacked(sign(SELLER_KEY, escrow.digest(leaf(0))), bytes32(0));
        refuseSeller(leaf(0), withTail(body, 0, 2));
        refuseSeller(leaf(0), withTail(body, 0, 3));
    }

    function test_a_tail_alone_or_one_word_short_is_no_signature() public {
        refuseSeller(leaf(0), withTail("", 0, 0));
        refuseSeller(leaf(0), abi.encodePacked(TAG));
    }

    function test_cancelling_one_leaf_leaves_the_others() public {
        bytes32[] memory leaves = leavesOf(3, 0);
        VM.prank(seller);
        escrow.cancel(1);
        Opening memory opening = signed(leaf(1));
        opening.sellerSignature = bulk(SELLER_KEY, leaves, 1);
        VM.expectRevert(nonceSpent(seller, 1));
        escrow.open(opening);
        openLeaf(leaves, 2, 0);
    }

    function test_equivalent_offers_on_one_nonce_sell_once() public {
        // One unit of capacity behind three negotiations.
        bytes32[] memory leaves = new bytes32[](3);
        Terms[3] memory offers;
        for (uint256 i = 0; i < 3; i++) {
            offers[i] = leaf(i);
            offers[i].sellerNonce = 9;
            leaves[i] = structHash(offers[i]);
        }
        openWith(offers[1], sign(BUYER_KEY, escrow.digest(offers[1])), bulk(SELLER_KEY, leaves, 1));
        Opening memory second = signed(offers[2]);
        second.sellerSignature = bulk(SELLER_KEY, leaves, 2);
        VM.expectRevert(nonceSpent(seller, 9));
        escrow.open(second);
    }

    function leaf(uint256 nonce) private view returns (Terms memory terms) {
        terms = offer();
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
    }

    function leavesOf(uint256 size, uint256 first) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; i++) {
            leaves[i] = structHash(leaf(first + i));
        }
    }

    /// @dev The signature of one leaf: over the root, with the leaf's proof; over the leaf itself where it is the root.
    function bulk(uint256 key, bytes32[] memory leaves, uint256 index) private view returns (bytes memory) {
        bytes32 root = rootOf(leaves);
        bytes32 digest = leaves.length == 1 ? typedDigest(root) : bulkDigest(root);
        return withProof(sign(key, digest), proofOf(leaves, index), false);
    }

    function openLeaf(bytes32[] memory leaves, uint256 index, uint256 first) private {
        Terms memory terms = leaf(first + index);
        openWith(terms, bulk(BUYER_KEY, leaves, index), bulk(SELLER_KEY, leaves, index));
    }

    function openWith(Terms memory terms, bytes memory ofBuyer, bytes memory ofSeller) private {
        assertState(escrow.open(Opening(terms, ofBuyer, ofSeller, "", "")), State.FUNDED);
    }

    function refuseSeller(Terms memory terms, bytes memory ofSeller) private {
        Opening memory opening = signed(terms);
        opening.sellerSignature = ofSeller;
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
    }

    function without(bytes32[] memory siblings, uint256 index) private pure returns (bytes32[] memory rest) {
        rest = new bytes32[](siblings.length - 1);
        for (uint256 i = 0; i < rest.length; i++) {
            rest[i] = siblings[i < index ? i : i + 1];
        }
    }
}
