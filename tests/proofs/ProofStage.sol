// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Escrow} from "../../contracts/Escrow.sol";
import {Opening, Rail, Terms} from "../../contracts/interfaces/Types.sol";
import {OpenToken} from "../../contracts/mocks/tokens/OpenToken.sol";
import {VM} from "../contracts/Cheats.sol";

/// @notice Signs whatever it is shown (ERC-1271): a proof reaches any deal without a signature, which no solver finds.
contract Assenter {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }
}

/// @notice A deal of any figures between two parties of a token that others have money of in the escrow, too.
abstract contract ProofStage {
    /// @dev All that a party can choose and that money depends on; the solver chooses it.
    struct Figures {
        uint104 price;
        uint104 bond;
        uint104 arbiterFee;
        uint16 feeBps;
        uint16 defaultSellerBps;
        uint40 openedAt;
        uint32 deliveryWindow;
        uint32 reviewWindow;
        uint32 arbitrationWindow;
    }

    address internal constant RECIPIENT = address(0xfee);
    address internal constant ARBITER = address(0xa4b1);
    uint256 internal constant OTHERS = 1e40;
    /// @dev No key's, for its s is too high: the wallets are asked at once, and the solver need not guess what is recovered.
    bytes internal constant UNRECOVERABLE = abi.encodePacked(uint256(1), type(uint256).max, uint8(27));

    Escrow internal escrow;
    OpenToken internal token;
    address internal buyer;
    address internal seller;

    function setUp() public {
        escrow = new Escrow();
        token = new OpenToken();
        token.mint(address(escrow), OTHERS);
        (buyer, seller) = (join(), join());
    }

    function disputable(Figures memory figures) internal view returns (Terms memory terms) {
        (terms.buyer, terms.seller, terms.token) = (buyer, seller, address(token));
        (terms.feeRecipient, terms.feeBps) = (RECIPIENT, figures.feeBps);
        (terms.price, terms.bond) = (figures.price, figures.bond);
        terms.openBy = type(uint40).max;
        (terms.deliveryWindow, terms.reviewWindow) = (figures.deliveryWindow, figures.reviewWindow);
        (terms.arbiter, terms.arbiterFee) = (ARBITER, figures.arbiterFee);
        (terms.arbitrationWindow, terms.defaultSellerBps) = (figures.arbitrationWindow, figures.defaultSellerBps);
    }

    function metered(Figures memory figures) internal view returns (Terms memory terms) {
        terms = disputable(figures);
        terms.rail = Rail.METERED;
        (terms.arbiter, terms.arbiterFee, terms.arbitrationWindow, terms.defaultSellerBps) = (address(0), 0, 0, 0);
    }

    function open(Terms memory terms, uint40 openedAt) internal {
        token.mint(buyer, terms.price);
        token.mint(seller, terms.bond);
        VM.warp(openedAt);
        escrow.open(Opening(terms, UNRECOVERABLE, UNRECOVERABLE, "", ""));
    }

    function release(Terms memory terms, uint104 amount) internal {
        VM.prank(buyer);
        escrow.release(terms, amount);
    }

    function deliver(Terms memory terms, uint104 charge) internal {
        VM.prank(seller);
        escrow.deliver(terms, bytes32(uint256(1)), charge);
    }

    function dispute(Terms memory terms) internal {
        token.mint(buyer, terms.arbiterFee);
        VM.prank(buyer);
        escrow.dispute(terms, 0);
    }

    /// @dev The deal is over: nothing of it is in the escrow, nothing else is gone, and who has it are its own.
    function assertConserved(uint256 paidIn) internal view {
        uint256 owed = credit(buyer) + credit(seller) + credit(RECIPIENT) + credit(ARBITER);
        assert(token.balanceOf(address(escrow)) == OTHERS + owed);
        assert(holding(buyer) + holding(seller) + holding(RECIPIENT) + holding(ARBITER) == paidIn);
    }

    /// @dev What an account has or may withdraw. Nobody had anything but what it paid in.
    function holding(address account) internal view returns (uint256) {
        return token.balanceOf(account) + credit(account);
    }

    function credit(address account) private view returns (uint256) {
        return escrow.balance(address(token), account);
    }

    function join() private returns (address account) {
        account = address(new Assenter());
        VM.prank(account);
        token.approve(address(escrow), type(uint256).max);
    }
}
