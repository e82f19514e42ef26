// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CreditToken} from "../../contracts/CreditToken.sol";
import {Escrow} from "../../contracts/Escrow.sol";
import {IEscrow, State, Terms} from "../../contracts/interfaces/IEscrow.sol";
import {VM} from "./Cheats.sol";

/// @notice The cast and one deal between them. The figures are odd, so that no two of them meet by accident.
abstract contract Stage {
    uint256 internal constant BUYER_KEY = 0xb001;
    uint256 internal constant SELLER_KEY = 0x5e11;
    uint40 internal constant START = 1_800_000_000;
    uint128 internal constant PRICE = 1_000_003;
    uint128 internal constant BOND = 50_021;
    uint128 internal constant CHARGE = 600_007;
    bytes32 internal constant DELIVERABLE = keccak256("what was delivered");

    address internal immutable buyer = VM.addr(BUYER_KEY);
    address internal immutable seller = VM.addr(SELLER_KEY);
    address internal immutable recipient = address(0xfee);
    address internal immutable stranger = address(0x57a6e);

    Escrow internal escrow;
    CreditToken internal token;

    function setUp() public virtual {
        VM.warp(START);
        escrow = new Escrow();
        token = new CreditToken(address(this));
        fund(buyer, PRICE);
        fund(seller, BOND);
    }

    function fund(address account, uint256 amount) internal {
        token.mint(account, amount);
        VM.prank(account);
        token.approve(address(escrow), type(uint256).max);
    }

    function offer() internal view returns (Terms memory terms) {
        terms.buyer = buyer;
        terms.seller = seller;
        terms.token = address(token);
        terms.price = PRICE;
        terms.bond = BOND;
        terms.feeBps = 333;
        terms.feeRecipient = recipient;
        terms.openBy = START + 600;
        terms.deliveryWindow = 3_600;
        terms.reviewWindow = 1_800;
        terms.subject = keccak256("the full outcome");
        terms.previous = keccak256("the message before");
        terms.buyerNonce = 0x105;
        terms.sellerNonce = 0x2fe;
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function open(Terms memory terms) internal returns (bytes32 deal) {
        deal = escrow.digest(terms);
        bytes memory buyerSignature = sign(BUYER_KEY, deal);
        bytes memory sellerSignature = sign(SELLER_KEY, deal);
        VM.prank(stranger);
        escrow.open(terms, buyerSignature, sellerSignature);
    }

    function refuseOpen(Terms memory terms, bytes memory reason) internal {
        bytes32 deal = escrow.digest(terms);
        refuseOpen(terms, sign(BUYER_KEY, deal), sign(SELLER_KEY, deal), reason);
    }

    function refuseOpen(Terms memory terms, bytes memory ofBuyer, bytes memory ofSeller, bytes memory reason) internal {
        VM.expectRevert(reason);
        escrow.open(terms, ofBuyer, ofSeller);
    }

    function deliver(Terms memory terms, uint128 charge) internal {
        VM.prank(terms.seller);
        escrow.deliver(terms, DELIVERABLE, charge);
    }

    function assertState(bytes32 deal, State expected) internal view {
        VM.assertEq(uint8(escrow.position(deal).state), uint8(expected));
    }

    function assertHeld(address account, uint256 expected) internal view {
        VM.assertEq(token.balanceOf(account), expected);
    }

    /// @dev No money stays behind, whoever got it.
    function assertPaid(uint256 toBuyer, uint256 toSeller, uint256 fee) internal view {
        assertHeld(buyer, toBuyer);
        assertHeld(seller, toSeller);
        assertHeld(recipient, fee);
        assertHeld(address(escrow), 0);
    }

    function wrongState(State actual, State required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongState.selector, uint8(actual), uint8(required));
    }

    function wrongCaller(address caller, address required) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(IEscrow.WrongCaller.selector, caller, required);
    }
}
