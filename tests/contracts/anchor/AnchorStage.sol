// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM} from "../Cheats.sol";

/// @notice What a call has used, as forge tells it.
struct Gas {
    uint64 gasLimit;
    uint64 gasTotalUsed;
    uint64 gasMemoryUsed;
    int64 gasRefunded;
    uint64 gasRemaining;
}

/// @notice The cheatcodes that only these tests use.
interface AnchorVm {
    function deal(address account, uint256 amount) external;
    function lastCallGas() external view returns (Gas memory);
    function parseJsonBytesArray(string calldata json, string calldata key) external pure returns (bytes[] memory);
}

AnchorVm constant ANCHOR_VM = AnchorVm(address(VM));

/// @notice One log with its key, and whoever else comes by.
abstract contract AnchorStage {
    uint256 internal constant KEY = 0x106;
    uint256 internal constant OTHER_KEY = 0x107;
    uint256 internal constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant NOTICE = 7 days;
    uint256 internal constant BOND = 1_000_003; // odd: half of it is not half
    uint64 internal constant MOST = type(uint64).max;
    bytes32 internal constant ORIGIN = keccak256("registry.example");
    bytes32 internal constant ELSEWHERE = keccak256("registry.example/other");
    bytes32[] internal NONE;

    address internal immutable key = VM.addr(KEY);
    address internal immutable otherKey = VM.addr(OTHER_KEY);
    address internal immutable stranger = address(0x57a6e);
    address payable internal immutable treasury = payable(address(0x7ea5));

    ICheckpointAnchor internal anchored;

    function setUp() public virtual {
        VM.warp(START);
        anchored = ICheckpointAnchor(VM.deployCode("CheckpointAnchor.sol:CheckpointAnchor"));
        // Whoever wants to pay has something to pay with; the others start with nothing.
        ANCHOR_VM.deal(stranger, 1_000 * BOND);
    }

    // ------------------------------------------------------------------ words

    /// @dev Computed from the words of EIP-712, with nothing asked of the contract but its address.
    function digestOf(bytes32 origin, uint64 size, bytes32 root, uint256 chain, address verifier)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Parley Log"),
                keccak256("1"),
                chain,
                verifier
            )
        );
        bytes32 typeHash = keccak256("Checkpoint(string origin,uint64 size,bytes32 root)");
        bytes32 structHash = keccak256(abi.encode(typeHash, origin, size, root));
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function signed(uint256 with, bytes32 origin, uint64 size, bytes32 root) internal view returns (bytes memory) {
        return sign(with, digestOf(origin, size, root, block.chainid, address(anchored)));
    }

    function signed(uint64 size, bytes32 root) internal view returns (bytes memory) {
        return signed(KEY, ORIGIN, size, root);
    }

    function sign(uint256 with, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(with, digest);
        return abi.encodePacked(r, s, v);
    }

    function anchorCall(bytes32 origin, uint64 size, bytes32 root, bytes32[] memory proof)
        internal
        view
        returns (bytes memory)
    {
        bytes memory signature = signed(KEY, origin, size, root);
        return abi.encodeCall(ICheckpointAnchor.anchor, (key, origin, size, root, proof, signature));
    }

    function forkCall(uint64 size, bytes32 rootA, bytes32 rootB) internal view returns (bytes memory) {
        (bytes memory ofA, bytes memory ofB) = (signed(size, rootA), signed(size, rootB));
        return abi.encodeCall(ICheckpointAnchor.proveFork, (key, ORIGIN, size, rootA, ofA, rootB, ofB));
    }

    function forkCall() internal view returns (bytes memory) {
        return forkCall(9, keccak256("one history"), keccak256("another"));
    }

    // ------------------------------------------------------------------ calls

    function anchor(uint64 size, bytes32 root, bytes32[] memory proof) internal {
        act(stranger, anchorCall(ORIGIN, size, root, proof));
    }

    function begin(uint64 size, bytes32 root) internal {
        anchor(size, root, NONE);
    }

    function deposit(uint256 amount) internal {
        pay(stranger, amount, abi.encodeCall(ICheckpointAnchor.deposit, (key, ORIGIN)));
    }

    function giveNotice() internal {
        act(key, abi.encodeCall(ICheckpointAnchor.giveNotice, (ORIGIN)));
    }

    function act(address caller, bytes memory call) internal {
        pay(caller, 0, call);
    }

    /// @dev The call must succeed; its own reason is passed on where it does not.
    function pay(address caller, uint256 amount, bytes memory call) internal {
        VM.prank(caller);
        (bool done, bytes memory said) = address(anchored).call{value: amount}(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(said, 0x20), mload(said))
            }
        }
    }

    /// @dev The call must revert, with these very bytes.
    function refuse(address caller, bytes memory call, bytes memory reason) internal {
        VM.prank(caller);
        (bool done, bytes memory said) = address(anchored).call(call);
        VM.assertFalse(done);
        VM.assertEq(said, reason);
    }

    /// @dev The call must revert because the key did not sign this, whoever the wrong digest makes it recover to.
    function refuseForged(bytes memory call) internal {
        VM.prank(stranger);
        (bool done, bytes memory said) = address(anchored).call(call);
        VM.assertFalse(done);
        VM.assertEq(bytes32(bytes4(said)), bytes32(ICheckpointAnchor.WrongSigner.selector));
    }

    // ------------------------------------------------------------------ what holds

    function assertLast(uint64 size, bytes32 root) internal view {
        (uint64 heldSize, bytes32 heldRoot,,,) = anchored.log(key, ORIGIN);
        VM.assertEq(heldSize, size);
        VM.assertEq(heldRoot, root);
    }

    function assertBond(uint256 expected, uint256 noticeEndsAt, bool forked) internal view {
        (,, uint256 bond, uint256 endsAt, bool over) = anchored.log(key, ORIGIN);
        VM.assertEq(bond, expected);
        VM.assertEq(endsAt, noticeEndsAt);
        VM.assertEq(over, forked);
        VM.assertEq(address(anchored).balance, expected);
    }

    // ------------------------------------------------------------------ memory

    function freeMemory() internal pure returns (uint256 free) {
        assembly ("memory-safe") {
            free := mload(0x40)
        }
    }

    /// @dev Thousands of calls would pay for the square of what they leave behind.
    function forget(uint256 free) internal pure {
        assembly ("memory-safe") {
            mstore(0x40, free)
        }
    }

    // ------------------------------------------------------------------ reasons

    function notNewer(uint64 stored, uint64 given) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ICheckpointAnchor.CheckpointNotNewer.selector, stored, given);
    }

    function notConsistent(uint64 oldSize, bytes32 oldRoot, uint64 size, bytes32 root)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(ICheckpointAnchor.NotConsistent.selector, oldSize, oldRoot, size, root);
    }

    function notIncluded(uint64 index, bytes32 root, bytes32 computed) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ICheckpointAnchor.NotIncluded.selector, index, root, computed);
    }

    function wrongSigner(address expected, address recovered) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ICheckpointAnchor.WrongSigner.selector, expected, recovered);
    }

    function logForked() internal view returns (bytes memory) {
        return abi.encodeWithSelector(ICheckpointAnchor.LogForked.selector, key, ORIGIN);
    }

    function paymentRefused(address to, uint256 amount) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ICheckpointAnchor.PaymentRefused.selector, to, amount);
    }

    function bondBound(uint256 noticeEndsAt) internal view returns (bytes memory) {
        return abi.encodeWithSelector(ICheckpointAnchor.BondBound.selector, noticeEndsAt, block.timestamp);
    }
}

/// @notice The cases of tests/vectors/anchor.json: two numbers of 8 bytes, two hashes, a proof.
library Case {
    function numbers(bytes memory told) internal pure returns (uint64 low, uint64 size) {
        bytes32 first = word(told, 0);
        return (uint64(uint256(first) >> 192), uint64(uint256(first) >> 128));
    }

    function hashes(bytes memory told) internal pure returns (bytes32 low, bytes32 root) {
        return (word(told, 16), word(told, 48));
    }

    function proof(bytes memory told) internal pure returns (bytes32[] memory elements) {
        elements = new bytes32[]((told.length - 80) / 32);
        for (uint256 i = 0; i < elements.length; i++) {
            elements[i] = word(told, 80 + 32 * i);
        }
    }

    function word(bytes memory told, uint256 from) private pure returns (bytes32 found) {
        assembly ("memory-safe") {
            found := mload(add(add(told, 0x20), from))
        }
    }
}
