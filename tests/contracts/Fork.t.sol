// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Credits, Opening, Own, Position, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Operation, Scenes} from "./Scenes.sol";
import {Series} from "./Series.sol";
import {Stage} from "./Stage.sol";
import {proofOf, rootOf} from "./Tree.sol";

/// @notice A chain that changes its id: what was signed is void, open deals keep their names and go on to their ends, and
/// what is signed from then on is signed under the new id.
contract ForkTest is Scenes, Series {
    struct Way {
        uint8 rail;
        State state;
        Operation operation;
        address caller;
        uint256 wait;
    }

    function setUp() public override(Stage, Series) {
        super.setUp();
    }

    function test_every_way_out_of_an_open_deal_is_there_after_a_fork() public {
        Way[16] memory ways = [
            Way(Rail.ESCROW, State.FUNDED, Operation.DELIVER, seller, 0),
            Way(Rail.ESCROW, State.FUNDED, Operation.RELEASE, buyer, 0),
            Way(Rail.ESCROW, State.FUNDED, Operation.REDEEM, stranger, 0),
            Way(Rail.ESCROW, State.FUNDED, Operation.REFUND, seller, 0),
            Way(Rail.ESCROW, State.FUNDED, Operation.REFUND, buyer, 3_600),
            Way(Rail.ESCROW, State.FUNDED, Operation.SETTLE, stranger, 0),
            Way(Rail.ESCROW, State.DELIVERED, Operation.CLAIM, seller, 1_800),
            Way(Rail.ESCROW, State.DELIVERED, Operation.DISPUTE, buyer, 0),
            Way(Rail.ESCROW, State.DISPUTED, Operation.RESOLVE, umpire, 0),
            Way(Rail.ESCROW, State.DISPUTED, Operation.EXPIRE, stranger, 7_200),
            Way(Rail.METERED, State.FUNDED, Operation.NOTICE, buyer, 0),
            Way(Rail.METERED, State.FUNDED, Operation.CLOSE, seller, 0),
            Way(Rail.METERED, State.NOTICED, Operation.REDEEM, seller, 0),
            Way(Rail.EXCHANGE, State.FUNDED, Operation.DELIVER, umpire, 0),
            Way(Rail.EXCHANGE, State.DELIVERED, Operation.RESOLVE, umpire, 0),
            Way(Rail.EXCHANGE, State.DELIVERED, Operation.CLAIM, seller, 1_800)
        ];
        for (uint256 i = 0; i < ways.length; i++) {
            Terms memory terms = reach(ways[i].rail, ways[i].state);
            bytes32 deal = escrow.digest(terms);
            fork();
            VM.assertEq(escrow.digest(terms), deal);
            VM.warp(block.timestamp + ways[i].wait);
            act(ways[i].caller, encode(ways[i].operation, terms));
            VM.assertGt(uint8(escrow.position(deal).state), uint8(ways[i].state));
            back();
        }
    }

    function test_after_a_fork_the_old_signatures_are_void_and_new_ones_open_under_the_name_of_home() public {
        Terms memory terms = offer();
        Opening memory old = signed(terms);
        bytes32 deal = escrow.digest(terms);
        fork();
        refuseWith(abi.encodeCall(IEscrow.open, (old)), IEscrow.WrongSigner.selector);
        VM.assertEq(escrow.feasible(terms), deal);
        VM.assertEq(escrow.open(signedNow(terms)), deal);
        assertState(deal, State.FUNDED);
    }

    function test_after_a_fork_no_open_deal_opens_again() public {
        Terms memory terms = offer();
        open(terms);
        fork();
        refuse(stranger, abi.encodeCall(IEscrow.open, (signedNow(terms))), nonceSpent(terms.buyer, terms.buyerNonce));
    }

    function test_after_a_fork_the_old_vouchers_and_settlements_are_void() public {
        Terms memory terms = disputable();
        bytes32 deal = open(terms);
        bytes memory word = voucher(deal, CHARGE);
        (bytes memory ofBuyer, bytes memory ofSeller) = settlement(deal, CHARGE, 0);
        fork();
        refuseForged(stranger, abi.encodeCall(IEscrow.redeem, (terms, CHARGE, word)));
        refuseForged(stranger, abi.encodeCall(IEscrow.settle, (terms, CHARGE, 0, FOREVER, ofBuyer, ofSeller)));
        act(stranger, abi.encodeCall(IEscrow.redeem, (terms, CHARGE, voucher(deal, CHARGE))));
        VM.assertEq(escrow.position(deal).released, CHARGE);
    }

    function test_after_a_fork_one_of_many_terms_opens_with_its_proof_under_the_new_id() public {
        Terms memory terms = offer();
        bytes32[] memory leaves = new bytes32[](3);
        leaves[1] = structHash(terms);
        bytes32[] memory siblings = proofOf(leaves, 1);
        bytes memory old = withProof(sign(SELLER_KEY, bulkDigest(rootOf(leaves))), siblings, false);
        fork();
        Opening memory opening = signedNow(terms);
        opening.sellerSignature = old;
        refuseWith(abi.encodeCall(IEscrow.open, (opening)), IEscrow.WrongSigner.selector);
        opening.sellerSignature = withProof(sign(SELLER_KEY, bulkDigest(rootOf(leaves))), siblings, false);
        VM.assertEq(escrow.open(opening), escrow.digest(terms));
    }

    function test_after_a_fork_a_series_opens_and_is_redeemed_under_the_names_of_home() public {
        Terms memory terms = offer();
        Own[] memory owns = ownsOf(3);
        bytes memory old = encodeOpen(terms, owns);
        bytes32 first = escrow.digest(member(terms, owns[0]));
        fork();
        refuseWith(old, IEscrow.WrongSigner.selector);
        VM.assertEq(openSeries(terms, owns)[0], first);
        redeemSeries(terms, owns, CHARGE);
        assertAll(terms, owns, State.FUNDED, CHARGE);
    }

    function test_after_a_fork_a_series_of_before_is_redeemed_by_vouchers_of_the_new_id_alone() public {
        (Terms memory terms, Own[] memory owns) = opened(offer(), 3, 0);
        bytes memory old = encodeRedeem(terms, owns, CHARGE);
        fork();
        refuseWith(old, IEscrow.WrongSigner.selector);
        redeemSeries(terms, owns, CHARGE);
        assertAll(terms, owns, State.FUNDED, CHARGE);
    }

    function test_after_a_fork_a_swap_goes_through_under_the_name_of_home() public {
        Terms memory terms = offer();
        (terms.rail, terms.bond, terms.deliveryWindow, terms.reviewWindow) = (Rail.ATOMIC, 0, 0, 0);
        Credits memory credits = Credits(address(token), false, 0, 7);
        bytes32 typeHash = keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
        terms.goods = keccak256(abi.encode(typeHash, credits));
        Opening memory old = signed(terms);
        bytes32 deal = escrow.digest(terms);
        fork();
        bytes memory call = abi.encodeCall(IEscrow.swap, (terms, credits, old.buyerSignature, old.sellerSignature));
        refuseWith(call, IEscrow.WrongSigner.selector);
        Opening memory agreed = signedNow(terms);
        VM.assertEq(escrow.swap(terms, credits, agreed.buyerSignature, agreed.sellerSignature), deal);
    }

    function test_the_domain_that_is_signed_in_has_the_id_of_now() public {
        fork();
        (,,, uint256 id,,,) = IERC5267(address(escrow)).eip712Domain();
        VM.assertEq(id, block.chainid);
    }

    function fork() private {
        VM.chainId(block.chainid + 1);
    }

    function back() private {
        VM.chainId(block.chainid - 1);
    }

    function signedNow(Terms memory terms) private view returns (Opening memory) {
        bytes32 digest = typedDigest(structHash(terms));
        return Opening(terms, sign(BUYER_KEY, digest), sign(SELLER_KEY, digest), "", "");
    }
}
