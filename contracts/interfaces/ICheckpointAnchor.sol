// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice A signed checkpoint, and which leaf it has at some index.
struct Inclusion {
    uint64 size;
    bytes32 root;
    bytes signature;
    bytes32 leafHash;
    bytes32[] proof;
}

/// @title A witness of logs
/// @notice A log is named by its key, an address, and its origin, the keccak256 of a line of text. Of each log the anchor
/// keeps the last checkpoint, and takes another only if it is larger, signed by the key, and proved to begin with the last
/// one. Two signed words of one log that contradict each other burn half of its bond, pay half to whoever shows them, and
/// end the log here.
/// WARNING: a bond is worth something only while no notice runs, or until the notice ends: read `noticeEndsAt` with it. A
/// notice that has ended stays so until a withdrawal, whatever is deposited meanwhile.
/// WARNING: only what is signed in this chain's domain counts. What the key signs for another chain, or a note that it signs
/// by another algorithm, proves nothing here: take no checkpoint without this signature.
/// WARNING: the key is the log's whole identity. Who steals it can burn the bond, and nobody can replace it.
interface ICheckpointAnchor {
    // ------------------------------------------------------------------ EVENTS

    /// @notice The log's checkpoint is from now on the one of `size` leaves.
    event Anchored(address indexed key, bytes32 indexed origin, uint64 size, bytes32 root);

    /// @notice `from` added `amount` to the log's bond.
    event Deposited(address indexed key, bytes32 indexed origin, address indexed from, uint256 amount);

    /// @notice The key may withdraw the log's bond from `noticeEndsAt` on.
    event NoticeGiven(address indexed key, bytes32 indexed origin, uint256 noticeEndsAt);

    /// @notice The log's whole bond went to `to`, and the notice is over.
    event Withdrawn(address indexed key, bytes32 indexed origin, address indexed to, uint256 amount);

    /// @notice `by` has shown that the log's key contradicts itself.
    event Forked(address indexed key, bytes32 indexed origin, address indexed by, uint256 burnt, uint256 paid);

    // ------------------------------------------------------------------ ERRORS

    /// @notice The log's key was shown to contradict itself: there is nothing to be done with this log any more.
    error LogForked(address key, bytes32 origin);

    /// @notice The checkpoint has no more leaves than the stored one. Of equal size and another root, it is a fork.
    error CheckpointNotNewer(uint64 stored, uint64 given);

    /// @notice `recovered` signed this checkpoint and not the log's key; zero: the signature is malformed.
    error WrongSigner(address expected, address recovered);

    /// @notice The proof does not show that the given checkpoint begins with the stored one. A log's first one has no proof.
    error NotConsistent(uint64 oldSize, bytes32 oldRoot, uint64 size, bytes32 root);

    /// @notice The proof leads from the leaf at `index` to another root than the signed one, or to none: then it is zero.
    error NotIncluded(uint64 index, bytes32 root, bytes32 computed);

    /// @notice The two roots, or the two leaf hashes, are one: nothing contradicts anything.
    error ForkUnproved(bytes32 first, bytes32 second);

    /// @notice A notice was given already: twice neither shortens nor lengthens it.
    error NoticeRunning(uint256 noticeEndsAt, uint256 blockTime);

    /// @notice The bond stays until a notice has ended; zero: none was given.
    error BondBound(uint256 noticeEndsAt, uint256 blockTime);

    /// @notice `to` does not take the coin: name another account, or call from another.
    error PaymentRefused(address to, uint256 amount);

    // ------------------------------------------------------------------ OPERATIONS

    /// @notice Makes a larger checkpoint the log's last one. Anyone may bring it.
    /// @param proof the RFC 6962 consistency proof from the stored size; empty for a log's first checkpoint
    /// @param signature the key's, 65 bytes r, s, v with low s and v of 27 or 28, over `checkpointDigest`. The key is a key:
    /// no code is asked (ERC-1271), for an answer that changes would make no lasting witness
    function anchor(
        address key,
        bytes32 origin,
        uint64 size,
        bytes32 root,
        bytes32[] calldata proof,
        bytes calldata signature
    ) external;

    /// @notice Adds the coin that comes with the call to a log's bond, whoever calls. It is the key's from then on.
    function deposit(address key, bytes32 origin) external payable;

    /// @notice The caller, the log's key, says that it leaves: NOTICE from now it may withdraw. Until then a fork burns.
    function giveNotice(bytes32 origin) external;

    /// @notice Pays the whole bond of the caller's log to `to` once its notice has ended, and ends the notice.
    function withdraw(bytes32 origin, address payable to) external;

    /// @notice Two signed checkpoints of one size and different roots. Half of the bond is burnt, an odd unit with it, half
    /// is the caller's. WARNING: whoever sees the call under way can make it in front of the caller, the log's operator too;
    /// it gets half back at most.
    function proveFork(
        address key,
        bytes32 origin,
        uint64 size,
        bytes32 rootA,
        bytes calldata signatureA,
        bytes32 rootB,
        bytes calldata signatureB
    ) external;

    /// @notice Two signed checkpoints of whatever sizes that have different leaves at one index; the same consequence. An
    /// operator who never signs one size twice is caught by this.
    function proveRewrite(address key, bytes32 origin, uint64 index, Inclusion calldata one, Inclusion calldata other)
        external;

    // ------------------------------------------------------------------ VIEWS

    /// @notice How long a bond stays after its key has given notice, in seconds.
    // In capitals, for it is a constant.
    // slither-disable-next-line naming-convention
    function NOTICE() external view returns (uint256);

    /// @notice What is kept of a log: nothing but zeros, where nobody has named it yet.
    /// @return size of the last checkpoint
    /// @return root of the last checkpoint
    /// @return bond in the chain's smallest unit
    /// @return noticeEndsAt from when on the key may withdraw; 0: no notice was given
    /// @return forked whether the key was shown to contradict itself
    function log(address key, bytes32 origin)
        external
        view
        returns (uint64 size, bytes32 root, uint256 bond, uint256 noticeEndsAt, bool forked);

    /// @notice What a log's key signs: the EIP-712 digest of Checkpoint(string origin,uint64 size,bytes32 root), where
    /// `origin` comes hashed. The domain follows the chain's id: where that changes, what was signed before is void.
    function checkpointDigest(bytes32 origin, uint64 size, bytes32 root) external view returns (bytes32);
}
