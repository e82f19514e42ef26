// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";

/// @notice A chain of three deals: the buyer buys from the seller, who buys from a supplier; and both hire a carrier.
contract OpenBundleTest is Openings {
    uint256 private constant CARRIER_KEY = 0xca44;
    address private immutable carrier = VM.addr(CARRIER_KEY);

    function setUp() public override {
        super.setUp();
        fund(buyer, 2 * uint256(PRICE));
        fund(seller, 3 * uint256(PRICE));
        fund(carrier, PRICE);
    }

    function test_openBundle_opens_every_member_and_returns_the_digests_in_order() public {
        Opening[] memory openings = sealedBundle(chain());
        bytes32[] memory deals = escrow.openBundle(openings);
        VM.assertEq(deals.length, 3);
        for (uint256 i = 0; i < deals.length; i++) {
            VM.assertEq(deals[i], escrow.digest(openings[i].terms));
            assertState(deals[i], State.FUNDED);
        }
        assertHeld(address(escrow), 3 * (uint256(PRICE) + BOND));
    }

    function test_openBundle_says_opened_for_every_member() public {
        Opening[] memory openings = sealedBundle(chain());
        for (uint256 i = 0; i < openings.length; i++) {
            Terms memory terms = openings[i].terms;
            bytes32 deal = escrow.digest(terms);
            VM.expectEmit(address(escrow));
            emit IEscrow.Opened(
                deal, terms.buyer, terms.seller, address(token), PRICE, BOND, terms.buyerNonce, terms.sellerNonce
            );
        }
        VM.prank(stranger);
        escrow.openBundle(openings);
    }

    function test_a_bundle_of_one_opens_as_a_bundle_only() public {
        Terms[] memory alone = new Terms[](1);
        alone[0] = offer();
        Opening[] memory openings = sealedBundle(alone);
        VM.expectRevert(wrongBundle(openings[0].terms.bundle, 0));
        escrow.open(openings[0]);
        escrow.openBundle(openings);
        assertState(escrow.digest(openings[0].terms), State.FUNDED);
    }

    function test_no_member_opens_alone() public {
        Opening[] memory openings = sealedBundle(chain());
        for (uint256 i = 0; i < openings.length; i++) {
            VM.expectRevert(wrongBundle(openings[i].terms.bundle, 0));
            escrow.open(openings[i]);
            Opening[] memory alone = new Opening[](1);
            alone[0] = openings[i];
            refuseBundle(alone, openings[i].terms.bundle);
        }
    }

    function test_openBundle_refuses_a_bundle_that_lacks_any_member() public {
        Opening[] memory openings = sealedBundle(chain());
        for (uint256 dropped = 0; dropped < openings.length; dropped++) {
            Opening[] memory rest = new Opening[](2);
            rest[0] = openings[dropped == 0 ? 1 : 0];
            rest[1] = openings[dropped == 2 ? 1 : 2];
            refuseBundle(rest, openings[0].terms.bundle);
        }
    }

    function test_openBundle_refuses_another_order() public {
        Opening[] memory openings = sealedBundle(chain());
        (openings[0], openings[2]) = (openings[2], openings[0]);
        refuseBundle(openings, openings[0].terms.bundle);
    }

    function test_openBundle_refuses_a_member_more() public {
        Opening[] memory openings = sealedBundle(chain());
        Opening[] memory more = new Opening[](4);
        for (uint256 i = 0; i < 3; i++) {
            more[i] = openings[i];
        }
        Terms memory added = offer();
        (added.buyerNonce, added.sellerNonce, added.bundle) = (77, 77, openings[0].terms.bundle);
        more[3] = signed(added);
        refuseBundle(more, openings[0].terms.bundle);
    }

    function test_openBundle_refuses_a_member_in_anothers_place() public {
        Opening[] memory openings = sealedBundle(chain());
        Terms memory other = copy(openings[1].terms);
        other.price -= 1;
        openings[1] = signed(other, SELLER_KEY, CARRIER_KEY);
        refuseBundle(openings, other.bundle);
    }

    function test_openBundle_refuses_a_member_that_names_no_bundle() public {
        Opening[] memory openings = sealedBundle(chain());
        bytes32 bundle = openings[0].terms.bundle;
        Terms memory bare = copy(openings[1].terms);
        bare.bundle = 0;
        openings[1] = signed(bare, SELLER_KEY, CARRIER_KEY);
        // Its place in the bundle is the same, as it is hashed without; what it signed is not.
        VM.expectRevert(wrongBundle(0, bundle));
        escrow.openBundle(openings);
        assertUntouched(openings);
    }

    function test_openBundle_opens_nothing_when_one_signature_is_wrong() public {
        for (uint256 bad = 0; bad < 3; bad++) {
            Opening[] memory openings = sealedBundle(chain());
            openings[bad].sellerSignature = openings[bad].buyerSignature;
            VM.expectRevert(wrongSigner(openings[bad].terms.seller, openings[bad].terms.buyer));
            escrow.openBundle(openings);
            assertUntouched(openings);
        }
    }

    function test_openBundle_opens_nothing_when_one_payer_is_short() public {
        Opening[] memory openings = sealedBundle(chain());
        VM.prank(carrier);
        token.approve(address(escrow), BOND - 1);
        VM.expectRevert(allowanceShort(carrier, BOND - 1, BOND));
        escrow.openBundle(openings);
        assertUntouched(openings);
    }

    function test_openBundle_opens_nothing_when_one_nonce_is_cancelled() public {
        Opening[] memory openings = sealedBundle(chain());
        VM.prank(carrier);
        escrow.cancel(openings[2].terms.sellerNonce);
        VM.expectRevert(nonceSpent(carrier, openings[2].terms.sellerNonce));
        escrow.openBundle(openings);
        assertUntouched(openings);
    }

    function test_openBundle_refuses_members_that_share_a_nonce() public {
        Terms[] memory members = chain();
        members[2].buyerNonce = members[0].buyerNonce;
        Opening[] memory openings = sealedBundle(members);
        VM.expectRevert(nonceSpent(buyer, members[0].buyerNonce));
        escrow.openBundle(openings);
        assertUntouched(openings);
    }

    function test_openBundle_refuses_one_member_twice() public {
        Terms[] memory members = new Terms[](2);
        (members[0], members[1]) = (offer(), offer());
        Opening[] memory openings = sealedBundle(members);
        VM.expectRevert(nonceSpent(buyer, members[0].buyerNonce));
        escrow.openBundle(openings);
    }

    function test_of_two_bundles_that_share_nonces_one_opens() public {
        Terms[] memory pair = new Terms[](2);
        Terms[] memory all = chain();
        (pair[0], pair[1]) = (copy(all[0]), copy(all[1]));
        Opening[] memory larger = sealedBundle(all);
        Opening[] memory smaller = sealedBundle(pair);
        escrow.openBundle(smaller);
        VM.expectRevert(nonceSpent(buyer, all[0].buyerNonce));
        escrow.openBundle(larger);
        VM.assertFalse(escrow.nonceSpent(buyer, all[2].buyerNonce));
    }

    function test_openBundle_refuses_a_bundle_twice() public {
        Opening[] memory openings = sealedBundle(chain());
        escrow.openBundle(openings);
        VM.expectRevert(nonceSpent(buyer, openings[0].terms.buyerNonce));
        escrow.openBundle(openings);
    }

    function test_openBundle_refuses_an_atomic_member() public {
        Terms[] memory members = chain();
        members[1].rail = Rail.ATOMIC;
        Opening[] memory openings = sealedBundle(members);
        VM.expectRevert(wrongRail(Rail.ATOMIC, Rail.ESCROW));
        escrow.openBundle(openings);
    }

    function test_openBundle_accepts_members_of_all_other_rails() public {
        Terms[] memory members = chain();
        members[0] = exchange();
        members[1].rail = Rail.METERED;
        bytes32[] memory deals = escrow.openBundle(sealedBundle(members));
        assertState(deals[0], State.FUNDED);
        assertState(deals[1], State.FUNDED);
    }

    function test_openBundle_opens_nothing_when_a_bound_member_cannot_pay_for_all() public {
        VM.prank(buyer);
        escrow.deposit(address(token), 2 * uint256(PRICE) - 1);
        Opening[] memory openings = sealedBundle(chain());
        VM.expectRevert(balanceShort(buyer, PRICE - 1, PRICE));
        escrow.openBundle(openings);
        VM.assertEq(escrow.balance(address(token), buyer), 2 * uint256(PRICE) - 1);
    }

    function test_a_bundle_of_nothing_opens_nothing() public {
        VM.assertEq(escrow.openBundle(new Opening[](0)).length, 0);
    }

    function test_the_members_of_a_bundle_end_one_by_one() public {
        Opening[] memory openings = sealedBundle(chain());
        bytes32[] memory deals = escrow.openBundle(openings);
        VM.prank(seller);
        escrow.refund(openings[0].terms);
        assertState(deals[0], State.REFUNDED);
        assertState(deals[1], State.FUNDED);
        assertState(deals[2], State.FUNDED);
    }

    function chain() private view returns (Terms[] memory members) {
        members = new Terms[](3);
        members[0] = offer();
        (members[1], members[2]) = (offer(), offer());
        (members[1].buyer, members[1].seller, members[1].buyerNonce) = (seller, carrier, 1);
        (members[2].seller, members[2].buyerNonce, members[2].sellerNonce) = (carrier, 2, 3);
    }

    /// @dev Names the bundle in every member, and lets the members' own parties sign.
    function sealedBundle(Terms[] memory members) private view returns (Opening[] memory openings) {
        bytes memory hashes;
        for (uint256 i = 0; i < members.length; i++) {
            hashes = bytes.concat(hashes, structHash(members[i]));
        }
        openings = new Opening[](members.length);
        for (uint256 i = 0; i < members.length; i++) {
            members[i].bundle = keccak256(hashes);
            openings[i] = signed(members[i], keyOf(members[i].buyer), keyOf(members[i].seller));
        }
    }

    function keyOf(address account) private view returns (uint256) {
        if (account == buyer) return BUYER_KEY;
        return account == seller ? SELLER_KEY : CARRIER_KEY;
    }

    /// @dev The members that are there do not hash to the bundle that they name.
    function refuseBundle(Opening[] memory openings, bytes32 named) private {
        bytes memory hashes;
        for (uint256 i = 0; i < openings.length; i++) {
            Terms memory bare = copy(openings[i].terms);
            bare.bundle = 0;
            hashes = bytes.concat(hashes, structHash(bare));
        }
        VM.expectRevert(wrongBundle(named, keccak256(hashes)));
        escrow.openBundle(openings);
        assertUntouched(openings);
    }

    function assertUntouched(Opening[] memory openings) private view {
        assertHeld(address(escrow), 0);
        for (uint256 i = 0; i < openings.length; i++) {
            Terms memory terms = openings[i].terms;
            assertState(escrow.digest(terms), State.NONE);
            VM.assertFalse(escrow.nonceSpent(terms.buyer, terms.buyerNonce));
        }
    }
}
