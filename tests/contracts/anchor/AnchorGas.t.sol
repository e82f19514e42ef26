// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor, Inclusion} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM} from "../Cheats.sol";
import {ANCHOR_VM, AnchorStage, Case} from "./AnchorStage.sol";
import {Forest} from "./Forest.sol";

/// @notice What a log's calls cost, each as a whole transaction with its 21,000, with the proofs of
/// tests/vectors/anchor.json. `scripts/gas.py` reads the figures; a name is "scenario.number step".
contract AnchorGasTest is AnchorStage {
    uint256 private constant LIMIT = 62_000;
    bytes[] private _growths;
    bytes[] private _places;

    function setUp() public override {
        super.setUp();
        string memory json = VM.readFile("tests/vectors/anchor.json");
        _growths = ANCHOR_VM.parseJsonBytesArray(json, ".consistency");
        _places = ANCHOR_VM.parseJsonBytesArray(json, ".inclusion");
        ANCHOR_VM.deal(key, BOND);
        ANCHOR_VM.deal(address(0), 1);
    }

    function test_first() public {
        begin(1_000_000, keccak256("a root"));
        step("anchor_first.1 anchor");
    }

    function test_thousand() public {
        grow(511, 1_000);
        step("anchor_1e3.1 anchor");
    }

    /// @dev Hardly any two sizes up to there take more: the proof is of the longest, and but for two of its elements all are
    /// on the left, where they cost two hashes.
    function test_million() public {
        grow(983_039, 1_000_000);
        VM.assertLe(step("anchor_1e6.1 anchor"), LIMIT);
    }

    function test_no_other_growth_up_to_a_million_is_dearer() public {
        uint64[2][4] memory sizes = [
            [uint64(524_287), 999_999],
            [uint64(524_287), 1_000_000],
            [uint64(786_431), 1_000_000],
            [uint64(1), 1_000_000]
        ];
        for (uint256 i = 0; i < sizes.length; i++) {
            setUp();
            grow(sizes[i][0], sizes[i][1]);
            VM.assertLe(ANCHOR_VM.lastCallGas().gasTotalUsed, LIMIT);
        }
    }

    function test_bond() public {
        deposit(BOND);
        deposit(BOND);
        step("anchor_bond.1 deposit");
        giveNotice();
        step("anchor_bond.2 giveNotice");
        VM.warp(START + NOTICE);
        act(key, abi.encodeCall(ICheckpointAnchor.withdraw, (ORIGIN, payable(key))));
        step("anchor_bond.3 withdraw");
    }

    function test_fork() public {
        begin(9, keccak256("a root"));
        deposit(BOND);
        act(stranger, forkCall());
        step("anchor_fork.1 proveFork");
    }

    /// @dev Two trees of a million leaves each, in which the same leaf is another.
    function test_rewrite() public {
        bytes memory told = find(_places, 524_287, 1_000_000);
        (bytes32 leaf, bytes32 root) = Case.hashes(told);
        bytes32[] memory proof = Case.proof(told);
        begin(1_000_000, root);
        deposit(BOND);
        bytes32 other = keccak256("another leaf");
        bytes32 otherRoot = Forest.rootOf(524_287, 1_000_000, other, proof, proof.length);
        Inclusion memory one = Inclusion(1_000_000, root, signed(1_000_000, root), leaf, proof);
        Inclusion memory two = Inclusion(1_000_000, otherRoot, signed(1_000_000, otherRoot), other, proof);
        act(stranger, abi.encodeCall(ICheckpointAnchor.proveRewrite, (key, ORIGIN, 524_287, one, two)));
        step("anchor_rewrite.1 proveRewrite");
    }

    // ------------------------------------------------------------------ inside

    function grow(uint64 old, uint64 size) private {
        bytes memory told = find(_growths, old, size);
        (bytes32 oldRoot, bytes32 root) = Case.hashes(told);
        begin(old, oldRoot);
        anchor(size, root, Case.proof(told));
    }

    function find(bytes[] storage told, uint64 low, uint64 size) private view returns (bytes memory) {
        for (uint256 i = told.length; i > 0; i--) {
            (uint64 foundLow, uint64 foundSize) = Case.numbers(told[i - 1]);
            if (foundLow == low && foundSize == size) return told[i - 1];
        }
        revert("no such case");
    }

    function step(string memory name) private returns (uint256) {
        return VM.snapshotGasLastCall("Anchor", name);
    }
}
