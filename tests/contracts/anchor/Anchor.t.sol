// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM, deployAt} from "../Cheats.sol";
import {AnchorStage} from "./AnchorStage.sol";
import {Forest} from "./Forest.sol";

/// @notice Whose checkpoints are taken, and which. AnchorProofs has what the proofs have to be.
contract AnchorTest is AnchorStage {
    bytes32 private constant ROOT = keccak256("of ten leaves");
    bytes32[] private leaves;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 12; i++) {
            leaves.push(sha256(abi.encodePacked(bytes1(0), i)));
        }
    }

    // ------------------------------------------------------------------ what is taken

    function test_anchor_takes_a_first_checkpoint_without_a_proof_from_anyone_and_tells_of_it() public {
        bytes memory call = anchorCall(ORIGIN, 10, ROOT, NONE);
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.Anchored(key, ORIGIN, 10, ROOT);
        act(stranger, call);
        assertLast(10, ROOT);
        assertBond(0, 0, false);
    }

    function test_anchor_takes_a_larger_one_with_its_proof_and_keeps_it_alone() public {
        bytes32[] memory held = leaves;
        begin(5, Forest.root(held, 0, 5));
        bytes32 root = Forest.root(held, 0, 12);
        bytes memory call = anchorCall(ORIGIN, 12, root, Forest.growth(held, 5, 12));
        VM.expectEmit(address(anchored));
        emit ICheckpointAnchor.Anchored(key, ORIGIN, 12, root);
        act(stranger, call);
        assertLast(12, root);
    }

    function test_anchor_keeps_bond_and_notice_as_they_are() public {
        deposit(BOND);
        giveNotice();
        begin(10, ROOT);
        assertLast(10, ROOT);
        assertBond(BOND, START + NOTICE, false);
    }

    function test_logs_of_one_key_and_logs_of_one_origin_are_others() public {
        begin(10, ROOT);
        act(stranger, anchorCall(ELSEWHERE, 3, keccak256("of three"), NONE));
        bytes memory signature = signed(OTHER_KEY, ORIGIN, 4, keccak256("of four"));
        anchored.anchor(otherKey, ORIGIN, 4, keccak256("of four"), NONE, signature);
        assertLast(10, ROOT);
        assertLog(key, ELSEWHERE, 3, keccak256("of three"));
        assertLog(otherKey, ORIGIN, 4, keccak256("of four"));
        assertLog(otherKey, ELSEWHERE, 0, 0);
    }

    function test_anchor_takes_the_largest_size_there_is_and_nothing_after_it() public {
        begin(MOST, ROOT);
        assertLast(MOST, ROOT);
        refuse(stranger, anchorCall(ORIGIN, MOST, keccak256("another"), NONE), notNewer(MOST, MOST));
    }

    // ------------------------------------------------------------------ what is not newer

    function test_anchor_refuses_the_size_that_it_has_with_the_same_root_and_with_another() public {
        begin(10, ROOT);
        refuse(stranger, anchorCall(ORIGIN, 10, ROOT, NONE), notNewer(10, 10));
        refuse(stranger, anchorCall(ORIGIN, 10, keccak256("another"), NONE), notNewer(10, 10));
        assertLast(10, ROOT);
    }

    function test_anchor_refuses_a_smaller_one_that_was_signed_too() public {
        bytes32[] memory held = leaves;
        begin(12, Forest.root(held, 0, 12));
        refuse(stranger, anchorCall(ORIGIN, 5, Forest.root(held, 0, 5), NONE), notNewer(12, 5));
        refuse(stranger, anchorCall(ORIGIN, 0, 0, NONE), notNewer(12, 0));
    }

    function test_anchor_refuses_no_leaves_at_all() public {
        refuse(stranger, anchorCall(ORIGIN, 0, sha256(""), NONE), notNewer(0, 0));
    }

    function test_anchor_refuses_a_first_checkpoint_with_a_proof() public {
        refuse(stranger, anchorCall(ORIGIN, 10, ROOT, new bytes32[](1)), notConsistent(0, 0, 10, ROOT));
    }

    /// @dev What the anchor is for: a leaf was changed below the last checkpoint, and all above it is proved as it should be.
    function test_anchor_refuses_to_grow_out_of_another_history_than_the_one_it_has() public {
        for (uint64 old = 1; old < 12; old++) {
            bytes32[] memory held = leaves;
            bytes32 origin = keccak256(abi.encode(old));
            bytes32 oldRoot = Forest.root(held, 0, old);
            act(stranger, anchorCall(origin, old, oldRoot, NONE));
            held[old / 2] = keccak256("rewritten");
            bytes32 root = Forest.root(held, 0, 12);
            bytes memory call = anchorCall(origin, 12, root, Forest.growth(held, old, 12));
            refuse(stranger, call, notConsistent(old, oldRoot, 12, root));
        }
    }

    // ------------------------------------------------------------------ whose it is

    function test_anchor_refuses_another_s_signature() public {
        bytes memory signature = signed(OTHER_KEY, ORIGIN, 10, ROOT);
        bytes memory call = abi.encodeCall(ICheckpointAnchor.anchor, (key, ORIGIN, 10, ROOT, NONE, signature));
        refuse(key, call, wrongSigner(key, otherKey));
    }

    function test_anchor_refuses_a_signature_over_another_origin_size_or_root() public {
        bytes[3] memory others = [signed(KEY, ELSEWHERE, 10, ROOT), signed(11, ROOT), signed(10, keccak256("another"))];
        for (uint256 i = 0; i < others.length; i++) {
            refuseForged(abi.encodeCall(ICheckpointAnchor.anchor, (key, ORIGIN, 10, ROOT, NONE, others[i])));
        }
    }

    function test_anchor_refuses_a_signature_for_another_chain_or_another_anchor() public {
        address twin = address(0x7714);
        deployAt(twin, "CheckpointAnchor.sol:CheckpointAnchor");
        bytes memory ofTwin = sign(KEY, digestOf(ORIGIN, 10, ROOT, block.chainid, twin));
        bytes memory ofChain = sign(KEY, digestOf(ORIGIN, 10, ROOT, block.chainid + 1, address(anchored)));
        refuseForged(abi.encodeCall(ICheckpointAnchor.anchor, (key, ORIGIN, 10, ROOT, NONE, ofTwin)));
        refuseForged(abi.encodeCall(ICheckpointAnchor.anchor, (key, ORIGIN, 10, ROOT, NONE, ofChain)));
        ICheckpointAnchor(twin).anchor(key, ORIGIN, 10, ROOT, NONE, ofTwin);
    }

    function test_a_log_outlives_the_chain_s_id_and_what_was_signed_under_it_does_not() public {
        bytes32[] memory held = leaves;
        (bytes32 five, bytes32 twelve) = (Forest.root(held, 0, 5), Forest.root(held, 0, 12));
        begin(5, five);
        bytes memory before = anchorCall(ORIGIN, 12, twelve, Forest.growth(held, 5, 12));
        VM.chainId(77);
        refuseForged(before);
        assertLast(5, five);
        anchor(12, twelve, Forest.growth(held, 5, 12));
        assertLast(12, twelve);
    }

    function test_anchor_refuses_the_malleable_twin_of_a_signature() public {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(KEY, digestOf(ORIGIN, 10, ROOT, block.chainid, address(anchored)));
        bytes memory twin = abi.encodePacked(r, bytes32(ORDER - uint256(s)), uint8(55 - v));
        refuseMalformed(key, twin);
    }

    function test_anchor_refuses_a_signature_of_another_form() public {
        bytes memory good = signed(10, ROOT);
        bytes memory other = bytes.concat(good);
        other[64] = bytes1(uint8(other[64]) - 27);
        refuseMalformed(key, other);
        refuseMalformed(key, "");
        refuseMalformed(key, bytes.concat(good, hex"00"));
        bytes memory short = new bytes(64); // r and s, whose parity ERC-2098 would put into s
        for (uint256 i = 0; i < 64; i++) {
            short[i] = good[i];
        }
        refuseMalformed(key, short);
        refuseMalformed(key, new bytes(65));
    }

    function test_nothing_is_signed_by_the_zero_address() public {
        refuseMalformed(address(0), new bytes(65));
        refuseMalformed(address(0), "");
    }

    /// @dev A contract that answers every question of ERC-1271 with yes is nobody's key.
    function test_no_code_speaks_for_a_key() public {
        address wallet = address(0x1271);
        VM.etch(wallet, hex"631626ba7e60e01b60005260206000f3");
        bytes memory call = abi.encodeCall(ICheckpointAnchor.anchor, (wallet, ORIGIN, 10, ROOT, NONE, signed(10, ROOT)));
        refuse(stranger, call, wrongSigner(wallet, key));
    }

    function test_anchor_refuses_a_log_whose_key_contradicts_itself() public {
        begin(10, ROOT);
        act(stranger, forkCall());
        refuse(stranger, anchorCall(ORIGIN, 11, keccak256("more"), NONE), logForked());
        act(stranger, anchorCall(ELSEWHERE, 10, ROOT, NONE));
    }

    function test_anchor_takes_no_coin() public {
        bytes memory call = anchorCall(ORIGIN, 10, ROOT, NONE);
        VM.prank(stranger);
        (bool done,) = address(anchored).call{value: 1}(call);
        VM.assertFalse(done);
        VM.prank(stranger);
        (done,) = address(anchored).call{value: 1}("");
        VM.assertFalse(done);
    }

    // ------------------------------------------------------------------ inside

    function refuseMalformed(address of_, bytes memory signature) private {
        bytes memory call = abi.encodeCall(ICheckpointAnchor.anchor, (of_, ORIGIN, 10, ROOT, NONE, signature));
        refuse(stranger, call, wrongSigner(of_, address(0)));
    }

    function assertLog(address of_, bytes32 origin, uint64 size, bytes32 root) private view {
        (uint64 heldSize, bytes32 heldRoot,,,) = anchored.log(of_, origin);
        VM.assertEq(heldSize, size);
        VM.assertEq(heldRoot, root);
    }
}
