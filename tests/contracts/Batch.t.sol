// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, Rail, State, Terms} from "../../contracts/interfaces/Types.sol";
import {GasBurningToken} from "../../contracts/mocks/tokens/GasBurningToken.sol";
import {ReentrantToken} from "../../contracts/mocks/tokens/ReentrantToken.sol";
import {GasBurningWallet} from "../../contracts/mocks/wallets/GasBurningWallet.sol";
import {LOG_VM, Log} from "./Books.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {IMintable} from "./Stage.sol";

/// @notice What the tests ask of Batch, which is deployed by its artifact as the escrow is.
interface IBatch {
    struct Redemption {
        Terms terms;
        uint104 amount;
        bytes voucher;
    }

    event Skipped(uint256 index, bytes reason);

    event Stopped(uint256 index, uint256 left, uint256 needed);

    function escrow() external view returns (IEscrow);
    function openBatch(Opening[] calldata openings, uint256 gasEach) external returns (uint256 done);
    function redeemBatch(Redemption[] calldata redemptions, uint256 gasEach) external returns (uint256 done);
}

/// @notice A token that refuses with as many bytes as it was told to.
contract VerboseToken {
    uint256 private immutable _length;

    constructor(uint256 length) {
        _length = length;
    }

    function balanceOf(address) external view returns (uint256) {
        bytes memory words = new bytes(_length);
        for (uint256 i = 0; i < words.length; i++) {
            words[i] = bytes1(uint8(i + 1));
        }
        assembly ("memory-safe") {
            revert(add(words, 0x20), mload(words))
        }
    }
}

/// @notice A wallet that accepts everything, and takes its time.
contract SlowWallet is IERC1271 {
    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 digest, bytes calldata) external pure returns (bytes4) {
        for (uint256 i = 0; i < 4_000; i++) {
            digest = keccak256(abi.encode(digest));
        }
        return digest == 0 ? bytes4(0) : IERC1271.isValidSignature.selector;
    }
}

contract BatchTest is Openings {
    uint256 private constant GAS = 600_000;

    IBatch private batch;

    function setUp() public override {
        super.setUp();
        batch = IBatch(VM.deployCode("Batch.sol:Batch", abi.encode(escrow)));
        fund(buyer, 100 * uint256(PRICE));
        fund(seller, 100 * uint256(BOND));
    }

    function test_openBatch_opens_every_good_member() public {
        Opening[] memory openings = batchOf(5);
        VM.assertEq(batch.openBatch(openings, GAS), 5);
        assertOpened(openings, type(uint256).max);
        VM.assertEq(address(batch.escrow()), address(escrow));
    }

    function test_a_bad_member_is_skipped_with_its_reason_wherever_it_stands() public {
        for (uint256 poison = 0; poison < 3; poison++) {
            Opening[] memory openings = batchOf(3, 10 * poison);
            openings[poison].sellerSignature = openings[poison].buyerSignature;
            VM.expectEmit(address(batch));
            emit IBatch.Skipped(poison, wrongSigner(seller, buyer));
            VM.assertEq(batch.openBatch(openings, GAS), 2);
            assertOpened(openings, poison);
        }
    }

    function test_a_gas_burning_member_takes_its_own_allotment_and_no_more() public {
        GasBurningWallet burner = new GasBurningWallet();
        join(address(burner));
        for (uint256 poison = 0; poison < 3; poison++) {
            Opening[] memory openings = batchOf(3, 10 * poison);
            openings[poison].terms.seller = address(burner);
            // Enough for three allotments and what it takes to come there.
            VM.assertEq(batch.openBatch{gas: 3 * GAS + 150_000}(openings, GAS), 2);
            assertOpened(openings, poison);
        }
    }

    function test_a_batch_stops_where_too_little_gas_is_left_and_keeps_what_it_did() public {
        Opening[] memory openings = batchOf(3);
        // The first two have their allotment, the last has not: it is not tried, as it could fail for want of gas alone.
        VM.assertEq(batch.openBatch{gas: GAS + 200_000}(openings, GAS), 2);
        assertOpened(openings, 2);
        VM.assertFalse(escrow.nonceSpent(buyer, openings[2].terms.buyerNonce));
    }

    function test_a_batch_without_gas_for_one_allotment_tries_nobody() public {
        VM.assertEq(batch.openBatch(batchOf(1), 1 << 128), 0);
        VM.assertEq(batch.redeemBatch(redemptionsOf(1), 1 << 128), 0);
    }

    /// @dev The encoding of a long member is paid before its allotment is measured: with any gas it is opened or not tried.
    function test_a_long_member_that_is_tried_has_its_whole_allotment() public {
        address slow = join(address(new SlowWallet()));
        VM.prank(buyer);
        escrow.deposit(address(token), 50 * uint256(PRICE));
        (uint256 nonce, uint256 short, uint256 enough) = (0, GAS, 10 * GAS);
        while (enough - short > 100) {
            uint256 middle = (short + enough) / 2;
            if (openLong(slow, nonce, 20 * GAS, middle)) (enough, nonce) = (middle, nonce + 1);
            else short = middle;
        }
        LOG_VM.recordLogs();
        for (uint256 all = enough; !openLong(slow, nonce, all, enough); all += 2_000) {}
        Log[] memory logs = LOG_VM.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            VM.assertFalse(logs[i].topics[0] == IBatch.Skipped.selector);
        }
        VM.assertEq(logs[0].topics[0], IBatch.Stopped.selector);
    }

    function test_a_reason_is_cut_after_256_bytes() public {
        uint256[6] memory lengths = [uint256(0), 1, 255, 256, 257, 10_000];
        for (uint256 i = 0; i < lengths.length; i++) {
            Opening[] memory openings = batchOf(2, 10 * i);
            openings[0].terms.token = address(new VerboseToken(lengths[i]));
            openings[0] = signed(openings[0].terms);
            VM.expectEmit(address(batch));
            emit IBatch.Skipped(0, countingTo(lengths[i] < 256 ? lengths[i] : 256));
            VM.assertEq(batch.openBatch(openings, 4 * GAS), 1);
            assertOpened(openings, 0);
        }
    }

    function test_members_of_a_bundle_and_of_the_atomic_rail_are_skipped() public {
        Opening[] memory openings = batchOf(3);
        openings[0].terms.bundle = DELIVERABLE;
        openings[1].terms.rail = Rail.ATOMIC;
        VM.expectEmit(address(batch));
        emit IBatch.Skipped(0, wrongBundle(DELIVERABLE, 0));
        VM.expectEmit(address(batch));
        emit IBatch.Skipped(1, wrongRail(Rail.ATOMIC, Rail.ESCROW));
        VM.assertEq(batch.openBatch(openings, GAS), 1);
    }

    function test_a_member_twice_is_opened_once() public {
        Opening[] memory openings = batchOf(2);
        openings[1] = openings[0];
        VM.expectEmit(address(batch));
        emit IBatch.Skipped(1, nonceSpent(buyer, openings[0].terms.buyerNonce));
        VM.assertEq(batch.openBatch(openings, GAS), 1);
    }

    function test_a_batch_of_only_bad_members_and_a_batch_of_none_open_nothing() public {
        Opening[] memory openings = batchOf(2);
        (openings[0].buyerSignature, openings[1].buyerSignature) = (bytes(""), bytes(""));
        VM.assertEq(batch.openBatch(openings, GAS), 0);
        VM.assertEq(batch.openBatch(new Opening[](0), GAS), 0);
        VM.assertEq(batch.redeemBatch(new IBatch.Redemption[](0), GAS), 0);
    }

    /// @dev Members share memory, so that a short one comes to lie over the remains of a long one.
    function test_members_of_different_lengths_do_not_disturb_each_other() public {
        Opening[] memory openings = batchOf(4);
        openings[0].sellerSignature = new bytes(5_000);
        openings[2].buyerFunding = new bytes(3_001);
        VM.assertEq(batch.openBatch(openings, GAS), 2);
        assertState(escrow.digest(openings[1].terms), State.FUNDED);
        assertState(escrow.digest(openings[3].terms), State.FUNDED);
    }

    function test_a_member_that_calls_back_into_the_batch_opens_nothing_more() public {
        ReentrantToken reentrant = new ReentrantToken();
        Opening[] memory openings = batchOf(2);
        openings[0].terms.token = address(reentrant);
        openings[0] = signed(openings[0].terms);
        for (uint256 i = 0; i < 2; i++) {
            address payer = i == 0 ? buyer : seller;
            reentrant.mint(payer, PRICE);
            VM.prank(payer);
            reentrant.approve(address(escrow), PRICE);
        }
        Opening[] memory inner = new Opening[](1);
        inner[0] = openings[1];
        reentrant.prepare(address(batch), abi.encodeCall(IBatch.openBatch, (inner, GAS)));
        VM.assertEq(batch.openBatch(openings, 6 * GAS), 2);
        VM.assertEq(reentrant.answer(), abi.encode(0));
    }

    function test_redeemBatch_redeems_every_good_voucher_and_skips_the_bad() public {
        IBatch.Redemption[] memory all = redemptionsOf(5);
        all[1].voucher = voucher(SELLER_KEY, escrow.digest(all[1].terms), CHARGE);
        all[3].terms.price -= 1;
        VM.expectEmit(address(batch));
        emit IBatch.Skipped(1, wrongSigner(buyer, seller));
        VM.expectEmit(address(batch));
        emit IBatch.Skipped(3, wrongState(State.NONE, State.FUNDED));
        VM.assertEq(batch.redeemBatch(all, GAS), 3);
        assertHeld(recipient, 3 * 19_980);
        VM.assertEq(escrow.position(escrow.digest(all[4].terms)).released, CHARGE);
    }

    function test_redeemBatch_skips_a_voucher_that_was_redeemed() public {
        IBatch.Redemption[] memory all = redemptionsOf(2);
        escrow.redeem(all[0].terms, CHARGE, all[0].voucher);
        VM.expectEmit(address(batch));
        emit IBatch.Skipped(0, amountTooLow(CHARGE, uint256(CHARGE) + 1));
        VM.assertEq(batch.redeemBatch(all, GAS), 1);
    }

    function test_redeemBatch_whose_allotment_leaves_no_room_for_a_transfer_turns_no_payment_into_a_credit() public {
        IBatch.Redemption[] memory all = redemptionsOf(2);
        VM.assertEq(batch.redeemBatch(all, 200_000), 0);
        VM.assertEq(escrow.balance(address(token), seller), 0);
        VM.assertEq(escrow.position(escrow.digest(all[0].terms)).released, 0);
        VM.assertEq(batch.redeemBatch(all, GAS), 2);
    }

    /// @dev The worst member: delivered, so that it pays all three, and one or two of them burn what they get.
    function test_redeemBatch_with_the_allotments_of_its_page_pays_behind_receivers_that_burn_their_gas() public {
        for (uint256 burners = 0; burners < 3; burners++) {
            GasBurningToken burning = new GasBurningToken();
            token = IMintable(address(burning));
            fund(buyer, PRICE);
            fund(seller, BOND);
            Terms memory terms = offer();
            (terms.buyerNonce, terms.sellerNonce) = (burners, burners);
            bytes32 deal = open(terms);
            deliver(terms, CHARGE);
            if (burners > 0) burning.mark(seller, true);
            if (burners > 1) burning.mark(recipient, true);
            IBatch.Redemption[] memory one = new IBatch.Redemption[](1);
            one[0] = IBatch.Redemption(terms, CHARGE, voucher(deal, CHARGE));
            VM.assertEq(batch.redeemBatch(one, 320_000 + burners * 200_000), 1);
            assertState(deal, State.RELEASED);
        }
    }

    /// @dev Each transaction has 21,000 once; memory that grew would cost the larger batch 56,000 more than twice the other.
    function test_twice_as_many_members_cost_no_more_than_twice_the_gas() public {
        uint256[2] memory used;
        for (uint256 i = 0; i < 2; i++) {
            Opening[] memory openings = new Opening[](100 * (i + 1));
            for (uint256 k = 0; k < openings.length; k++) {
                openings[k].terms.bundle = "one that is not here";
            }
            used[i] = gasOf(abi.encodeCall(IBatch.openBatch, (openings, 60_000)));
        }
        VM.assertLe(used[1], 2 * used[0]);
    }

    function test_the_batch_has_no_rights_of_its_own() public {
        IBatch.Redemption[] memory one = redemptionsOf(1);
        bytes memory reason = wrongCaller(address(batch), buyer);
        refuse(address(batch), abi.encodeCall(IEscrow.release, (one[0].terms, CHARGE)), reason);
        VM.assertEq(token.balanceOf(address(batch)), 0);
        VM.assertEq(token.allowance(buyer, address(batch)), 0);
    }

    /// @dev Without the copy of its arguments that a call of the language makes.
    function gasOf(bytes memory data) private returns (uint256 used) {
        address target = address(batch);
        bool done;
        assembly ("memory-safe") {
            used := gas()
            done := call(gas(), target, 0, add(data, 0x20), mload(data), 0, 0)
            used := sub(used, gas())
        }
        VM.assertTrue(done);
    }

    function batchOf(uint256 count) private view returns (Opening[] memory) {
        return batchOf(count, 0);
    }

    function batchOf(uint256 count, uint256 first) private view returns (Opening[] memory openings) {
        openings = new Opening[](count);
        for (uint256 i = 0; i < count; i++) {
            Terms memory terms = offer();
            (terms.buyerNonce, terms.sellerNonce) = (first + i, first + i);
            openings[i] = signed(terms);
        }
    }

    /// @dev A bound buyer's funding is not read: these bytes cost nothing but their way.
    function openLong(address slow, uint256 nonce, uint256 all, uint256 gasEach) private returns (bool) {
        Opening[] memory openings = batchOf(1, nonce);
        openings[0].terms.seller = slow;
        openings[0] = signed(openings[0].terms);
        openings[0].buyerFunding = new bytes(60_000);
        (bool done, bytes memory said) =
            address(batch).call{gas: all}(abi.encodeCall(IBatch.openBatch, (openings, gasEach)));
        return done && abi.decode(said, (uint256)) == 1;
    }

    function redemptionsOf(uint256 count) private returns (IBatch.Redemption[] memory all) {
        all = new IBatch.Redemption[](count);
        for (uint256 i = 0; i < count; i++) {
            Terms memory terms = metered();
            (terms.buyerNonce, terms.sellerNonce) = (i, i);
            all[i] = IBatch.Redemption(terms, CHARGE, voucher(open(terms), CHARGE));
        }
    }

    function countingTo(uint256 length) private pure returns (bytes memory words) {
        words = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            words[i] = bytes1(uint8(i + 1));
        }
    }

    function assertOpened(Opening[] memory openings, uint256 but) private view {
        for (uint256 i = 0; i < openings.length; i++) {
            assertState(escrow.digest(openings[i].terms), i == but ? State.NONE : State.FUNDED);
        }
    }
}
