// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Own, State, Terms} from "../../contracts/interfaces/Types.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {rootOf} from "./Tree.sol";

/// @notice Many deals of one pair, their trees built from what each deal's own terms would be.
abstract contract Series is Openings {
    uint256 internal constant MOST = 100;

    function setUp() public virtual override {
        super.setUp();
        fund(buyer, 1_000 * uint256(PRICE));
        fund(seller, 1_000 * uint256(BOND));
    }

    /// @dev Of any two deals, no member is the same; nor is a nonce of the buyer one of the seller.
    function ownsOf(uint256 size, uint256 first) internal pure returns (Own[] memory owns) {
        owns = new Own[](size);
        for (uint256 i = 0; i < size; i++) {
            uint256 nonce = first + i;
            owns[i] =
                Own(keccak256(abi.encode("subject", nonce)), keccak256(abi.encode("previous", nonce)), nonce, ~nonce);
        }
    }

    function ownsOf(uint256 size) internal pure returns (Own[] memory) {
        return ownsOf(size, 0);
    }

    /// @dev The same deals in other places: the one at i comes from places[i].
    function picked(Own[] memory owns, uint256[] memory places) internal pure returns (Own[] memory result) {
        result = new Own[](places.length);
        for (uint256 i = 0; i < places.length; i++) {
            result[i] = owns[places[i]];
        }
    }

    /// @dev One digit a place, from the left.
    function order(string memory digits) internal pure returns (uint256[] memory places) {
        places = new uint256[](bytes(digits).length);
        for (uint256 i = 0; i < places.length; i++) {
            places[i] = uint8(bytes(digits)[i]) - 0x30;
        }
    }

    function member(Terms memory terms, Own memory own) internal pure returns (Terms memory one) {
        one = copy(terms);
        (one.subject, one.previous) = (own.subject, own.previous);
        (one.buyerNonce, one.sellerNonce) = (own.buyerNonce, own.sellerNonce);
    }

    function leavesOf(Terms memory terms, Own[] memory owns) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](owns.length);
        for (uint256 i = 0; i < owns.length; i++) {
            leaves[i] = structHash(member(terms, owns[i]));
        }
    }

    function signSeries(uint256 key, Terms memory terms, Own[] memory owns) internal view returns (bytes memory) {
        return sign(key, bulkDigest(rootOf(leavesOf(terms, owns))));
    }

    function openSeries(Terms memory terms, Own[] memory owns) internal returns (bytes32[] memory deals) {
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, owns);
        bytes memory ofSeller = signSeries(SELLER_KEY, terms, owns);
        VM.prank(stranger);
        return escrow.openSeries(terms, owns, ofBuyer, ofSeller);
    }

    function encodeOpen(Terms memory terms, Own[] memory owns) internal view returns (bytes memory) {
        bytes memory ofBuyer = signSeries(BUYER_KEY, terms, owns);
        return abi.encodeCall(IEscrow.openSeries, (terms, owns, ofBuyer, signSeries(SELLER_KEY, terms, owns)));
    }

    function vouchSeries(uint256 key, Terms memory terms, Own[] memory owns, uint104 amount)
        internal
        view
        returns (bytes memory)
    {
        bytes32 typeHash = keccak256("Voucher(bytes32 deal,uint104 amount)");
        bytes32[] memory leaves = new bytes32[](owns.length);
        for (uint256 i = 0; i < owns.length; i++) {
            leaves[i] = keccak256(abi.encode(typeHash, escrow.digest(member(terms, owns[i])), amount));
        }
        return sign(key, bulkDigest(rootOf(leaves)));
    }

    function encodeRedeem(Terms memory terms, Own[] memory owns, uint104 amount) internal view returns (bytes memory) {
        bytes memory ofBuyer = vouchSeries(BUYER_KEY, terms, owns, amount);
        return abi.encodeCall(IEscrow.redeemSeries, (terms, owns, amount, ofBuyer));
    }

    function redeemSeries(Terms memory terms, Own[] memory owns, uint104 amount) internal {
        act(stranger, encodeRedeem(terms, owns, amount));
    }

    function deposit(address account, uint256 amount) internal {
        fund(account, amount);
        VM.prank(account);
        escrow.deposit(address(token), amount);
    }

    function opened(Terms memory terms, uint256 size, uint256 first)
        internal
        returns (Terms memory, Own[] memory owns)
    {
        owns = ownsOf(size, first);
        openSeries(terms, owns);
        return (terms, owns);
    }

    /// @dev What buyer, seller and recipient hold.
    function wallets() internal view returns (uint256[3] memory) {
        return [token.balanceOf(buyer), token.balanceOf(seller), token.balanceOf(recipient)];
    }

    function assertGained(uint256[3] memory before, uint256 toBuyer, uint256 toSeller, uint256 fee) internal view {
        uint256[3] memory now_ = wallets();
        VM.assertEq(now_[0] - before[0], toBuyer);
        VM.assertEq(now_[1] - before[1], toSeller);
        VM.assertEq(now_[2] - before[2], fee);
    }

    function balances() internal view returns (uint256 ofBuyer, uint256 ofSeller) {
        return (escrow.balance(address(token), buyer), escrow.balance(address(token), seller));
    }

    function assertBalances(uint256 ofBuyer, uint256 ofSeller) internal view {
        (uint256 heldByBuyer, uint256 heldBySeller) = balances();
        VM.assertEq(heldByBuyer, ofBuyer);
        VM.assertEq(heldBySeller, ofSeller);
    }

    function assertOne(Terms memory terms, Own memory own, State state, uint104 released) internal view {
        bytes32 deal = escrow.digest(member(terms, own));
        assertState(deal, state);
        VM.assertEq(escrow.position(deal).released, released);
    }

    function assertAll(Terms memory terms, Own[] memory owns, State state, uint104 released) internal view {
        for (uint256 i = 0; i < owns.length; i++) {
            assertOne(terms, owns[i], state, released);
        }
    }

    /// @dev Nothing is there to be at index zero.
    function indexOutside() internal pure returns (bytes memory) {
        return abi.encodeWithSignature("Panic(uint256)", 0x32);
    }
}
