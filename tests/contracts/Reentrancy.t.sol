// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAccounts} from "../../contracts/interfaces/IAccounts.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Credits, Opening, Own, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {OpenItems} from "../../contracts/mocks/tokens/OpenItems.sol";
import {ReentrantToken} from "../../contracts/mocks/tokens/ReentrantToken.sol";
import {HookedWallet} from "../../contracts/mocks/wallets/HookedWallet.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {Operation, Scenes} from "./Scenes.sol";
import {IMintable} from "./Stage.sol";

bytes4 constant GUARD = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;

/// @notice A wallet that calls back while it is asked for its signature, and signs only if the guard stopped it.
contract ReentrantWallet is IERC1271 {
    address private _target;
    bytes private _attack;

    function prepare(address target, bytes calldata attack) external {
        _target = target;
        _attack = attack;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        (bool done, bytes memory said) = _target.staticcall(_attack);
        return !done && bytes4(said) == GUARD ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @notice No operation that moves money can be entered while another is under way: from the token, from a receiver of
/// items, or from a wallet that is asked for its signature. See Interleaving for the operations that have no guard.
contract ReentrancyTest is Scenes, Openings {
    uint256 private constant ATTACKS = 16;
    uint256 private constant ID = 3;

    ReentrantToken private reentrant;

    function setUp() public override {
        super.setUp();
        reentrant = new ReentrantToken();
        // The whole stage pays in it from here on; it has mint and approve as the other.
        token = IMintable(address(reentrant));
        fund(buyer, 1_000 * uint256(PRICE));
        fund(seller, 1_000 * uint256(PRICE));
    }

    function test_no_operation_can_be_entered_from_an_opening() public {
        for (uint256 i = 0; i < ATTACKS; i++) {
            Terms memory terms = offer();
            (terms.buyerNonce, terms.sellerNonce) = (i, i);
            enterFrom(stranger, abi.encodeCall(IEscrow.open, (signed(terms))), guarded(terms)[i]);
        }
    }

    function test_no_operation_can_be_entered_from_the_opening_of_a_bundle() public {
        for (uint256 i = 0; i < ATTACKS; i++) {
            Terms memory terms = offer();
            (terms.buyerNonce, terms.sellerNonce) = (i, i);
            terms.bundle = keccak256(abi.encode(structHash(terms)));
            Opening[] memory openings = new Opening[](1);
            openings[0] = signed(terms);
            enterFrom(stranger, abi.encodeCall(IEscrow.openBundle, (openings)), guarded(terms)[i]);
        }
    }

    function test_no_operation_can_be_entered_from_a_deposit_or_a_withdrawal() public {
        for (uint256 i = 0; i < ATTACKS; i++) {
            bytes memory call = abi.encodeCall(IAccounts.deposit, (address(token), 10));
            enterFrom(buyer, call, guarded(offer())[i]);
        }
        VM.prank(buyer);
        escrow.announce();
        VM.warp(START + 1 days);
        for (uint256 i = 0; i < ATTACKS; i++) {
            bytes memory call = abi.encodeCall(IAccounts.withdraw, (address(token), stranger, 1));
            enterFrom(buyer, call, guarded(offer())[i]);
        }
    }

    function test_no_operation_can_be_entered_from_a_release() public {
        enter(Rail.ESCROW, State.FUNDED, Operation.RELEASE, buyer);
        enter(Rail.EXCHANGE, State.DELIVERED, Operation.RELEASE, buyer);
    }

    function test_no_operation_can_be_entered_from_a_redemption() public {
        enter(Rail.METERED, State.FUNDED, Operation.REDEEM, stranger);
        enter(Rail.ESCROW, State.DISPUTED, Operation.REDEEM, stranger);
    }

    function test_no_operation_can_be_entered_from_a_claim() public {
        enter(Rail.ESCROW, State.DELIVERED, Operation.CLAIM, seller);
    }

    function test_no_operation_can_be_entered_from_a_refund() public {
        enter(Rail.ESCROW, State.FUNDED, Operation.REFUND, seller);
    }

    function test_no_operation_can_be_entered_from_a_dispute() public {
        enter(Rail.ESCROW, State.DELIVERED, Operation.DISPUTE, buyer);
    }

    function test_no_operation_can_be_entered_from_a_ruling() public {
        enter(Rail.ESCROW, State.DISPUTED, Operation.RESOLVE, umpire);
        enter(Rail.EXCHANGE, State.DELIVERED, Operation.RESOLVE, umpire);
    }

    function test_no_operation_can_be_entered_from_an_expiry() public {
        enter(Rail.ESCROW, State.DISPUTED, Operation.EXPIRE, stranger);
    }

    function test_no_operation_can_be_entered_from_a_settlement() public {
        enter(Rail.ESCROW, State.FUNDED, Operation.SETTLE, stranger);
    }

    function test_no_operation_can_be_entered_from_a_close() public {
        enter(Rail.METERED, State.NOTICED, Operation.CLOSE, seller);
    }

    function test_no_operation_can_be_entered_from_a_swap_by_money_or_by_items() public {
        OpenItems items = new OpenItems();
        HookedWallet wallet = new HookedWallet(buyer);
        keys[address(wallet)] = BUYER_KEY;
        fund(address(wallet), 100 * uint256(PRICE));
        items.mint(seller, ID, 100);
        VM.prank(seller);
        items.setApprovalForAll(address(escrow), true);
        Credits memory credits = Credits(address(items), true, ID, 1);
        for (uint256 i = 0; i < ATTACKS; i++) {
            Terms memory terms = atomic(credits, i);
            terms.buyer = address(wallet);
            wallet.prepare(address(escrow), guarded(terms)[i]);
            Opening memory opening = signed(terms);
            bytes memory call =
                abi.encodeCall(IEscrow.swap, (terms, credits, opening.buyerSignature, opening.sellerSignature));
            enterFrom(stranger, call, guarded(terms)[i]);
            assertGuarded(wallet.answer());
        }
    }

    function test_no_operation_can_be_entered_from_a_wallet_asked_for_its_signature() public {
        ReentrantWallet wallet = new ReentrantWallet();
        keys[address(wallet)] = BUYER_KEY;
        fund(address(wallet), 100 * uint256(PRICE));
        for (uint256 i = 0; i < ATTACKS; i++) {
            Terms memory terms = metered();
            (terms.buyer, terms.buyerNonce, terms.sellerNonce) = (address(wallet), i, i);
            wallet.prepare(address(escrow), guarded(terms)[i]);
            // A wallet that could enter would not sign: that all three succeed is the proof.
            bytes32 deal = open(terms);
            escrow.redeem(terms, CHARGE, "");
            (, bytes memory ofSeller) = settlement(deal, PRICE, BOND);
            escrow.settle(terms, PRICE, BOND, FOREVER, "", ofSeller);
            assertState(deal, State.SETTLED);
        }
    }

    /// @dev Every operation of the interface that calls somebody, on the deal that is under way.
    function guarded(Terms memory terms) private view returns (bytes[] memory calls) {
        calls = new bytes[](ATTACKS);
        Opening[] memory openings = new Opening[](1);
        openings[0] = Opening(terms, "", "", "", "");
        calls[0] = abi.encodeCall(IEscrow.open, (openings[0]));
        calls[1] = abi.encodeCall(IEscrow.openBundle, (openings));
        calls[2] = abi.encodeCall(IEscrow.swap, (terms, Credits(address(0), false, 0, 0), "", ""));
        calls[3] = abi.encodeCall(IAccounts.deposit, (address(token), 0));
        calls[4] = abi.encodeCall(IAccounts.withdraw, (address(token), stranger, 0));
        calls[5] = abi.encodeCall(IEscrow.openSeries, (terms, new Own[](1), "", ""));
        calls[6] = abi.encodeCall(IEscrow.redeemSeries, (terms, new Own[](1), CHARGE, ""));
        uint256 next = 7;
        for (uint8 each = uint8(Operation.RELEASE); each <= uint8(Operation.CLOSE); each++) {
            if (Operation(each) != Operation.NOTICE) calls[next++] = encode(Operation(each), terms);
        }
        assert(next == ATTACKS);
    }

    /// @dev A new deal in that state for each attack, and the operation with the attack inside.
    function enter(uint8 rail, State state, Operation operation, address caller) private {
        for (uint256 i = 0; i < ATTACKS; i++) {
            VM.warp(START);
            Terms memory terms = reach(rail, state);
            // The stake of the dispute to come, and the windows after which silence counts.
            fund(buyer, STAKE);
            if (operation == Operation.CLAIM) VM.warp(START + terms.reviewWindow);
            if (operation == Operation.EXPIRE) VM.warp(START + terms.arbitrationWindow);
            enterFrom(caller, encode(operation, terms), guarded(terms)[i]);
        }
    }

    function enterFrom(address caller, bytes memory call, bytes memory attack) private {
        // So that no earlier answer passes for this one.
        reentrant.prepare(address(this), abi.encodeCall(this.forget, ()));
        token.mint(stranger, 0);
        reentrant.prepare(address(escrow), attack);
        act(caller, call);
        assertGuarded(reentrant.answer());
        reentrant.prepare(address(0), "");
    }

    function forget() external pure {}

    function atomic(Credits memory credits, uint256 nonce) private view returns (Terms memory terms) {
        terms = offer();
        bytes32 typeHash = keccak256("Credits(address token,bool multi,uint256 id,uint256 amount)");
        (terms.rail, terms.goods) = (Rail.ATOMIC, keccak256(abi.encode(typeHash, credits)));
        (terms.bond, terms.deliveryWindow, terms.reviewWindow) = (0, 0, 0);
        (terms.buyerNonce, terms.sellerNonce) = (nonce, nonce);
    }

    function assertGuarded(bytes memory answer) private pure {
        VM.assertEq(answer, abi.encodeWithSelector(GUARD));
    }
}
