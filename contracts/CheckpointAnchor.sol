// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ICheckpointAnchor, Inclusion} from "./interfaces/ICheckpointAnchor.sol";
import {Rfc6962} from "./libraries/Rfc6962.sol";

/// @title CheckpointAnchor
/// @notice See ICheckpointAnchor, which holds the contract with the reader. No owner, no proxy, no pause, no guard: a log is
/// in its next state before anything is paid, and nothing is read after it.
contract CheckpointAnchor is ICheckpointAnchor, EIP712 {
    // ------------------------------------------------------------------ CONSTANTS

    /// @inheritdoc ICheckpointAnchor
    uint256 public constant NOTICE = 7 days;

    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0; // secp256k1's
    bytes32 private constant CHECKPOINT_TYPE_HASH = keccak256("Checkpoint(string origin,uint64 size,bytes32 root)");

    // ------------------------------------------------------------------ STORAGE

    /// @dev An anchor writes the first two slots, and reads no other.
    struct Log {
        bytes32 root;
        uint64 size;
        uint40 noticeEndsAt;
        bool forked;
        uint256 bond;
    }

    mapping(address key => mapping(bytes32 origin => Log)) private _logs;

    constructor() EIP712("Parley Log", "1") {}

    // ------------------------------------------------------------------ OPERATIONS

    /// @inheritdoc ICheckpointAnchor
    function anchor(
        address key,
        bytes32 origin,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external {
        Log storage held = _logs[key][origin];
        (uint64 stored, bool forked) = (held.size, held.forked);
        if (forked) revert LogForked(key, origin);
        if (size <= stored) revert CheckpointNotNewer(stored, size);
        _checkSigner(key, origin, size, root, signature);
        bytes32 storedRoot = held.root;
        bool proved = stored == 0 ? proof.length == 0 : Rfc6962.consistent(stored, storedRoot, size, root, proof);
        if (!proved) revert NotConsistent(stored, storedRoot, size, root);

        (held.size, held.root) = (size, root);
        emit Anchored(key, origin, size, root);
    }

    /// @inheritdoc ICheckpointAnchor
    function deposit(address key, bytes32 origin) external payable {
        _load(key, origin).bond += msg.value;
        emit Deposited(key, origin, msg.sender, msg.value);
    }

    /// @inheritdoc ICheckpointAnchor
    function giveNotice(bytes32 origin) external {
        Log storage held = _load(msg.sender, origin);
        uint256 endsAt = held.noticeEndsAt;
        if (endsAt != 0) revert NoticeRunning(endsAt, block.timestamp);
        endsAt = block.timestamp + NOTICE;
        held.noticeEndsAt = uint40(endsAt);
        emit NoticeGiven(msg.sender, origin, endsAt);
    }

    /// @inheritdoc ICheckpointAnchor
    function withdraw(bytes32 origin, address payable to) external {
        Log storage held = _load(msg.sender, origin);
        uint256 endsAt = held.noticeEndsAt;
        if (endsAt == 0 || block.timestamp < endsAt) revert BondBound(endsAt, block.timestamp);
        uint256 bond = held.bond;
        (held.bond, held.noticeEndsAt) = (0, 0);
        emit Withdrawn(msg.sender, origin, to, bond);

        _pay(to, bond);
    }

    /// @inheritdoc ICheckpointAnchor
    function proveFork(
        address key,
        bytes32 origin,
        uint64 size,
        bytes32 rootA,
        bytes calldata signatureA,
        bytes32 rootB,
        bytes calldata signatureB
    ) external {
        Log storage held = _load(key, origin);
        if (rootA == rootB) revert ForkUnproved(rootA, rootB);
        _checkSigner(key, origin, size, rootA, signatureA);
        _checkSigner(key, origin, size, rootB, signatureB);
        _end(held, key, origin);
    }

    /// @inheritdoc ICheckpointAnchor
    function proveRewrite(address key, bytes32 origin, uint64 index, Inclusion calldata one, Inclusion calldata other)
        external
    {
        Log storage held = _load(key, origin);
        if (one.leafHash == other.leafHash) revert ForkUnproved(one.leafHash, other.leafHash);
        _checkInclusion(key, origin, index, one);
        _checkInclusion(key, origin, index, other);
        _end(held, key, origin);
    }

    // ------------------------------------------------------------------ VIEWS

    /// @inheritdoc ICheckpointAnchor
    function log(address key, bytes32 origin)
        external
        view
        returns (uint64 size, bytes32 root, uint256 bond, uint256 noticeEndsAt, bool forked)
    {
        Log storage held = _logs[key][origin];
        return (held.size, held.root, held.bond, held.noticeEndsAt, held.forked);
    }

    /// @inheritdoc ICheckpointAnchor
    function checkpointDigest(bytes32 origin, uint64 size, bytes32 root) public view returns (bytes32) {
        (bytes32 typeHash, bytes32 named, bytes32 structHash) = (CHECKPOINT_TYPE_HASH, origin, 0);
        // Behind the free memory: to allocate what abi.encode would takes more gas than to hash it.
        assembly ("memory-safe") {
            let words := mload(0x40)
            mstore(words, typeHash)
            mstore(add(words, 0x20), named)
            mstore(add(words, 0x40), size)
            mstore(add(words, 0x60), root)
            structHash := keccak256(words, 0x80)
        }
        return _hashTypedDataV4(structHash);
    }

    // ------------------------------------------------------------------ INTERNAL

    function _load(address key, bytes32 origin) private view returns (Log storage held) {
        held = _logs[key][origin];
        if (held.forked) revert LogForked(key, origin);
    }

    /// @dev Zero is what a malformed signature recovers to, and no key: a log of the zero address has no signer.
    function _checkSigner(address key, bytes32 origin, uint64 size, bytes32 root, bytes calldata signature)
        private
        view
    {
        address recovered = _recover(checkpointDigest(origin, size, root), signature);
        if (recovered != key || recovered == address(0)) revert WrongSigner(key, recovered);
    }

    /// @dev The one canonical form, and of keys alone: so little that OpenZeppelin's ways for all forms cost more than it.
    function _recover(bytes32 digest, bytes calldata signature) private pure returns (address) {
        if (signature.length != 65) return address(0);
        (bytes32 r, bytes32 s, uint8 v) = (0, 0, 0);
        assembly ("memory-safe") {
            r := calldataload(signature.offset)
            s := calldataload(add(signature.offset, 0x20))
            v := byte(0, calldataload(add(signature.offset, 0x40)))
        }
        // Its twin is as good a signature for ecrecover, which answers zero to any v but 27 and 28 by itself.
        if (uint256(s) > HALF_ORDER) return address(0);
        return ecrecover(digest, v, r, s);
    }

    function _checkInclusion(address key, bytes32 origin, uint64 index, Inclusion calldata told) private view {
        _checkSigner(key, origin, told.size, told.root, told.signature);
        (bool proved, bytes32 computed) = Rfc6962.rootWith(index, told.leafHash, told.size, told.proof);
        if (!proved || computed != told.root) revert NotIncluded(index, told.root, computed);
    }

    /// @dev What both proofs come to. The zero address takes coin everywhere and has no code: what it gets is nobody's.
    function _end(Log storage held, address key, bytes32 origin) private {
        uint256 bond = held.bond;
        uint256 paid = bond / 2;
        (held.bond, held.forked) = (0, true);
        emit Forked(key, origin, msg.sender, bond - paid, paid);

        _pay(payable(address(0)), bond - paid);
        _pay(payable(msg.sender), paid);
    }

    /// @dev To whom the key says, or the one who has shown a fork: both are whoever they like, and get all the gas there is.
    // slither-disable-start arbitrary-send-eth,low-level-calls
    function _pay(address payable to, uint256 amount) private {
        if (amount == 0) return;
        (bool done,) = to.call{value: amount}("");
        if (!done) revert PaymentRefused(to, amount);
    }
    // slither-disable-end arbitrary-send-eth,low-level-calls
}
