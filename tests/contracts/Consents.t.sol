// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Own, Terms} from "../../contracts/interfaces/Types.sol";
import {Consent} from "../../contracts/libraries/Consent.sol";
import {TermsLib} from "../../contracts/libraries/TermsLib.sol";
import {VM} from "./Cheats.sol";

/// @notice What Python wrote as consent and as what only looks like it: the library has to agree on each. And what it
/// signed for the first deals of a series, be they one or seven.
contract ConsentsTest {
    using TermsLib for Terms;

    string private _json;
    bytes32 private _domain;

    function setUp() public {
        _json = VM.readFile("tests/vectors/consents.json");
        _domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Parley"),
                keccak256("2"),
                VM.parseJsonUint(_json, ".domain.chainId"),
                VM.parseJsonAddress(_json, ".domain.verifyingContract")
            )
        );
    }

    function test_library_takes_exactly_the_consents_that_the_vectors_accept() public view {
        uint256 accepted;
        uint256 refused;
        for (string memory where = one(0); VM.keyExistsJson(_json, where); where = one(accepted + refused)) {
            bytes memory signature = VM.parseJsonBytes(_json, string.concat(where, ".signature"));
            address signer = VM.parseJsonAddress(_json, string.concat(where, ".signer"));
            try this.check(read(string.concat(where, ".terms.")), signer, signature) {
                VM.assertTrue(VM.parseJsonBool(_json, string.concat(where, ".accepted")));
                accepted++;
            } catch {
                VM.assertFalse(VM.parseJsonBool(_json, string.concat(where, ".accepted")));
                refused++;
            }
        }
        VM.assertGt(accepted, 0);
        VM.assertGt(refused, 0);
    }

    function test_library_builds_the_bulks_of_the_series_that_the_vectors_sign() public view {
        Terms memory terms = read(".series.terms.");
        uint256 count;
        for (; VM.keyExistsJson(_json, bulk(count)); count++) {
            (bytes32 ofTerms, bytes32 ofVouchers) = this.bulks(terms, owns(count + 1));
            checkBulk(bulk(count), ".terms", ofTerms);
            checkBulk(bulk(count), ".vouchers", ofVouchers);
        }
        VM.assertGt(count, 4);
    }

    /// @dev External, so that the terms come as calldata.
    function bulks(Terms calldata terms, Own[] calldata owns_)
        external
        view
        returns (bytes32 ofTerms, bytes32 ofVouchers)
    {
        bytes32[] memory leaves = terms.hashSeries(owns_);
        bytes32[] memory vouchers = new bytes32[](leaves.length);
        uint104 amount = uint104(VM.parseJsonUint(_json, ".series.amount"));
        for (uint256 i = 0; i < leaves.length; i++) {
            bytes32 deal = MessageHashUtils.toTypedDataHash(_domain, leaves[i]);
            VM.assertEq(deal, VM.parseJsonBytes32(_json, string.concat(".series.deals", nth(i))));
            vouchers[i] = TermsLib.hashVoucher(deal, amount);
        }
        return (Consent.bulk(leaves), Consent.bulk(vouchers));
    }

    function checkBulk(string memory where, string memory name, bytes32 built) private view {
        VM.assertEq(built, VM.parseJsonBytes32(_json, string.concat(where, name)));
        bytes memory signature = VM.parseJsonBytes(_json, string.concat(where, name, "_signature"));
        address signer = VM.parseJsonAddress(_json, ".series.signer");
        this.checkDigest(signer, MessageHashUtils.toTypedDataHash(_domain, built), signature);
    }

    function checkDigest(address signer, bytes32 digest, bytes calldata signature) external view {
        Consent.checkDigest(signer, digest, signature);
    }

    /// @dev External, so that the terms come as calldata.
    function check(Terms calldata terms, address signer, bytes calldata signature) external view {
        Consent.check(terms, signer, _domain, terms.hash(), signature, signer == terms.seller);
    }

    function one(uint256 index) private pure returns (string memory) {
        return string.concat(".consents", nth(index));
    }

    function bulk(uint256 index) private pure returns (string memory) {
        return string.concat(".series.bulks", nth(index));
    }

    function nth(uint256 index) private pure returns (string memory) {
        return string.concat("[", VM.toString(index), "]");
    }

    function owns(uint256 count) private view returns (Own[] memory several) {
        several = new Own[](count);
        for (uint256 i = 0; i < count; i++) {
            string memory where = string.concat(".series.owns", nth(i));
            several[i] = Own(
                VM.parseJsonBytes32(_json, string.concat(where, ".subject")),
                VM.parseJsonBytes32(_json, string.concat(where, ".previous")),
                VM.parseJsonUint(_json, string.concat(where, ".buyerNonce")),
                VM.parseJsonUint(_json, string.concat(where, ".sellerNonce"))
            );
        }
    }

    /// @dev Every member is one word, and JSON gives each as a number or in hex.
    function read(string memory where) private view returns (Terms memory) {
        string[25] memory names = [
            "buyer",
            "seller",
            "token",
            "price",
            "feeBps",
            "feeRecipient",
            "rail",
            "openBy",
            "subject",
            "previous",
            "buyerNonce",
            "sellerNonce",
            "buyerEpoch",
            "sellerEpoch",
            "bond",
            "deliveryWindow",
            "reviewWindow",
            "noticeWindow",
            "voucherSigner",
            "arbiter",
            "arbiterFee",
            "arbitrationWindow",
            "defaultSellerBps",
            "goods",
            "bundle"
        ];
        uint256[25] memory words;
        for (uint256 i = 0; i < 25; i++) {
            words[i] = VM.parseJsonUint(_json, string.concat(where, names[i]));
        }
        return abi.decode(abi.encode(words), (Terms));
    }
}
