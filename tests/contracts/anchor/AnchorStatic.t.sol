// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICheckpointAnchor} from "../../../contracts/interfaces/ICheckpointAnchor.sol";
import {VM, within} from "../Cheats.sol";
import {ANCHOR_VM, AnchorStage} from "./AnchorStage.sol";
import {Forest} from "./Forest.sol";

/// @notice Which of a target's functions the fuzzer leaves alone, as forge asks for them.
struct FuzzSelector {
    address target;
    bytes4[] selectors;
}

/// @notice Four logs of two keys and two origins, and everything that can be called on them, beside a book of what must be.
contract Logs is AnchorStage {
    struct Book {
        bytes32[] leaves;
        uint64 size;
        uint256 bond;
        uint256 endsAt;
        bool forked;
    }

    struct Name {
        address key;
        uint256 secret;
        bytes32 origin;
    }

    uint256 private constant LOGS = 4;
    uint256 private constant LARGEST = 40;
    Book[LOGS] private _books;
    uint256 private _in;
    uint256 private _out;

    function grow(uint256 which, uint64 more) external {
        (Book storage book, Name memory name) = pick(which);
        uint64 size = uint64(within(more, 1, 7)) + book.size;
        while (book.leaves.length < size) book.leaves.push(keccak256(abi.encode(which, book.leaves.length)));
        if (size > LARGEST) return;
        bytes32 root = Forest.root(book.leaves, 0, size);
        bytes32[] memory proof = book.size == 0 ? NONE : Forest.growth(book.leaves, book.size, size);
        bool done = told(stranger, 0, anchoring(name, size, root, proof));
        VM.assertEq(done, !book.forked);
        if (done) book.size = size;
    }

    /// @dev Anything else that the key may have signed: no larger, or another history.
    function rewrite(uint256 which, uint64 size, bytes32 root, bytes32[] calldata proof) external {
        (Book storage book, Name memory name) = pick(which);
        if (book.size == 0) return;
        VM.assertFalse(told(stranger, 0, anchoring(name, size, root, proof)));
    }

    function pay(uint256 which, uint64 amount) external {
        (Book storage book, Name memory name) = pick(which);
        ANCHOR_VM.deal(stranger, amount);
        bool done = told(stranger, amount, abi.encodeCall(ICheckpointAnchor.deposit, (name.key, name.origin)));
        VM.assertEq(done, !book.forked);
        if (!done) return;
        book.bond += amount;
        _in += amount;
    }

    function leaveLog(uint256 which) external {
        (Book storage book, Name memory name) = pick(which);
        bool done = told(name.key, 0, abi.encodeCall(ICheckpointAnchor.giveNotice, (name.origin)));
        VM.assertEq(done, !book.forked && book.endsAt == 0);
        if (done) book.endsAt = block.timestamp + NOTICE;
    }

    function take(uint256 which, uint32 later) external {
        VM.warp(block.timestamp + later % NOTICE);
        (Book storage book, Name memory name) = pick(which);
        bool done = told(name.key, 0, abi.encodeCall(ICheckpointAnchor.withdraw, (name.origin, treasury)));
        VM.assertEq(done, !book.forked && book.endsAt != 0 && book.endsAt <= block.timestamp);
        if (!done) return;
        _out += book.bond;
        (book.bond, book.endsAt) = (0, 0);
    }

    /// @dev Now and then, or nothing would be left to walk on.
    function fork(uint256 which, uint64 size, uint256 dice) external {
        if (dice % 8 != 0) return;
        (Book storage book, Name memory name) = pick(which);
        bytes memory one = signed(name.secret, name.origin, size, 0);
        bytes memory other = signed(name.secret, name.origin, size, ORIGIN);
        bytes memory call =
            abi.encodeCall(ICheckpointAnchor.proveFork, (name.key, name.origin, size, 0, one, ORIGIN, other));
        VM.assertEq(told(treasury, 0, call), !book.forked);
        if (book.forked) return;
        _out += book.bond;
        (book.bond, book.forked) = (0, true);
    }

    function check() external view {
        uint256 bonds;
        for (uint256 which = 0; which < LOGS; which++) {
            (Book storage book, Name memory name) = pick(which);
            (uint64 size, bytes32 root, uint256 bond,, bool forked) = anchored.log(name.key, name.origin);
            VM.assertEq(size, book.size);
            VM.assertEq(root, size == 0 ? bytes32(0) : Forest.root(book.leaves, 0, size));
            VM.assertEq(bond, book.bond);
            VM.assertEq(forked, book.forked);
            bonds += bond;
        }
        VM.assertEq(address(anchored).balance, bonds);
        VM.assertEq(_in - _out, bonds);
        VM.assertEq(treasury.balance + address(0).balance, _out);
    }

    function pick(uint256 which) private view returns (Book storage book, Name memory name) {
        which %= LOGS;
        book = _books[which];
        (name.key, name.secret) = which < 2 ? (key, KEY) : (otherKey, OTHER_KEY);
        name.origin = which % 2 == 0 ? ORIGIN : ELSEWHERE;
    }

    function anchoring(Name memory name, uint64 size, bytes32 root, bytes32[] memory proof)
        private
        view
        returns (bytes memory)
    {
        bytes memory signature = signed(name.secret, name.origin, size, root);
        return abi.encodeCall(ICheckpointAnchor.anchor, (name.key, name.origin, size, root, proof, signature));
    }

    function told(address caller, uint256 amount, bytes memory call) private returns (bool done) {
        VM.prank(caller);
        (done,) = address(anchored).call{value: amount}(call);
    }
}

/// @notice What no sequence of calls can break: a size never falls, a root is over the same leaves and more, and what the
/// anchor holds is the sum of the bonds.
contract AnchorStaticTest {
    Logs private _logs;

    function setUp() public {
        _logs = Logs(VM.deployCode("AnchorStatic.t.sol:Logs"));
        _logs.setUp();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_logs);
    }

    function excludeSelectors() public view returns (FuzzSelector[] memory selectors) {
        selectors = new FuzzSelector[](1);
        selectors[0] = FuzzSelector(address(_logs), new bytes4[](1));
        selectors[0].selectors[0] = _logs.setUp.selector;
    }

    /// @dev One invariant, because each would have a campaign of its own.
    function invariant_logs_grow_and_the_anchor_holds_the_sum_of_the_bonds() public view {
        _logs.check();
    }
}
