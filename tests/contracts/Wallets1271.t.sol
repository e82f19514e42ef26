// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IEscrow} from "../../contracts/interfaces/IEscrow.sol";
import {Opening, State, Terms} from "../../contracts/interfaces/Types.sol";
import {SmartWallet} from "../../contracts/mocks/SmartWallet.sol";
import {DelegateWallet} from "../../contracts/mocks/wallets/DelegateWallet.sol";
import {FickleWallet} from "../../contracts/mocks/wallets/FickleWallet.sol";
import {GarbledWallet} from "../../contracts/mocks/wallets/GarbledWallet.sol";
import {GasBurningWallet} from "../../contracts/mocks/wallets/GasBurningWallet.sol";
import {VM} from "./Cheats.sol";
import {Openings} from "./Openings.sol";
import {FOREIGN_VM} from "./foreign/ForeignCheats.sol";

/// @notice Parties with code: what a wallet answers when it is asked counts, then and there; an account that only borrows
/// its code (EIP-7702) may sign with its key as before.
contract Wallets1271Test is Openings {
    bytes4 private constant MAGIC = IERC1271.isValidSignature.selector;

    FickleWallet private _fickle;

    function setUp() public override {
        super.setUp();
        _fickle = new FickleWallet();
        join(address(_fickle));
    }

    // ------------------------------------------------------------------ wallets

    function test_a_wallet_that_accepts_opens_as_buyer_and_as_seller_with_any_bytes() public {
        for (uint256 length = 0; length < 200; length += 33) {
            Opening memory opening = signed(bought(address(_fickle), length));
            opening.buyerSignature = new bytes(length);
            fund(address(_fickle), PRICE);
            openFor(opening);
            opening = signed(sold(address(_fickle), length));
            opening.sellerSignature = new bytes(length);
            fund(buyer, PRICE);
            openFor(opening);
        }
    }

    function test_a_wallet_that_declines_opens_nothing_though_its_bytes_are_the_same() public {
        _fickle.decide(false);
        Opening memory opening = signed(bought(address(_fickle), 1));
        refuseFor(opening, wrongSigner(address(_fickle), buyer));
        opening = signed(sold(address(_fickle), 1));
        refuseFor(opening, wrongSigner(address(_fickle), seller));
        _fickle.decide(true);
        openFor(opening);
    }

    function test_a_wallet_that_takes_its_word_back_before_the_opening_is_not_held_to_it() public {
        Opening memory opening = signed(bought(address(_fickle), 1));
        opening.buyerSignature = "";
        VM.assertEq(escrow.feasible(opening.terms), escrow.digest(opening.terms));
        _fickle.decide(false);
        refuseFor(opening, wrongSigner(address(_fickle), address(0)));
    }

    function test_a_wallet_that_takes_its_word_back_after_the_opening_is_held_to_the_deal() public {
        Terms memory terms = bought(address(_fickle), 1);
        Opening memory opening = signed(terms);
        openFor(opening);
        _fickle.decide(false);
        deliver(terms, PRICE);
        VM.warp(START + terms.reviewWindow);
        act(seller, abi.encodeCall(IEscrow.claim, (terms)));
        assertState(escrow.digest(terms), State.RELEASED);
    }

    function test_a_wallet_is_asked_again_for_each_voucher_and_each_settlement() public {
        Terms memory terms = bought(address(_fickle), 1);
        openFor(signed(terms));
        (, bytes memory ofSeller) = settlement(escrow.digest(terms), CHARGE, 0, type(uint40).max);
        bytes memory redeem = abi.encodeCall(IEscrow.redeem, (terms, CHARGE, ""));
        bytes memory settle = abi.encodeCall(IEscrow.settle, (terms, CHARGE, 0, type(uint40).max, "", ofSeller));
        _fickle.decide(false);
        refuse(seller, redeem, wrongSigner(address(_fickle), address(0)));
        refuse(stranger, settle, wrongSigner(address(_fickle), address(0)));
        _fickle.decide(true);
        act(seller, redeem);
        _fickle.decide(false);
        // What was redeemed stays so: an answer is not asked for twice.
        VM.assertEq(escrow.position(escrow.digest(terms)).released, CHARGE);
        refuse(stranger, settle, wrongSigner(address(_fickle), address(0)));
        _fickle.decide(true);
        act(stranger, settle);
        assertState(escrow.digest(terms), State.SETTLED);
    }

    function test_a_wallet_that_named_a_key_for_vouchers_is_not_asked() public {
        Terms memory terms = bought(address(_fickle), 1);
        terms.voucherSigner = voucherSigner;
        openFor(signed(terms));
        bytes32 deal = escrow.digest(terms);
        bytes memory call = abi.encodeCall(IEscrow.redeem, (terms, CHARGE, ""));
        refuse(stranger, call, wrongSigner(voucherSigner, address(0)));
        _fickle.decide(false);
        act(stranger, abi.encodeCall(IEscrow.redeem, (terms, CHARGE, voucher(VOUCHER_KEY, deal, CHARGE))));
    }

    function test_a_wallet_signs_with_the_key_that_it_trusts_and_no_other() public {
        address wallet = join(address(new SmartWallet(voucherSigner)));
        Opening memory opening = signed(bought(wallet, 1), VOUCHER_KEY, SELLER_KEY);
        bytes memory good = opening.buyerSignature;
        opening.buyerSignature = sign(BUYER_KEY, escrow.digest(opening.terms));
        refuseFor(opening, wrongSigner(wallet, buyer));
        opening.buyerSignature = good;
        openFor(opening);
    }

    function test_the_magic_value_counts_as_a_whole_word_with_nothing_behind_it() public {
        refuseAnswer("");
        refuseAnswer(abi.encodePacked(MAGIC));
        refuseAnswer(abi.encodePacked(MAGIC, new bytes(27)));
        refuseAnswer(abi.encodePacked(MAGIC, bytes28(uint224(1))));
        refuseAnswer(abi.encodePacked(bytes28(0), MAGIC));
        refuseAnswer(abi.encode(true));
        acceptAnswer(abi.encode(MAGIC));
        acceptAnswer(abi.encode(MAGIC, keccak256("garbage")));
    }

    function testFuzz_no_other_answer_is_a_yes(bytes memory answer) public {
        if (answer.length >= 32 && bytes32(answer) == bytes32(MAGIC)) answer[31] = 0x01;
        refuseAnswer(answer);
    }

    function test_a_wallet_that_answers_with_a_megabyte_costs_no_copy_of_it() public {
        Opening memory opening = signed(bought(join(address(new LoudWallet())), 1));
        uint256 before = gasleft();
        openFor(opening);
        // A megabyte takes 2.2 million of who answers; who copied it would pay them again.
        VM.assertLe(before - gasleft(), 3_000_000);
    }

    function test_a_wallet_that_burns_its_gas_opens_nothing_and_leaves_a_64th_to_say_so() public {
        address wallet = join(address(new GasBurningWallet()));
        Opening memory opening = signed(bought(wallet, 1));
        VM.prank(stranger);
        (bool done, bytes memory said) = address(escrow).call{gas: 5_000_000}(abi.encodeCall(IEscrow.open, (opening)));
        VM.assertFalse(done);
        VM.assertEq(said, wrongSigner(wallet, buyer));
        VM.assertFalse(escrow.nonceSpent(wallet, 1));
    }

    function test_an_account_without_code_answers_nothing() public {
        Opening memory opening = signed(bought(join(address(0x0c0de)), 1));
        refuseFor(opening, wrongSigner(address(0x0c0de), buyer));
        opening.buyerSignature = "";
        refuseFor(opening, wrongSigner(address(0x0c0de), address(0)));
    }

    // ------------------------------------------------------------------ what a wallet sees

    function test_a_wallet_that_signs_an_open_offer_sees_what_stands_before_the_tail() public {
        bytes[3] memory said = [bytes(""), hex"c0ffee", new bytes(65)];
        for (uint256 i = 0; i < said.length; i++) {
            Terms memory terms = sold(address(_fickle), i);
            bytes32 digest = typedDigest(structHash(unnamed(terms)));
            VM.expectCall(address(_fickle), abi.encodeCall(IERC1271.isValidSignature, (digest, said[i])), 1);
            Opening memory opening = signed(terms);
            opening.sellerSignature = withTail(said[i], 1, 0);
            fund(buyer, PRICE);
            openFor(opening);
        }
    }

    function test_a_wallet_without_a_word_of_its_own_signs_a_tree() public {
        Terms memory terms = bought(address(_fickle), 1);
        bytes32[] memory siblings = new bytes32[](1);
        siblings[0] = keccak256("the terms beside");
        bytes32 leaf = structHash(terms);
        bytes32 root =
            leaf < siblings[0] ? keccak256(abi.encode(leaf, siblings[0])) : keccak256(abi.encode(siblings[0], leaf));
        bytes memory asked = abi.encodeCall(IERC1271.isValidSignature, (bulkDigest(root), ""));
        VM.expectCall(address(_fickle), asked, 1);
        Opening memory opening = signed(terms);
        opening.buyerSignature = withProof("", siblings, false);
        openFor(opening);
    }

    function test_a_wallets_own_bytes_that_end_like_a_tail_without_the_tag_are_its_own() public {
        Terms memory terms = bought(address(_fickle), 1);
        bytes memory said = abi.encodePacked(keccak256("a module's"), ~TAG, uint64(1), uint64(0));
        bytes memory asked = abi.encodeCall(IERC1271.isValidSignature, (escrow.digest(terms), said));
        VM.expectCall(address(_fickle), asked, 1);
        Opening memory opening = signed(terms);
        opening.buyerSignature = said;
        openFor(opening);
    }

    // ------------------------------------------------------------------ accounts that borrow code

    function test_a_delegated_account_signs_with_its_key_whatever_its_code_says() public {
        delegate(BUYER_KEY, address(new GarbledWallet("")));
        openFor(signed(offer()));
    }

    function test_a_delegated_account_signs_by_its_code_where_its_key_did_not() public {
        delegate(BUYER_KEY, address(_fickle));
        // Its answer is in its own storage, which is empty: it declines until it says otherwise.
        Opening memory opening = signed(offer(), SELLER_KEY, SELLER_KEY);
        refuseFor(opening, wrongSigner(buyer, seller));
        FickleWallet(buyer).decide(true);
        openFor(opening);
    }

    function test_a_delegated_account_whose_code_knows_its_key_signs_as_before() public {
        delegate(BUYER_KEY, address(new DelegateWallet()));
        Opening memory opening = signed(offer(), VOUCHER_KEY, SELLER_KEY);
        refuseFor(opening, wrongSigner(buyer, voucherSigner));
        openFor(signed(offer()));
    }

    function test_a_delegation_between_signature_and_opening_does_not_void_the_key() public {
        Opening memory opening = signed(offer());
        delegate(BUYER_KEY, address(new GasBurningWallet()));
        delegate(SELLER_KEY, address(new GarbledWallet("")));
        openFor(opening);
    }

    function test_a_delegation_withdrawn_before_the_opening_takes_the_codes_word_with_it() public {
        delegate(BUYER_KEY, address(_fickle));
        FickleWallet(buyer).decide(true);
        Opening memory opening = signed(offer());
        opening.buyerSignature = "by its code";
        VM.assertEq(escrow.feasible(opening.terms), escrow.digest(opening.terms));
        delegate(BUYER_KEY, address(0));
        refuseFor(opening, wrongSigner(buyer, address(0)));
        openFor(signed(offer()));
    }

    function test_code_that_comes_after_the_opening_decides_on_vouchers_and_the_key_still_does() public {
        Terms memory terms = offer();
        openFor(signed(terms));
        delegate(BUYER_KEY, address(_fickle));
        FickleWallet(buyer).decide(true);
        act(stranger, abi.encodeCall(IEscrow.redeem, (terms, 1, "")));
        FickleWallet(buyer).decide(false);
        refuse(stranger, abi.encodeCall(IEscrow.redeem, (terms, 2, "")), wrongSigner(buyer, address(0)));
        bytes memory byKey = voucher(escrow.digest(terms), 2);
        act(stranger, abi.encodeCall(IEscrow.redeem, (terms, 2, byKey)));
    }

    // ------------------------------------------------------------------ the same, in other words

    function bought(address wallet, uint256 nonce) private view returns (Terms memory terms) {
        terms = offer();
        (terms.buyer, terms.buyerNonce, terms.sellerNonce, terms.bond) = (wallet, nonce, nonce, 0);
    }

    function sold(address wallet, uint256 nonce) private view returns (Terms memory terms) {
        terms = offer();
        (terms.seller, terms.buyerNonce, terms.sellerNonce, terms.bond) = (wallet, nonce, nonce + 256, 0);
    }

    function openFor(Opening memory opening) private {
        VM.prank(stranger);
        assertState(escrow.open(opening), State.FUNDED);
    }

    function refuseFor(Opening memory opening, bytes memory reason) private {
        refuse(stranger, abi.encodeCall(IEscrow.open, (opening)), reason);
    }

    function refuseAnswer(bytes memory answer) private {
        address wallet = join(address(new GarbledWallet(answer)));
        refuseFor(signed(bought(wallet, 1)), wrongSigner(wallet, buyer));
    }

    function acceptAnswer(bytes memory answer) private {
        address wallet = join(address(new GarbledWallet(answer)));
        Terms memory terms = bought(wallet, uint256(keccak256(answer)));
        openFor(signed(terms));
    }

    function delegate(uint256 key, address implementation) private {
        FOREIGN_VM.signAndAttachDelegation(implementation, key);
        VM.assertEq(VM.addr(key).code.length, implementation == address(0) ? 0 : 23);
    }
}

/// @notice Accepts everything, in a megabyte.
contract LoudWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        bytes32 word = bytes32(IERC1271.isValidSignature.selector);
        assembly {
            mstore(0, word)
            return(0, 0x100000)
        }
    }
}
